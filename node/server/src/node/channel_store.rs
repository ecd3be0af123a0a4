//! The directories of one channel: `raft/`, `ledger/`, and `modules/` for compiled contracts.

use std::path::Path;

use anyhow::Context;
use precinto_protocol::{genesis::Genesis, registry::Node};
use precinto_storage::{ChannelStore, StorageIdentity};

/// Makes the storage of `node`, empty. A node never makes it by itself: a missing directory means
/// a lost disk, and such a node comes back as a new one.
pub fn create(data: &Path, genesis: &Genesis, node: &Node) -> anyhow::Result<()> {
    let identity = StorageIdentity {
        storage_id: node.storage_id,
        node: node.id,
        genesis: genesis.hash(),
    };
    ChannelStore::create(data, identity)
        .with_context(|| format!("cannot create the storage in {}", data.display()))?;
    Ok(())
}
