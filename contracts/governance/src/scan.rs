//! Reading all entries under a prefix of the registry.

use alloc::vec::Vec;

use precinto_contract::{Host, Key};
use precinto_protocol::{host::MAX_SCAN_ITEMS, state::StateKey};

/// The entries under `prefix`, in key order, lazily: pages of the host, as far as they are asked
/// for.
pub(crate) fn entries<'h>(
    host: &'h dyn Host,
    prefix: &StateKey,
) -> impl Iterator<Item = (Key, Vec<u8>)> + use<'h> {
    entries_after(host, prefix, None)
}

/// As [`entries`], strictly after a key.
pub(crate) fn entries_after<'h>(
    host: &'h dyn Host,
    prefix: &StateKey,
    mut after: Option<Key>,
) -> impl Iterator<Item = (Key, Vec<u8>)> + use<'h> {
    let prefix = Key::from(prefix);
    let pages = core::iter::from_fn(move || {
        let page = host.scan(&prefix, after.as_ref(), MAX_SCAN_ITEMS);
        after = Some(page.last()?.0.clone());
        Some(page)
    });
    pages.flatten()
}
