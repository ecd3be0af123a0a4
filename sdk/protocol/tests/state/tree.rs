//! The tree itself: contents, order, versions, root.

use precinto_protocol::{
    limits::MAX_STATE_KEY_BYTES,
    state::{Entry, NotAscending, StateProof, Trie},
};
use proptest::{collection::vec, prelude::*};

use crate::{Model, entries, key, keys, model_root, trie_of, under};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_tree_follows_a_map_and_hashes_as_defined(
        batches in vec(vec((keys(), prop::option::weighted(0.7, entries())), 0..20), 1..6),
        (prefix, after) in (keys(), keys()),
    ) {
        let (mut trie, mut model) = (Trie::new(), Model::new());
        let mut versions = Vec::new();
        for batch in batches {
            versions.push((trie.clone(), trie.root()));
            trie.update(batch.iter().map(|(key, entry)| (key, *entry)));
            for (key, entry) in batch {
                match entry {
                    Some(entry) => model.insert(key, entry),
                    None => model.remove(&key),
                };
            }
            prop_assert_eq!(trie.root(), model_root(&model));
        }
        prop_assert_eq!(trie.len(), model.len() as u64);
        prop_assert_eq!(trie.iter().collect::<Model>(), model.clone());
        prop_assert!(trie.iter().map(|(key, _)| key).is_sorted());
        let expected = under(&model, &prefix);
        prop_assert_eq!(trie.prefix_count(&prefix), expected.len() as u64);
        let found: Vec<_> = trie.iter_prefix(&prefix).collect();
        prop_assert_eq!(found.iter().map(|(key, entry)| (key, entry)).collect::<Vec<_>>(), expected);
        for after in model.keys().chain([&after]) {
            let beyond = trie.iter_after(&prefix, after);
            let expected = found.iter().filter(|(key, _)| key > after).cloned();
            prop_assert!(beyond.eq(expected), "after {:?}", after);
        }
        prop_assert_eq!(trie.get(&prefix), model.get(&prefix).copied());
        prop_assert_eq!(trie_of(&model).root(), trie.root());
        // Earlier versions are untouched.
        for (version, root) in versions {
            let rebuilt = Trie::from_sorted(version.iter()).unwrap();
            prop_assert_eq!(rebuilt.root(), root);
        }
    }
}

#[test]
fn a_tree_is_built_from_ascending_keys_only() {
    let entry = Entry::plain(b"");
    let (a, b) = (key(&[b"a"]), key(&[b"b"]));
    assert_eq!(Trie::from_sorted([(&b, entry), (&a, entry)]).unwrap_err(), NotAscending);
    assert_eq!(Trie::from_sorted([(&a, entry), (&a, entry)]).unwrap_err(), NotAscending);
    assert!(Trie::from_sorted([(&a, entry), (&b, entry)]).is_ok());
}

/// The longest path there can be: every key parts from the others at another of its bits.
#[test]
fn the_deepest_tree_is_handled() {
    let entry = Entry::plain(b"value");
    let room = MAX_STATE_KEY_BYTES - 4 - 2;
    let base = vec![0xff; room];
    let deep = (0..room * 8).map(|bit| {
        let mut component = base.clone();
        component[bit / 8] ^= 0x80 >> (bit % 8);
        // A component with a zero byte would need an escape and become too long.
        key(&[&component])
    });
    let model: Model = deep.chain([key(&[&base])]).map(|key| (key, entry)).collect();
    let mut trie = Trie::new();
    trie.update(model.iter().rev().map(|(key, entry)| (key, Some(*entry))));
    assert_eq!(trie.root(), model_root(&model));
    let StateProof::Path(path) = trie.prove(&key(&[&base])) else { panic!("the tree has keys") };
    assert_eq!(path.steps.len(), room * 8);
    let proof = StateProof::Path(path);
    assert_eq!(proof.verify_key(&trie.root(), &key(&[&base])), Ok(Some(entry)));
    trie.update(model.keys().map(|key| (key, None)));
    assert_eq!(trie.root(), Trie::new().root());
}
