//! Methods that change an authorization by one person's call.

use alloc::{format, vec::Vec};

use precinto_contract::{Host, Rejection, Result, decode_args};
use precinto_protocol::aeo::{Action, AeoStatus, Amend, Authorization, Certify, ChangeStatus};

use crate::{
    code,
    fields::{self, MAX_EFFECTIVE_DISTANCE_MS, bad},
    keys,
    record::{self, Change},
};

/// Authorizations that one member may grant to one operator over time: bounds what a look-up of the
/// operator reads, so that no member can make its status too large to be asked for. Two types, each
/// granted anew every three years, fill it in 24 years.
pub const MAX_PER_OPERATOR: u32 = 16;

/// `certify`: the author's member grants an authorization. It takes effect at the beginning (UTC)
/// of its first day, which may be long past when an existing list is imported.
pub(crate) fn certify(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let Certify { operator, number, valid_from, terms } = decode_args(args)?;
    let context = host.context();
    let member = fields::author(&context)?.member.clone();
    fields::check_number(&number)?;
    fields::check_terms(valid_from, &terms)?;
    let starts_ms = valid_from.start_ms();
    if starts_ms > context.time_ms + MAX_EFFECTIVE_DISTANCE_MS {
        return Err(bad("valid_from", "at most 366 days after ledger time"));
    }
    let number_key = keys::number(&member, &number);
    if host.get(&number_key).is_some() {
        return Err(Rejection::new(
            code::NUMBER_TAKEN,
            format!("{member} used the number {number} before: a new grant needs a new number"),
        ));
    }
    let granted = keys::of_operator(&operator).with(&member);
    if host.scan(&granted, None, MAX_PER_OPERATOR).len() >= MAX_PER_OPERATOR as usize {
        return Err(Rejection::new(
            code::TOO_MANY_AUTHORIZATIONS,
            "the member granted 16 authorizations to this operator, the most it may",
        ));
    }
    host.write(&number_key, &operator);
    let authorization = Authorization {
        operator,
        member,
        number,
        valid_from,
        terms,
        status: AeoStatus::Valid,
        effective_ms: starts_ms,
        recorded_ms: context.time_ms,
        terms_ms: starts_ms,
    };
    record::grant(host, authorization)
}

/// `amend`: other terms of an authorization that the author's member granted.
pub(crate) fn amend(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let Amend { operator, number, effective_ms, terms } = decode_args(args)?;
    let present = record::own(host, &operator, &number)?;
    let now_ms = host.context().time_ms;
    let status = record::next_status(&present, Action::Amend, now_ms)?;
    let effective_ms = fields::effective(now_ms, present.valid_from, effective_ms)?;
    fields::check_terms(present.valid_from, &terms)?;
    if terms == present.terms {
        return Err(Rejection::new(code::NOTHING_TO_AMEND, "the terms are those recorded last"));
    }
    let changed = Authorization { terms, status, ..present.clone() };
    let change = Change {
        action: Action::Amend,
        effective_ms,
        class: None,
        reference: Default::default(),
        proposed_by: None,
    };
    record::change(host, &present, change, changed)
}

/// `suspend`, `reinstate` and `withdraw`, for an authorization that the author's member granted.
pub(crate) fn change_status(host: &mut dyn Host, action: Action, args: &[u8]) -> Result<Vec<u8>> {
    let ChangeStatus { operator, number, effective_ms, class, reference } = decode_args(args)?;
    fields::check_reference(&reference)?;
    let present = record::own(host, &operator, &number)?;
    let now_ms = host.context().time_ms;
    let status = record::next_status(&present, action, now_ms)?;
    let effective_ms = fields::effective(now_ms, present.valid_from, effective_ms)?;
    let changed = Authorization { status, ..present.clone() };
    let change = Change { action, effective_ms, class: Some(class), reference, proposed_by: None };
    record::change(host, &present, change, changed)
}
