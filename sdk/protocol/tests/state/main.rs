//! The state tree against a sorted map and a naive recursive hash, its proofs against liars, and
//! the golden vectors.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod forgery;
mod keys;
mod proofs;
mod tree;
mod vectors;

use std::collections::BTreeMap;

use precinto_protocol::{
    hash::{Hash, tagged},
    state::{Entry, EntryKind, StateKey, StateLeaf, Trie},
};
use proptest::{collection::vec, prelude::*};

type Model = BTreeMap<StateKey, Entry>;

/// Components of few, awkward bytes, so that random keys share prefixes and escapes are frequent.
fn components() -> impl Strategy<Value = (u32, Vec<Vec<u8>>)> {
    let byte = prop_oneof![Just(0_u8), Just(1), Just(b'a'), Just(0x80), Just(0xff)];
    (prop_oneof![Just(0_u32), Just(1), Just(u32::MAX)], vec(vec(byte, 0..4), 0..4))
}

fn key_of((contract, components): &(u32, Vec<Vec<u8>>)) -> StateKey {
    components
        .iter()
        .fold(StateKey::new(*contract), |key, component| key.component(component).unwrap())
}

fn keys() -> impl Strategy<Value = StateKey> {
    components().prop_map(|parts| key_of(&parts))
}

fn entries() -> impl Strategy<Value = Entry> {
    (any::<bool>(), 0_u8..4).prop_map(|(plain, value)| Entry {
        kind: if plain { EntryKind::Plain } else { EntryKind::RecordLog },
        digest: Hash([value; 32]),
    })
}

fn models() -> impl Strategy<Value = Model> {
    prop::collection::btree_map(keys(), entries(), 0..40)
}

fn trie_of(model: &Model) -> Trie {
    Trie::from_sorted(model.iter().map(|(key, entry)| (key, *entry))).unwrap()
}

fn bit(key: &StateKey, index: usize) -> bool {
    key.as_bytes().get(index / 8).is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1)
}

/// The definition of the root, recursively over the sorted entries.
fn naive_root(entries: &[(&StateKey, &Entry)], from: usize) -> Hash {
    match entries {
        [] => tagged("precinto/state-empty", &[]),
        [(key, entry)] => {
            let length = (key.as_bytes().len() as u16).to_be_bytes();
            let parts = [&[entry.kind as u8][..], &length, key.as_bytes(), &entry.digest.0];
            tagged("precinto/state-leaf", &parts)
        }
        _ => {
            let split = |at: usize| entries.partition_point(|(key, _)| !bit(key, at));
            let at = (from..).find(|at| !matches!(split(*at), n if n == 0 || n == entries.len()));
            let at = at.unwrap();
            let (left, right) = entries.split_at(split(at));
            let (left, right) = (naive_root(left, at + 1), naive_root(right, at + 1));
            let (index, count) = ((at as u16).to_be_bytes(), (entries.len() as u64).to_be_bytes());
            tagged("precinto/state-node", &[&index, &count, &left.0, &right.0])
        }
    }
}

fn model_root(model: &Model) -> Hash {
    naive_root(&model.iter().collect::<Vec<_>>(), 0)
}

fn under<'m>(model: &'m Model, prefix: &StateKey) -> Vec<(&'m StateKey, &'m Entry)> {
    model.iter().filter(|(key, _)| key.as_bytes().starts_with(prefix.as_bytes())).collect()
}

fn listed(leaves: &[StateLeaf]) -> Vec<(&StateKey, &Entry)> {
    leaves.iter().map(|leaf| (&leaf.key, &leaf.entry)).collect()
}

fn key(components: &[&[u8]]) -> StateKey {
    components.iter().fold(StateKey::new(7), |key, part| key.component(part).unwrap())
}
