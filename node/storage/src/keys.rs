//! Every key of every table, in one place.
//!
//! Numbers are big-endian, so that byte order is numeric order and a table is iterated in the
//! order of what it means. State keys are opaque here; where one is followed by more, its length
//! precedes it, so that no key can run into another's range.

use precinto_protocol::limits::MAX_STATE_KEY_BYTES;

const _: () = assert!(
    MAX_STATE_KEY_BYTES <= u8::MAX as usize,
    "record entry keys carry the state key's length in one byte"
);

/// Names of the single values in the meta tables.
pub(crate) mod meta {
    /// Who the storage belongs to.
    pub(crate) const IDENTITY: &[u8] = b"identity";
    /// Raft's term, vote and commit index.
    pub(crate) const HARD_STATE: &[u8] = b"hard-state";
    /// The index and term the Raft log starts after.
    pub(crate) const MARK: &[u8] = b"mark";
    /// The snapshot being put in the ledger's place.
    pub(crate) const INSTALLING: &[u8] = b"installing";
    /// What the ledger has applied.
    pub(crate) const HEAD: &[u8] = b"head";
    /// The checkpoint this node signed last.
    pub(crate) const SIGNED: &[u8] = b"signed";
}

/// A Raft index or a height.
pub(crate) fn number(value: u64) -> [u8; 8] {
    value.to_be_bytes()
}

/// The number of an eight-byte key.
pub(crate) fn parse_number(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// A page of a run: the run's prefix, then the index of the page's first item.
pub(crate) fn page(prefix: &[u8], first: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len() + 8);
    key.extend_from_slice(prefix);
    key.extend_from_slice(&first.to_be_bytes());
    key
}

/// Prefix and first index of a page's key.
pub(crate) fn parse_page(key: &[u8]) -> Option<(&[u8], u64)> {
    let (prefix, first) = key.split_last_chunk::<8>()?;
    Some((prefix, u64::from_be_bytes(*first)))
}

/// An entry of a record log: state key with its length, then the entry's index.
pub(crate) fn record_entry(state_key: &[u8], index: u64) -> Vec<u8> {
    let length = u8::try_from(state_key.len()).expect("callers hold state keys, bounded above");
    let mut key = Vec::with_capacity(1 + state_key.len() + 8);
    key.push(length);
    key.extend_from_slice(state_key);
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// State key and index of a record log entry's key.
pub(crate) fn parse_record_entry(key: &[u8]) -> Option<(&[u8], u64)> {
    let (&length, rest) = key.split_first()?;
    let (state_key, index) = rest.split_last_chunk::<8>()?;
    (state_key.len() == length as usize).then(|| (state_key, u64::from_be_bytes(*index)))
}

/// A checkpoint: the node that signed it, then its size.
pub(crate) fn checkpoint(node: u64, size: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&node.to_be_bytes());
    key[8..].copy_from_slice(&size.to_be_bytes());
    key
}

/// Node and size of a checkpoint's key.
pub(crate) fn parse_checkpoint(key: &[u8]) -> Option<(u64, u64)> {
    let (node, size) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*node), parse_number(size)?))
}

/// The first key after all keys that start with `prefix`; `None` if there is no such key.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// The first key after `key`.
pub(crate) fn after(key: &[u8]) -> Vec<u8> {
    let mut next = key.to_vec();
    next.push(0);
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state_key() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xff), any::<u8>()], 0..12)
    }

    proptest! {
        #[test]
        fn numbers_keep_their_order_and_round_trip(a: u64, b: u64) {
            prop_assert_eq!(number(a).cmp(&number(b)), a.cmp(&b));
            prop_assert_eq!(parse_number(&number(a)), Some(a));
        }

        #[test]
        fn pages_order_by_prefix_then_index(p: [u8; 8], q: [u8; 8], i: u64, j: u64) {
            prop_assert_eq!(page(&p, i).cmp(&page(&q, j)), (p, i).cmp(&(q, j)));
            let key = page(&p, i);
            prop_assert_eq!(parse_page(&key), Some((&p[..], i)));
        }

        #[test]
        fn checkpoints_order_by_node_then_size(n: u64, m: u64, s: u64, t: u64) {
            prop_assert_eq!(checkpoint(n, s).cmp(&checkpoint(m, t)), (n, s).cmp(&(m, t)));
            prop_assert_eq!(parse_checkpoint(&checkpoint(n, s)), Some((n, s)));
        }

        #[test]
        fn record_entries_round_trip_and_order_within_a_log(key in state_key(), i: u64, j: u64) {
            let entry = record_entry(&key, i);
            prop_assert_eq!(parse_record_entry(&entry), Some((&key[..], i)));
            prop_assert_eq!(record_entry(&key, i).cmp(&record_entry(&key, j)), i.cmp(&j));
        }

        #[test]
        fn no_record_log_reaches_into_another(a in state_key(), b in state_key(), i: u64) {
            prop_assume!(a != b);
            let entry = record_entry(&b, i);
            prop_assert!(entry < record_entry(&a, 0) || entry > record_entry(&a, u64::MAX));
        }

        #[test]
        fn after_prefix_bounds_exactly_the_prefix(prefix in state_key(), key in state_key()) {
            let inside = key >= prefix && after_prefix(&prefix).is_none_or(|end| key < end);
            prop_assert_eq!(inside, key.starts_with(&prefix));
        }
    }
}
