//! Reading many entries.

use alloc::vec::Vec;

use precinto_contract::{Host, Key, Result};
use precinto_protocol::{
    host::{MAX_SCAN_BYTES, MAX_SCAN_ITEMS},
    state::StateKey,
};

use crate::fields::bad;

/// Entries with their keys.
pub(crate) type Found = Vec<(Key, Vec<u8>)>;

/// Every entry under `prefix`, which is one that the contract bounds.
pub(crate) fn all(host: &dyn Host, prefix: &Key) -> Found {
    first(host, prefix, None, usize::MAX)
}

/// What is asked for at first: every item that is asked for costs, and most prefixes have few.
const FIRST_PAGE: usize = 8;

/// The first `max` entries under `prefix` after a key: as many pages of the host as that takes.
pub(crate) fn first(host: &dyn Host, prefix: &Key, mut after: Option<Key>, max: usize) -> Found {
    let mut found = Found::new();
    while found.len() < max {
        let wanted = found.len().clamp(FIRST_PAGE, MAX_SCAN_ITEMS as usize).min(max - found.len());
        let page = host.scan(prefix, after.as_ref(), wanted as u32);
        let bytes: usize = page.iter().map(|(key, value)| key.as_bytes().len() + value.len()).sum();
        // A page far below the limit of its bytes has fewer items only if there are no more.
        let is_last = page.is_empty() || (page.len() < wanted && bytes < MAX_SCAN_BYTES / 2);
        after = page.last().map(|(last, _)| last.clone());
        found.extend(page);
        if is_last {
            break;
        }
    }
    found
}

/// A page under `prefix`: at most `max` entries after a cursor, and the cursor of the next page,
/// empty if this is the last.
pub(crate) fn page(
    host: &dyn Host,
    prefix: &Key,
    after: &[u8],
    max: usize,
) -> Result<(Found, Vec<u8>)> {
    // One more than asked for tells whether there is a next page.
    let mut found = first(host, prefix, cursor(prefix, after)?, max + 1);
    let more = found.len() > max;
    found.truncate(max);
    let next = found.last().filter(|_| more).map(|(key, _)| key.as_bytes().to_vec());
    Ok((found, next.unwrap_or_default()))
}

/// The key a cursor stands for; `None` for the empty one.
fn cursor(prefix: &Key, after: &[u8]) -> Result<Option<Key>> {
    if after.is_empty() {
        return Ok(None);
    }
    // Any contract id will do: only the components matter.
    let key = StateKey::from_suffix(0, after).ok();
    let key = key.filter(|_| after.starts_with(prefix.as_bytes()));
    key.map(|key| Some(Key::from(&key))).ok_or_else(|| bad("after", "not a cursor of this list"))
}
