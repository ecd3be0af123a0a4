//! Hands what happens to the checkers.

use std::{collections::BTreeMap, fmt::Display};

use minicbor::bytes::ByteVec;
use precinto_checkers::{
    Verdict, Violation,
    checkpoint::CheckpointChecker,
    client::{ClientChecker, Execution, Told},
    ledger::{BlockSeen, LedgerChecker, latest_time},
    model::{Contents, Model},
    raft::{RaftChecker, Restart},
    root,
};
use precinto_consensus::{Committed, HardState, Output, SnapshotMark, Status};
use precinto_core::{
    LedgerCell,
    apply::{Applier, Done, prepare},
    open,
};
use precinto_execution::{Prechecked, precheck};
use precinto_protocol::{
    block::Block,
    cbor,
    genesis::Genesis,
    hash::{Hash, sha256},
    identity::NodeId,
    log::{Frontier, leaf_hash},
    membership::Membership,
    outcome::{Outcome, OutcomeRecord},
    registry::Node,
    state::{Entry, RecordLogEntry, StateKey},
};
use precinto_storage::{
    BlockSummary, ChannelDirectory, Ledger, LedgerView, MAX_READ_ITEMS, RaftLog,
    memory::MemoryVolume,
};

use crate::{
    channel::Channel,
    history::History,
    stage::{Step, Stop},
};

/// Heights between two comparisons of a node's whole state with the model.
const COMPARE_EVERY: u64 = 16;

/// One seed in so many executes the whole history once more.
const REPLAY_EVERY: u64 = 4;

/// See the module.
pub(crate) struct Watch {
    /// The invariants of Raft.
    pub raft: RaftChecker,
    /// One ledger.
    pub ledger: LedgerChecker,
    /// What clients were told.
    pub client: ClientChecker,
    /// What was signed.
    pub checkpoint: CheckpointChecker,
    /// What the ledger must come to.
    pub model: Model,
    /// What clients did.
    pub history: History,
    /// Every node's Raft log as it was opened last: what it holds is synced. That of a lost disk, too:
    /// what it acknowledged counted, and only one is lost at a time.
    logs: BTreeMap<NodeId, RaftLog>,
    /// The most advanced time each node's clock ever showed.
    clocks: BTreeMap<NodeId, u64>,
    /// Every group that was in force.
    groups: Vec<Membership>,
    /// The registry's nodes as of the highest block that changed them.
    nodes: (u64, Vec<Node>),
    /// Everything that was executed, in order.
    entries: Vec<Committed>,
}

/// Whether a log, as far as it is synced, covers an entry.
fn covers(logs: &BTreeMap<NodeId, RaftLog>, node: NodeId, entry: SnapshotMark) -> bool {
    logs.get(&node).is_some_and(|log| {
        log.mark().index > entry.index || log.term(entry.index).is_ok_and(|it| it == entry.term)
    })
}

impl Watch {
    /// At the genesis.
    pub(crate) fn new(genesis: &Genesis) -> Watch {
        let group = Membership::wanted(&genesis.nodes);
        Watch {
            raft: RaftChecker::new(group.clone()),
            ledger: LedgerChecker::new(),
            client: ClientChecker::new(),
            checkpoint: CheckpointChecker::new(),
            model: Model::new(genesis),
            history: History::default(),
            logs: BTreeMap::new(),
            clocks: BTreeMap::new(),
            groups: vec![group],
            nodes: (0, genesis.nodes.clone()),
            entries: Vec::new(),
        }
    }

    /// The newest registry that any node executed.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes.1
    }

    /// A node's clock shows this.
    pub(crate) fn clock(&mut self, node: NodeId, now_ms: u64) {
        let most = self.clocks.entry(node).or_default();
        *most = now_ms.max(*most);
    }

    /// A node's process starts with what it found.
    ///
    /// # Errors
    /// See the checkers.
    pub(crate) fn started(&mut self, node: NodeId, log: &RaftLog, ledger: &Ledger) -> Verdict {
        self.logs.insert(node, log.clone());
        let head = ledger.head().expect("an opened ledger has a genesis");
        self.raft.started(node, &restart(log, head.applied.index))?;
        self.ledger.opened(node, &seen(&head.block))?;
        self.client.restarted(node);
        let signed = ledger.view().last_checkpoint(node);
        let signed = signed.ok().flatten().map_or(0, |checkpoint| checkpoint.size);
        self.checkpoint.restarted(node, signed)
    }

    /// What a replica put out.
    ///
    /// # Errors
    /// See the checkers.
    pub(crate) fn output(
        &mut self,
        node: NodeId,
        output: &Output,
        status: &Status,
        synced: u64,
    ) -> Verdict {
        let Watch { raft, logs, .. } = self;
        let durable = |node, entry| covers(logs, node, entry);
        output.alarms.iter().try_for_each(|alarm| raft.alarmed(node, alarm))?;
        output.writes.iter().try_for_each(|task| raft.asked(node, task))?;
        raft.committed_by(node, &output.committed, &durable)?;
        raft.read_answered(node, &output.reads, status.applied)?;
        if let Some(mark) = output.compact {
            raft.compacted(node, mark, synced)?;
        }
        raft.observed(status, &durable)
    }

    /// A node executed an entry; `group` is in force since, and its ledger is `ledger`.
    ///
    /// # Errors
    /// See the checkers.
    pub(crate) fn applied(
        &mut self,
        node: NodeId,
        entry: &Committed,
        done: &Done,
        (group, ledger): (&Membership, &Ledger),
    ) -> Step {
        if entry.index == self.entries.len() as u64 + 1 {
            self.entries.push(entry.clone());
        }
        if entry.change.is_some() {
            self.raft.changed(node, entry.index, group)?;
            if self.groups.last() != Some(group) {
                self.groups.push(group.clone());
            }
        }
        let Some(effects) = &done.effects else { return Ok(()) };
        let head = ledger.head().expect("a block was executed");
        self.ledger.executed(node, &seen(&head.block), self.latest_ms())?;
        if done.height == self.model.height() + 1 {
            let block = Block::decode(&entry.block).expect("it was decoded before it was executed");
            let outcomes =
                effects.outcomes.iter().map(|(id, record)| (*id, record.outcome.clone()));
            self.model.block(&block, &outcomes.collect::<Vec<_>>())?;
        }
        if let Some(nodes) = &done.nodes
            && done.height > self.nodes.0
        {
            self.nodes = (done.height, nodes.clone());
        }
        let due = done.height.is_multiple_of(COMPARE_EVERY) && done.height == self.model.height();
        if due { self.compare(node, &ledger.view()) } else { Ok(()) }
    }

    /// A node installed a snapshot.
    ///
    /// # Errors
    /// See the checkers.
    pub(crate) fn installed(&mut self, node: NodeId, ledger: &Ledger) -> Verdict {
        let head = ledger.head().expect("an installed ledger has a head");
        let mark = SnapshotMark { index: head.applied.index, term: head.applied.term };
        self.raft.installed(node, mark)?;
        self.client.installed(node);
        self.ledger.opened(node, &seen(&head.block))
    }

    /// Compares all that a node's state holds with the model, the block's root, and other nodes.
    ///
    /// # Errors
    /// See the checkers; and the process ends if its state cannot be read.
    pub(crate) fn compare(&mut self, node: NodeId, view: &LedgerView) -> Step {
        let (head, contents) = read(view).map_err(|error| Stop::Ends(error.to_string()))?;
        let at = format!("node {node}, height {}", head.height);
        if head.height == self.model.height() {
            self.model.expect(&at, &contents.payloads)?;
        }
        root::expect_root(&at, &contents.entries, head.state_root)?;
        Ok(self.ledger.snapshot(node, head.height, contents.digest)?)
    }

    /// The checks that need the whole history; a quarter of the worlds also execute it once more.
    /// Returns the calls that were checked for linearizability, and keys of which nothing is known.
    ///
    /// # Errors
    /// See the checkers.
    pub(crate) fn finish(&self, channel: &Channel, seed: u64) -> Result<(usize, usize), Violation> {
        self.client.ledger(self.model.executions())?;
        if seed.is_multiple_of(REPLAY_EVERY) {
            let blocks = replay(channel, &self.entries)?;
            self.checkpoint
                .of_one_log(blocks.iter().map(|block| (block.log_size, block.log_root)))?;
            self.ledger.replayed(blocks)?;
        }
        self.history.check()
    }

    /// No majority of any group lets a block pass that is later than this.
    fn latest_ms(&self) -> u64 {
        let clock = |node: &NodeId| self.clocks.get(node).copied().unwrap_or_default();
        let latest = self.groups.iter().map(|group| latest_time(group.voters.iter().map(clock)));
        latest.max().unwrap_or_default()
    }
}

/// A stored block as the checkers see it.
pub(crate) fn seen(block: &BlockSummary) -> BlockSeen {
    BlockSeen {
        height: block.height,
        raft_index: block.raft_index,
        content: block.content,
        time_ms: block.time_ms,
        state_root: block.state_root,
        log_size: block.log_size,
        log_root: block.log_root,
    }
}

fn restart(log: &RaftLog, applied: u64) -> Restart {
    let (stored, mark) = (log.hard_state(), log.mark());
    let terms = log.first_index()..=log.last_index();
    Restart {
        hard_state: HardState { term: stored.term, vote: stored.vote, commit: stored.commit },
        mark: SnapshotMark { index: mark.index, term: mark.term },
        terms: terms.map(|index| log.term(index).expect("the log holds it")).collect(),
        applied,
    }
}

/// A node's whole state, in the forms in which the checkers want it.
struct State {
    payloads: Contents,
    entries: BTreeMap<StateKey, Entry>,
    digest: Hash,
}

fn read(view: &LedgerView) -> Result<(BlockSummary, State), Box<dyn std::error::Error>> {
    let head = view.head()?.ok_or("no head")?.block;
    let mut state =
        State { payloads: Contents::default(), entries: BTreeMap::new(), digest: Hash::ZERO };
    let mut digested = Vec::new();
    for entry in view.state_entries() {
        let (bytes, value) = entry?;
        let key = StateKey::from_bytes(&bytes)?;
        digested.push(sha256(&[&bytes, &value]));
        state.entries.insert(key.clone(), Entry::plain(&value));
        state.payloads.plain.insert(key, value);
    }
    for log in view.record_logs() {
        let (bytes, _) = log?;
        let key = StateKey::from_bytes(&bytes)?;
        let (mut frontier, mut payloads) = (Frontier::new(), Vec::new());
        for entry in view.record_log_entries(&bytes, 0, MAX_READ_ITEMS)? {
            digested.push(sha256(&[&bytes, &entry]));
            frontier.append(leaf_hash(&entry));
            payloads.push(cbor::decode::<RecordLogEntry>(&entry)?.payload);
        }
        state.entries.insert(key.clone(), Entry::record_log(&frontier));
        state.payloads.record_logs.insert(key, payloads);
    }
    let parts: Vec<&[u8]> = digested.iter().map(|hash| &hash.as_bytes()[..]).collect();
    state.digest = sha256(&parts);
    Ok((head, state))
}

/// Executes everything once more, on an empty disk.
fn replay(channel: &Channel, entries: &[Committed]) -> Result<Vec<BlockSeen>, Violation> {
    let failed = |error: &dyn Display| Violation::new("ledger", format!("executed again: {error}"));
    let directory = ChannelDirectory::in_memory(MemoryVolume::new());
    let (_, ledger) = directory.create(channel.identity(1)).map_err(|error| failed(&error))?;
    let tools = channel.tools();
    let executor = open::open(&ledger, &channel.genesis, &tools).map_err(|error| failed(&error))?;
    let newest = || seen(&ledger.head().expect("it has a genesis").block);
    let mut blocks = vec![newest()];
    let mut applier = Applier::new(executor, LedgerCell::new(ledger.clone()));
    for entry in entries {
        let check = |items: &[ByteVec]| -> Vec<Prechecked> {
            items.iter().map(|item| precheck(item, &tools.keys)).collect()
        };
        applier.apply(prepare(entry.clone(), check)).map_err(|error| failed(&error))?;
        if !entry.block.is_empty() && entry.change.is_none() {
            blocks.push(newest());
        }
    }
    Ok(blocks)
}

/// What a stored outcome tells a client.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn told(bytes: &[u8]) -> Result<(Told, Vec<u8>), cbor::CborError> {
    let record: OutcomeRecord = cbor::decode(bytes)?;
    let rejected = match record.outcome {
        Outcome::Committed => None,
        Outcome::Rejected { code } => Some(code),
    };
    let execution = Execution { height: record.height, index: Some(record.index), rejected };
    Ok((Told::Executed(execution), record.result))
}
