//! Authorizations by number and by filter.

use alloc::vec::Vec;

use precinto_contract::{Host, Result, decode_args, decode_stored, encode_result};
use precinto_protocol::{
    aeo::{
        Authorization, MraTerms, StandingAuthorization,
        query::{ListFilter, ListPage, ListQuery, NumberQuery},
    },
    hash::Hash,
};

use super::{page_size, resolved};
use crate::{
    fields, keys, mra, record,
    scan::{self, Found},
};

/// Keys that one call of `list` looks at: what it costs if each is as it stood in a past of many
/// changes fits a call's fuel.
const MAX_LOOKED_AT: usize = 100;

/// `number`: the authorization of this number.
pub(crate) fn number(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let NumberQuery { member, number, as_of } = decode_args(args)?;
    fields::check_member("member", &member)?;
    fields::check_number(&number)?;
    let operator: Option<Hash> = host.read(&keys::number(&member, &number))?;
    let found: Option<Authorization> = match operator {
        Some(operator) => host.read(&keys::authorization(&operator, &member, &number))?,
        None => None,
    };
    let as_of = resolved(host, as_of);
    let stood = found.map(|found| record::stood(host, found, as_of)).transpose()?;
    encode_result(&stood.flatten())
}

/// `list`: a page of authorizations in key order; of one member, in order of their numbers.
pub(crate) fn list(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let ListQuery { filter, as_of, after, limit } = decode_args(args)?;
    let limit = page_size(limit)?;
    let as_of = resolved(host, as_of);
    let mra = filter.mra.as_deref().map(|id| mra::existing(host, id)).transpose()?;
    let mra = mra.map(|mra| mra.terms);
    let (looked_at, mut next) = candidates(host, &filter, &after)?;
    let mut items = Vec::new();
    for (place, (key, authorization)) in looked_at.iter().enumerate() {
        let stood = record::stood(host, decode_stored(authorization)?, as_of)?;
        items.extend(stood.filter(|stood| meets(&filter, mra.as_ref(), stood)));
        if items.len() == limit && place + 1 < looked_at.len() {
            next = key.as_bytes().to_vec();
            break;
        }
    }
    encode_result(&ListPage { as_of, items, next })
}

/// The authorizations this page looks at, with the keys that cursors are made of, and the cursor
/// after all of them.
fn candidates(host: &dyn Host, filter: &ListFilter, after: &[u8]) -> Result<(Found, Vec<u8>)> {
    let Some(member) = &filter.member else {
        return scan::page(host, &keys::authorizations(), after, MAX_LOOKED_AT);
    };
    fields::check_member("filter.member", member)?;
    let (numbers, next) = scan::page(host, &keys::numbers(member), after, MAX_LOOKED_AT)?;
    let mut found = Found::new();
    for (key, operator) in numbers {
        let number = key.components().last().unwrap_or_default();
        let operator: Hash = decode_stored(&operator)?;
        let authorization = keys::of_operator(&operator).with(member).with(number);
        if let Some(value) = host.get(&authorization) {
            found.push((key, value));
        }
    }
    Ok((found, next))
}

/// Whether an authorization meets every condition that is present.
fn meets(filter: &ListFilter, mra: Option<&MraTerms>, stood: &StandingAuthorization) -> bool {
    let authorization = &stood.authorization;
    let terms = &authorization.terms;
    filter.member.as_ref().is_none_or(|member| member == &authorization.member)
        && filter.standing.is_none_or(|standing| standing == stood.standing)
        && filter.aeo_type.is_none_or(|aeo_type| terms.types.contains(&aeo_type))
        && filter.role.is_none_or(|role| terms.roles.contains(&role))
        && filter.ends_by.is_none_or(|day| terms.valid_until.is_some_and(|last| last <= day))
        && mra.is_none_or(|mra| mra.covers(authorization))
}
