//! Mutual recognition arrangements: proposed by a party, accepted by each, left by any.

use alloc::{vec, vec::Vec};

use precinto_contract::{Host, Key, Rejection, Result, decode_args, encode_result};
use precinto_protocol::{
    aeo::{
        AcceptMra, LeaveMra, Mra, MraTerms, ProposeMra,
        mra::{Acceptance, Departure, MAX_MRA_ID_BYTES},
    },
    identity::MemberId,
};

use crate::{
    code,
    fields::{self, bad},
    keys,
};

/// Parties of one arrangement: twice the largest network of the region.
pub const MAX_PARTIES: usize = 16;

/// Pairs that start later than the whole: keeps the event below its limit.
pub const MAX_ACTIVATIONS: usize = 56;

/// `propose-mra`: the author's member proposes, and by that accepts.
pub(crate) fn propose(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let ProposeMra { id, terms } = decode_args(args)?;
    let context = host.context();
    let member = fields::author(&context)?.member.clone();
    check_id(&id)?;
    check_terms(&terms)?;
    check_party(&terms, &member)?;
    let key = keys::mra(&id);
    if host.get(&key).is_some() {
        return Err(Rejection::new(code::MRA_EXISTS, "another arrangement has this id"));
    }
    let acceptance = Acceptance { member: member.clone(), accepted_ms: context.time_ms };
    let mra =
        Mra { id, terms, proposed_by: member, acceptances: vec![acceptance], departures: vec![] };
    write(host, &key, "aeo.mra-proposed", &mra)
}

/// `accept-mra`: the author's member accepts.
pub(crate) fn accept(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let AcceptMra { id } = decode_args(args)?;
    let (key, mut mra, member, now_ms) = own(host, &id)?;
    if mra.acceptances.iter().any(|it| it.member == member) {
        return Err(Rejection::new(code::ALREADY_ACCEPTED, "the member accepted it already"));
    }
    mra.acceptances.push(Acceptance { member, accepted_ms: now_ms });
    write(host, &key, "aeo.mra-accepted", &mra)
}

/// `leave-mra`: the author's member leaves, for ever.
pub(crate) fn leave(host: &mut dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let LeaveMra { id, effective_ms } = decode_args(args)?;
    let (key, mut mra, member, now_ms) = own(host, &id)?;
    if !mra.acceptances.iter().any(|it| it.member == member) {
        return Err(Rejection::new(code::NOT_ACCEPTED, "the member has not accepted it"));
    }
    if mra.departures.iter().any(|it| it.member == member) {
        return Err(Rejection::new(code::ALREADY_LEFT, "the member left it already"));
    }
    let effective_ms = effective_ms.max(now_ms);
    fields::check_distance(now_ms, effective_ms)?;
    mra.departures.push(Departure { member, effective_ms, recorded_ms: now_ms });
    write(host, &key, "aeo.mra-left", &mra)
}

/// The arrangement of this id, of which the author's member is a party; that member; ledger time.
fn own(host: &dyn Host, id: &str) -> Result<(Key, Mra, MemberId, u64)> {
    let context = host.context();
    let member = fields::author(&context)?.member.clone();
    let mra = existing(host, id)?;
    check_party(&mra.terms, &member)?;
    Ok((keys::mra(id), mra, member, context.time_ms))
}

/// The arrangement of this id.
pub(crate) fn existing(host: &dyn Host, id: &str) -> Result<Mra> {
    check_id(id)?;
    let mra: Option<Mra> = host.read(&keys::mra(id))?;
    mra.ok_or_else(|| Rejection::new(code::UNKNOWN_MRA, "there is no arrangement of this id"))
}

fn write(host: &mut dyn Host, key: &Key, topic: &str, mra: &Mra) -> Result<Vec<u8>> {
    host.write(key, mra);
    host.publish(topic, mra);
    encode_result(&())
}

/// An arrangement's id: `[a-z0-9-]{1,32}`.
pub(crate) fn check_id(id: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match (1..=MAX_MRA_ID_BYTES).contains(&id.len()) && id.bytes().all(allowed) {
        true => Ok(()),
        false => Err(bad("id", "1 to 32 lower-case letters, digits and hyphens")),
    }
}

fn check_party(terms: &MraTerms, member: &MemberId) -> Result<()> {
    match terms.parties.contains(member) {
        true => Ok(()),
        false => Err(Rejection::new(code::NOT_A_PARTY, "the author's member is no party of it")),
    }
}

fn check_terms(terms: &MraTerms) -> Result<()> {
    if !(2..=MAX_PARTIES).contains(&terms.parties.len()) {
        return Err(bad("parties", "2 to 16"));
    }
    fields::check_set("parties", &terms.parties)?;
    terms.parties.iter().try_for_each(|party| fields::check_member("parties", party))?;
    fields::check_set("types", &terms.types)?;
    fields::check_set("roles", &terms.roles)?;
    fields::check_validity(terms.valid_from, terms.valid_until)?;
    check_activations(terms)
}

fn check_activations(terms: &MraTerms) -> Result<()> {
    let activations = &terms.activations;
    if activations.len() > MAX_ACTIVATIONS {
        return Err(bad("activations", "at most 56"));
    }
    if !activations.is_sorted_by(|one, next| (&one.a, &one.b) < (&next.a, &next.b)) {
        return Err(bad("activations", "sorted by pair, each pair once"));
    }
    for activation in activations {
        if activation.a >= activation.b {
            return Err(bad("activations", "a before b"));
        }
        if ![&activation.a, &activation.b].iter().all(|it| terms.parties.contains(it)) {
            return Err(bad("activations", "pairs of parties"));
        }
        let ends = terms.valid_until.unwrap_or(precinto_protocol::aeo::Date::LAST);
        if activation.from <= terms.valid_from || activation.from > ends {
            return Err(bad("activations", "after the first day, not after the last"));
        }
    }
    Ok(())
}
