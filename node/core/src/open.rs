//! From what is on disk to what runs in memory.

use std::sync::Arc;

use precinto_consensus::Applied;
use precinto_execution::{Fatal, KeyCache, Ledger as Executor, Persisted, Runtime, Tip, ViewError};
use precinto_protocol::{block::Origin, cbor, genesis::Genesis, hash::Hash, log::Frontier};
use precinto_storage::{BlockBatch, BlockSummary, Head, Ledger, LedgerView, StorageError};

use crate::{
    mutated::mutated,
    ports::{StatePort, frontier, state_key},
};

/// What execution needs besides the ledger; shared with queries.
#[derive(Clone)]
pub struct Tools {
    /// Contract engine and code.
    pub runtime: Arc<Runtime>,
    /// Parsed keys.
    pub keys: Arc<KeyCache>,
}

/// Why execution cannot go on from a ledger.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Storage does not answer, or holds other bytes than were written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state does not give the root that the ledger names, or a contract is missing.
    #[error(transparent)]
    Execution(#[from] Fatal),
    /// The ledger has no head.
    #[error("the ledger has no head")]
    Empty,
    /// The head does not say who is in the Raft group.
    #[error("the ledger does not tell who is in the raft group: {0}")]
    Membership(cbor::CborError),
}

/// Brings execution to where the ledger is; an empty ledger gets the genesis first.
///
/// # Errors
/// See [`OpenError`].
pub fn open(ledger: &Ledger, genesis: &Genesis, tools: &Tools) -> Result<Executor, OpenError> {
    match ledger.head() {
        Some(_) => restore(&ledger.view(), genesis, tools),
        None => begin(ledger, genesis, tools),
    }
}

/// Where a stored ledger is, in consensus' words.
pub fn applied(head: &Head) -> Applied {
    Applied {
        index: head.applied.index - u64::from(mutated("apply-twice") && head.applied.index > 0),
        term: head.applied.term,
        content: head.block.content,
        time_ms: head.block.time_ms,
    }
}

/// Puts the genesis into an empty ledger, as height 0.
fn begin(ledger: &Ledger, genesis: &Genesis, tools: &Tools) -> Result<Executor, OpenError> {
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
///
/// # Errors
/// See [`OpenError`].
pub fn restore(view: &LedgerView, genesis: &Genesis, tools: &Tools) -> Result<Executor, OpenError> {
    let head = view.head()?.ok_or(OpenError::Empty)?;
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
    let membership = cbor::decode(&head.membership).map_err(OpenError::Membership)?;
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

fn unreadable(error: StorageError) -> ViewError {
    ViewError::Io(error.to_string())
}
