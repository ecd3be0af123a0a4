//! From what is on disk to what runs in memory: opening a channel's storage and rebuilding what
//! execution keeps of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use precinto_execution::{CodeSource, KeyCache, Ledger as Executor, Persisted, Runtime, Tip};
use precinto_protocol::{
    block::Origin, cbor, genesis::Genesis, hash::Hash, identity::NodeId, log::Frontier,
};
use precinto_storage::{
    BlockBatch, BlockSummary, ChannelDirectory, Ledger, LedgerView, RaftLog, StorageError,
    StorageIdentity,
};
use precinto_vm::{Engine, ModuleCache};

use super::adapters::{StatePort, frontier, state_key};

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

/// What execution needs besides the ledger; shared with queries.
#[derive(Clone)]
pub struct Tools {
    /// Contract engine and code.
    pub runtime: Arc<Runtime>,
    /// Parsed keys.
    pub keys: Arc<KeyCache>,
    /// Fingerprint of the engine, for the hello.
    pub fingerprint: Hash,
}

impl Tools {
    /// Contracts come from `code`; compiled ones are kept in `data`.
    pub fn new(code: PathBuf, data: &Path) -> anyhow::Result<Tools> {
        let engine = Arc::new(Engine::new()?);
        let fingerprint = engine.fingerprint();
        let modules = ModuleCache::open(engine, &data.join("modules"))?;
        let runtime = Arc::new(Runtime::new(modules, Box::new(CodeDirectory(code))));
        Ok(Tools { runtime, keys: Arc::new(KeyCache::new()), fingerprint })
    }
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
    let executor = match ledger.head() {
        Some(_) => restore(&ledger.view(), genesis, tools)?,
        None => begin(&ledger, genesis, tools)?,
    };
    Ok(Channel { directory, raft_log, ledger, executor })
}

/// Puts the genesis into an empty ledger, as height 0.
fn begin(ledger: &Ledger, genesis: &Genesis, tools: &Tools) -> anyhow::Result<Executor> {
    let (executor, effects) =
        Executor::from_genesis(genesis, tools.runtime.clone(), tools.keys.clone())?;
    let empty = Frontier::new();
    ledger.commit_block(&BlockBatch {
        summary: BlockSummary {
            height: 0,
            raft_index: 0,
            raft_term: 0,
            content: Hash::ZERO,
            time_ms: genesis.created_ms,
            state_root: effects.state_root,
            log_size: 0,
            log_root: empty.root(),
            outcomes: 0,
            events: 0,
        },
        commit_index: 0,
        block: cbor::encode(genesis),
        state_writes: effects
            .writes
            .plain
            .into_iter()
            .map(|(key, value)| (key.as_bytes().to_vec(), value))
            .collect(),
        record_logs: Vec::new(),
        leaves: Vec::new(),
        log_nodes: Vec::new(),
        outcomes: Vec::new(),
        events: Vec::new(),
        frontier: empty,
        membership: cbor::encode(executor.membership()),
    })?;
    ledger.sync()?;
    Ok(executor)
}

/// Rebuilds the state tree from a ledger and compares its root.
pub fn restore(view: &LedgerView, genesis: &Genesis, tools: &Tools) -> anyhow::Result<Executor> {
    let head = view.head()?.context("the ledger has no head")?;
    let tip = Tip {
        origin: Origin { channel: genesis.hash(), epoch: 0 },
        height: head.block.height,
        time_ms: head.block.time_ms,
        content: head.block.content,
    };
    let plain = view.state_entries().map(|entry| {
        let (key, value) = entry.map_err(unreadable)?;
        Ok((state_key(&key)?, value))
    });
    let record_logs = view.record_logs().map(|entry| {
        let (key, head) = entry.map_err(unreadable)?;
        Ok((state_key(&key)?, frontier(&head.commitment)?))
    });
    let membership = cbor::decode(&head.membership)
        .context("the ledger does not tell who is in the raft group")?;
    let persisted = Persisted {
        membership,
        tip,
        state_root: head.block.state_root,
        log: head.frontier,
        plain,
        record_logs,
    };
    let state = StatePort(view.clone());
    Ok(Executor::restore(persisted, &state, tools.runtime.clone(), tools.keys.clone())?)
}

fn unreadable(error: StorageError) -> precinto_execution::ViewError {
    precinto_execution::ViewError::Io(error.to_string())
}
