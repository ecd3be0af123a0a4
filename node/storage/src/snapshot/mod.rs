//! Logical snapshots: the state at one moment as sorted key/value chunks.
//!
//! Logical and sorted, so that a snapshot is byte-identical on all nodes that applied the same
//! Raft entry, whatever their releases and disks. It holds plain state, record logs and the log's
//! frontier; blocks, leaves and outcomes before it are not part of it. The chunk hashes are in
//! the manifest; who takes a snapshot over builds the state tree and the record logs from it and
//! compares their root with the manifest's, which attested checkpoints vouch for.

mod build;
mod load;

use minicbor::{Decode, Encode};
use precinto_protocol::{
    cbor,
    hash::{Hash, tagged},
    log::Frontier,
};

pub use build::{SnapshotFiles, build};
pub(crate) use load::subtrees;
pub use load::{LoadedSnapshot, SnapshotLoader};

use crate::{engine::Table, error::StorageError, ledger::BlockSummary, raft_log::SnapshotMark};

/// Version of the manifest and the chunks.
const SNAPSHOT_VERSION: u32 = 1;

/// An encoded chunk is at most this long: one frame on the wire, one unit of resumption.
pub const SNAPSHOT_CHUNK_BYTES: usize = 1024 * 1024;

/// Chunks of one snapshot: 64 GiB of state, with a manifest of two mebibytes.
pub const MAX_SNAPSHOT_CHUNKS: usize = 65_536;

/// An encoded manifest: its chunk hashes and room for the rest.
pub const MAX_MANIFEST_BYTES: usize = MAX_SNAPSHOT_CHUNKS * 34 + 64 * 1024;

/// What a snapshot is of, and what it consists of.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Manifest {
    #[n(0)]
    version: u32,
    /// The newest block: its height, content hash, time and roots.
    #[n(1)]
    pub block: BlockSummary,
    /// The newest Raft entry that was applied.
    #[n(2)]
    pub applied: SnapshotMark,
    /// The log's frontier after the block.
    #[n(3)]
    pub frontier: Frontier,
    /// Raft's membership as of `applied` (opaque).
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    pub membership: Vec<u8>,
    /// Hash of each chunk, in order.
    #[n(5)]
    pub chunks: Vec<Hash>,
}

impl Manifest {
    /// The manifest as CBOR.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Decodes a manifest and checks that it is consistent in itself. Whether it is true is for
    /// the caller to check, against attested checkpoints.
    ///
    /// # Errors
    /// [`StorageError::BadSnapshot`].
    pub fn decode(bytes: &[u8]) -> Result<Manifest, StorageError> {
        let bad = |reason: &str| StorageError::BadSnapshot(reason.into());
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(bad("manifest too long"));
        }
        let manifest: Manifest = cbor::decode(bytes).map_err(|error| bad(&error.to_string()))?;
        let Manifest { version, block, applied, frontier, chunks, .. } = &manifest;
        if *version != SNAPSHOT_VERSION {
            return Err(bad("a version this release does not know"));
        }
        if chunks.len() > MAX_SNAPSHOT_CHUNKS {
            return Err(bad("too many chunks"));
        }
        if frontier.size() != block.log_size || frontier.root() != block.log_root {
            return Err(bad("the frontier is not that of the block's log root"));
        }
        if applied.index < block.raft_index || applied.term < block.raft_term {
            return Err(bad("the newest entry is older than the newest block"));
        }
        Ok(manifest)
    }

    /// The snapshot's identity: equal on all nodes that applied the same entry.
    pub fn hash(&self) -> Hash {
        tagged("precinto/snapshot-manifest", &[&self.encode()])
    }
}

/// The hash of an encoded chunk, as the manifest lists it.
fn chunk_hash(chunk: &[u8]) -> Hash {
    tagged("precinto/snapshot-chunk", &[chunk])
}

/// What an item of a chunk is, in the order in which a snapshot holds them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
enum Kind {
    /// State key -> value.
    #[n(0)]
    State,
    /// State key -> count and commitment.
    #[n(1)]
    RecordLog,
    /// State key with its length before it and the entry's index after it -> entry.
    #[n(2)]
    RecordEntry,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::State, Kind::RecordLog, Kind::RecordEntry];

    fn table(self) -> Table {
        match self {
            Kind::State => Table::State,
            Kind::RecordLog => Table::RecordLogs,
            Kind::RecordEntry => Table::RecordEntries,
        }
    }
}

/// A pair of a snapshot. A chunk is the CBOR array of its items.
#[derive(Encode, Decode)]
struct Item {
    #[n(0)]
    kind: Kind,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    key: Vec<u8>,
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    value: Vec<u8>,
}
