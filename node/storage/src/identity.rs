//! Whose storage a directory holds.

use std::path::Path;

use minicbor::{Decode, Encode};
use precinto_protocol::{cbor, hash::Hash, identity::NodeId};

use crate::{
    engine::{Batch, Durability, Store, Table},
    error::StorageError,
    keys::meta,
};

/// Random id of one installation's storage, drawn when it is created. A node that comes back with
/// another one has lost what it promised and is refused by its peers.
pub type StorageId = [u8; 16];

/// Whose storage it is. Written once, at creation, into both instances.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct StorageIdentity {
    /// This installation.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub storage_id: StorageId,
    /// The node's Raft id.
    #[n(1)]
    pub node: NodeId,
    /// The channel's genesis hash.
    #[n(2)]
    pub genesis: Hash,
}

impl StorageIdentity {
    pub(crate) fn write(&self, store: &Store, table: Table) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        batch.put(table, meta::IDENTITY, &cbor::encode(self));
        store.write(batch, Durability::Synced)
    }

    pub(crate) fn read(store: &Store, table: Table) -> Result<StorageIdentity, StorageError> {
        let key = meta::IDENTITY;
        let bytes = store.view().get(table, key)?;
        let bytes = bytes
            .ok_or_else(|| StorageError::corrupt(table.name(), key, "storage without identity"))?;
        decode(table, key, &bytes)
    }

    /// Refuses storage of another node or network than the configured one.
    pub(crate) fn check(
        &self,
        node: NodeId,
        genesis: &Hash,
        path: &Path,
    ) -> Result<(), StorageError> {
        let foreign = |what, expected: String, found: String| {
            Err(StorageError::Foreign { path: path.into(), what, expected, found })
        };
        if self.genesis != *genesis {
            return foreign("network", genesis.to_hex(), self.genesis.to_hex());
        }
        if self.node != node {
            return foreign("node", node.to_string(), self.node.to_string());
        }
        Ok(())
    }

    /// Refuses storage that was not created together with this one.
    pub(crate) fn check_same(
        &self,
        found: &StorageIdentity,
        path: &Path,
    ) -> Result<(), StorageError> {
        found.check(self.node, &self.genesis, path)?;
        if self.storage_id == found.storage_id {
            return Ok(());
        }
        let hex = |id: &StorageId| id.iter().map(|byte| format!("{byte:02x}")).collect();
        Err(StorageError::Foreign {
            path: path.into(),
            what: "storage id",
            expected: hex(&self.storage_id),
            found: hex(&found.storage_id),
        })
    }
}

/// Decodes a stored value of ours.
pub(crate) fn decode<'b, T>(table: Table, key: &[u8], bytes: &'b [u8]) -> Result<T, StorageError>
where
    T: Decode<'b, ()> + Encode<()>,
{
    cbor::decode(bytes).map_err(|error| StorageError::corrupt(table.name(), key, error.to_string()))
}
