//! Executing committed entries, in order, and committing what they change.

use std::{collections::BTreeMap, mem};

use minicbor::bytes::ByteVec;
use precinto_consensus::{Applied, Committed, Input};
use precinto_execution::{
    BlockEffects, EmittedEvent, Fatal, ItemFate, Ledger as Executor, Prechecked, PreparedBlock,
    Registry, ViewError,
};
use precinto_protocol::{
    block::Block,
    cbor,
    identity::MemberId,
    membership::{Membership, MembershipChange},
    registry::{Node, RegistryKey, SystemKey},
    state::StateKey,
    transaction::TransactionId,
};
use precinto_storage::{
    BlockBatch, BlockSummary, Ledger, LedgerView, LogNode, RecordLogAppend, StorageError,
};

use crate::{EventRecord, LedgerCell, StatePort, open::applied, pending::Pending};

/// A committed entry, ready to be executed.
pub struct Job {
    /// Raft index.
    index: u64,
    /// Raft term.
    term: u64,
    what: What,
}

enum What {
    /// No block: what a new leader appends.
    Nothing,
    Change(MembershipChange),
    Block {
        bytes: Vec<u8>,
        block: Box<PreparedBlock>,
    },
}

/// Decodes a committed entry and has its items checked by `check`, which may use several threads:
/// a check depends on nothing but the item.
///
/// # Panics
/// If the entry's block cannot be decoded: it was checked before it was appended.
pub fn prepare(entry: Committed, check: impl FnOnce(&[ByteVec]) -> Vec<Prechecked>) -> Job {
    let Committed { index, term, block: bytes, change } = entry;
    let what = match change {
        Some(change) => What::Change(change),
        None if bytes.is_empty() => What::Nothing,
        None => {
            let block = Block::decode(&bytes).expect("a block was checked before it was appended");
            let block = Box::new(PreparedBlock::prechecked_by(block, check));
            What::Block { bytes, block }
        }
    };
    Job { index, term, what }
}

/// Why an entry cannot be executed. The node must end: another one may find the same.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Execution cannot go on.
    #[error("entry {index} cannot be executed: {error}")]
    Execution {
        /// Raft index.
        index: u64,
        /// Why.
        error: Fatal,
    },
    /// The ledger takes no writes.
    #[error("the ledger cannot be written: {0}")]
    Storage(#[from] StorageError),
    /// What was just written cannot be read.
    #[error("the registry cannot be read: {0}")]
    Registry(#[from] ViewError),
}

/// What became of a job: to be told, in this order, now that it is on record.
pub struct Done {
    /// The registry's nodes, if the job may have changed them. The replica is told first.
    pub nodes: Option<Vec<Node>>,
    /// The effects of a block, without those that went into the ledger: writes, leaves, log nodes.
    pub effects: Option<BlockEffects>,
    /// Ledger time.
    pub time_ms: u64,
    /// Height of the newest block.
    pub height: u64,
    /// A change of the Raft group that was executed, and whether it took effect.
    pub change: Option<(MembershipChange, bool)>,
    applied: Option<Input>,
    /// The ledger that a snapshot brought.
    installed: Option<LedgerView>,
}

impl Done {
    /// Takes what ended out of the table of pending transactions; returns it. To be done before
    /// anything is told.
    ///
    /// # Errors
    /// Those of storage.
    pub fn settle(&self, pending: &Pending) -> Result<Vec<TransactionId>, StorageError> {
        let Some(view) = &self.installed else {
            let mut ended: Vec<_> = self.finished().collect();
            ended.extend(pending.finish(self.finished(), self.time_ms));
            return Ok(ended);
        };
        pending.forget_overtaken(self.time_ms, |expires_ms, id| {
            Ok(view.state(SystemKey::replay(expires_ms, id).as_bytes())?.is_some())
        })
    }

    /// What the replica is told, in this order.
    pub fn inputs(&self) -> impl Iterator<Item = Input> + use<> {
        let members = self.nodes.clone().map(Input::Members);
        members.into_iter().chain(self.applied.clone())
    }

    /// The transactions that the job finished.
    fn finished(&self) -> impl Iterator<Item = TransactionId> + '_ {
        let fates = self.effects.iter().flat_map(|effects| &effects.fates);
        fates.filter_map(|fate| match fate {
            ItemFate::Executed(id) | ItemFate::Duplicate(id) => Some(*id),
            // Void items end by their expiry; expired ones by ledger time.
            ItemFate::Void(_) | ItemFate::Expired(_) => None,
        })
    }
}

/// Executes and commits.
pub struct Applier {
    executor: Executor,
    ledger: LedgerCell,
    last: Applied,
    height: u64,
}

impl Applier {
    /// Goes on where `ledger` is, to which `executor` has been brought.
    ///
    /// # Panics
    /// If the ledger has no genesis.
    pub fn new(executor: Executor, ledger: LedgerCell) -> Applier {
        let head = ledger.get().head().expect("an opened ledger has a genesis");
        Applier { executor, ledger, last: applied(&head), height: head.block.height }
    }

    /// The last entry that was executed.
    pub fn last(&self) -> Applied {
        self.last
    }

    /// The ledger in use.
    pub fn ledger(&self) -> Ledger {
        self.ledger.get()
    }

    /// The Raft group as of that entry.
    pub fn membership(&self) -> &Membership {
        self.executor.membership()
    }

    /// Executes the next entry and commits what it changes.
    ///
    /// # Errors
    /// See [`ApplyError`]. The ledger is as it was, but nothing may be applied any more.
    pub fn apply(&mut self, job: Job) -> Result<Done, ApplyError> {
        let Job { index, term, what } = job;
        match what {
            What::Nothing => {
                self.advance(index, term)?;
                Ok(self.done(Input::Applied(self.last)))
            }
            What::Change(change) => self.change((index, term), change),
            What::Block { bytes, block } => self.block((index, term), bytes, &block),
        }
    }

    /// Goes on with a ledger that a snapshot put in the old one's place. The replica is told of
    /// the nodes alone: it knows the snapshot.
    ///
    /// # Errors
    /// See [`ApplyError`].
    ///
    /// # Panics
    /// If the ledger is empty.
    pub fn install(&mut self, ledger: Ledger, executor: Executor) -> Result<Done, ApplyError> {
        self.ledger.replace(ledger);
        *self = Applier::new(executor, self.ledger.clone());
        let nodes = self.nodes()?;
        let installed = Some(self.ledger.view());
        let done = self.done(Input::Applied(self.last));
        Ok(Done { nodes: Some(nodes), applied: None, installed, ..done })
    }

    fn done(&self, applied: Input) -> Done {
        Done {
            nodes: None,
            effects: None,
            time_ms: self.last.time_ms,
            height: self.height,
            change: None,
            applied: Some(applied),
            installed: None,
        }
    }

    fn change(
        &mut self,
        (index, term): (u64, u64),
        change: MembershipChange,
    ) -> Result<Done, ApplyError> {
        let view = StatePort(self.ledger.view());
        let changed = self.executor.change_members(change, &view);
        let changed = changed.map_err(|error| ApplyError::Execution { index, error })?;
        self.advance(index, term)?;
        // Synced, unlike blocks: a commit alone is not written, so a node that forgot the change at a
        // crash would go on asking voters for their votes that may be gone for good since.
        self.ledger.get().sync()?;
        let membership = self.executor.membership().clone();
        let done = self.done(Input::Changed { applied: self.last, membership });
        Ok(Done { change: Some((change, changed)), ..done })
    }

    /// Notes an entry that is no block.
    fn advance(&mut self, index: u64, term: u64) -> Result<(), ApplyError> {
        let applied = precinto_storage::Applied { index, term, commit: index };
        let membership = cbor::encode(self.executor.membership());
        self.ledger.get().advance(applied, &membership)?;
        self.last = Applied { index, term, ..self.last };
        Ok(())
    }

    fn block(
        &mut self,
        (index, term): (u64, u64),
        bytes: Vec<u8>,
        block: &PreparedBlock,
    ) -> Result<Done, ApplyError> {
        let view = StatePort(self.ledger.view());
        let effects = self.executor.execute(block, &view);
        let mut effects = effects.map_err(|error| ApplyError::Execution { index, error })?;
        let prefix = RegistryKey::nodes();
        let registered = effects.writes.plain.keys().any(|key| prefix.is_prefix_of(key));
        let membership = cbor::encode(self.executor.membership());
        let batch = batch((index, term), bytes, &mut effects, membership);
        self.ledger.get().commit_block(&batch)?;
        self.last = Applied { index, term, content: effects.content, time_ms: effects.time_ms };
        self.height = effects.height;
        let nodes = registered.then(|| self.nodes()).transpose()?;
        Ok(Done { nodes, effects: Some(effects), ..self.done(Input::Applied(self.last)) })
    }

    fn nodes(&self) -> Result<Vec<Node>, ViewError> {
        Registry::new(&StatePort(self.ledger.view())).nodes()
    }
}

/// What a block changes, for the ledger. Writes, leaves and log nodes move out of `effects`.
pub(crate) fn batch(
    (index, term): (u64, u64),
    bytes: Vec<u8>,
    effects: &mut BlockEffects,
    membership: Vec<u8>,
) -> BlockBatch {
    BlockBatch {
        summary: BlockSummary {
            height: effects.height,
            raft_index: index,
            raft_term: term,
            content: effects.content,
            time_ms: effects.time_ms,
            state_root: effects.state_root,
            log_size: effects.log.size(),
            log_root: effects.log_root,
            outcomes: effects.outcomes.len() as u32,
            events: effects.events.len() as u32,
        },
        commit_index: index,
        block: bytes,
        state_writes: state_writes(mem::take(&mut effects.writes.plain)),
        record_logs: record_logs(mem::take(&mut effects.writes.record_logs)),
        leaves: mem::take(&mut effects.leaves),
        log_nodes: mem::take(&mut effects.log_nodes)
            .into_iter()
            .map(|node| LogNode { level: node.level, index: node.index, hash: node.hash })
            .collect(),
        outcomes: effects
            .outcomes
            .iter()
            .map(|(id, record)| (id.0, cbor::encode(record)))
            .collect(),
        events: events(effects),
        frontier: effects.log.clone(),
        membership,
    }
}

fn state_writes(plain: BTreeMap<StateKey, Option<Vec<u8>>>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    plain.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect()
}

fn record_logs(
    grown: BTreeMap<StateKey, precinto_execution::RecordLogAppend>,
) -> Vec<RecordLogAppend> {
    grown
        .into_iter()
        .map(|(key, append)| RecordLogAppend {
            key: key.into_bytes(),
            first: append.first,
            entries: append.entries,
            commitment: cbor::encode(&append.frontier),
        })
        .collect()
}

fn events(effects: &BlockEffects) -> Vec<Vec<u8>> {
    let members: BTreeMap<TransactionId, &MemberId> =
        effects.outcomes.iter().map(|(id, record)| (*id, &record.member)).collect();
    let record = |emitted: &EmittedEvent| EventRecord {
        transaction: emitted.transaction,
        index: emitted.index,
        member: members[&emitted.transaction].clone(),
        event: emitted.event.clone(),
    };
    effects.events.iter().map(|emitted| cbor::encode(&record(emitted))).collect()
}
