//! Inclusion and consistency proofs (RFC 9162 sections 2.1.3 and 2.1.4).

use alloc::vec::Vec;

use super::{empty_root, frontier::fold, node_hash};
use crate::hash::Hash;

/// Why a proof could not be made or was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogProofError {
    /// The index is not below the size, or the old size is above the new one.
    #[error("index or old size is outside the log")]
    OutOfRange,
    /// The lookup does not know a node it should.
    #[error("node {index} of level {level} is missing")]
    MissingNode {
        /// Height above the leaves.
        level: u8,
        /// Position within the level.
        index: u64,
    },
    /// The path has more or fewer hashes than index and sizes demand.
    #[error("the path has a wrong length")]
    WrongLength,
    /// The path leads to another root.
    #[error("the path leads to another root")]
    WrongRoot,
}

/// The path that proves leaf `index` to be in the log of `size` leaves, from the leaf upwards.
///
/// `node(level, index)` looks up complete nodes, as [`Frontier::append_with`](super::Frontier)
/// reported them.
///
/// # Errors
/// [`LogProofError::OutOfRange`] and [`LogProofError::MissingNode`].
pub fn inclusion_proof(
    index: u64,
    size: u64,
    mut node: impl FnMut(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, LogProofError> {
    if index >= size {
        return Err(LogProofError::OutOfRange);
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range_hash(middle, end, &mut node)?);
            end = middle;
        } else {
            path.push(range_hash(start, middle, &mut node)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The path that proves the log of `new` leaves to begin with the log of `old` leaves. Empty if
/// `old` is 0 or equals `new`: there is nothing to show.
///
/// # Errors
/// [`LogProofError::OutOfRange`] and [`LogProofError::MissingNode`].
pub fn consistency_proof(
    old: u64,
    new: u64,
    mut node: impl FnMut(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, LogProofError> {
    if old > new {
        return Err(LogProofError::OutOfRange);
    }
    let mut path = Vec::new();
    if old == 0 {
        return Ok(path);
    }
    let (mut start, mut end) = (0, new);
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range_hash(middle, end, &mut node)?);
            end = middle;
        } else {
            path.push(range_hash(start, middle, &mut node)?);
            start = middle;
        }
    }
    // The walk ends at the last subtree of the old log. If that is the whole old log, the verifier
    // has its hash already.
    if start != 0 {
        path.push(range_hash(start, end, &mut node)?);
    }
    path.reverse();
    Ok(path)
}

/// The root that `proof` leads to from leaf `index` of a log of `size` leaves.
///
/// # Errors
/// [`LogProofError::OutOfRange`] and [`LogProofError::WrongLength`].
pub fn root_from_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
) -> Result<Hash, LogProofError> {
    if index >= size {
        return Err(LogProofError::OutOfRange);
    }
    let mut climb = Climb { position: index, last: size - 1 };
    let mut root = *leaf;
    for sibling in proof {
        root = match climb.step()? {
            Side::Left => node_hash(sibling, &root),
            Side::Right => node_hash(&root, sibling),
        };
    }
    climb.finish()?;
    Ok(root)
}

/// Checks that the leaf with hash `leaf` is at `index` of the log of `size` leaves with `root`.
///
/// # Errors
/// [`LogProofError::OutOfRange`], [`LogProofError::WrongLength`], [`LogProofError::WrongRoot`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), LogProofError> {
    expect_root(root_from_inclusion(leaf, index, size, proof)?, root)
}

/// A consistency proof with its first hash always present: where `old` is a power of two, RFC 9162
/// leaves out the old log's root because the verifier has it. [`roots_from_consistency`] takes this
/// form, because evidence of a fork must say which old root the new log contains.
pub fn consistency_path(old: u64, old_root: &Hash, proof: &[Hash]) -> Vec<Hash> {
    let seed = old.is_power_of_two().then_some(*old_root);
    seed.into_iter().chain(proof.iter().copied()).collect()
}

/// The roots at sizes `old` and `new` (`0 < old < new`) that a [`consistency_path`] leads to.
///
/// Whoever knows a path that leads to a signed new root knows the old root that this log contains;
/// if the same signer also signed another root for the old size, it forked the log.
///
/// # Errors
/// [`LogProofError::OutOfRange`] and [`LogProofError::WrongLength`].
pub fn roots_from_consistency(
    old: u64,
    new: u64,
    path: &[Hash],
) -> Result<(Hash, Hash), LogProofError> {
    if old == 0 || old >= new {
        return Err(LogProofError::OutOfRange);
    }
    let (seed, path) = path.split_first().ok_or(LogProofError::WrongLength)?;
    let skipped = (old - 1).trailing_ones();
    let mut climb = Climb { position: (old - 1) >> skipped, last: (new - 1) >> skipped };
    let (mut old_root, mut new_root) = (*seed, *seed);
    for sibling in path {
        match climb.step()? {
            Side::Left => {
                old_root = node_hash(sibling, &old_root);
                new_root = node_hash(sibling, &new_root);
            }
            // What lies to the right came after the old log.
            Side::Right => new_root = node_hash(&new_root, sibling),
        }
    }
    climb.finish()?;
    Ok((old_root, new_root))
}

/// Checks that the log of `new` leaves with `new_root` begins with the log of `old` leaves with
/// `old_root`. Every log begins with the empty one.
///
/// # Errors
/// [`LogProofError::OutOfRange`], [`LogProofError::WrongLength`], [`LogProofError::WrongRoot`].
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), LogProofError> {
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(LogProofError::WrongLength);
        }
        let expected = if old == 0 { empty_root() } else { *new_root };
        return expect_root(expected, old_root);
    }
    let path = consistency_path(old, old_root, proof);
    let (old_found, new_found) = roots_from_consistency(old, new, &path)?;
    expect_root(old_found, old_root)?;
    expect_root(new_found, new_root)
}

/// The side of the path's next hash.
enum Side {
    Left,
    Right,
}

/// The way from a node up to the root (RFC 9162 sections 2.1.3.2 and 2.1.4.2).
struct Climb {
    /// Position of the current node within its level.
    position: u64,
    /// Position of the level's last node.
    last: u64,
}

impl Climb {
    /// Climbs one level, and on the right edge past the levels where the node has no sibling.
    fn step(&mut self) -> Result<Side, LogProofError> {
        if self.last == 0 {
            return Err(LogProofError::WrongLength);
        }
        let (side, levels) = if self.position & 1 == 1 || self.position == self.last {
            (Side::Left, self.position.trailing_zeros() + 1)
        } else {
            (Side::Right, 1)
        };
        // The position is not zero where zeros are skipped, so at most 63 are.
        self.position = self.position >> (levels - 1) >> 1;
        self.last = self.last >> (levels - 1) >> 1;
        Ok(side)
    }

    fn finish(self) -> Result<(), LogProofError> {
        if self.last == 0 { Ok(()) } else { Err(LogProofError::WrongLength) }
    }
}

fn expect_root(found: Hash, expected: &Hash) -> Result<(), LogProofError> {
    if found == *expected { Ok(()) } else { Err(LogProofError::WrongRoot) }
}

/// The largest power of two below `size`, which is at least 2: where RFC 6962 splits a tree.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Hash over the leaves `start..end` of a subtree of the log: `start` is a multiple of every
/// power of two up to the range's length.
fn range_hash(
    start: u64,
    end: u64,
    node: &mut impl FnMut(u8, u64) -> Option<Hash>,
) -> Result<Hash, LogProofError> {
    let mut subtrees = Vec::new();
    let mut start = start;
    while start < end {
        let level = (end - start).ilog2() as u8;
        let index = start >> level;
        let hash = node(level, index).ok_or(LogProofError::MissingNode { level, index })?;
        subtrees.push(hash);
        start += 1 << level;
    }
    Ok(fold(&subtrees))
}
