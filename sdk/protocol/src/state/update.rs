//! Changing the tree: batches of changes, and building from sorted entries.

use alloc::{sync::Arc, vec, vec::Vec};
use core::borrow::Borrow;

use super::{
    Entry, branch_hash,
    key::{StateKey, bit, first_difference},
    trie::{Branch, Leaf, Node, Trie},
};
use crate::hash::Hash;

/// Keys were not strictly ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("keys are not strictly ascending")]
pub struct NotAscending;

impl Trie {
    /// Applies changes in order: `Some` sets a key, `None` removes it (if present). Each changed
    /// branch is hashed once per batch, so pass a block's writes together.
    pub fn update<K: Borrow<StateKey>>(
        &mut self,
        changes: impl IntoIterator<Item = (K, Option<Entry>)>,
    ) {
        for (key, entry) in changes {
            match entry {
                Some(entry) => self.insert(key.borrow(), &entry),
                None => self.remove(key.borrow().as_bytes()),
            }
        }
        if let Some(root) = &mut self.root {
            rehash(root);
        }
    }

    /// The tree of these entries, whose keys must be strictly ascending. Faster than
    /// [`Trie::update`]: for loading a whole state.
    ///
    /// # Errors
    /// [`NotAscending`].
    pub fn from_sorted<K: Borrow<StateKey>>(
        entries: impl IntoIterator<Item = (K, Entry)>,
    ) -> Result<Trie, NotAscending> {
        let mut builder = Builder::default();
        for (key, entry) in entries {
            builder.push(Leaf::new(key.borrow(), &entry))?;
        }
        Ok(builder.finish())
    }

    fn insert(&mut self, key: &StateKey, entry: &Entry) {
        let leaf = Leaf::new(key, entry);
        let Some(root) = &mut self.root else {
            self.root = Some(Node::Leaf(leaf));
            return;
        };
        let key = key.as_bytes();
        let closest = root.closest(key);
        match first_difference(closest.key(), key) {
            None if closest.entry() == *entry => {}
            None => *open(root, key, u16::MAX, 0) = Node::Leaf(leaf),
            Some(difference) => {
                // The new branch belongs above the first node whose keys agree beyond the
                // difference: there the new key parts from all of them.
                let slot = open(root, key, difference, 1);
                let (leaf, old) = (Node::Leaf(leaf), slot.clone());
                let count = old.count() + 1;
                let children = if bit(key, difference) == 0 { [leaf, old] } else { [old, leaf] };
                *slot =
                    Node::Branch(Arc::new(Branch { bit: difference, count, hash: None, children }));
            }
        }
    }

    fn remove(&mut self, key: &[u8]) {
        let Some(root) = &mut self.root else { return };
        if root.closest(key).key() != key {
            return;
        }
        // The branch directly above the leaf goes; what is on its other side takes its place.
        let mut last_bit = None;
        root.descend(key, u16::MAX, |branch| last_bit = Some(branch.bit));
        let Some(last_bit) = last_bit else {
            self.root = None;
            return;
        };
        let slot = open(root, key, last_bit, -1);
        let Node::Branch(branch) = &*slot else { unreachable!("the path has this branch") };
        let sibling = branch.children[1 - bit(key, last_bit)].clone();
        *slot = sibling;
    }
}

/// Follows `key` down to the first node that is a leaf or whose bit is `until` or later, for
/// changing it: the branches passed become this version's own, their hashes are out of date, and
/// their leaf counts change by `change`.
fn open<'n>(root: &'n mut Node, key: &[u8], until: u16, change: i64) -> &'n mut Node {
    let mut slot = root;
    while matches!(slot, Node::Branch(branch) if branch.bit < until) {
        let Node::Branch(branch) = slot else { unreachable!("the loop's condition") };
        let branch = Arc::make_mut(branch);
        branch.hash = None;
        branch.count = branch.count.strict_add_signed(change);
        slot = &mut branch.children[bit(key, branch.bit)];
    }
    slot
}

/// A branch whose hash is out of date; a child's hash is `None` if it is, too.
struct Stale<'n> {
    bit: u16,
    count: u64,
    children: [Option<Hash>; 2],
    hash: &'n mut Option<Hash>,
}

/// Computes the hashes that are out of date, children before parents.
fn rehash(root: &mut Node) {
    let mut stale = Vec::new();
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        let Some(branch) = node.stale_branch() else {
            continue;
        };
        let Branch { bit, count, hash, children } = Arc::make_mut(branch);
        let hashes = [children[0].known_hash(), children[1].known_hash()];
        stale.push(Stale { bit: *bit, count: *count, children: hashes, hash });
        let [left, right] = children;
        pending.extend([right, left]);
    }
    // Listed were parents, then all of the left, then all of the right. Backwards, the hash of a
    // stale left child is the newest not yet used, and that of a stale right child the one below.
    let mut ready = Vec::new();
    for Stale { bit, count, children, hash } in stale.into_iter().rev() {
        let [left, right] = children.map(|known| {
            known.or_else(|| ready.pop()).expect("children are hashed before their parents")
        });
        let computed = branch_hash(bit, count, &left, &right);
        *hash = Some(computed);
        ready.push(computed);
    }
}

/// Builds a tree from leaves in order: the branches open to the right are a stack of rising bits.
#[derive(Default)]
struct Builder {
    /// Bit and finished left side of every open branch.
    open: Vec<(u16, Node)>,
    /// The last leaf pushed, still alone.
    last: Option<Leaf>,
}

impl Builder {
    fn push(&mut self, leaf: Leaf) -> Result<(), NotAscending> {
        let Some(last) = self.last.take() else {
            self.last = Some(leaf);
            return Ok(());
        };
        let difference = first_difference(last.key(), leaf.key()).ok_or(NotAscending)?;
        if bit(leaf.key(), difference) == 0 {
            return Err(NotAscending);
        }
        // Branches beyond the difference do not hold the new leaf: they are complete.
        let left = self.close(Node::Leaf(last), |open| open > difference);
        self.open.push((difference, left));
        self.last = Some(leaf);
        Ok(())
    }

    /// Completes open branches, deepest first, while `complete` says so of their bit; `right` is
    /// the right side of the first.
    fn close(&mut self, right: Node, complete: impl Fn(u16) -> bool) -> Node {
        let mut node = right;
        while let Some((bit, left)) = self.open.pop_if(|(bit, _)| complete(*bit)) {
            node = Node::Branch(Arc::new(Branch::hashed(bit, left, node)));
        }
        node
    }

    fn finish(mut self) -> Trie {
        let last = self.last.take();
        Trie { root: last.map(|leaf| self.close(Node::Leaf(leaf), |_| true)) }
    }
}
