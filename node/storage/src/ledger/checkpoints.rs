//! Signed checkpoints and evidence: what concerns this node and its peers, not the shared state.

use std::sync::PoisonError;

use minicbor::{Decode, Encode};
use precinto_protocol::{
    cbor,
    hash::{Hash, tagged},
    identity::NodeId,
};

use super::{Ledger, LedgerView, MAX_READ_ITEMS, StoredCheckpoint};
use crate::{
    engine::{Batch, Durability, Store, Table},
    error::StorageError,
    identity::decode,
    keys::{self, meta},
    mutated::mutated,
};

/// What is stored under (node, size).
#[derive(Encode, Decode)]
struct CheckpointRecord {
    #[n(0)]
    root: Hash,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    bytes: Vec<u8>,
}

/// The size and root this node signed last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Signed {
    #[n(0)]
    size: u64,
    #[n(1)]
    root: Hash,
}

impl Ledger {
    /// Stores, synced, a checkpoint that this node is about to sign or has just signed. Its
    /// signature may leave the node once this returns.
    ///
    /// # Errors
    /// [`StorageError::ContradictsSigned`] if it is below a checkpoint stored here before, or of
    /// the same size with another root: two such signatures would be evidence against this node.
    /// I/O errors, after which nothing can be written until restart.
    pub fn save_own_checkpoint(&self, checkpoint: &StoredCheckpoint) -> Result<(), StorageError> {
        let _signing = self.shared.signing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Signed { size: checkpoint.size, root: checkpoint.root };
        if !mutated("sign-below")
            && let Some(last) = self.view().signed()?
            && (next.size < last.size || (next.size == last.size && next.root != last.root))
        {
            return Err(StorageError::ContradictsSigned {
                signed: last.size,
                requested: next.size,
            });
        }
        let mut batch = Batch::default();
        batch.put(Table::Meta, meta::SIGNED, &cbor::encode(&next));
        put_checkpoint(&mut batch, checkpoint);
        if mutated("sign-before-durable") {
            return self.shared.store.write(batch, Durability::Buffered);
        }
        self.write_synced(Some(batch))?;
        Ok(())
    }

    /// Stores a peer's checkpoint, not synced: it can be asked for again.
    ///
    /// # Errors
    /// I/O errors.
    pub fn save_peer_checkpoint(&self, checkpoint: &StoredCheckpoint) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        put_checkpoint(&mut batch, checkpoint);
        self.shared.store.write(batch, Durability::Buffered)
    }

    /// Drops a node's checkpoints below `size`. What was signed last is remembered nevertheless.
    ///
    /// # Errors
    /// I/O errors.
    pub fn prune_checkpoints(&self, node: NodeId, size: u64) -> Result<(), StorageError> {
        if size == 0 {
            return Ok(());
        }
        let (from, to) = (keys::checkpoint(node, 0), keys::checkpoint(node, size));
        let mut batch = Batch::default();
        batch.delete_range(Table::Checkpoints, from, to);
        self.shared.store.write(batch, Durability::Buffered)
    }

    /// Stores, synced, a bundle that proves a node's misconduct, and returns the hash it is found
    /// under. Storing it again changes nothing.
    ///
    /// # Errors
    /// I/O errors.
    pub fn save_evidence(&self, bundle: &[u8]) -> Result<Hash, StorageError> {
        let hash = tagged("precinto/evidence", &[bundle]);
        let mut batch = Batch::default();
        batch.put(Table::Evidence, hash.as_bytes().as_slice(), bundle);
        self.write_synced(Some(batch))?;
        Ok(hash)
    }
}

/// What a ledger holds for this node alone: it is in no snapshot and must survive one.
const OWN_TABLES: [Table; 2] = [Table::Checkpoints, Table::Evidence];

/// Pairs copied in one write.
const COPIED_PAIRS: usize = 1024;

impl Ledger {
    /// Copies what is this node's own to the ledger that takes this one's place, synced. This one
    /// takes no more writes, so that no checkpoint is signed here of which the other knows nothing.
    pub(crate) fn hand_over(&self, successor: &Store) -> Result<(), StorageError> {
        let _signing = self.shared.signing.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.store.disable_writes();
        let view = self.view();
        let mut batch = Batch::default();
        if let Some(signed) = view.signed()? {
            batch.put(Table::Meta, meta::SIGNED, &cbor::encode(&signed));
        }
        let forget = mutated("forget-checkpoints-at-install");
        for table in OWN_TABLES.into_iter().filter(|_| !forget) {
            for pair in view.view.scan_all(table) {
                let (key, value) = pair?;
                batch.put(table, key, &value);
                if batch.ops.len() >= COPIED_PAIRS {
                    successor.write(std::mem::take(&mut batch), Durability::Buffered)?;
                }
            }
        }
        successor.write(batch, Durability::Synced)
    }
}

fn put_checkpoint(batch: &mut Batch, checkpoint: &StoredCheckpoint) {
    let record = CheckpointRecord { root: checkpoint.root, bytes: checkpoint.bytes.clone() };
    let key = keys::checkpoint(checkpoint.node, checkpoint.size);
    batch.put(Table::Checkpoints, key, &cbor::encode(&record));
}

impl LedgerView {
    fn signed(&self) -> Result<Option<Signed>, StorageError> {
        let bytes = self.view.get(Table::Meta, meta::SIGNED)?;
        bytes.map(|bytes| decode(Table::Meta, meta::SIGNED, &bytes)).transpose()
    }

    /// A node's checkpoint of exactly `size`.
    pub fn checkpoint(
        &self,
        node: NodeId,
        size: u64,
    ) -> Result<Option<StoredCheckpoint>, StorageError> {
        let key = keys::checkpoint(node, size);
        let bytes = self.view.get(Table::Checkpoints, &key)?;
        bytes.map(|bytes| decode_checkpoint(&key, &bytes)).transpose()
    }

    /// The checkpoint of the greatest size that is kept of a node.
    pub fn last_checkpoint(&self, node: NodeId) -> Result<Option<StoredCheckpoint>, StorageError> {
        match self.view.floor(Table::Checkpoints, &keys::checkpoint(node, u64::MAX))? {
            Some((key, bytes)) => {
                let checkpoint = decode_checkpoint(&key, &bytes)?;
                Ok((checkpoint.node == node).then_some(checkpoint))
            }
            None => Ok(None),
        }
    }

    /// Up to `limit` checkpoints of a node, from `size` on.
    pub fn checkpoints(
        &self,
        node: NodeId,
        size: u64,
        limit: usize,
    ) -> Result<Vec<StoredCheckpoint>, StorageError> {
        let lower = keys::checkpoint(node, size).to_vec();
        let upper = keys::after(&keys::checkpoint(node, u64::MAX));
        self.view
            .scan(Table::Checkpoints, lower, Some(upper))
            .take(limit.min(MAX_READ_ITEMS))
            .map(|pair| {
                let (key, bytes) = pair?;
                decode_checkpoint(&key, &bytes)
            })
            .collect()
    }

    /// Up to `limit` evidence bundles with their hashes, those above `after` if it is given.
    pub fn evidence(
        &self,
        after: Option<&Hash>,
        limit: usize,
    ) -> Result<Vec<(Hash, Vec<u8>)>, StorageError> {
        let lower = after.map_or_else(Vec::new, |hash| keys::after(hash.as_bytes()));
        self.view
            .scan(Table::Evidence, lower, None)
            .take(limit.min(MAX_READ_ITEMS))
            .map(|pair| {
                let (key, bundle) = pair?;
                let hash = key.as_slice().try_into().map_err(|_| {
                    StorageError::corrupt(Table::Evidence.name(), &key, "a hash has 32 bytes")
                })?;
                Ok((Hash(hash), bundle))
            })
            .collect()
    }
}

fn decode_checkpoint(key: &[u8], bytes: &[u8]) -> Result<StoredCheckpoint, StorageError> {
    let table = Table::Checkpoints;
    let (node, size) = keys::parse_checkpoint(key)
        .ok_or_else(|| StorageError::corrupt(table.name(), key, "not a checkpoint's key"))?;
    let CheckpointRecord { root, bytes } = decode(table, key, bytes)?;
    Ok(StoredCheckpoint { node, size, root, bytes })
}
