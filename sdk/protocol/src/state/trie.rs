//! The tree in memory: nodes, look-up, iteration, proofs. `update.rs` changes it.

use alloc::{sync::Arc, vec, vec::Vec};
use core::fmt;

use super::{
    Entry, EntryKind, branch_hash, empty_root,
    key::{StateKey, bit, bit_length, first_difference},
    leaf_hash,
    proof::{PrefixProof, StateLeaf, StatePath, StateProof, Step},
};
use crate::hash::Hash;

/// A version of the state tree. Cloning costs one reference count; versions share what they have
/// in common. Its hashes are always up to date.
///
/// About 200 bytes per key of 40 bytes. The depth is at most the bits of a key (1,024), because bit
/// indices rise on the way down; nothing here recurses but the compiler's own drop code.
#[derive(Clone, Default)]
pub struct Trie {
    pub(super) root: Option<Node>,
}

#[derive(Clone)]
pub(super) enum Node {
    Leaf(Leaf),
    Branch(Arc<Branch>),
}

/// A leaf in one allocation: kind (1 byte), digest (32 bytes), key. Its hash is computed when
/// needed, which is cheaper than 32 more bytes for every key.
#[derive(Clone)]
pub(super) struct Leaf(Arc<[u8]>);

/// A branch: the keys on the left have a 0 at `bit`, those on the right a 1, and all agree before.
#[derive(Clone)]
pub(super) struct Branch {
    pub(super) bit: u16,
    /// Leaves below.
    pub(super) count: u64,
    /// `None` only within an update.
    pub(super) hash: Option<Hash>,
    pub(super) children: [Node; 2],
}

const LEAF_KEY_AT: usize = 33;

impl Leaf {
    pub(super) fn new(key: &StateKey, entry: &Entry) -> Leaf {
        let mut bytes = Vec::with_capacity(LEAF_KEY_AT + key.as_bytes().len());
        bytes.push(entry.kind as u8);
        bytes.extend_from_slice(entry.digest.as_bytes());
        bytes.extend_from_slice(key.as_bytes());
        Leaf(bytes.into())
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.0[LEAF_KEY_AT..]
    }

    pub(super) fn entry(&self) -> Entry {
        let kind = if self.0[0] == EntryKind::Plain as u8 {
            EntryKind::Plain
        } else {
            EntryKind::RecordLog
        };
        let mut digest = Hash::ZERO;
        digest.0.copy_from_slice(&self.0[1..LEAF_KEY_AT]);
        Entry { kind, digest }
    }

    fn hash(&self) -> Hash {
        leaf_hash(self.key(), &self.entry())
    }

    fn shown(&self) -> StateLeaf {
        StateLeaf { key: StateKey::trusted(self.key()), entry: self.entry() }
    }
}

impl Branch {
    /// A branch over two subtrees with hashes in place.
    pub(super) fn hashed(bit: u16, left: Node, right: Node) -> Branch {
        let count = left.count() + right.count();
        let hash = branch_hash(bit, count, &left.hash(), &right.hash());
        Branch { bit, count, hash: Some(hash), children: [left, right] }
    }

    /// The step a proof shows for this branch when the path goes on to child `direction`.
    fn step(&self, direction: usize) -> Step {
        Step { bit: self.bit, count: self.count, sibling: self.children[1 - direction].hash() }
    }
}

impl Node {
    /// Leaves below, or 1.
    pub(super) fn count(&self) -> u64 {
        match self {
            Node::Leaf(_) => 1,
            Node::Branch(branch) => branch.count,
        }
    }

    /// The hash; `None` while it is out of date.
    pub(super) fn known_hash(&self) -> Option<Hash> {
        match self {
            Node::Leaf(leaf) => Some(leaf.hash()),
            Node::Branch(branch) => branch.hash,
        }
    }

    fn hash(&self) -> Hash {
        self.known_hash().expect("an update ends with every hash in place")
    }

    /// The branch that this node is, if it is one whose hash is out of date.
    pub(super) fn stale_branch(&mut self) -> Option<&mut Arc<Branch>> {
        match self {
            Node::Branch(branch) if branch.hash.is_none() => Some(branch),
            _ => None,
        }
    }

    /// Follows `key` down to the first node that is a leaf or whose bit is `until` or later, and
    /// shows every branch passed to `visit`.
    pub(super) fn descend<'n>(
        &'n self,
        key: &[u8],
        until: u16,
        mut visit: impl FnMut(&Branch),
    ) -> &'n Node {
        let mut node = self;
        while let Node::Branch(branch) = node
            && branch.bit < until
        {
            visit(branch);
            node = &branch.children[bit(key, branch.bit)];
        }
        node
    }

    /// The leaf at which the look-up of `key` ends.
    pub(super) fn closest(&self, key: &[u8]) -> &Leaf {
        match self.descend(key, u16::MAX, |_| {}) {
            Node::Leaf(leaf) => leaf,
            Node::Branch(_) => unreachable!("no bit index reaches u16::MAX"),
        }
    }
}

impl Trie {
    /// The tree without keys.
    pub fn new() -> Trie {
        Trie::default()
    }

    /// The root hash.
    pub fn root(&self) -> Hash {
        self.root.as_ref().map_or_else(empty_root, Node::hash)
    }

    /// Number of keys.
    pub fn len(&self) -> u64 {
        self.root.as_ref().map_or(0, Node::count)
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// What `key` holds.
    pub fn get(&self, key: &StateKey) -> Option<Entry> {
        let leaf = self.root.as_ref()?.closest(key.as_bytes());
        (leaf.key() == key.as_bytes()).then(|| leaf.entry())
    }

    /// Number of keys that begin with `prefix`.
    pub fn prefix_count(&self, prefix: &StateKey) -> u64 {
        self.subtree(prefix).map_or(0, Node::count)
    }

    /// All entries in key order.
    pub fn iter(&self) -> impl Iterator<Item = (StateKey, Entry)> + '_ {
        Leaves::under(self.root.as_ref()).map(|leaf| (StateKey::trusted(leaf.key()), leaf.entry()))
    }

    /// The entries whose keys begin with `prefix`, in key order.
    pub fn iter_prefix(&self, prefix: &StateKey) -> impl Iterator<Item = (StateKey, Entry)> + '_ {
        let leaves = Leaves::under(self.subtree(prefix));
        leaves.map(|leaf| (StateKey::trusted(leaf.key()), leaf.entry()))
    }

    /// The entries whose keys begin with `prefix` and are greater than `after`, in key order.
    pub fn iter_after(
        &self,
        prefix: &StateKey,
        after: &StateKey,
    ) -> impl Iterator<Item = (StateKey, Entry)> + '_ {
        let leaves = Leaves::beyond(self.subtree(prefix), after.as_bytes());
        leaves.map(|leaf| (StateKey::trusted(leaf.key()), leaf.entry()))
    }

    /// Proves what `key` holds or that it holds nothing ([`StateProof::verify_key`]), and also how
    /// many keys have `key` as their prefix ([`StateProof::verify_count`]): in both cases the path
    /// to where the look-up of `key`, continued by zeros, ends.
    pub fn prove(&self, key: &StateKey) -> StateProof {
        let Some(root) = &self.root else {
            return StateProof::Empty;
        };
        let key = key.as_bytes();
        let mut steps = Vec::new();
        root.descend(key, u16::MAX, |branch| steps.push(branch.step(bit(key, branch.bit))));
        StateProof::Path(StatePath { leaf: root.closest(key).shown(), steps })
    }

    /// Proves which keys begin with `prefix` and what they hold ([`PrefixProof::verify`]).
    pub fn prove_prefix(&self, prefix: &StateKey) -> PrefixProof {
        let (Some(root), Some(subtree)) = (&self.root, self.subtree(prefix)) else {
            return PrefixProof::Nothing(self.prove(prefix));
        };
        let key = prefix.as_bytes();
        let mut steps = Vec::new();
        root.descend(key, bit_length(prefix), |branch| {
            steps.push(branch.step(bit(key, branch.bit)));
        });
        PrefixProof::All { leaves: Leaves::under(Some(subtree)).map(Leaf::shown).collect(), steps }
    }

    /// The subtree of all keys that begin with `prefix`, if there are any.
    fn subtree(&self, prefix: &StateKey) -> Option<&Node> {
        let key = prefix.as_bytes();
        let node = self.root.as_ref()?.descend(key, bit_length(prefix), |_| {});
        // All keys below agree up to the prefix's end, but perhaps not with the prefix.
        node.closest(key).key().starts_with(key).then_some(node)
    }
}

impl fmt::Debug for Trie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trie({} keys, root {})", self.len(), self.root().short())
    }
}

/// The leaves below a node, from left to right.
struct Leaves<'t> {
    /// What remains; the next on top.
    pending: Vec<&'t Node>,
}

impl<'t> Leaves<'t> {
    fn under(node: Option<&'t Node>) -> Leaves<'t> {
        Leaves { pending: node.map_or_else(Vec::new, |node| vec![node]) }
    }

    /// Those with keys greater than `after`.
    fn beyond(node: Option<&'t Node>, after: &[u8]) -> Leaves<'t> {
        let mut pending = Vec::new();
        let Some(mut node) = node else { return Leaves { pending } };
        let difference = first_difference(node.closest(after).key(), after);
        // Down to the difference the way is that of `after`: what branches off to the right is
        // greater.
        while let Node::Branch(branch) = node
            && difference.is_none_or(|difference| branch.bit < difference)
        {
            let direction = bit(after, branch.bit);
            if direction == 0 {
                pending.push(&branch.children[1]);
            }
            node = &branch.children[direction];
        }
        // All that is left agrees in the bit of the difference; without one, it is `after` itself.
        if difference.is_some_and(|difference| bit(after, difference) == 0) {
            pending.push(node);
        }
        Leaves { pending }
    }
}

impl<'t> Iterator for Leaves<'t> {
    type Item = &'t Leaf;

    fn next(&mut self) -> Option<&'t Leaf> {
        loop {
            match self.pending.pop()? {
                Node::Leaf(leaf) => return Some(leaf),
                Node::Branch(branch) => {
                    let [left, right] = &branch.children;
                    self.pending.extend([right, left]);
                }
            }
        }
    }
}
