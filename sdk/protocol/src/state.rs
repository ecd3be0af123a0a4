//! The state tree: every input of execution under one root, with proofs of presence, of absence
//! and of completeness.
//!
//! # Mental model
//! A [`Trie`] is a compressed binary (crit-bit) Merkle trie over [`StateKey`]s in byte order. A
//! branch names the first bit at which the keys below it differ; what they share above that bit is
//! not stored. So the set of entries alone determines the shape and the root, and *n* keys need
//! *n* leaves and *n* - 1 branches. An [`Entry`] is what a key holds: the digest of a plain value
//! or of a *record log* (its length and RFC 6962 root, [`record_log_digest`]).
//!
//! ```text
//! leaf   = tagged("precinto/state-leaf",  kind u8, key length u16, key, digest)
//! branch = tagged("precinto/state-node",  bit index u16, leaf count u64, left, right)
//! empty  = tagged("precinto/state-empty")
//! ```
//! Integers are big-endian. Bit 0 is the most significant bit of the key's first byte. Bits past a
//! key's end are 0. This is injective: a key that continues another ends in `00 01`, hence has a
//! one bit where the other is all zeros. It also keeps the trie's order equal to byte order.
//!
//! # Why the proofs are sound
//! Roots are computed by execution on every node and attested by many; a lying *prover* has to
//! work under an honest root. By collision resistance and the domain tags, whatever hashes to the
//! root *is* the tree: a leaf cannot pass as a branch, nor a bit index, count or child be changed.
//!
//! * *One key* ([`StateProof::verify_key`]). The path is folded with the directions that the
//!   **asked** key takes at each branch, never with directions the prover names. If it gives the
//!   root, the shown leaf is where the look-up of the asked key ends, and a look-up ends at the
//!   key's own leaf if there is one. So another key there means absence. The shown leaf must agree
//!   with the asked key at every branch; where they differ lies within bits that the trie skips.
//! * *How many keys under a prefix* ([`StateProof::verify_count`]). Keys with the prefix take its
//!   direction at every branch whose bit lies within the prefix, so all of them are below the
//!   first branch on the path whose bit is at or beyond the prefix's end (or are the leaf itself).
//!   Everything below that branch agrees on all earlier bits, so one witness leaf decides: if it
//!   has the prefix, so have all, and the branch's leaf count is the answer; if it diverges inside
//!   the skipped bits, none has, and the answer is 0.
//! * *All keys under a prefix* ([`PrefixProof::verify`]). The listed entries determine their
//!   subtree's hash. Folded with branches whose bits all lie within the prefix, in the prefix's
//!   directions, it must give the root; then it is that subtree, and a key left out, added or
//!   changed would have given another hash.
//!
//! Bit indices must rise strictly along a path, which also bounds its length. Each true statement
//! has exactly one accepted proof.

mod key;
mod proof;
mod record;
mod trie;
mod update;

pub use key::{StateKey, StateKeyError, escape_component};
pub use proof::{PrefixProof, StateLeaf, StatePath, StateProof, StateProofError, Step};
pub use record::{RecordLogEntry, record_log_digest};
pub use trie::Trie;
pub use update::NotAscending;

use minicbor::{Decode, Encode};

use crate::{
    hash::{Hash, tagged},
    log::Frontier,
};

/// What sort of thing a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum EntryKind {
    /// A value that contracts may overwrite and remove.
    #[n(0)]
    Plain,
    /// A log that contracts may only append to.
    #[n(1)]
    RecordLog,
}

/// What the state tree commits to under a key. CBOR `[kind, digest]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// Plain value or record log.
    #[n(0)]
    pub kind: EntryKind,
    /// Digest of the value, or of the log's length and root.
    #[n(1)]
    pub digest: Hash,
}

impl Entry {
    /// The entry of a plain value: digest = tagged("precinto/state-value", value).
    pub fn plain(value: &[u8]) -> Entry {
        Entry { kind: EntryKind::Plain, digest: tagged("precinto/state-value", &[value]) }
    }

    /// The entry of a record log, by the frontier over its entries.
    pub fn record_log(log: &Frontier) -> Entry {
        Entry { kind: EntryKind::RecordLog, digest: record_log_digest(log) }
    }
}

/// Root of the tree without keys.
fn empty_root() -> Hash {
    tagged("precinto/state-empty", &[])
}

fn leaf_hash(key: &[u8], entry: &Entry) -> Hash {
    let length = (key.len() as u16).to_be_bytes();
    let digest = entry.digest.as_bytes();
    tagged("precinto/state-leaf", &[&[entry.kind as u8], &length, key, digest])
}

fn branch_hash(bit: u16, count: u64, left: &Hash, right: &Hash) -> Hash {
    let (bit, count) = (bit.to_be_bytes(), count.to_be_bytes());
    tagged("precinto/state-node", &[&bit, &count, left.as_bytes(), right.as_bytes()])
}
