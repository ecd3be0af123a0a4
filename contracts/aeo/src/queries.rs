//! Queries: they only read.

use alloc::vec::Vec;

use precinto_contract::{Host, Key, Result, decode_args, decode_stored, encode_result};
use precinto_protocol::{
    aeo::{Authorization, AuthorizationPage, HistoryQuery, ListQuery, OperatorQuery},
    genesis::MAX_MEMBER_ID_BYTES,
    host::MAX_SCAN_ITEMS,
    state::StateKey,
};

use crate::{
    fields::{bad, check_number},
    keys,
};

/// Items of one page of `list` and of one answer to `history`: keeps a query far below its fuel.
pub const MAX_PAGE: u32 = 100;

/// `operator`: all authorizations of one operator, in key order.
pub(crate) fn operator(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let OperatorQuery { operator } = decode_args(args)?;
    let found = scan(host, &keys::of_operator(&operator), None, usize::MAX);
    encode_result(&decode_all(&found)?)
}

/// `history`: transitions of one authorization from an index on, oldest first, at most
/// [`MAX_PAGE`]; none from the end on, or if the authorization does not exist.
pub(crate) fn history(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let args: HistoryQuery = decode_args(args)?;
    if args.member.len() > MAX_MEMBER_ID_BYTES {
        return Err(bad("member", "a member's id has at most 16 bytes"));
    }
    check_number(&args.number)?;
    let key = keys::history(&args.operator, &args.member, &args.number);
    let end = host.log_len(&key).min(args.from.saturating_add(u64::from(MAX_PAGE)));
    let entries = (args.from..end).filter_map(|index| host.log_read(&key, index));
    encode_result(&entries.collect::<Vec<_>>())
}

/// `list`: a page of all authorizations, in key order.
pub(crate) fn list(host: &dyn Host, args: &[u8]) -> Result<Vec<u8>> {
    let ListQuery { after, limit } = decode_args(args)?;
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(bad("limit", "1 to 100"));
    }
    let limit = limit as usize;
    // One more than asked for tells whether there is a next page.
    let mut found = scan(host, &keys::authorizations(), cursor(&after)?, limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(key, _)| key.as_bytes().to_vec());
    encode_result(&AuthorizationPage { items: decode_all(&found)?, next: next.unwrap_or_default() })
}

/// The key a cursor stands for; `None` for the empty one.
fn cursor(after: &[u8]) -> Result<Option<Key>> {
    if after.is_empty() {
        return Ok(None);
    }
    // Any contract id will do: only the components matter.
    let key = StateKey::from_suffix(0, after).map_err(|_| bad("after", "not a cursor"))?;
    Ok(Some(Key::from(&key)))
}

type Found = Vec<(Key, Vec<u8>)>;

/// The first `max` entries under `prefix` after a key: as many pages of the host as that takes.
fn scan(host: &dyn Host, prefix: &Key, mut after: Option<Key>, max: usize) -> Found {
    let mut found = Found::new();
    while found.len() < max {
        let wanted = u32::try_from(max - found.len()).unwrap_or(MAX_SCAN_ITEMS);
        let page = host.scan(prefix, after.as_ref(), wanted.min(MAX_SCAN_ITEMS));
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        found.extend(page);
    }
    found
}

fn decode_all(found: &Found) -> Result<Vec<Authorization>> {
    found.iter().map(|(_, value)| decode_stored(value)).collect()
}
