//! Maker and checker: what ends an authorization for ever is proposed by one person of its member
//! and approved by another.

use alloc::vec::Vec;

use precinto_contract::{Host, Rejection, Result, decode_args, encode_result};
use precinto_protocol::aeo::{
    Action, Authorization, ChangeStatus, Decide, PendingAction, Person, pending::PENDING_FOR_MS,
};

use crate::{
    code, fields, keys,
    record::{self, Change},
};

/// `revoke` and `annul`: proposes it.
pub(crate) fn propose(host: &mut dyn Host, action: Action, args: &[u8]) -> Result<Vec<u8>> {
    let mut args: ChangeStatus = decode_args(args)?;
    fields::check_reference(&args.reference)?;
    let present = record::own(host, &args.operator, &args.number)?;
    let context = host.context();
    let now_ms = context.time_ms;
    record::next_status(&present, action, now_ms)?;
    match action {
        Action::Annul => args.effective_ms = Some(present.valid_from.start_ms()),
        // What was not stated is decided when it is approved.
        _ => fields::effective(now_ms, present.valid_from, args.effective_ms).map(drop)?,
    }
    let key = keys::pending(&present.member, &args.operator, &args.number);
    let waiting: Option<PendingAction> = host.read(&key)?;
    if waiting.is_some_and(|waiting| !has_expired(&waiting, now_ms)) {
        return Err(Rejection::new(
            code::PENDING_EXISTS,
            "a proposal about this authorization waits: approve or decline it first",
        ));
    }
    let pending = PendingAction {
        operator: args.operator,
        member: present.member,
        number: args.number,
        action,
        effective_ms: args.effective_ms,
        class: args.class,
        reference: args.reference,
        proposed_by: Person::of(fields::author(&context)?),
        proposal: context.transaction.expect("a call belongs to a transaction"),
        proposed_ms: now_ms,
        expires_ms: now_ms.saturating_add(PENDING_FOR_MS),
    };
    host.write(&key, &pending);
    host.publish("aeo.proposed", &pending);
    encode_result(&())
}

/// `approve`: another person of the member brings it about.
pub(crate) fn approve(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: Decide = decode_args(args)?;
    let present = record::own_by_number(host, &args.number)?;
    let pending = waiting(host, &present, &args)?;
    let context = host.context();
    if has_expired(&pending, context.time_ms) {
        return Err(Rejection::new(
            code::PENDING_EXPIRED,
            "the proposal waited more than seven days: propose it again",
        ));
    }
    if !Person::of(fields::author(&context)?).is_other_than(&pending.proposed_by) {
        return Err(Rejection::new(
            code::SAME_PERSON,
            "who proposed it cannot approve it: another person of the member must",
        ));
    }
    let status = record::next_status(&present, pending.action, context.time_ms)?;
    let approved_ms = context.time_ms.max(present.valid_from.start_ms());
    let changed = Authorization { status, ..present.clone() };
    let change = Change {
        action: pending.action,
        effective_ms: pending.effective_ms.unwrap_or(approved_ms),
        class: Some(pending.class),
        reference: pending.reference,
        proposed_by: Some(pending.proposed_by),
    };
    record::change(host, &present, change, changed)
}

/// `decline`: it will not be done. The proposer may, too, and also after it expired.
pub(crate) fn decline(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: Decide = decode_args(args)?;
    let present = record::own_by_number(host, &args.number)?;
    let pending = waiting(host, &present, &args)?;
    host.remove(&keys::pending(&present.member, &present.operator, &present.number));
    host.publish("aeo.declined", &pending);
    encode_result(&())
}

/// The proposal that was meant, if it waits.
fn waiting(host: &dyn Host, present: &Authorization, args: &Decide) -> Result<PendingAction> {
    let key = keys::pending(&present.member, &present.operator, &present.number);
    let waiting: Option<PendingAction> = host.read(&key)?;
    waiting.filter(|waiting| waiting.proposal == args.proposal).ok_or_else(|| {
        Rejection::new(
            code::UNKNOWN_PROPOSAL,
            "no such proposal waits: it was decided, replaced, or made for another authorization",
        )
    })
}

fn has_expired(pending: &PendingAction, now_ms: u64) -> bool {
    now_ms > pending.expires_ms
}
