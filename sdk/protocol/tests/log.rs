//! The Merkle log against a naive recursive model, the `ct-merkle` crate and the golden vectors.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use precinto_protocol::{
    cbor,
    hash::Hash,
    log::{
        Frontier, LogProofError, MAX_TREE_SIZE, consistency_path, consistency_proof, empty_root,
        inclusion_proof, leaf_hash, node_hash, roots_from_consistency, verify_consistency,
        verify_inclusion,
    },
};
use proptest::prelude::*;
use serde_json::Value;
use sha2::Sha256;

/// A log as a writer keeps it: the frontier and the complete nodes.
#[derive(Default)]
struct Log {
    frontier: Frontier,
    nodes: BTreeMap<(u8, u64), Hash>,
}

impl Log {
    fn of(leaves: u64) -> Log {
        let mut log = Log::default();
        (0..leaves).for_each(|n| log.append(leaf_hash(&n.to_be_bytes())));
        log
    }

    fn append(&mut self, leaf: Hash) {
        self.frontier.append_with(leaf, |level, index, hash| {
            let earlier = self.nodes.insert((level, index), *hash);
            assert_eq!(earlier, None, "node ({level}, {index}) completed twice");
        });
    }

    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.nodes.get(&(level, index)).copied()
    }

    fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        inclusion_proof(index, size, |level, index| self.node(level, index)).unwrap()
    }

    fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        consistency_proof(old, new, |level, index| self.node(level, index)).unwrap()
    }
}

fn leaf(n: u64) -> Hash {
    leaf_hash(&n.to_be_bytes())
}

/// RFC 6962 section 2.1, word by word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

fn naive_roots(up_to: u64) -> Vec<Hash> {
    let leaves: Vec<Hash> = (0..up_to).map(leaf).collect();
    (0..=leaves.len()).map(|size| naive_root(&leaves[..size])).collect()
}

fn other_tree(size: u64) -> MemoryBackedTree<Sha256, [u8; 8]> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|n| tree.push(n.to_be_bytes()));
    tree
}

#[test]
fn roots_agree_with_the_recursive_definition_at_every_size() {
    let roots = naive_roots(257);
    let mut frontier = Frontier::new();
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(frontier.root(), *root, "size {size}");
        let encoded = cbor::encode(&frontier);
        assert_eq!(cbor::decode(&encoded), Ok(frontier.clone()), "size {size}");
        frontier.append(leaf(size as u64));
    }
}

#[test]
fn complete_nodes_are_reported_once_and_hash_their_leaves() {
    let log = Log::of(100);
    let leaves: Vec<Hash> = (0..100).map(leaf).collect();
    let expected: usize = (0..7).map(|level| 100 >> level).sum();
    assert_eq!(log.nodes.len(), expected);
    for ((level, index), hash) in &log.nodes {
        let start = (*index as usize) << level;
        assert_eq!(*hash, naive_root(&leaves[start..start + (1 << level)]));
    }
}

#[test]
fn every_leaf_of_every_size_is_proven_as_ct_merkle_does() {
    let (log, roots) = (Log::of(64), naive_roots(64));
    for size in 1..=64 {
        let other = other_tree(size);
        assert_eq!(other.root().as_bytes()[..], roots[size as usize].0);
        for index in 0..size {
            let proof = log.inclusion(index, size);
            let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
            assert_eq!(bytes, other.prove_inclusion(index as usize).as_bytes());
            verify_inclusion(&leaf(index), index, size, &proof, &roots[size as usize]).unwrap();
        }
    }
}

#[test]
fn every_pair_of_sizes_is_proven_as_ct_merkle_does() {
    let (log, roots) = (Log::of(64), naive_roots(64));
    for new in 0..=64 {
        for old in 0..=new {
            let proof = log.consistency(old, new);
            let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
            verify_consistency(old, old_root, new, new_root, &proof).unwrap();
            if old == 0 {
                assert!(proof.is_empty());
                continue;
            }
            let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
            let other = other_tree(new).prove_consistency((new - old) as usize);
            assert_eq!(bytes, other.as_bytes(), "{old} to {new}");
            if old < new {
                let path = consistency_path(old, old_root, &proof);
                let found = roots_from_consistency(old, new, &path);
                assert_eq!(found, Ok((*old_root, *new_root)));
            }
        }
    }
}

#[test]
fn a_fork_is_shown_by_the_path_to_the_new_root() {
    let (log, roots) = (Log::of(13), naive_roots(13));
    for old in 1..13 {
        let path = consistency_path(old, &roots[old as usize], &log.consistency(old, 13));
        let forked = leaf_hash(b"another history");
        let (contained, new_root) = roots_from_consistency(old, 13, &path).unwrap();
        assert_eq!(new_root, roots[13]);
        assert_ne!(contained, forked);
        let proof = log.consistency(old, 13);
        let refused = verify_consistency(old, &forked, 13, &roots[13], &proof);
        assert_eq!(refused, Err(LogProofError::WrongRoot));
    }
}

#[test]
fn indices_and_sizes_outside_the_log_are_refused() {
    let (log, roots) = (Log::of(8), naive_roots(8));
    let node = |level, index| log.node(level, index);
    assert_eq!(inclusion_proof(8, 8, node), Err(LogProofError::OutOfRange));
    assert_eq!(inclusion_proof(0, 0, node), Err(LogProofError::OutOfRange));
    assert_eq!(consistency_proof(9, 8, node), Err(LogProofError::OutOfRange));
    let missing = LogProofError::MissingNode { level: 3, index: 1 };
    assert_eq!(inclusion_proof(0, 16, node), Err(missing));
    let outside = verify_inclusion(&leaf(8), 8, 8, &[], &roots[8]);
    assert_eq!(outside, Err(LogProofError::OutOfRange));
    let backwards = verify_consistency(8, &roots[8], 7, &roots[7], &[leaf(0)]);
    assert_eq!(backwards, Err(LogProofError::OutOfRange));
}

#[test]
fn every_log_begins_with_the_empty_one_and_nothing_else_does() {
    let roots = naive_roots(5);
    assert_eq!(verify_consistency(0, &empty_root(), 5, &roots[5], &[]), Ok(()));
    let wrong = verify_consistency(0, &roots[1], 5, &roots[5], &[]);
    assert_eq!(wrong, Err(LogProofError::WrongRoot));
    let surplus = verify_consistency(5, &roots[5], 5, &roots[5], &[roots[1]]);
    assert_eq!(surplus, Err(LogProofError::WrongLength));
}

#[test]
fn a_frontier_with_a_wrong_number_of_subtrees_or_an_absurd_size_is_not_decoded() {
    let hashes = |n: usize| vec![Hash::ZERO; n];
    assert!(cbor::decode::<Frontier>(&cbor::encode(&(6_u64, hashes(2)))).is_ok());
    assert!(cbor::decode::<Frontier>(&cbor::encode(&(6_u64, hashes(1)))).is_err());
    assert!(cbor::decode::<Frontier>(&cbor::encode(&(6_u64, hashes(3)))).is_err());
    assert!(cbor::decode::<Frontier>(&cbor::encode(&(MAX_TREE_SIZE, hashes(63)))).is_ok());
    assert!(cbor::decode::<Frontier>(&cbor::encode(&(MAX_TREE_SIZE + 1, hashes(1)))).is_err());
}

/// What a liar may do to a path.
#[derive(Debug, Clone)]
enum Lie {
    Flip(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Repeat(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
}

impl Lie {
    fn tell(&self, path: &mut Vec<Hash>) {
        if path.is_empty() {
            path.push(Hash::ZERO);
            return;
        }
        match self {
            Lie::Flip(at, bit) => {
                let at = at.index(path.len());
                path[at].0[usize::from(bit / 8)] ^= 1 << (bit % 8);
            }
            Lie::Drop(at) => drop(path.remove(at.index(path.len()))),
            Lie::Repeat(at) => {
                let at = at.index(path.len());
                path.insert(at, path[at]);
            }
            Lie::Swap(a, b) => {
                let (a, b) = (a.index(path.len()), b.index(path.len()));
                path.swap(a, b);
            }
        }
    }
}

fn lies() -> impl Strategy<Value = Lie> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, bit)| Lie::Flip(at, bit)),
        at().prop_map(Lie::Drop),
        at().prop_map(Lie::Repeat),
        (at(), at()).prop_map(|(a, b)| Lie::Swap(a, b)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_changed_path_or_claim_is_refused(
        size in 1_u64..200,
        pick in any::<prop::sample::Index>(),
        elsewhere in 0_u64..220,
        lie in lies(),
    ) {
        let log = Log::of(size);
        let root = log.frontier.root();
        let index = pick.index(size as usize) as u64;
        let proof = log.inclusion(index, size);
        prop_assert_eq!(verify_inclusion(&leaf(index), index, size, &proof, &root), Ok(()));
        if elsewhere != index {
            prop_assert!(verify_inclusion(&leaf(index), elsewhere, size, &proof, &root).is_err());
            prop_assert!(verify_inclusion(&leaf(elsewhere), index, size, &proof, &root).is_err());
        }
        let mut changed = proof.clone();
        lie.tell(&mut changed);
        prop_assume!(changed != proof);
        prop_assert!(verify_inclusion(&leaf(index), index, size, &changed, &root).is_err());
    }

    #[test]
    fn a_changed_history_is_refused(
        new in 2_u64..200,
        pick in any::<prop::sample::Index>(),
        lie in lies(),
    ) {
        let old = 1 + pick.index(new as usize - 1) as u64;
        let log = Log::of(new);
        let (old_root, new_root) = (Log::of(old).frontier.root(), log.frontier.root());
        let proof = log.consistency(old, new);
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
        let mut changed = proof.clone();
        lie.tell(&mut changed);
        prop_assume!(changed != proof);
        prop_assert!(verify_consistency(old, &old_root, new, &new_root, &changed).is_err());
    }

    #[test]
    fn no_path_makes_the_verifiers_panic(
        index in any::<u64>(),
        size in any::<u64>(),
        path in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70),
    ) {
        let _ = verify_inclusion(&leaf(0), index, size, &path, &leaf(0));
        let _ = verify_consistency(index, &leaf(0), size, &leaf(0), &path);
    }
}

fn hex_list(list: &Value) -> Vec<Hash> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn golden_vectors() {
    let vectors =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/vectors/log.json"));
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let mut log = Log::default();
    let mut roots = Vec::new();
    let leaves = vectors["leaves"].as_array().unwrap();
    let leaves: Vec<Hash> = leaves
        .iter()
        .map(|leaf| leaf_hash(&hex::decode(leaf.as_str().unwrap()).unwrap()))
        .collect();
    for (size, tree) in vectors["trees"].as_array().unwrap().iter().enumerate() {
        assert_eq!(log.frontier.root().to_hex(), tree["root"]);
        assert_eq!(hex::encode(cbor::encode(&log.frontier)), tree["frontier"]);
        roots.push(log.frontier.root());
        if let Some(leaf) = leaves.get(size) {
            log.append(*leaf);
        }
    }
    for vector in vectors["inclusion"].as_array().unwrap() {
        let [index, size] = ["index", "size"].map(|name| vector[name].as_u64().unwrap());
        let proof = hex_list(&vector["proof"]);
        assert_eq!(log.inclusion(index, size), proof);
        let (leaf, root) = (&leaves[index as usize], &roots[size as usize]);
        assert_eq!(verify_inclusion(leaf, index, size, &proof, root), Ok(()));
    }
    for vector in vectors["consistency"].as_array().unwrap() {
        let [old, new] = ["old", "new"].map(|name| vector[name].as_u64().unwrap());
        let proof = hex_list(&vector["proof"]);
        assert_eq!(log.consistency(old, new), proof);
        let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
        assert_eq!(verify_consistency(old, old_root, new, new_root, &proof), Ok(()));
    }
}
