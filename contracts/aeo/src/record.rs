//! What an authorization may go through, and how it is recorded: the only place that writes one.

use alloc::{format, string::String, vec, vec::Vec};

use precinto_contract::{Host, Rejection, Result, decode_stored, encode_result};
use precinto_protocol::{
    aeo::{
        Action, AeoStatus, AsOf, Authorization, Moment, Person, ReasonClass, StandingAuthorization,
        Transition, standing::Deciding,
    },
    hash::Hash,
};

use crate::{
    code, fields,
    keys::{self, Keys},
};

/// Transitions of one authorization after which only what suspends or ends it is recorded. An
/// authorization in use has a few a year. The bound keeps its time line below 3 KiB, so that no
/// member can make the past of an operator too costly to be asked for.
pub const MAX_TRANSITIONS: usize = 128;

/// A change of an authorization, before it is recorded.
pub(crate) struct Change {
    pub(crate) action: Action,
    /// When it takes effect, milliseconds since 1970.
    pub(crate) effective_ms: u64,
    pub(crate) class: Option<ReasonClass>,
    pub(crate) reference: String,
    pub(crate) proposed_by: Option<Person>,
}

/// The authorization of this number that the author's member granted to this operator.
pub(crate) fn own(host: &dyn Host, operator: &Hash, number: &str) -> Result<Authorization> {
    let context = host.context();
    let member = &fields::author(&context)?.member;
    fields::check_number(number)?;
    host.read(&keys::authorization(operator, member, number))?.ok_or_else(|| {
        Rejection::new(
            code::UNKNOWN_AUTHORIZATION,
            "the author's member granted no authorization of this number to this operator",
        )
    })
}

/// The authorization of this number that the author's member granted to anyone.
pub(crate) fn own_by_number(host: &dyn Host, number: &str) -> Result<Authorization> {
    fields::check_number(number)?;
    let member = fields::author(&host.context())?.member.clone();
    let operator: Option<Hash> = host.read(&keys::number(&member, number))?;
    // Without one, the answer is the same as for an operator without the number.
    own(host, &operator.unwrap_or(Hash::ZERO), number)
}

/// The status after `action` on an authorization as it stands recorded, at ledger time `now_ms`.
pub(crate) fn next_status(
    present: &Authorization,
    action: Action,
    now_ms: u64,
) -> Result<AeoStatus> {
    use AeoStatus::{Annulled, Revoked, Suspended, Valid, Withdrawn};
    let refuse = |code, message: &str| Err(Rejection::new(code, message));
    if present.status.is_terminal() {
        let message =
            format!("the authorization is {}: a new grant needs a new number", present.status);
        return refuse(code::TERMINAL_STATUS, &message);
    }
    let ended = present.terms.valid_until.filter(|last| last.end_ms() <= now_ms);
    if let (Some(last), false) = (ended, action == Action::Annul) {
        return refuse(code::EXPIRED, &format!("the authorization expired after {last}"));
    }
    match (present.status, action) {
        (_, Action::Certify) => refuse(code::NUMBER_TAKEN, "the number is used"),
        (status, Action::Amend) => Ok(status),
        (Suspended, Action::Suspend) => {
            refuse(code::ALREADY_SUSPENDED, "the authorization is suspended already")
        }
        (_, Action::Suspend) => Ok(Suspended),
        (Suspended, Action::Reinstate) => Ok(Valid),
        (_, Action::Reinstate) => {
            refuse(code::NOT_SUSPENDED, "the authorization is valid, not suspended")
        }
        (_, Action::Revoke) => Ok(Revoked),
        (_, Action::Withdraw) => Ok(Withdrawn),
        (_, Action::Annul) => Ok(Annulled),
    }
}

/// Records the grant of an authorization.
pub(crate) fn grant(host: &mut dyn Host, authorization: Authorization) -> Result<Vec<u8>> {
    let change = Change {
        action: Action::Certify,
        effective_ms: authorization.effective_ms,
        class: None,
        reference: String::new(),
        proposed_by: None,
    };
    let keys = Keys::of(&authorization);
    write(host, &keys, change, authorization)
}

/// Records a change of `present`: `changed` is what the action made of it.
pub(crate) fn change(
    host: &mut dyn Host,
    present: &Authorization,
    change: Change,
    mut changed: Authorization,
) -> Result<Vec<u8>> {
    let keys = Keys::of(present);
    let mut moments = time_line(host, &keys, present)?;
    let optional = matches!(change.action, Action::Amend | Action::Reinstate);
    if optional && moments.len() >= MAX_TRANSITIONS {
        return Err(Rejection::new(
            code::HISTORY_FULL,
            "the authorization was changed 128 times: withdraw it and grant a new one",
        ));
    }
    let (recorded_ms, effective_ms) = (host.context().time_ms, change.effective_ms);
    let status = (change.action != Action::Amend).then_some(changed.status);
    moments.push(Moment { recorded_ms, effective_ms, status });
    host.set(&keys.time_line, &Moment::encode_line(&moments));
    match status {
        Some(_) => changed.effective_ms = effective_ms,
        None => changed.terms_ms = effective_ms,
    }
    changed.recorded_ms = recorded_ms;
    if changed.status.is_terminal() {
        host.remove(&keys.pending);
    }
    write(host, &keys, change, changed)
}

/// Writes the authorization, its history and the event.
fn write(
    host: &mut dyn Host,
    keys: &Keys,
    change: Change,
    authorization: Authorization,
) -> Result<Vec<u8>> {
    let by = Person::of(fields::author(&host.context())?);
    let Change { action, effective_ms, class, reference, proposed_by } = change;
    host.write(&keys.authorization, &authorization);
    let transition =
        Transition { action, effective_ms, class, reference, proposed_by, by, authorization };
    host.append(&keys.history, &transition);
    host.publish(topic(action), &transition);
    encode_result(&())
}

fn topic(action: Action) -> &'static str {
    match action {
        Action::Certify => "aeo.certified",
        Action::Amend => "aeo.amended",
        Action::Suspend => "aeo.suspended",
        Action::Reinstate => "aeo.reinstated",
        Action::Revoke => "aeo.revoked",
        Action::Withdraw => "aeo.withdrawn",
        Action::Annul => "aeo.annulled",
    }
}

/// How an authorization stood; none if nothing was recorded by then.
pub(crate) fn stood(
    host: &dyn Host,
    present: Authorization,
    as_of: AsOf,
) -> Result<Option<StandingAuthorization>> {
    if present.is_settled(as_of) {
        return Ok(Some(present.stand(as_of.effective_ms)));
    }
    let keys = Keys::of(&present);
    let moments = time_line(host, &keys, &present)?;
    let Some(deciding) = Deciding::of(&moments, as_of) else { return Ok(None) };
    let entry = host.log_read(&keys.history, deciding.terms as u64);
    let transition = entry.map(|entry| decode_stored::<Transition>(&entry.payload)).transpose()?;
    transition
        .and_then(|recorded| deciding.authorization(&moments, recorded.authorization))
        .map(|authorization| Some(authorization.stand(as_of.effective_ms)))
        .ok_or_else(|| Rejection::new(Rejection::CORRUPT_STATE, "time line and history differ"))
}

/// The time line of an authorization: while it was only granted, that is not kept.
fn time_line(host: &dyn Host, keys: &Keys, present: &Authorization) -> Result<Vec<Moment>> {
    let Some(line) = host.get(&keys.time_line) else {
        let Authorization { recorded_ms, effective_ms, status, .. } = *present;
        return Ok(vec![Moment { recorded_ms, effective_ms, status: Some(status) }]);
    };
    Moment::decode_line(&line)
        .ok_or_else(|| Rejection::new(Rejection::CORRUPT_STATE, "not a time line"))
}
