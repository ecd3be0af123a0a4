//! From what is on disk to what runs in memory: opening a channel's storage and rebuilding what
//! execution keeps of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use precinto_core::open::Tools;
use precinto_execution::{CodeSource, KeyCache, Ledger as Executor, Runtime};
use precinto_protocol::{genesis::Genesis, hash::Hash, identity::NodeId};
use precinto_storage::{ChannelDirectory, Ledger, RaftLog, StorageError, StorageIdentity};
use precinto_vm::{Engine, ModuleCache};

/// Makes the storage of a node, empty. A node never makes it by itself: a missing directory means
/// a lost disk, and such a node comes back as a new one.
pub fn create_storage(data: &Path, identity: StorageIdentity) -> anyhow::Result<()> {
    ChannelDirectory::new(data)
        .create(identity)
        .with_context(|| format!("cannot create the storage in {}", data.display()))?;
    Ok(())
}

/// Contract modules as files named by their hash.
pub struct CodeDirectory(pub PathBuf);

impl CodeSource for CodeDirectory {
    fn code(&self, hash: &Hash) -> Result<Option<Vec<u8>>, String> {
        match fs::read(self.0.join(format!("{hash}.wasm"))) {
            Ok(code) => Ok(Some(code)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Contracts come from `code`; compiled ones are kept in `data`. Beside what execution needs, the
/// engine's fingerprint, for the hello.
pub fn tools(code: PathBuf, data: &Path) -> anyhow::Result<(Tools, Hash)> {
    let engine = Arc::new(Engine::new()?);
    let fingerprint = engine.fingerprint();
    let modules = ModuleCache::open(engine, &data.join("modules"))?;
    let runtime = Arc::new(Runtime::new(modules, Box::new(CodeDirectory(code))));
    Ok((Tools { runtime, keys: Arc::new(KeyCache::new()) }, fingerprint))
}

/// A channel, opened.
pub struct Channel {
    /// Its directory.
    pub directory: ChannelDirectory,
    /// Its Raft log.
    pub raft_log: RaftLog,
    /// Its ledger, with the genesis in it.
    pub ledger: Ledger,
    /// What execution keeps in memory.
    pub executor: Executor,
}

/// Opens the storage of `node` and brings execution to where the ledger is.
pub fn open(
    data: &Path,
    genesis: &Genesis,
    node: NodeId,
    tools: &Tools,
) -> anyhow::Result<Channel> {
    let directory = ChannelDirectory::new(data);
    let opened = directory.open(node, &genesis.hash());
    let (raft_log, ledger) = opened.map_err(|error| match error {
        StorageError::Missing { .. } | StorageError::LogLost { .. } => {
            anyhow::Error::new(error).context(
                "a node does not start without its storage: one that lost it joins as a new node \
                 (`precinto node restore` or `precinto node prepare`, then `precinto node replace`)",
            )
        }
        other => other.into(),
    })?;
    let executor = precinto_core::open::open(&ledger, genesis, tools)?;
    Ok(Channel { directory, raft_log, ledger, executor })
}
