//! The apply thread: executes committed blocks in order and commits what they change.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
};

use precinto_consensus::{Applied, Input};
use precinto_execution::{
    BlockEffects, EmittedEvent, ItemFate, Ledger as Executor, PreparedBlock, Registry,
};
use precinto_protocol::{
    cbor,
    identity::MemberId,
    membership::MembershipChange,
    registry::{Node, RegistryKey},
    transaction::TransactionId,
};
use precinto_storage::{BlockBatch, BlockSummary, Ledger, LogNode, RecordLogAppend};
use tokio::sync::watch;

use super::{
    adapters::StatePort, disk::Disk, event::EventRecord, halt::Halt, ledger_cell::LedgerCell,
    metrics::Metrics, owner, pending::Pending, raft::RaftHandle,
};

/// Blocks between the verify thread and this one: enough to keep both busy.
pub(super) const QUEUE: usize = 64;

/// What the apply thread is asked.
pub(super) enum Job {
    /// An entry without a block.
    Empty {
        /// Raft index.
        index: u64,
        /// Raft term.
        term: u64,
    },
    /// A change of the Raft group.
    Change {
        /// Raft index.
        index: u64,
        /// Raft term.
        term: u64,
        /// What is to change.
        change: MembershipChange,
    },
    /// A block.
    Block {
        /// Raft index.
        index: u64,
        /// Raft term.
        term: u64,
        /// The block's encoding.
        bytes: Vec<u8>,
        /// The block with its signatures checked.
        block: Box<PreparedBlock>,
    },
    /// A snapshot is to become the ledger; everything before it is executed by then.
    Install(Box<Install>),
}

/// Replaces the old ledger and rebuilds what execution keeps in memory.
type Activate = dyn FnOnce(&Ledger) -> anyhow::Result<(Ledger, Executor)> + Send;

/// A staged snapshot.
pub(super) struct Install {
    /// To be called once everything before it is executed.
    pub activate: Box<Activate>,
    /// Told when it is in use.
    pub done: mpsc::Sender<()>,
}

/// What the apply thread owns and tells.
pub(super) struct Applier {
    /// State tree, log frontier, contract runtime.
    pub executor: Executor,
    /// Where blocks are committed.
    pub ledger: LedgerCell,
    /// Told what is applied.
    pub raft: RaftHandle,
    /// Told what is finished.
    pub pending: Arc<Pending>,
    /// The applied height, for everybody who waits for news.
    pub heights: watch::Sender<u64>,
    /// The registry's nodes, for everybody who deals with them.
    pub registered: watch::Sender<Arc<Vec<Node>>>,
    /// Whether this node must not go on.
    pub halt: Halt,
    /// Where the ledger is.
    pub disk: Arc<Disk>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// The last block, as consensus chains on it.
    pub last: Applied,
}

impl Applier {
    /// Starts the thread.
    pub(super) fn start(mut self, jobs: mpsc::Receiver<Job>) {
        owner::spawn("apply", move || {
            for job in jobs {
                // A halted node keeps what it has and executes nothing more; whoever waits for an
                // installation learns so from its dropped sender.
                if self.halt.reason().is_some() {
                    continue;
                }
                match job {
                    Job::Empty { index, term } => self.empty(index, term),
                    Job::Change { index, term, change } => self.change(index, term, change),
                    Job::Block { index, term, bytes, block } => {
                        self.block(index, term, bytes, &block);
                    }
                    Job::Install(install) => self.install(*install),
                }
            }
        });
    }

    fn empty(&mut self, index: u64, term: u64) {
        self.advance(index, term);
        self.raft.own(Input::Applied(self.last));
    }

    fn change(&mut self, index: u64, term: u64, change: MembershipChange) {
        let view = StatePort(self.ledger.view());
        match self.executor.change_members(change, &view) {
            Ok(true) => tracing::info!(?change, "the raft group changed"),
            Ok(false) => tracing::warn!(?change, "nobody asked for a change of the raft group"),
            Err(fatal) => owner::halt(&format!("entry {index} cannot be executed: {fatal}")),
        }
        self.advance(index, term);
        let membership = self.executor.membership().clone();
        self.raft.own(Input::Changed { applied: self.last, membership });
    }

    /// Notes an entry that is no block.
    fn advance(&mut self, index: u64, term: u64) {
        let applied = precinto_storage::Applied { index, term, commit: index };
        let membership = cbor::encode(self.executor.membership());
        if let Err(error) = self.ledger.get().advance(applied, &membership) {
            owner::halt(&format!("the ledger cannot be written: {error}"));
        }
        self.last = Applied { index, term, ..self.last };
    }

    /// Tells who the nodes are. Comes before the replica hears of the block that changed them.
    fn tell_nodes(&self) {
        let nodes = match Registry::new(&StatePort(self.ledger.view())).nodes() {
            Ok(nodes) => nodes,
            Err(error) => owner::halt(&format!("the registry cannot be read: {error}")),
        };
        self.raft.own(Input::Members(nodes.clone()));
        self.registered.send_replace(Arc::new(nodes));
    }

    fn block(&mut self, index: u64, term: u64, bytes: Vec<u8>, block: &PreparedBlock) {
        let started = std::time::Instant::now();
        let bytes_in = bytes.len();
        let view = StatePort(self.ledger.view());
        let effects = match self.executor.execute(block, &view) {
            Ok(effects) => effects,
            Err(fatal) => owner::halt(&format!("block {index} cannot be executed: {fatal}")),
        };
        self.report_blame(index, &effects);
        if let Err(error) = self.disk.before_write() {
            tracing::error!(%error, "the disk cannot be looked at");
        }
        let membership = cbor::encode(self.executor.membership());
        let batch = batch((index, term), bytes, &effects, membership);
        if let Err(error) = self.ledger.get().commit_block(&batch) {
            owner::halt(&format!("the ledger cannot be written: {error}"));
        }
        self.last = Applied { index, term, content: effects.content, time_ms: effects.time_ms };
        let took = started.elapsed();
        self.metrics.ledger.block(&effects, bytes_in, took);
        tracing::debug!(
            height = effects.height,
            raft_index = index,
            outcomes = effects.outcomes.len(),
            took_us = took.as_micros() as u64,
            "executed"
        );
        self.pending.finish(finished(&effects), effects.time_ms);
        let nodes = RegistryKey::nodes();
        if effects.writes.plain.keys().any(|key| nodes.is_prefix_of(key)) {
            self.tell_nodes();
        }
        self.heights.send_replace(effects.height);
        self.raft.own(Input::Applied(self.last));
    }

    fn install(&mut self, install: Install) {
        let Install { activate, done } = install;
        let (ledger, executor) = match activate(&self.ledger.get()) {
            Ok(replacement) => replacement,
            Err(error) => owner::halt(&format!("a snapshot cannot take over: {error:#}")),
        };
        let head = ledger.head().expect("an installed ledger has a head");
        self.ledger.replace(ledger);
        self.executor = executor;
        self.last = applied(&head);
        self.tell_nodes();
        self.pending.finish(std::iter::empty(), head.block.time_ms);
        self.heights.send_replace(head.block.height);
        // The log writer waits for it before it resets the Raft log.
        let _ = done.send(());
    }

    fn report_blame(&self, index: u64, effects: &BlockEffects) {
        for (item, reason) in effects.blamed() {
            tracing::error!(
                raft_index = index,
                item,
                reason = reason.code(),
                "the leader ordered what it should have refused: the block is evidence against it"
            );
        }
    }
}

/// Where a stored ledger is, in consensus' words.
pub(super) fn applied(head: &precinto_storage::Head) -> Applied {
    Applied {
        index: head.applied.index,
        term: head.applied.term,
        content: head.block.content,
        time_ms: head.block.time_ms,
    }
}

fn finished(effects: &BlockEffects) -> impl Iterator<Item = TransactionId> + '_ {
    effects.fates.iter().filter_map(|fate| match fate {
        ItemFate::Executed(id) | ItemFate::Duplicate(id) => Some(*id),
        // Void items end by their expiry; expired ones by ledger time.
        ItemFate::Void(_) | ItemFate::Expired(_) => None,
    })
}

fn batch(
    (index, term): (u64, u64),
    bytes: Vec<u8>,
    effects: &BlockEffects,
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
        state_writes: state_writes(effects),
        record_logs: record_logs(effects),
        leaves: effects.leaves.clone(),
        log_nodes: effects
            .log_nodes
            .iter()
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

fn state_writes(effects: &BlockEffects) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let plain = effects.writes.plain.iter();
    plain.map(|(key, value)| (key.as_bytes().to_vec(), value.clone())).collect()
}

fn record_logs(effects: &BlockEffects) -> Vec<RecordLogAppend> {
    let grown = effects.writes.record_logs.iter();
    grown
        .map(|(key, append)| RecordLogAppend {
            key: key.as_bytes().to_vec(),
            first: append.first,
            entries: append.entries.clone(),
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
