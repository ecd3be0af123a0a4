//! Histories, declarations, what waits, and arrangements.

use alloc::{string::String, vec::Vec};

use precinto_contract::{Host, Rejection, Result, decode_args, decode_stored, encode_result};
use precinto_protocol::{
    aeo::{
        Alias, Mra, PendingAction,
        query::{
            AliasesQuery, HistoryQuery, MraPage, MraQuery, MrasQuery, PendingPage, PendingQuery,
        },
    },
    hash::Hash,
};

use super::{MAX_PAGE, page_size};
use crate::{fields, keys, mra::check_id, scan};

/// Arrangements of one page: the largest ones of more would not fit a call's fuel.
pub const MAX_MRA_PAGE: usize = 32;

/// `history`: transitions of one authorization from an index on, oldest first, at most
/// [`MAX_PAGE`]; none from the end on, or if the authorization does not exist.
pub(crate) fn history(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let HistoryQuery { operator, member, number, from } = decode_args(args)?;
    fields::check_member("member", &member)?;
    fields::check_number(&number)?;
    let key = keys::history(&operator, &member, &number);
    let end = host.log_len(&key).min(from.saturating_add(u64::from(MAX_PAGE)));
    let entries = (from..end).filter_map(|index| host.log_read(&key, index));
    encode_result(&entries.collect::<Vec<_>>())
}

/// `aliases`: the declarations about one operator, by member and alias.
pub(crate) fn aliases(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let AliasesQuery { operator } = decode_args(args)?;
    let mut declared: Vec<Alias> = Vec::new();
    for (key, _) in scan::all(host, &keys::aliases_of(&operator)) {
        let mut components = key.components().skip(2);
        let (member, alias) = (components.next(), components.next());
        let alias = member.zip(alias).and_then(|(member, alias)| {
            let member = String::from_utf8(member).ok()?;
            Some(keys::alias(&Hash(alias.try_into().ok()?), &member, &operator))
        });
        let alias = alias.and_then(|key| host.get(&key)).ok_or_else(|| {
            Rejection::new(Rejection::CORRUPT_STATE, "the index of aliases names an unknown one")
        })?;
        declared.push(decode_stored(&alias)?);
    }
    encode_result(&declared)
}

/// `pending`: what waits for a second person of a member.
pub(crate) fn pending(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let PendingQuery { member, after, limit } = decode_args(args)?;
    fields::check_member("member", &member)?;
    let (found, next) = scan::page(host, &keys::pending_of(&member), &after, page_size(limit)?)?;
    let items: Result<Vec<PendingAction>> = found.iter().map(|(_, it)| decode_stored(it)).collect();
    encode_result(&PendingPage { items: items?, next })
}

/// `mra`: one arrangement.
pub(crate) fn mra(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let MraQuery { id } = decode_args(args)?;
    check_id(&id)?;
    encode_result(&host.read::<Mra>(&keys::mra(&id))?)
}

/// `mras`: arrangements by id.
pub(crate) fn mras(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let MrasQuery { after, limit } = decode_args(args)?;
    let after = match after.as_str() {
        "" => Vec::new(),
        id => {
            check_id(id)?;
            keys::mra(id).as_bytes().to_vec()
        }
    };
    let max = page_size(limit)?.min(MAX_MRA_PAGE);
    let (found, next) = scan::page(host, &keys::mras(), &after, max)?;
    let items: Result<Vec<Mra>> = found.iter().map(|(_, it)| decode_stored(it)).collect();
    encode_result(&MraPage { items: items?, more: !next.is_empty() })
}
