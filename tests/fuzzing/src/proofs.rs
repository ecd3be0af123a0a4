//! Proofs: those of a real tree hold, and no changed one proves anything else.

use std::collections::BTreeMap;

use precinto_protocol::{
    cbor,
    hash::Hash,
    log::{
        Frontier, consistency_proof, inclusion_proof, leaf_hash, roots_from_consistency,
        verify_consistency, verify_inclusion,
    },
    state::{Entry, PrefixProof, StateKey, StateProof, Trie},
};

use crate::take::Take;

/// Leaves of a log at most: every shape of path occurs.
const MOST_LEAVES: usize = 40;

/// Keys of a state at most.
const MOST_KEYS: usize = 24;

/// A log of distinct leaves with all its complete nodes.
struct Log {
    leaves: Vec<Hash>,
    nodes: BTreeMap<(u8, u64), Hash>,
    roots: Vec<Hash>,
}

impl Log {
    fn new(size: usize) -> Log {
        let mut log = Frontier::new();
        let (mut nodes, mut roots) = (BTreeMap::new(), vec![log.root()]);
        let leaves: Vec<Hash> = (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect();
        for leaf in &leaves {
            log.append_with(*leaf, |level, index, hash| {
                nodes.insert((level, index), *hash);
            });
            roots.push(log.root());
        }
        Log { leaves, nodes, roots }
    }

    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.nodes.get(&(level, index)).copied()
    }
}

/// Inclusion and consistency: the made proof holds, a changed one does not, any other does no harm.
pub(crate) fn log_proof(bytes: &[u8]) {
    let mut take = Take::new(bytes);
    let log = Log::new(1 + take.below(MOST_LEAVES));
    inclusion(&log, &mut take);
    consistency(&log, &mut take);
    let (index, size, leaf, root) = (take.any(), take.any(), take.any(), take.any());
    let path: Vec<Hash> = take.list(70, |take| Hash(take.any()));
    let _ = verify_inclusion(&Hash(leaf), index, size, &path, &Hash(root));
    let _ = roots_from_consistency(index, size, &path);
    let _ = verify_consistency(index, &Hash(leaf), size, &Hash(root), &path);
}

fn inclusion(log: &Log, take: &mut Take<'_>) {
    let size = log.leaves.len();
    let index = take.below(size);
    let (leaf, root) = (&log.leaves[index], &log.roots[size]);
    let (index, size) = (index as u64, size as u64);
    let node = |level, index| log.node(level, index);
    let proof = inclusion_proof(index, size, node).expect("every node is there");
    assert_eq!(verify_inclusion(leaf, index, size, &proof, root), Ok(()));
    let claimed = take.below(log.leaves.len()) as u64;
    let other = changed(&proof, take);
    if (claimed, &other) != (index, &proof) {
        let verified = verify_inclusion(leaf, claimed, size, &other, root);
        assert!(verified.is_err(), "leaf {index} of {size} proven as {claimed} by {other:?}");
    }
}

fn consistency(log: &Log, take: &mut Take<'_>) {
    let new = log.leaves.len();
    let old = take.below(new + 1);
    let (old_root, new_root) = (&log.roots[old], &log.roots[new]);
    let node = |level, index| log.node(level, index);
    let proof = consistency_proof(old as u64, new as u64, node).expect("every node is there");
    let verify = |old_root, proof: &[Hash]| {
        verify_consistency(old as u64, old_root, new as u64, new_root, proof)
    };
    assert_eq!(verify(old_root, &proof), Ok(()));
    let other = changed(&proof, take);
    if other != proof {
        assert!(verify(old_root, &other).is_err(), "{old} to {new} by {other:?}");
    }
    let another_root = log.roots[take.below(new + 1)];
    if another_root != *old_root {
        assert!(verify(&another_root, &proof).is_err(), "{old} to {new} from another root");
    }
}

/// A proof after at most three changes; possibly the same.
fn changed(proof: &[Hash], take: &mut Take<'_>) -> Vec<Hash> {
    let mut changed = proof.to_vec();
    for _ in 0..take.below(4) {
        let at = take.below(changed.len() + 1);
        match take.below(4) {
            0 => changed.insert(at, Hash(take.any())),
            _ if at == changed.len() => {}
            1 => drop(changed.remove(at)),
            2 => changed[at].0[take.below(32)] ^= take.any::<u8>(),
            _ => changed.swap(0, at),
        }
    }
    changed
}

/// State proofs: whatever verifies against the root says what the state says.
pub(crate) fn state_proof(bytes: &[u8]) {
    let mut take = Take::new(bytes);
    let state: BTreeMap<StateKey, Entry> =
        take.list(MOST_KEYS, |take| (key(take), entry(take))).into_iter().collect();
    let trie = Trie::from_sorted(state.iter().map(|(key, entry)| (key, *entry)));
    let trie = trie.expect("a map is sorted");
    let asked = key(&mut take);
    let under: Vec<&StateKey> = state.keys().filter(|key| asked.is_prefix_of(key)).collect();
    let root = trie.root();

    let proof = trie.prove(&asked);
    assert_eq!(proof.verify_key(&root, &asked), Ok(state.get(&asked).copied()));
    assert_eq!(proof.verify_count(&root, &asked), Ok(under.len() as u64));
    let listing = trie.prove_prefix(&asked);
    assert_eq!(listed(&listing, &root, &asked).as_ref(), Some(&under));

    let forged = forged(&cbor::encode(&proof), &mut take);
    if let Ok(forged) = cbor::decode::<StateProof>(&forged) {
        if let Ok(found) = forged.verify_key(&root, &asked) {
            assert_eq!(found, state.get(&asked).copied(), "{forged:?}");
        }
        if let Ok(count) = forged.verify_count(&root, &asked) {
            assert_eq!(count, under.len() as u64, "{forged:?}");
        }
    }
    let listing = cbor::encode(&listing);
    let forged = if take.any() { self::forged(&listing, &mut take) } else { take.rest().to_vec() };
    if let Ok(forged) = cbor::decode::<PrefixProof>(&forged)
        && let Some(found) = listed(&forged, &root, &asked)
    {
        assert_eq!(found, under, "{forged:?}");
    }
}

fn listed<'p>(proof: &'p PrefixProof, root: &Hash, prefix: &StateKey) -> Option<Vec<&'p StateKey>> {
    let leaves = proof.verify(root, prefix).ok()?;
    Some(leaves.iter().map(|leaf| &leaf.key).collect())
}

/// Few contracts and components, so that keys share prefixes.
fn key(take: &mut Take<'_>) -> StateKey {
    let contract = take.one(&[1, 2, 256, u32::MAX]);
    let components =
        take.list(3, |take| take.one(&[&b""[..], b"a", b"ab", b"b", b"\0", b"\0\xff"]));
    components.into_iter().fold(StateKey::new(contract), |key, component| {
        key.component(component).expect("few and short")
    })
}

fn entry(take: &mut Take<'_>) -> Entry {
    Entry::plain(&[take.any()])
}

/// Bytes after at most four changes.
fn forged(bytes: &[u8], take: &mut Take<'_>) -> Vec<u8> {
    let mut forged = bytes.to_vec();
    for _ in 0..take.below(5) {
        let at = take.below(forged.len() + 1);
        match take.below(3) {
            0 => forged.insert(at, take.any()),
            _ if at == forged.len() => {}
            1 => drop(forged.remove(at)),
            _ => forged[at] = take.any(),
        }
    }
    forged
}
