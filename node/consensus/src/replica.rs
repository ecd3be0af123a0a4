//! The replica: one value that owns raft and everything beside it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use precinto_protocol::{
    block::{Block, Origin},
    identity::{KeyId, NodeId},
    keys::{PublicKey, SigningKey},
    membership::Membership,
    registry::Node,
};
use raft::{RawNode, StateRole, Storage};

use crate::{
    batch::Queue,
    chain::{Applied, Chain, Link},
    config::{Config, Margin, StartError, election_timeout},
    deliver::Delivery,
    fitness::{Fitness, UNFIT_ELECTION_TIMEOUT},
    io::{Input, Leadership, Output, ReturnReason, Returned},
    leader::Stall,
    log::{HardState, LogStore, SnapshotMark},
    membership::{change_in, conf_state},
    mutated::mutated,
    reads::Reads,
    ready::Unpersisted,
    settings::{MAX_COMMITTED_BYTES_PER_READY, MAX_TRANSACTION_BYTES},
    snapshot::Snapshots,
    tail::TailedLog,
};

/// One node's part in ordering. See the crate's documentation.
pub struct Replica<L: LogStore> {
    // Who this is, and who the others are: as the registry lists them, and as they take part.
    pub(crate) node: NodeId,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) contacts: BTreeSet<NodeId>,
    /// Signing keys of all nodes, also of retired ones: their blocks may still be on their way.
    pub(crate) keys: BTreeMap<KeyId, PublicKey>,
    pub(crate) membership: Arc<Membership>,
    pub(crate) signing_key: SigningKey,
    pub(crate) origin: Origin,
    seed: u64,
    margin: Margin,

    // Raft, and what mirrors its log.
    pub(crate) raw: RawNode<TailedLog<L>>,
    pub(crate) chain: Chain,
    pub(crate) unpersisted: VecDeque<Unpersisted>,
    pub(crate) written: HardState,
    pub(crate) applied: Applied,
    pub(crate) delivery: Delivery,
    pub(crate) snapshots: Snapshots,

    // What waits for an answer.
    pub(crate) queue: Queue,
    pub(crate) reads: Reads,

    // Time, as the inputs tell it.
    pub(crate) now_ms: u64,
    pub(crate) ticks: u64,
    pub(crate) stall: Stall,
    pub(crate) fitness: Fitness,
    pub(crate) transfers: usize,

    leadership: Leadership,
    pub(crate) refused_messages: u64,
    pub(crate) output: Output,
}

/// Raft ids are never 0; raft uses it for "nobody".
pub(crate) fn node_id(id: u64) -> Option<NodeId> {
    (id != raft::INVALID_ID).then_some(id)
}

impl<L: LogStore> Replica<L> {
    /// Starts where log and ledger ended. The first output may already have something to do.
    ///
    /// # Errors
    /// See [`StartError`]; most mean that this node must not vote under its old identity.
    pub fn new(config: Config, store: L, applied: Applied) -> Result<Replica<L>, StartError> {
        config.check()?;
        let written = store.hard_state()?;
        let mut group = conf_state(&config.membership);
        if mutated("count-learner") {
            group.voters.append(&mut group.learners);
        }
        let log = TailedLog::open(store, group, applied.index)?;
        check_log(&log, &applied)?;
        let chain = read_chain(&log, &applied)?;
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config.raft(applied.index), log, &logger)?;
        let mut replica = Replica {
            node: config.node,
            keys: keys_of(&config.nodes),
            nodes: by_id(config.nodes),
            contacts: config.contacts,
            membership: config.membership.into(),
            signing_key: config.signing_key,
            origin: config.origin,
            seed: config.seed,
            margin: config.margin,
            leadership: Leadership {
                role: crate::RaftRole::Follower,
                term: raw.raft.term,
                leader: None,
            },
            raw,
            chain,
            unpersisted: VecDeque::new(),
            written,
            applied,
            delivery: Delivery::new(applied.index),
            snapshots: Snapshots::default(),
            queue: Queue::default(),
            reads: Reads::new(config.node, config.seed),
            now_ms: 0,
            ticks: 0,
            stall: Stall::default(),
            fitness: Fitness::default(),
            transfers: 0,
            refused_messages: 0,
            output: Output::default(),
        };
        replica.leadership.role = replica.role();
        replica.after_step();
        Ok(replica)
    }

    /// Tells the replica that something happened, at `now_ms` (wall clock, milliseconds since 1970).
    ///
    /// Cheap: feed what there is, then take the output once.
    pub fn feed(&mut self, now_ms: u64, input: Input) {
        self.now_ms = now_ms;
        match input {
            Input::Tick => self.tick(),
            Input::Message { from, bytes } => self.receive(from, &bytes),
            Input::Submit(transaction) => self.submit(transaction),
            Input::Read(read) => self.read(read),
            Input::Persisted(number) => self.persisted(number),
            Input::Applied(applied) => self.applied(applied),
            Input::Changed { applied, membership } => self.changed(applied, membership),
            Input::Members(nodes) => {
                self.keys = keys_of(&nodes);
                self.nodes = by_id(nodes);
            }
            Input::Contacts(contacts) => self.contacts = contacts,
            Input::Fitness(fitness) => self.set_fitness(fitness),
            Input::TransferLeadership => self.transfer_leadership(),
            Input::Unreachable(node) => self.raw.report_unreachable(node),
            Input::Synced(index) => self.compact(index),
            Input::SnapshotReady(source) => self.raw.mut_store().set_source(source),
            Input::SnapshotDelivered { node, complete } => self.delivered(node, complete),
            Input::SnapshotStaged(applied) => self.staged(applied),
            Input::SnapshotFailed(index) => self.snapshots.failed(index),
        }
        self.after_step();
    }

    /// Does what the inputs since the last call made possible, and hands out the results.
    pub fn take_output(&mut self) -> Output {
        self.note_leadership();
        self.install_staged();
        self.ask_reads();
        self.propose();
        self.propose_change();
        while self.raw.has_ready() {
            self.handle_ready();
        }
        self.deliver_rest();
        self.finish_reads();
        self.output.snapshot_wanted = self.raw.mut_store().take_wanted();
        std::mem::take(&mut self.output)
    }

    fn submit(&mut self, transaction: Vec<u8>) {
        if transaction.len() > MAX_TRANSACTION_BYTES {
            self.give_back(transaction, ReturnReason::TooLarge);
        } else if self.raw.raft.state != StateRole::Leader {
            let leader = node_id(self.raw.raft.leader_id);
            self.give_back(transaction, ReturnReason::NotLeader(leader));
        } else if let Err(transaction) = self.queue.push(transaction) {
            self.give_back(transaction, ReturnReason::Busy);
        }
    }

    fn give_back(&mut self, transaction: Vec<u8>, reason: ReturnReason) {
        self.output.returned.push(Returned { transaction, reason });
    }

    fn tick(&mut self) {
        self.ticks += 1;
        if self.may_tick() {
            self.raw.tick();
        }
        self.check_stall();
        self.hand_over_if_unfit();
        self.retry_snapshots();
        self.expire_reads();
    }

    /// Must follow every call that may change raft's state.
    pub(crate) fn after_step(&mut self) {
        let may_lead = self.may_lead();
        let raft = &mut self.raw.raft;
        // raft-rs draws a new timeout from the system's randomness whenever its role changes; the
        // value is read at the next tick at the earliest.
        let timeout = match may_lead {
            true => election_timeout(self.seed, self.node, raft.term),
            false => UNFIT_ELECTION_TIMEOUT,
        };
        raft.set_randomized_election_timeout(timeout);
        // A new leader appends an empty entry by itself.
        let last_index = raft.raft_log.last_index();
        if self.chain.last_index() + 1 == last_index {
            assert!(raft.state == StateRole::Leader, "only a new leader appends by itself");
            self.chain.set(last_index, None);
        }
        assert_eq!(self.chain.last_index(), last_index, "the chain mirrors the log");
    }

    /// On a change of role, term or leader: what depended on the old one is given back.
    fn note_leadership(&mut self) {
        let leader = self.leader();
        let leadership = Leadership { role: self.role(), term: self.raw.raft.term, leader };
        if leadership == self.leadership {
            return;
        }
        self.leadership = leadership;
        self.output.leadership = Some(leadership);
        self.fail_rounds();
        if self.raw.raft.state != StateRole::Leader {
            let reason = ReturnReason::NotLeader(leader);
            let returned = self.queue.drain().map(|transaction| Returned { transaction, reason });
            self.output.returned.extend(returned);
        }
    }

    /// Forgets log entries the synced ledger no longer needs, keeping some for slow followers.
    fn compact(&mut self, synced: u64) {
        let log = self.raw.store();
        let safe = synced.min(self.applied.index);
        let by_count = safe.saturating_sub(self.margin.entries);
        let by_bytes = log.within(safe, self.margin.bytes);
        // A commit alone is not written: the log may not know yet that an executed entry is
        // committed, and gives up none before.
        let index = by_count.max(by_bytes).min(self.written.commit);
        if self.snapshots.is_installing() || index < log.first() {
            return;
        }
        // In steps of a quarter of what is kept: a compaction is a write like any other.
        let (dropped, bytes) = (index + 1 - log.first(), log.bytes(log.first()..=index));
        if dropped < (self.margin.entries / 4).max(1) && bytes < self.margin.bytes / 4 {
            return;
        }
        let term = log.term(index).expect("an applied index above the log's start is in the log");
        let mark = SnapshotMark { index, term };
        self.raw.mut_store().compact(mark);
        self.output.compact = Some(mark);
    }
}

fn by_id(nodes: Vec<Node>) -> BTreeMap<NodeId, Node> {
    nodes.into_iter().map(|node| (node.id, node)).collect()
}

/// Keys that are none sign nothing.
fn keys_of(nodes: &[Node]) -> BTreeMap<KeyId, PublicKey> {
    let keys = nodes.iter().filter_map(|node| PublicKey::from_bytes(&node.identity_key).ok());
    keys.map(|key| (key.key_id(), key)).collect()
}

/// Everything that was executed or committed must still be in the log, and the same.
fn check_log<L: LogStore>(log: &TailedLog<L>, applied: &Applied) -> Result<(), StartError> {
    let known = log.initial_state()?.hard_state.commit;
    if known > log.last() {
        return Err(StartError::LogLost { last_index: log.last(), known });
    }
    if applied.index + 1 < log.first() {
        let first_index = log.first();
        return Err(StartError::LedgerLost { applied: applied.index, first_index });
    }
    let log_term = log.term(applied.index)?;
    if log_term != applied.term {
        let (index, applied_term) = (applied.index, applied.term);
        return Err(StartError::LogReplaced { index, applied_term, log_term });
    }
    Ok(())
}

/// The chain of what is in the log above the applied index.
fn read_chain<L: LogStore>(log: &TailedLog<L>, applied: &Applied) -> Result<Chain, StartError> {
    let mut chain = Chain::new(applied);
    while chain.last_index() < log.last() {
        let low = chain.last_index() + 1;
        for entry in log.read(low, log.last() + 1, MAX_COMMITTED_BYTES_PER_READY)? {
            let index = entry.index;
            let link = match entry.data.is_empty() || change_in(&entry).is_some() {
                true => None,
                false => {
                    let block = Block::decode(&entry.data);
                    Some(Link::of(&block.map_err(|error| StartError::Damaged { index, error })?))
                }
            };
            chain.set(index, link);
        }
    }
    Ok(chain)
}
