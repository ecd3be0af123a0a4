//! The RFC 6962 / RFC 9162 Merkle tree: an append-only log that proves what it contains and that
//! it was only ever appended to.
//!
//! # Mental model
//! A [`Frontier`] is all a writer needs: the roots of the complete subtrees the log's size breaks
//! into. Each append completes some nodes; storage keeps those, addressed by (level, index), and
//! [`inclusion_proof`] and [`consistency_proof`] read them back. Verifiers hold roots only.
//!
//! Node (level, index) covers the leaves `index << level .. (index + 1) << level`; level 0 is the
//! leaf hashes. Only complete nodes have an address; those on the ragged right edge depend on the
//! size and are recomputed.
//!
//! # Invariants
//! * The same leaves in the same order give the same root everywhere.
//! * A verifier demands the exact path length that index and sizes imply, so a proof has one form.

mod frontier;
mod proof;

pub use frontier::{Frontier, MAX_TREE_SIZE};
pub use proof::{
    LogProofError, consistency_path, consistency_proof, inclusion_proof, root_from_inclusion,
    roots_from_consistency, verify_consistency, verify_inclusion,
};

use crate::hash::{Hash, sha256};

/// Hash of a leaf's bytes: SHA-256(0x00, bytes) (RFC 6962 section 2.1).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    sha256(&[&[0x00], bytes])
}

/// Hash of an interior node: SHA-256(0x01, left, right) (RFC 6962 section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[0x01], left.as_bytes(), right.as_bytes()])
}

/// Root of the log of no leaves: SHA-256 of the empty string (RFC 6962 section 2.1).
pub fn empty_root() -> Hash {
    sha256(&[])
}
