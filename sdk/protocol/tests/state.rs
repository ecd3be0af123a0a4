//! The state tree against a sorted map and a naive recursive hash, its proofs against liars, and
//! the golden vectors.

use std::collections::BTreeMap;

use precinto_protocol::{
    cbor,
    hash::{Hash, tagged},
    limits::MAX_STATE_KEY_BYTES,
    log::Frontier,
    state::{
        Entry, EntryKind, NotAscending, PrefixProof, RecordLogEntry, StateKey, StateKeyError,
        StateLeaf, StateProof, StateProofError, Step, Trie, record_log_digest,
    },
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::Value;

type Model = BTreeMap<StateKey, Entry>;

/// Components of few, awkward bytes, so that random keys share prefixes and escapes are frequent.
fn components() -> impl Strategy<Value = (u32, Vec<Vec<u8>>)> {
    let byte = prop_oneof![Just(0_u8), Just(1), Just(b'a'), Just(0x80), Just(0xff)];
    (
        prop_oneof![Just(0_u32), Just(1), Just(u32::MAX)],
        vec(vec(byte, 0..4), 0..4),
    )
}

fn key_of((contract, components): &(u32, Vec<Vec<u8>>)) -> StateKey {
    components
        .iter()
        .fold(StateKey::new(*contract), |key, component| {
            key.component(component).unwrap()
        })
}

fn keys() -> impl Strategy<Value = StateKey> {
    components().prop_map(|parts| key_of(&parts))
}

fn entries() -> impl Strategy<Value = Entry> {
    (any::<bool>(), 0_u8..4).prop_map(|(plain, value)| Entry {
        kind: if plain {
            EntryKind::Plain
        } else {
            EntryKind::RecordLog
        },
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
    key.as_bytes()
        .get(index / 8)
        .is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1)
}

/// The definition of the root, recursively over the sorted entries.
fn naive_root(entries: &[(&StateKey, &Entry)], from: usize) -> Hash {
    match entries {
        [] => tagged("precinto/state-empty", &[]),
        [(key, entry)] => {
            let length = (key.as_bytes().len() as u16).to_be_bytes();
            let parts = [
                &[entry.kind as u8][..],
                &length,
                key.as_bytes(),
                &entry.digest.0,
            ];
            tagged("precinto/state-leaf", &parts)
        }
        _ => {
            let split = |at: usize| entries.partition_point(|(key, _)| !bit(key, at));
            let at = (from..).find(|at| !matches!(split(*at), n if n == 0 || n == entries.len()));
            let at = at.unwrap();
            let (left, right) = entries.split_at(split(at));
            let (left, right) = (naive_root(left, at + 1), naive_root(right, at + 1));
            let (index, count) = (
                (at as u16).to_be_bytes(),
                (entries.len() as u64).to_be_bytes(),
            );
            tagged("precinto/state-node", &[&index, &count, &left.0, &right.0])
        }
    }
}

fn model_root(model: &Model) -> Hash {
    naive_root(&model.iter().collect::<Vec<_>>(), 0)
}

fn under<'m>(model: &'m Model, prefix: &StateKey) -> Vec<(&'m StateKey, &'m Entry)> {
    model
        .iter()
        .filter(|(key, _)| key.as_bytes().starts_with(prefix.as_bytes()))
        .collect()
}

fn listed(leaves: &[StateLeaf]) -> Vec<(&StateKey, &Entry)> {
    leaves.iter().map(|leaf| (&leaf.key, &leaf.entry)).collect()
}

proptest! {
    #[test]
    fn byte_order_is_the_order_of_components(a in components(), b in components()) {
        prop_assert_eq!(key_of(&a).cmp(&key_of(&b)), a.cmp(&b));
    }

    #[test]
    fn a_key_gives_back_its_parts(parts in components()) {
        let key = key_of(&parts);
        prop_assert_eq!(key.contract(), parts.0);
        prop_assert_eq!(key.components().collect::<Vec<_>>(), parts.1);
        prop_assert_eq!(StateKey::from_bytes(key.as_bytes()), Ok(key.clone()));
        prop_assert_eq!(StateKey::from_suffix(key.contract(), key.suffix()), Ok(key.clone()));
        prop_assert_eq!(cbor::decode(&cbor::encode(&key)), Ok(key));
    }

    #[test]
    fn bytes_are_a_key_only_if_escaping_their_parts_gives_them_back(
        bytes in vec(prop_oneof![Just(0_u8), Just(1), Just(0xff), any::<u8>()], 0..16),
    ) {
        if let Ok(key) = StateKey::from_bytes(&bytes) {
            let parts = (key.contract(), key.components().collect());
            prop_assert_eq!(key_of(&parts).as_bytes(), &bytes);
        }
    }

    #[test]
    fn a_prefix_and_its_end_enclose_exactly_its_keys(a in components(), b in components()) {
        let (prefix, key) = (key_of(&a), key_of(&b));
        let shares = a.0 == b.0 && b.1.starts_with(&a.1);
        prop_assert_eq!(prefix.is_prefix_of(&key), shares);
        let below_end = prefix.prefix_end().is_none_or(|end| key.as_bytes() < &end[..]);
        prop_assert_eq!(prefix <= key && below_end, shares);
    }

    #[test]
    fn the_tree_follows_a_map_and_hashes_as_defined(
        batches in vec(vec((keys(), prop::option::weighted(0.7, entries())), 0..20), 1..6),
        prefix in keys(),
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
        prop_assert_eq!(trie.get(&prefix), model.get(&prefix).copied());
        prop_assert_eq!(trie_of(&model).root(), trie.root());
        // Earlier versions are untouched.
        for (version, root) in versions {
            let rebuilt = Trie::from_sorted(version.iter()).unwrap();
            prop_assert_eq!(rebuilt.root(), root);
        }
    }

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
            let path = precinto_protocol::state::StatePath { leaf: leaf.clone(), steps: steps.clone() };
            let proof = StateProof::Path(path);
            prop_assert!(proof.verify_key(&Hash::ZERO, &key).is_err());
            prop_assert!(proof.verify_count(&Hash::ZERO, &key).is_err());
        }
        let proof = PrefixProof::All { leaves, steps };
        prop_assert!(proof.verify(&Hash::ZERO, &key).is_err());
    }
}

/// What a liar may do to a proof.
#[derive(Debug, Clone)]
enum Forgery {
    Bit(Index, u16),
    Count(Index, u64),
    Sibling(Index),
    DropStep(Index),
    RepeatStep(Index),
    SwapSteps(Index, Index),
    /// Show another entry of the tree, or leave one out of a list.
    OtherLeaf(Index),
    Digest(Index),
    Kind(Index),
    /// Add an entry to a list.
    Extra(StateKey),
    ClaimEmpty,
}

fn forgeries() -> impl Strategy<Value = Forgery> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0_u16..1100).prop_map(|(at, bit)| Forgery::Bit(at, bit)),
        (at(), 0_u64..50).prop_map(|(at, count)| Forgery::Count(at, count)),
        at().prop_map(Forgery::Sibling),
        at().prop_map(Forgery::DropStep),
        at().prop_map(Forgery::RepeatStep),
        (at(), at()).prop_map(|(a, b)| Forgery::SwapSteps(a, b)),
        at().prop_map(Forgery::OtherLeaf),
        at().prop_map(Forgery::Digest),
        at().prop_map(Forgery::Kind),
        keys().prop_map(Forgery::Extra),
        Just(Forgery::ClaimEmpty),
    ]
}

impl Forgery {
    fn of_path(&self, honest: &StateProof, model: &Model) -> StateProof {
        let StateProof::Path(path) = honest else {
            return honest.clone();
        };
        let mut path = path.clone();
        self.of_steps(&mut path.steps);
        match self {
            Forgery::OtherLeaf(at) => {
                let (key, entry) = model.iter().nth(at.index(model.len())).unwrap();
                path.leaf = StateLeaf {
                    key: key.clone(),
                    entry: *entry,
                };
            }
            Forgery::Extra(key) => path.leaf.key = key.clone(),
            Forgery::ClaimEmpty => return StateProof::Empty,
            _ => self.of_leaf(&mut path.leaf),
        }
        StateProof::Path(path)
    }

    fn of_listing(&self, honest: &PrefixProof, model: &Model) -> PrefixProof {
        let (mut leaves, mut steps) = match honest.clone() {
            PrefixProof::Nothing(proof) => {
                return PrefixProof::Nothing(self.of_path(&proof, model));
            }
            PrefixProof::All { leaves, steps } => (leaves, steps),
        };
        self.of_steps(&mut steps);
        match self {
            Forgery::OtherLeaf(at) => drop(leaves.remove(at.index(leaves.len()))),
            Forgery::Extra(key) => {
                let entry = leaves[0].entry;
                leaves.push(StateLeaf {
                    key: key.clone(),
                    entry,
                });
                leaves.sort_by(|a, b| a.key.cmp(&b.key));
            }
            Forgery::ClaimEmpty => return PrefixProof::Nothing(StateProof::Empty),
            Forgery::Digest(at) | Forgery::Kind(at) => {
                let at = at.index(leaves.len());
                self.of_leaf(&mut leaves[at]);
            }
            _ => {}
        }
        PrefixProof::All { leaves, steps }
    }

    fn of_leaf(&self, leaf: &mut StateLeaf) {
        match self {
            Forgery::Digest(_) => leaf.entry.digest.0[0] ^= 1,
            Forgery::Kind(_) => {
                leaf.entry.kind = match leaf.entry.kind {
                    EntryKind::Plain => EntryKind::RecordLog,
                    EntryKind::RecordLog => EntryKind::Plain,
                };
            }
            _ => {}
        }
    }

    fn of_steps(&self, steps: &mut Vec<Step>) {
        if steps.is_empty() {
            return;
        }
        let at = |index: &Index| index.index(steps.len());
        match self {
            Forgery::Bit(index, bit) => {
                let at = at(index);
                steps[at].bit = *bit;
            }
            Forgery::Count(index, count) => {
                let at = at(index);
                steps[at].count = *count;
            }
            Forgery::Sibling(index) => {
                let at = at(index);
                steps[at].sibling.0[31] ^= 0x80;
            }
            Forgery::DropStep(index) => {
                let at = at(index);
                steps.remove(at);
            }
            Forgery::RepeatStep(index) => {
                let at = at(index);
                steps.insert(at, steps[at].clone());
            }
            Forgery::SwapSteps(a, b) => {
                let (a, b) = (at(a), at(b));
                steps.swap(a, b);
            }
            _ => {}
        }
    }
}

fn key(components: &[&[u8]]) -> StateKey {
    components
        .iter()
        .fold(StateKey::new(7), |key, part| key.component(part).unwrap())
}

#[test]
fn keys_end_at_their_limit() {
    let room = MAX_STATE_KEY_BYTES - 4 - 2;
    assert!(StateKey::new(1).component(&vec![b'x'; room]).is_ok());
    let long = vec![b'x'; room + 1];
    assert_eq!(
        StateKey::new(1).component(&long),
        Err(StateKeyError::TooLong)
    );
    assert_eq!(
        StateKey::from_suffix(1, &[b'x'; 125]),
        Err(StateKeyError::TooLong)
    );
    assert_eq!(
        StateKey::from_suffix(1, b"x"),
        Err(StateKeyError::Unterminated)
    );
}

#[test]
fn a_tree_is_built_from_ascending_keys_only() {
    let entry = Entry::plain(b"");
    let (a, b) = (key(&[b"a"]), key(&[b"b"]));
    assert_eq!(
        Trie::from_sorted([(&b, entry), (&a, entry)]).unwrap_err(),
        NotAscending
    );
    assert_eq!(
        Trie::from_sorted([(&a, entry), (&a, entry)]).unwrap_err(),
        NotAscending
    );
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
    let model: Model = deep
        .chain([key(&[&base])])
        .map(|key| (key, entry))
        .collect();
    let mut trie = Trie::new();
    trie.update(model.iter().rev().map(|(key, entry)| (key, Some(*entry))));
    assert_eq!(trie.root(), model_root(&model));
    let StateProof::Path(path) = trie.prove(&key(&[&base])) else {
        panic!("the tree has keys")
    };
    assert_eq!(path.steps.len(), room * 8);
    let proof = StateProof::Path(path);
    assert_eq!(
        proof.verify_key(&trie.root(), &key(&[&base])),
        Ok(Some(entry))
    );
    trie.update(model.keys().map(|key| (key, None)));
    assert_eq!(trie.root(), Trie::new().root());
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
    assert_eq!(
        trie.prove_prefix(&prefix).verify(&root, &prefix),
        Ok(&[][..])
    );
    // The other subtree's leaf does not pass for a present key's absence.
    let other = trie.prove(&keys[2]);
    assert_eq!(
        other.verify_key(&root, &keys[0]),
        Err(StateProofError::WrongDirection)
    );
    // A subtree below the prefix's own does not pass for all of it.
    let PrefixProof::All { leaves, steps } = trie.prove_prefix(&keys[0]) else {
        panic!("present")
    };
    let partial = PrefixProof::All { leaves, steps };
    let all = key(&[b"aaaa"]);
    assert_eq!(partial.verify(&root, &keys[0]).map(<[_]>::len), Ok(1));
    assert_eq!(partial.verify(&root, &all), Err(StateProofError::BadBits));
    assert_eq!(
        partial.verify(&root, &StateKey::new(7)),
        Err(StateProofError::BadBits)
    );
    // "There are none" is not believed where there are some, nor is an empty list.
    let none = PrefixProof::Nothing(trie.prove(&all));
    assert_eq!(none.verify(&root, &all), Err(StateProofError::NotEmpty));
    let empty = PrefixProof::All {
        leaves: vec![],
        steps: vec![],
    };
    assert_eq!(
        empty.verify(&Trie::new().root(), &all),
        Err(StateProofError::BadListing)
    );
    assert_eq!(
        StateProof::Empty.verify_key(&root, &beside),
        Err(StateProofError::WrongRoot)
    );
}

#[test]
fn golden_vectors_of_keys_and_values() {
    let vectors = vectors();
    let mut previous = None;
    for vector in list(&vectors["keys"]) {
        let contract = vector["contract"].as_u64().unwrap() as u32;
        let components = list(&vector["components"]).iter().map(bytes).collect();
        let key = key_of(&(contract, components));
        assert_eq!(hex::encode(key.as_bytes()), vector["key"]);
        assert!(previous < Some(key.clone()), "the vectors are in order");
        previous = Some(key);
    }
    for vector in list(&vectors["bad_keys"]) {
        assert!(
            StateKey::from_bytes(&bytes(&vector["key"])).is_err(),
            "{}",
            vector["why"]
        );
    }
    for vector in list(&vectors["values"]) {
        assert_eq!(
            Entry::plain(&bytes(&vector["value"])).digest.to_hex(),
            vector["digest"]
        );
    }
}

#[test]
fn golden_vectors_of_record_logs() {
    let vectors = vectors();
    let mut log = Frontier::new();
    let digests = list(&vectors["record_log"]["digests"]);
    assert_eq!(record_log_digest(&log).to_hex(), digests[0]);
    for (vector, digest) in list(&vectors["record_log"]["entries"])
        .iter()
        .zip(&digests[1..])
    {
        let entry = RecordLogEntry {
            height: vector["height"].as_u64().unwrap(),
            index: vector["index"].as_u64().unwrap() as u32,
            time_ms: vector["time_ms"].as_u64().unwrap(),
            transaction: hash(&vector["transaction"]),
            member: vector["member"].as_str().unwrap().into(),
            payload: bytes(&vector["payload"]),
        };
        assert_eq!(hex::encode(cbor::encode(&entry)), vector["encoded"]);
        assert_eq!(cbor::decode(&bytes(&vector["encoded"])), Ok(entry.clone()));
        log.append(entry.leaf_hash());
        assert_eq!(Entry::record_log(&log).digest.to_hex(), *digest);
    }
}

#[test]
fn golden_vectors_of_trees() {
    for vector in list(&vectors()["trees"]) {
        let (name, root) = (&vector["name"], hash(&vector["root"]));
        let model: Model = list(&vector["entries"]).iter().map(entry_of).collect();
        let trie = trie_of(&model);
        assert_eq!(trie.root(), root, "{name}");
        for vector in list(&vector["keys"]) {
            let key = StateKey::from_bytes(&bytes(&vector["key"])).unwrap();
            assert_eq!(
                hex::encode(cbor::encode(&trie.prove(&key))),
                vector["proof"],
                "{name}"
            );
            let proof: StateProof = cbor::decode(&bytes(&vector["proof"])).unwrap();
            let digest = proof
                .verify_key(&root, &key)
                .unwrap()
                .map(|entry| entry.digest.to_hex());
            assert_eq!(digest.as_deref(), vector["digest"].as_str(), "{name}");
        }
        for vector in list(&vector["prefixes"]) {
            let prefix = StateKey::from_bytes(&bytes(&vector["prefix"])).unwrap();
            let count_proof: StateProof = cbor::decode(&bytes(&vector["count_proof"])).unwrap();
            assert_eq!(count_proof, trie.prove(&prefix), "{name}");
            let count = count_proof.verify_count(&root, &prefix).unwrap();
            assert_eq!(Some(count), vector["count"].as_u64(), "{name}");
            let proof: PrefixProof = cbor::decode(&bytes(&vector["proof"])).unwrap();
            assert_eq!(proof, trie.prove_prefix(&prefix), "{name}");
            assert_eq!(
                listed(proof.verify(&root, &prefix).unwrap()),
                under(&model, &prefix)
            );
        }
    }
}

fn vectors() -> Value {
    let vectors = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../schemas/vectors/state.json"
    );
    serde_json::from_str(&std::fs::read_to_string(vectors).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn hash(value: &Value) -> Hash {
    value.as_str().unwrap().parse().unwrap()
}

fn entry_of(vector: &Value) -> (StateKey, Entry) {
    let kind = match vector["kind"].as_u64() {
        Some(0) => EntryKind::Plain,
        Some(1) => EntryKind::RecordLog,
        other => panic!("kind {other:?}"),
    };
    let key = StateKey::from_bytes(&bytes(&vector["key"])).unwrap();
    (
        key,
        Entry {
            kind,
            digest: hash(&vector["digest"]),
        },
    )
}
