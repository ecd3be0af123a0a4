//! Proofs: what honest ones say, and that liars get nowhere.

use precinto_protocol::{
    cbor,
    hash::Hash,
    state::{
        Entry, PrefixProof, StateKey, StateLeaf, StatePath, StateProof, StateProofError, Step, Trie,
    },
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{entries, forgery::forgeries, key, keys, listed, model_root, models, trie_of, under};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn proofs_say_what_the_map_says(model in models(), key in keys()) {
        let (trie, root) = (trie_of(&model), model_root(&model));
        let proof: StateProof = cbor::decode(&cbor::encode(&trie.prove(&key))).unwrap();
        prop_assert_eq!(proof.verify_key(&root, &key), Ok(model.get(&key).copied()));
        let expected = under(&model, &key);
        prop_assert_eq!(proof.verify_count(&root, &key), Ok(expected.len() as u64));
        let proof: PrefixProof = cbor::decode(&cbor::encode(&trie.prove_prefix(&key))).unwrap();
        prop_assert_eq!(listed(proof.verify(&root, &key).unwrap()), expected);
        for key in model.keys() {
            let proof = trie.prove(key);
            prop_assert_eq!(proof.verify_key(&root, key), Ok(model.get(key).copied()));
        }
    }

    /// Any proof of the honest tree, shown for any key, is refused or tells the truth: a proof of
    /// one key's presence never passes as another's absence.
    #[test]
    fn an_honest_proof_never_misleads_about_another_key(model in models(), made_for in keys()) {
        let (trie, root) = (trie_of(&model), model_root(&model));
        let proof = trie.prove(&made_for);
        let prefix_proof = trie.prove_prefix(&made_for);
        let shorter = made_for.components().fold(vec![StateKey::new(made_for.contract())], |mut all, c| {
            all.push(all[all.len() - 1].clone().component(&c).unwrap());
            all
        });
        for key in model.keys().chain(&shorter) {
            if let Ok(found) = proof.verify_key(&root, key) {
                prop_assert_eq!(found, model.get(key).copied());
            }
            if let Ok(count) = proof.verify_count(&root, key) {
                prop_assert_eq!(count, under(&model, key).len() as u64);
            }
            if let Ok(found) = prefix_proof.verify(&root, key) {
                prop_assert_eq!(listed(found), under(&model, key));
            }
        }
    }

    #[test]
    fn a_forged_proof_is_refused(
        model in models(),
        pick in any::<Index>(),
        stranger in keys(),
        forgery in forgeries(),
    ) {
        let (trie, root) = (trie_of(&model), model_root(&model));
        let known = model.keys().nth(pick.index(model.len().max(1)));
        for key in known.into_iter().chain([&stranger]) {
            let honest = trie.prove(key);
            let forged = forgery.of_path(&honest, &model);
            if forged != honest {
                prop_assert!(forged.verify_key(&root, key).is_err());
                prop_assert!(forged.verify_count(&root, key).is_err());
                prop_assert!(PrefixProof::Nothing(forged).verify(&root, key).is_err());
            }
        }
        // Also for every prefix of the known key, from the contract on.
        let prefix = StateKey::new(known.unwrap_or(&stranger).contract());
        let first = known.and_then(|key| key.components().next());
        let prefixes = [Some(prefix.clone()), first.map(|first| prefix.component(&first).unwrap())];
        for prefix in prefixes.into_iter().flatten() {
            let honest = trie.prove_prefix(&prefix);
            let forged = forgery.of_listing(&honest, &model);
            if forged != honest {
                prop_assert!(forged.verify(&root, &prefix).is_err());
            }
        }
    }

    #[test]
    fn no_bytes_make_the_verifiers_panic(
        steps in vec((any::<u16>(), any::<u64>(), any::<[u8; 32]>()), 0..20),
        leaves in vec((keys(), entries()), 0..8),
        key in keys(),
    ) {
        let steps: Vec<Step> = steps
            .into_iter()
            .map(|(bit, count, sibling)| Step { bit, count, sibling: Hash(sibling) })
            .collect();
        let leaves: Vec<StateLeaf> =
            leaves.into_iter().map(|(key, entry)| StateLeaf { key, entry }).collect();
        if let Some(leaf) = leaves.first() {
            let path = StatePath { leaf: leaf.clone(), steps: steps.clone() };
            let proof = StateProof::Path(path);
            prop_assert!(proof.verify_key(&Hash::ZERO, &key).is_err());
            prop_assert!(proof.verify_count(&Hash::ZERO, &key).is_err());
        }
        let proof = PrefixProof::All { leaves, steps };
        prop_assert!(proof.verify(&Hash::ZERO, &key).is_err());
    }
}

/// The attacks that crit-bit trees invite, one by one.
#[test]
fn absence_cannot_be_claimed_through_skipped_bits() {
    let entry = Entry::plain(b"value");
    let keys = [key(&[b"aaaa", b"1"]), key(&[b"aaaa", b"2"]), key(&[b"b"])];
    let mut trie = Trie::new();
    trie.update(keys.iter().map(|key| (key, Some(entry))));
    let root = trie.root();
    // The proof of a present key, shown for one that differs only in skipped bits, is its absence.
    let beside = key(&[b"aaab", b"1"]);
    assert_eq!(trie.prove(&beside).verify_key(&root, &beside), Ok(None));
    // A prefix that diverges inside the skipped bits has no keys, although a subtree is found.
    let prefix = key(&[b"aaab"]);
    assert_eq!(trie.prove(&prefix).verify_count(&root, &prefix), Ok(0));
    assert_eq!(trie.prove_prefix(&prefix).verify(&root, &prefix), Ok(&[][..]));
    // The other subtree's leaf does not pass for a present key's absence.
    let other = trie.prove(&keys[2]);
    assert_eq!(other.verify_key(&root, &keys[0]), Err(StateProofError::WrongDirection));
    // A subtree below the prefix's own does not pass for all of it.
    let PrefixProof::All { leaves, steps } = trie.prove_prefix(&keys[0]) else { panic!("present") };
    let partial = PrefixProof::All { leaves, steps };
    let all = key(&[b"aaaa"]);
    assert_eq!(partial.verify(&root, &keys[0]).map(<[_]>::len), Ok(1));
    assert_eq!(partial.verify(&root, &all), Err(StateProofError::BadBits));
    assert_eq!(partial.verify(&root, &StateKey::new(7)), Err(StateProofError::BadBits));
    // A path must lead down: no tree has branches in another order.
    let StateProof::Path(mut path) = trie.prove(&keys[0]) else { panic!("the tree has keys") };
    path.steps.reverse();
    let upward = StateProof::Path(path);
    assert_eq!(upward.verify_key(&root, &keys[0]), Err(StateProofError::BadBits));
    // "There are none" is not believed where there are some, nor is an empty list.
    let none = PrefixProof::Nothing(trie.prove(&all));
    assert_eq!(none.verify(&root, &all), Err(StateProofError::NotEmpty));
    let empty = PrefixProof::All { leaves: vec![], steps: vec![] };
    assert_eq!(empty.verify(&Trie::new().root(), &all), Err(StateProofError::BadListing));
    assert_eq!(StateProof::Empty.verify_key(&root, &beside), Err(StateProofError::WrongRoot));
}
