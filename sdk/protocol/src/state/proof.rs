//! Proofs against a state root, and the checks that make them sound (see the module's overview).

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::{
    Entry, Trie, branch_hash, empty_root,
    key::{StateKey, bit, bit_length},
    leaf_hash,
};
use crate::hash::Hash;

/// A key and what it holds. CBOR `[key, entry]`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StateLeaf {
    /// The key.
    #[n(0)]
    pub key: StateKey,
    /// What it holds.
    #[n(1)]
    pub entry: Entry,
}

/// One branch on a path. CBOR `[bit, count, sibling]`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Step {
    /// The branch's bit index.
    #[n(0)]
    pub bit: u16,
    /// The branch's leaf count.
    #[n(1)]
    pub count: u64,
    /// Hash of the child that is not on the path.
    #[n(2)]
    pub sibling: Hash,
}

/// A leaf and the branches above it, from the root down. CBOR `[leaf, [step, ...]]`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StatePath {
    /// The leaf at which the look-up ends.
    #[n(0)]
    pub leaf: StateLeaf,
    /// The branches, root first.
    #[n(1)]
    pub steps: Vec<Step>,
}

/// Proof of what a key holds, that it holds nothing, or how many keys have it as their prefix.
/// CBOR `[0, []]` or `[1, [path]]`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum StateProof {
    /// The tree has no keys.
    #[n(0)]
    Empty,
    /// Where the look-up of the key, continued by zeros, ends.
    #[n(1)]
    Path(#[n(0)] StatePath),
}

/// Proof of all entries whose keys have a prefix. CBOR `[0, [proof]]` or
/// `[1, [[leaf, ...], [step, ...]]]`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum PrefixProof {
    /// There are none, by a proof that their count is 0.
    #[n(0)]
    Nothing(#[n(0)] StateProof),
    /// There are these.
    #[n(1)]
    All {
        /// All of them, in key order.
        #[n(0)]
        leaves: Vec<StateLeaf>,
        /// The branches above their subtree, root first.
        #[n(1)]
        steps: Vec<Step>,
    },
}

/// Why a proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateProofError {
    /// It leads to another root.
    #[error("the proof leads to another root")]
    WrongRoot,
    /// Bit indices do not rise from the root down, or reach into a subtree listed in full.
    #[error("the bit indices of the path do not rise, or reach beyond the prefix")]
    BadBits,
    /// The leaf shown lies in another direction than the key asked for.
    #[error("the leaf shown is not where the look-up of the key ends")]
    WrongDirection,
    /// Listed keys are not in order or lack the prefix, or a list that should have some is empty.
    #[error("the listed keys are not in order, lack the prefix, or are none")]
    BadListing,
    /// Keys with the prefix exist, but the proof claims there are none.
    #[error("keys with the prefix exist, although the proof lists none")]
    NotEmpty,
}

impl StateProof {
    /// What `key` holds under `root`; `None` is proven absence.
    ///
    /// # Errors
    /// [`StateProofError`] if the proof is not one for this key under this root.
    pub fn verify_key(
        &self,
        root: &Hash,
        key: &StateKey,
    ) -> Result<Option<Entry>, StateProofError> {
        let path = self.verify_path(root, key)?;
        Ok(path.filter(|path| path.leaf.key == *key).map(|path| path.leaf.entry))
    }

    /// How many keys begin with `prefix` under `root`.
    ///
    /// # Errors
    /// [`StateProofError`] if the proof is not one for this prefix under this root.
    pub fn verify_count(&self, root: &Hash, prefix: &StateKey) -> Result<u64, StateProofError> {
        let Some(path) = self.verify_path(root, prefix)? else {
            return Ok(0);
        };
        if !prefix.is_prefix_of(&path.leaf.key) {
            return Ok(0);
        }
        let subtree = path.steps.iter().find(|step| step.bit >= bit_length(prefix));
        Ok(subtree.map_or(1, |branch| branch.count))
    }

    /// Checks that the path is the one that the look-up of `key`, continued by zeros, takes under
    /// `root`; `None` if the tree is empty.
    fn verify_path(
        &self,
        root: &Hash,
        key: &StateKey,
    ) -> Result<Option<&StatePath>, StateProofError> {
        let StateProof::Path(path) = self else {
            return if *root == empty_root() { Ok(None) } else { Err(StateProofError::WrongRoot) };
        };
        let shown = path.leaf.key.as_bytes();
        if path.steps.iter().any(|step| bit(shown, step.bit) != bit(key.as_bytes(), step.bit)) {
            return Err(StateProofError::WrongDirection);
        }
        climb(leaf_hash(shown, &path.leaf.entry), &path.steps, key, root)?;
        Ok(Some(path))
    }
}

impl PrefixProof {
    /// All entries whose keys begin with `prefix` under `root`, in key order.
    ///
    /// # Errors
    /// [`StateProofError`] if the proof is not one for this prefix under this root.
    pub fn verify(&self, root: &Hash, prefix: &StateKey) -> Result<&[StateLeaf], StateProofError> {
        let (leaves, steps) = match self {
            PrefixProof::Nothing(proof) => {
                return match proof.verify_count(root, prefix)? {
                    0 => Ok(&[]),
                    _ => Err(StateProofError::NotEmpty),
                };
            }
            PrefixProof::All { leaves, steps } => (leaves, steps),
        };
        if leaves.is_empty() || leaves.iter().any(|leaf| !prefix.is_prefix_of(&leaf.key)) {
            return Err(StateProofError::BadListing);
        }
        if steps.iter().any(|step| step.bit >= bit_length(prefix)) {
            return Err(StateProofError::BadBits);
        }
        let subtree = Trie::from_sorted(leaves.iter().map(|leaf| (&leaf.key, leaf.entry)))
            .map_err(|_| StateProofError::BadListing)?;
        climb(subtree.root(), steps, prefix, root)?;
        Ok(leaves)
    }
}

/// Folds `steps` onto the hash below them, in the directions of `key`, and compares with `root`.
fn climb(below: Hash, steps: &[Step], key: &StateKey, root: &Hash) -> Result<(), StateProofError> {
    if !steps.is_sorted_by(|above, below| above.bit < below.bit) {
        return Err(StateProofError::BadBits);
    }
    let found = steps.iter().rev().fold(below, |hash, step| {
        let (left, right) = match bit(key.as_bytes(), step.bit) {
            0 => (hash, step.sibling),
            _ => (step.sibling, hash),
        };
        branch_hash(step.bit, step.count, &left, &right)
    });
    if found == *root { Ok(()) } else { Err(StateProofError::WrongRoot) }
}
