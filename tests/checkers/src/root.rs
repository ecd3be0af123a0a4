//! A naive state tree: sorts the keys and divides them at the first bit in which they differ. It
//! follows docs/FORMATS.md ("State tree") and shares no code with the tree of the nodes.

use std::collections::BTreeMap;

use precinto_protocol::{
    hash::{Hash, tagged},
    state::{Entry, StateKey},
};

use crate::{Verdict, ensure};

const CHECKER: &str = "root";

/// The root of the state tree over these entries.
pub fn state_root(entries: &BTreeMap<StateKey, Entry>) -> Hash {
    let leaves: Vec<(&[u8], Hash)> =
        entries.iter().map(|(key, entry)| (key.as_bytes(), leaf(key.as_bytes(), entry))).collect();
    if leaves.is_empty() { tagged("precinto/state-empty", &[]) } else { subtree(&leaves) }
}

/// The entries have this root.
///
/// # Errors
/// They have another one.
pub fn expect_root(at: &str, entries: &BTreeMap<StateKey, Entry>, root: Hash) -> Verdict {
    let computed = state_root(entries);
    ensure(computed == root, CHECKER, || {
        format!("{at}: {} entries have root {computed}, the block names {root}", entries.len())
    })
}

fn leaf(key: &[u8], entry: &Entry) -> Hash {
    let length = (key.len() as u16).to_be_bytes();
    let kind = [entry.kind as u8];
    tagged("precinto/state-leaf", &[&kind, &length, key, entry.digest.as_bytes()])
}

/// Of at least one leaf, in order of keys. Recursion ends: each step fixes one more of at most
/// 1,024 bits.
fn subtree(leaves: &[(&[u8], Hash)]) -> Hash {
    let (first, last) = (leaves[0], leaves[leaves.len() - 1]);
    if leaves.len() == 1 {
        return first.1;
    }
    // In order, so what the outermost two share is shared by all.
    let differs = (0..u16::MAX).find(|at| bit(first.0, *at) != bit(last.0, *at));
    let at = differs.expect("keys differ");
    let right = leaves.partition_point(|(key, _)| !bit(key, at));
    let (left, right) = (subtree(&leaves[..right]), subtree(&leaves[right..]));
    let count = (leaves.len() as u64).to_be_bytes();
    let parts = [&at.to_be_bytes()[..], &count, left.as_bytes(), right.as_bytes()];
    tagged("precinto/state-node", &parts)
}

fn bit(key: &[u8], at: u16) -> bool {
    let byte = key.get(usize::from(at / 8)).copied().unwrap_or_default();
    byte & (0x80 >> (at % 8)) != 0
}

#[cfg(test)]
mod tests {
    use precinto_protocol::{log::Frontier, state::Trie};
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = StateKey> {
        let component = prop::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..6);
        let components = prop::collection::vec(component, 0..4);
        (0..4_u32, components).prop_map(|(contract, components)| {
            let key = StateKey::new(contract);
            components.iter().fold(key, |key, component| key.component(component).expect("short"))
        })
    }

    fn entry() -> impl Strategy<Value = Entry> {
        prop_oneof![
            any::<u8>().prop_map(|value| Entry::plain(&[value])),
            (0..5_u8).prop_map(|count| {
                let mut log = Frontier::new();
                (0..count).for_each(|index| log.append(Hash([index; 32])));
                Entry::record_log(&log)
            }),
        ]
    }

    proptest! {
        #[test]
        fn both_trees_have_the_same_root(
            entries in prop::collection::btree_map(key(), entry(), 0..40),
        ) {
            let mut trie = Trie::new();
            trie.update(entries.iter().map(|(key, entry)| (key.clone(), Some(*entry))));
            prop_assert_eq!(state_root(&entries), trie.root());
            prop_assert_eq!(expect_root("here", &entries, trie.root()), Ok(()));
        }

        #[test]
        fn one_value_more_or_another_is_another_root(
            entries in prop::collection::btree_map(key(), entry(), 1..20),
            at in any::<prop::sample::Index>(),
        ) {
            let root = state_root(&entries);
            let key = entries.keys().nth(at.index(entries.len())).expect("there").clone();
            let mut other = entries.clone();
            other.insert(key.clone(), Entry::plain(b"another"));
            prop_assert!(expect_root("here", &other, root).is_err());
            other.remove(&key);
            prop_assert!(expect_root("here", &other, root).is_err());
        }
    }
}
