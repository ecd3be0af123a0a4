//! Executing a ledger's blocks again, from the genesis on, into an empty ledger.
//!
//! Changes of the Raft group are entries of the Raft log, which is compacted: of those long ago
//! nothing is left but what the next block wrote of them. So where a block gives another state
//! root than it should, it is executed with the groups that the registry asked for then, one
//! step further each; the one that gives the root was in force.

use std::collections::VecDeque;

use precinto_execution::{
    BlockEffects, Fatal, Ledger as Executor, PreparedBlock, Registry, ViewError,
};
use precinto_protocol::{
    block::{Block, BlockError},
    cbor,
    genesis::Genesis,
    hash::Hash,
    membership::Membership,
};
use precinto_storage::{Ledger, StorageError};

use crate::{
    StatePort, apply,
    open::{self, OpenError, Tools},
};

/// Groups tried for one block: more than the orders in which a few nodes can change at once.
const MAX_GROUPS: usize = 64;

/// Why a block cannot be executed again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It is no block.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Execution refuses it.
    #[error(transparent)]
    Execution(#[from] Fatal),
    /// The new ledger takes no writes.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The new ledger cannot be read.
    #[error(transparent)]
    View(#[from] ViewError),
}

/// A replay under way.
pub struct Replay {
    executor: Executor,
    ledger: Ledger,
    tools: Tools,
    index: u64,
}

impl Replay {
    /// Puts the genesis into the empty `ledger`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn begin(ledger: Ledger, genesis: &Genesis, tools: Tools) -> Result<Replay, OpenError> {
        let executor = open::open(&ledger, genesis, &tools)?;
        Ok(Replay { executor, ledger, tools, index: 0 })
    }

    /// Height of the newest block.
    pub fn height(&self) -> u64 {
        self.executor.tip().height
    }

    /// Its content hash, which the next one names.
    pub fn content(&self) -> Hash {
        self.executor.tip().content
    }

    /// Raft index of its entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Executes the next block, after which the state root should be `expected` if that is known.
    /// Gives the root.
    ///
    /// # Errors
    /// See [`ReplayError`]. The replay can then not go on.
    pub fn next(&mut self, bytes: Vec<u8>, expected: Option<Hash>) -> Result<Hash, ReplayError> {
        let block = PreparedBlock::new(Block::decode(&bytes)?, &self.tools.keys);
        let header = &block.block().header;
        let (index, term) = (header.raft_index, header.term);
        let (executor, mut effects) = self.execute(&block, expected)?;
        let membership = cbor::encode(executor.membership());
        let batch = apply::batch((index, term), bytes, &mut effects, membership);
        self.ledger.commit_block(&batch)?;
        (self.executor, self.index) = (executor, index);
        Ok(effects.state_root)
    }

    /// Executes with the group that gives the expected root, or as things stand if none does.
    fn execute(
        &self,
        block: &PreparedBlock,
        expected: Option<Hash>,
    ) -> Result<(Executor, BlockEffects), ReplayError> {
        let view = StatePort(self.ledger.view());
        let run = |mut executor: Executor| -> Result<_, ReplayError> {
            let effects = executor.execute(block, &view)?;
            Ok((executor, effects))
        };
        let first = run(self.executor.clone())?;
        if expected.is_none_or(|root| root == first.1.state_root) {
            return Ok(first);
        }
        let wanted = Membership::wanted(&Registry::new(&view).nodes()?);
        let mut tried = vec![self.executor.membership().clone()];
        let mut open = VecDeque::from([self.executor.clone()]);
        while let Some(before) = open.pop_front() {
            for change in before.membership().steps_to(&wanted) {
                let mut after = before.clone();
                let known = !after.change_members(change, &view)?
                    || tried.contains(after.membership())
                    || tried.len() == MAX_GROUPS;
                if known {
                    continue;
                }
                tried.push(after.membership().clone());
                let done = run(after.clone())?;
                if expected == Some(done.1.state_root) {
                    return Ok(done);
                }
                open.push_back(after);
            }
        }
        Ok(first)
    }
}
