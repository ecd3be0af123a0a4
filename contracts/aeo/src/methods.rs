//! Methods that write: each is one transition of one authorization.

use alloc::{string::String, vec::Vec};

use precinto_contract::{Host, Rejection, Result, decode_args, encode_result};
use precinto_protocol::{
    aeo::{Action, AeoStatus, Authorization, Certify, ChangeStatus, DAY_MS, Transition},
    call::CallContext,
    identity::MemberId,
};

use crate::{
    fields::{self, MAX_EFFECTIVE_DISTANCE_MS},
    keys,
};

/// Authorizations that one member may grant to one operator over time: bounds the answer to the
/// query `operator`, so that no member can make an operator's status too large to be asked for.
pub const MAX_PER_OPERATOR: u32 = 64;

/// Codes of the contract's rejections, besides those of the SDK.
pub mod code {
    /// The call has no author.
    pub const NO_AUTHOR: &str = "no-author";
    /// The member granted an authorization of this number to this operator before.
    pub const ALREADY_EXISTS: &str = "already-exists";
    /// The member granted no authorization of this number to this operator.
    pub const UNKNOWN_AUTHORIZATION: &str = "unknown-authorization";
    /// The authorization is suspended already.
    pub const ALREADY_SUSPENDED: &str = "already-suspended";
    /// Only a suspended authorization can be reinstated.
    pub const NOT_SUSPENDED: &str = "not-suspended";
    /// The authorization is revoked, for ever.
    pub const TERMINAL_STATUS: &str = "terminal-status";
    /// The change would take effect too far from now.
    pub const EFFECTIVE_TIME_OUT_OF_RANGE: &str = "effective-time-out-of-range";
    /// The member granted as many authorizations to this operator as it may.
    pub const TOO_MANY_AUTHORIZATIONS: &str = "too-many-authorizations";
}

/// `certify`: the author's member grants an authorization. It takes effect at the beginning (UTC)
/// of its first day, which may be long past when an existing list is imported.
pub(crate) fn certify(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: Certify = decode_args(args)?;
    let authorization = Authorization {
        operator: args.operator,
        member: author(&host.context())?,
        number: args.number,
        types: args.types,
        valid_from: args.valid_from,
        valid_until: args.valid_until,
        status: AeoStatus::Valid,
        identifier: args.identifier,
    };
    fields::check_authorization(&authorization)?;
    let (key, _) = keys::of(&authorization);
    let present: Option<Authorization> = host.read(&key)?;
    next_status(present.map(|present| present.status), Action::Certify)?;
    check_room(host, &authorization)?;
    let transition = Transition {
        action: Action::Certify,
        effective_ms: u64::from(authorization.valid_from.0) * DAY_MS,
        reason: String::new(),
        authorization,
    };
    record(host, &transition)
}

/// `suspend`, `reinstate` and `revoke`, for an authorization that the author's member granted.
pub(crate) fn change_status(host: &mut dyn Host, action: Action, args: &[u8]) -> Result<Vec<u8>> {
    let args: ChangeStatus = decode_args(args)?;
    let context = host.context();
    let member = author(&context)?;
    fields::check_number(&args.number)?;
    fields::check_reason(&args.reason)?;
    check_effective(&context, args.effective_ms)?;
    let key = keys::authorization(&args.operator, &member, &args.number);
    let present: Option<Authorization> = host.read(&key)?;
    let status = next_status(present.as_ref().map(|present| present.status), action)?;
    let transition = Transition {
        action,
        effective_ms: args.effective_ms,
        reason: args.reason,
        authorization: Authorization { status, ..present.ok_or_else(unknown)? },
    };
    record(host, &transition)
}

/// The status after `action` on an authorization that has the status `present`, if it exists.
fn next_status(present: Option<AeoStatus>, action: Action) -> Result<AeoStatus> {
    use AeoStatus::{Revoked, Suspended, Valid};
    match (present, action) {
        (None, Action::Certify) => Ok(Valid),
        (None, _) => Err(unknown()),
        (Some(_), Action::Certify) => Err(Rejection::new(
            code::ALREADY_EXISTS,
            "the member granted this number to this operator before: a new grant needs a new number",
        )),
        (Some(Revoked), _) => Err(Rejection::new(
            code::TERMINAL_STATUS,
            "the authorization is revoked: a new grant needs a new number",
        )),
        (Some(Valid), Action::Suspend) => Ok(Suspended),
        (Some(Suspended), Action::Suspend) => {
            Err(Rejection::new(code::ALREADY_SUSPENDED, "the authorization is suspended already"))
        }
        (Some(Suspended), Action::Reinstate) => Ok(Valid),
        (Some(Valid), Action::Reinstate) => {
            Err(Rejection::new(code::NOT_SUSPENDED, "the authorization is valid, not suspended"))
        }
        (Some(Valid | Suspended), Action::Revoke) => Ok(Revoked),
    }
}

fn unknown() -> Rejection {
    Rejection::new(
        code::UNKNOWN_AUTHORIZATION,
        "the author's member granted no authorization of this number to this operator",
    )
}

/// Writes the authorization, its history and the event: the only place that does.
fn record(host: &mut dyn Host, transition: &Transition) -> Result<Vec<u8>> {
    let (key, history) = keys::of(&transition.authorization);
    host.write(&key, &transition.authorization);
    host.append(&history, transition);
    host.publish(topic(transition.action), transition);
    encode_result(&())
}

fn topic(action: Action) -> &'static str {
    match action {
        Action::Certify => "aeo.certified",
        Action::Suspend => "aeo.suspended",
        Action::Reinstate => "aeo.reinstated",
        Action::Revoke => "aeo.revoked",
    }
}

fn author(context: &CallContext) -> Result<MemberId> {
    match context.author() {
        Some(author) => Ok(author.member.clone()),
        None => Err(Rejection::new(code::NO_AUTHOR, "the call has no author")),
    }
}

fn check_effective(context: &CallContext, effective_ms: u64) -> Result<()> {
    if context.time_ms.abs_diff(effective_ms) <= MAX_EFFECTIVE_DISTANCE_MS {
        return Ok(());
    }
    Err(Rejection::new(
        code::EFFECTIVE_TIME_OUT_OF_RANGE,
        "effective_ms: at most 366 days from ledger time, in milliseconds since 1970",
    ))
}

fn check_room(host: &dyn Host, new: &Authorization) -> Result<()> {
    let granted = keys::of_operator(&new.operator).with(&new.member);
    if host.scan(&granted, None, MAX_PER_OPERATOR).len() < MAX_PER_OPERATOR as usize {
        return Ok(());
    }
    Err(Rejection::new(
        code::TOO_MANY_AUTHORIZATIONS,
        "the member granted 64 authorizations to this operator, the most it may",
    ))
}
