//! One process: the node's real parts, and in the place of its threads queues whose ends are events.
//!
//! | thread of a node | here |
//! |---|---|
//! | raft | [`raft`]: inputs are fed at once, outputs handed on a moment later, so that they batch |
//! | log writer | [`writer`]: tasks gather while an fsync is under way |
//! | verify, apply | [`execute`]: one entry after the other, each taking its time |
//! | snapshots | [`snapshots`]: built, fetched in chunks, staged, installed |
//! | clients and peers | [`serve`]: admission, forwarding, reads, status |
//! | attestation | [`attest`] |

mod attest;
mod execute;
mod raft;
mod serve;
mod snapshots;
mod writer;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use precinto_consensus::{Config, Input, Replica, settings::TICK_MS};
use precinto_core::{
    LedgerCell, LogPort, StatePort,
    apply::Applier,
    attest::Attestation,
    intake::{Intake, Now},
    open::{self, Tools, applied},
    pending::Pending,
};
use precinto_execution::{Queries, Registry};
use precinto_protocol::{identity::NodeId, registry::Node};
use precinto_storage::{ChannelDirectory, LedgerView, RaftLog};

pub(crate) use self::snapshots::Served;
use self::{
    execute::Work,
    serve::{Forward, ReadFor},
    snapshots::{Fetch, Staged},
    writer::Writer,
};
use crate::{
    channel::{KeyUse, key},
    event::{Body, Life, Packet, Wake},
    parameters::{MS, SECOND},
    stage::{Stage, Step, Stop},
};

/// How often unfinished transactions are looked at, as in a node.
const RESEND_EVERY: u64 = 250 * MS;
/// How often the newest block is attested.
const ATTEST_EVERY: u64 = 150 * MS;
/// How often peers are told of checkpoints and nodes.
const TELL_EVERY: u64 = SECOND;

/// A machine's clock and disk, as its process sees them.
#[derive(Clone)]
pub(crate) struct Host {
    /// Which node.
    pub node: NodeId,
    /// Which of its processes.
    pub life: Life,
    /// How far its clock is ahead, milliseconds.
    pub skew_ms: i64,
    /// Where its storage is.
    pub directory: ChannelDirectory,
}

/// See the module.
pub(crate) struct Process {
    /// Where it runs.
    pub host: Host,
    replica: Replica<LogPort>,
    raft_log: RaftLog,
    ledger: LedgerCell,
    applier: Applier,
    intake: Intake,
    pending: Arc<Pending>,
    queries: Queries,
    tools: Tools,
    nodes: Vec<Node>,
    contacts: BTreeSet<NodeId>,
    handing_on: bool,
    writer: Writer,
    work: VecDeque<Work>,
    executing: bool,
    reads: BTreeMap<u64, ReadFor>,
    forwards: BTreeMap<u64, Forward>,
    /// Numbers of reads, and of requests to peers.
    numbers: u64,
    building: bool,
    served: Served,
    fetch: Option<Fetch>,
    staged: Option<Staged>,
    attestation: Attestation,
}

impl Process {
    /// Starts a node from what is on its disk.
    ///
    /// # Errors
    /// If it must not start, or a checker refuses what it found.
    pub(crate) fn start(
        host: Host,
        contacts: BTreeSet<NodeId>,
        served: Served,
        stage: &mut Stage,
    ) -> Step<Process> {
        let node = host.node;
        let genesis = &stage.channel.genesis;
        let (raft_log, ledger) = host.directory.open(node, &stage.channel.origin.channel)?;
        let tools = stage.channel.tools();
        let executor = open::open(&ledger, genesis, &tools)?;
        let nodes = Registry::new(&StatePort(ledger.view())).nodes()?;
        if nodes.iter().any(|it| it.id == node && !it.is_active()) {
            return Err(Stop::Retired);
        }
        stage.watch.started(node, &raft_log, &ledger)?;
        let head = ledger.head().expect("an opened ledger has a genesis");
        let config = Config {
            node,
            membership: executor.membership().clone(),
            nodes: nodes.clone(),
            contacts: contacts.clone(),
            signing_key: key(KeyUse::Identity, node),
            origin: stage.channel.origin,
            seed: stage.random.next(),
            margin: stage.parameters.margin(),
        };
        let replica = Replica::new(config, LogPort(raft_log.clone()), applied(&head))?;
        let channel = stage.channel.origin.channel;
        let ledger = LedgerCell::new(ledger);
        let attestation = attest::attestation(node, ledger.clone(), &nodes, stage)?;
        let pending = Arc::new(Pending::default());
        let keys = tools.keys.clone();
        let mut process = Process {
            replica,
            raft_log,
            applier: Applier::new(executor, ledger.clone()),
            intake: Intake::new(node, channel, ledger.clone(), keys, pending.clone()),
            ledger,
            pending,
            queries: Queries::new(channel, tools.runtime.clone()),
            tools,
            nodes,
            contacts,
            handing_on: false,
            writer: Writer::default(),
            work: VecDeque::new(),
            executing: false,
            reads: BTreeMap::new(),
            forwards: BTreeMap::new(),
            numbers: 0,
            building: false,
            served,
            fetch: None,
            staged: None,
            attestation,
            host,
        };
        process.begin(stage);
        Ok(process)
    }

    /// What is due regularly begins at different moments on every node.
    fn begin(&mut self, stage: &mut Stage) {
        let sync_every = stage.parameters.sync_every;
        for (every, wake) in [
            (TICK_MS * MS, Wake::Tick),
            (sync_every, Wake::Sync),
            (RESEND_EVERY, Wake::Resend),
            (ATTEST_EVERY, Wake::Attest),
            (TELL_EVERY, Wake::Tell),
        ] {
            let delay = stage.random.below(every);
            self.wake(delay, wake, stage);
        }
        self.reopen_snapshots(stage);
        self.soon_hand_on(stage);
    }

    /// Something is due.
    ///
    /// # Errors
    /// See [`Stop`].
    pub(crate) fn wakes(&mut self, wake: Wake, stage: &mut Stage) -> Step {
        match wake {
            Wake::Tick => {
                // Quartz is not the same everywhere.
                let delay = stage.random.between(49 * MS, 51 * MS);
                self.wake(delay, Wake::Tick, stage);
                self.feed(Input::Tick, stage);
            }
            Wake::HandOn => return self.hand_on(stage),
            Wake::Written => return self.written(stage),
            Wake::Executed => return self.executed(stage),
            Wake::Sync => {
                self.wake(stage.parameters.sync_every, Wake::Sync, stage);
                let synced = self.ledger.get().sync()?;
                self.feed(Input::Synced(synced.index), stage);
            }
            Wake::Resend => {
                self.wake(RESEND_EVERY, Wake::Resend, stage);
                self.resend(stage);
            }
            Wake::Attest => {
                self.wake(ATTEST_EVERY, Wake::Attest, stage);
                return self.attest(stage);
            }
            Wake::Tell => {
                self.wake(TELL_EVERY, Wake::Tell, stage);
                self.tell(stage);
            }
            Wake::Build => return self.build(stage),
            Wake::GiveUp(number) => return self.give_up(number, stage),
        }
        Ok(())
    }

    /// A peer's message arrives.
    ///
    /// # Errors
    /// See [`Stop`].
    pub(crate) fn arrives(&mut self, packet: Packet, stage: &mut Stage) -> Step {
        let Packet { from, body, .. } = packet;
        if !self.hears(from) {
            stage.count("messages of strangers");
            return Ok(());
        }
        match body {
            Body::Raft(bytes) => self.feed(Input::Message { from, bytes }, stage),
            Body::Forward(number, items) => self.take_forwarded((from, number), items, stage),
            Body::Forwarded(number, answer) => self.forwarded(number, Some(answer), stage),
            Body::AskChunk { request, index, chunk } => {
                self.serve_chunk((from, request), (index, chunk), stage);
            }
            Body::Chunk(number, bytes) => return self.chunk(number, &bytes, stage),
            Body::Checkpoint(signed) => return self.hear_checkpoint(signed, from, stage),
            Body::Nodes(nodes) => {
                self.contacts.extend(nodes);
                self.feed(Input::Contacts(self.contacts.clone()), stage);
            }
        }
        Ok(())
    }

    /// Whether the transport lets this peer in: the registry decides about whom it knows.
    fn hears(&self, peer: NodeId) -> bool {
        match self.nodes.iter().find(|node| node.id == peer) {
            Some(node) => node.is_active() || self.applier.membership().contains(peer),
            None => self.contacts.contains(&peer),
        }
    }

    fn wake(&self, delay: u64, wake: Wake, stage: &mut Stage) {
        stage.wake(delay, (self.host.node, self.host.life), wake);
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        // Unlike those of an earlier process, whose answers may still be on their way.
        (self.host.life << 32) + self.numbers
    }

    /// Height of its ledger.
    pub(crate) fn height(&self) -> u64 {
        self.ledger.get().head().map_or(0, |head| head.block.height)
    }

    /// Its ledger.
    pub(crate) fn view(&self) -> LedgerView {
        self.ledger.view()
    }

    /// What this machine's clocks show.
    fn now(&self, stage: &mut Stage) -> Now {
        let wall_ms = stage.wall_ms().saturating_add_signed(self.host.skew_ms);
        stage.watch.clock(self.host.node, wall_ms);
        Now { wall_ms, steady: Duration::from_micros(stage.now) }
    }
}
