//! Reading many entries.

use alloc::vec::Vec;

use precinto_contract::{Host, Key, Result};
use precinto_protocol::{host::MAX_SCAN_ITEMS, state::StateKey};

use crate::fields::bad;

/// Entries with their keys.
pub(crate) type Found = Vec<(Key, Vec<u8>)>;

/// Every entry under `prefix`, which is one that the contract bounds.
pub(crate) fn all(host: &dyn Host, prefix: &Key) -> Found {
    first(host, prefix, None, usize::MAX)
}

/// The first `max` entries under `prefix` after a key: as many pages of the host as that takes.
pub(crate) fn first(host: &dyn Host, prefix: &Key, mut after: Option<Key>, max: usize) -> Found {
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
