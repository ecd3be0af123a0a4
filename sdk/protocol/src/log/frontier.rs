//! The right edge of a growing tree.

use alloc::vec::Vec;

use minicbor::{Decode, Decoder, Encode, decode};

use super::{empty_root, node_hash};
use crate::hash::Hash;

/// Leaves a log can have: sizes stay below 2^63, as signed 64-bit readers of C2SP checkpoints
/// expect.
pub const MAX_TREE_SIZE: u64 = (1 << 63) - 1;

/// The complete subtrees a log of some size breaks into: enough to append and to know the root.
///
/// Encoded as the CBOR array `[size, [hash, ...]]`, the hashes of the complete subtrees from the
/// largest (leftmost) to the smallest: one per one bit of the size.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode)]
pub struct Frontier {
    #[n(0)]
    size: u64,
    #[n(1)]
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the empty log.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its [`leaf_hash`](super::leaf_hash).
    pub fn append(&mut self, leaf: Hash) {
        self.append_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf and calls `complete(level, index, hash)` for every node this completes, the
    /// leaf itself (level 0) first. Over the life of a log each complete node is reported once.
    pub fn append_with(&mut self, leaf: Hash, mut complete: impl FnMut(u8, u64, &Hash)) {
        assert!(self.size < MAX_TREE_SIZE, "no log reaches 2^63 leaves");
        complete(0, self.size, &leaf);
        let mut hash = leaf;
        // Adding one to the size carries through its trailing one bits; each carry joins two
        // subtrees of equal size.
        for carry in 0..self.size.trailing_ones() as u8 {
            let left = self.subtrees.pop().expect("one subtree per one bit of the size");
            hash = node_hash(&left, &hash);
            let level = carry + 1;
            complete(level, self.size >> level, &hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        fold(&self.subtrees)
    }
}

/// The hash over complete subtrees of falling size, left to right.
pub(super) fn fold(subtrees: &[Hash]) -> Hash {
    subtrees
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node_hash(&left, &right))
        .unwrap_or_else(empty_root)
}

impl<'b, C> Decode<'b, C> for Frontier {
    fn decode(d: &mut Decoder<'b>, context: &mut C) -> Result<Self, decode::Error> {
        let (size, subtrees): (u64, Vec<Hash>) = Decode::decode(d, context)?;
        if size > MAX_TREE_SIZE || subtrees.len() != size.count_ones() as usize {
            return Err(decode::Error::message("one subtree per one bit of a size below 2^63"));
        }
        Ok(Frontier { size, subtrees })
    }
}
