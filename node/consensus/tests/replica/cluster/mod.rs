//! Replicas as values, with a network, disks and clocks made of data, and a checker that sees
//! everything any of them delivers.

mod checker;
mod disk;
mod group;
mod node;
mod route;

use std::collections::{BTreeSet, VecDeque};

use precinto_consensus::{Input, Output, RaftRole};
use precinto_protocol::identity::NodeId;

use checker::Checker;
pub(crate) use disk::Disk;
pub(crate) use group::{Group, signing_key};
pub(crate) use node::{NOTHING, Node, advance, config, origin};
pub(crate) use route::Route;

/// Genesis time of every test ledger; clocks start here.
pub(crate) const GENESIS_MS: u64 = 1_800_000_000_000;

/// A message under way.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) bytes: Vec<u8>,
}

/// A group of nodes and everything between them.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) packets: VecDeque<Packet>,
    /// Pairs of nodes that do not hear each other.
    cut: BTreeSet<(NodeId, NodeId)>,
    pub(crate) checker: Checker,
    /// The node whose blocks get a wrong signature on their way.
    pub(crate) forger: Option<NodeId>,
    /// The node that claims that whatever it sends is committed.
    pub(crate) claimer: Option<NodeId>,
    /// What is lost, and what is kept back until [`Cluster::deliver_late`].
    pub(crate) lost: Vec<Route>,
    pub(crate) kept: Vec<Route>,
    late: Vec<Packet>,
    /// Whether every message arrives twice.
    pub(crate) twice: bool,
}

impl Cluster {
    pub(crate) fn new(voters: &[NodeId], learners: &[NodeId]) -> Cluster {
        let group = Group::new(voters, learners);
        let ids = voters.iter().chain(learners);
        let nodes = ids.map(|&id| Node::start(id, &group)).collect();
        let checker = Checker::new(&group);
        Cluster {
            nodes,
            packets: VecDeque::new(),
            cut: BTreeSet::new(),
            checker,
            forger: None,
            claimer: None,
            lost: Vec::new(),
            kept: Vec::new(),
            late: Vec::new(),
            twice: false,
        }
    }

    pub(crate) fn node(&mut self, id: NodeId) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.id == id).expect("a node of the scenario")
    }

    pub(crate) fn ids(&self) -> Vec<NodeId> {
        self.nodes.iter().map(|node| node.id).collect()
    }

    pub(crate) fn alive(&self) -> Vec<NodeId> {
        self.nodes.iter().filter(|node| node.is_alive()).map(|node| node.id).collect()
    }

    /// Feeds one input and carries out what follows at once; writes and executions are queued.
    pub(crate) fn feed(&mut self, id: NodeId, input: Input) {
        if let Input::Read(read) = input {
            self.checker.read_asked(id, read);
        }
        let node = self.node(id);
        if node.is_alive() {
            let output = node.feed(input);
            self.carry_out(id, output);
        }
    }

    fn carry_out(&mut self, id: NodeId, output: Output) {
        for (to, bytes) in &output.messages {
            self.send(Packet { from: id, to: *to, bytes: bytes.clone() });
        }
        let disks = self.nodes.iter().map(|node| (node.id, &node.disk));
        self.checker.delivered(&output.committed, disks);
        let node = self.nodes.iter_mut().find(|node| node.id == id).expect("it exists");
        let applied = node.applied().index;
        self.checker.answered(id, &output.reads, applied);
        let status = node.status();
        if status.role == RaftRole::Leader {
            self.checker.leads(id, status.term);
        }
        if !output.snapshot_wanted.is_empty() && node.snapshots {
            let source = node.snapshot_source();
            node.inbox.extend(source.map(Input::SnapshotReady));
        }
        if let Some(offer) = &output.snapshot_offer {
            let staged = self.checker.ledger_at(offer.mark);
            assert_eq!(offer.membership, self.checker.group_at(offer.mark), "another group");
            let failed = node.fail_staging;
            node.inbox.push_back(match failed {
                true => Input::SnapshotFailed(offer.mark.index),
                false => Input::SnapshotStaged(staged),
            });
            let leader = self.nodes.iter_mut().find(|node| node.id == offer.from);
            let report = Input::SnapshotDelivered { node: id, complete: !failed };
            leader.expect("it exists").inbox.push_back(report);
        }
        self.node(id).keep(output);
    }

    fn send(&mut self, mut packet: Packet) {
        if self.forger == Some(packet.from) {
            route::forge(&mut packet);
        }
        if self.claimer == Some(packet.from) {
            route::claim(&mut packet);
        }
        let meant = |routes: &[Route]| routes.iter().any(|route| route.takes(&packet));
        if meant(&self.lost) {
            return;
        }
        if meant(&self.kept) {
            self.late.push(packet);
            return;
        }
        if self.twice {
            self.packets.push_back(packet.clone());
        }
        self.packets.push_back(packet);
    }

    /// Delivers what was kept back, each message once or twice, and keeps nothing back any more.
    pub(crate) fn deliver_late(&mut self, twice: bool) {
        self.kept.clear();
        for packet in std::mem::take(&mut self.late) {
            self.packets.extend(twice.then(|| packet.clone()));
            self.packets.push_back(packet);
        }
    }

    /// Delivers the packet at `position`, unless the link is cut.
    pub(crate) fn deliver(&mut self, position: usize) {
        let Some(packet) = self.packets.remove(position) else { return };
        let pair = (packet.from.min(packet.to), packet.from.max(packet.to));
        let there = self.nodes.iter().any(|node| node.id == packet.to);
        if there && !self.cut.contains(&pair) {
            self.feed(packet.to, Input::Message { from: packet.from, bytes: packet.bytes });
        }
    }

    /// Makes the oldest pending write durable.
    pub(crate) fn persist(&mut self, id: NodeId) {
        let history = self.checker.history();
        if let Some(number) = self.node(id).persist(&history) {
            self.feed(id, Input::Persisted(number));
        }
    }

    /// Executes the oldest delivered entry.
    pub(crate) fn apply(&mut self, id: NodeId) {
        for input in self.node(id).apply() {
            self.feed(id, input);
        }
    }

    /// Hands over what the owner of the replica has prepared.
    pub(crate) fn own(&mut self, id: NodeId) {
        if let Some(input) = self.node(id).inbox.pop_front() {
            self.feed(id, input);
        }
    }

    /// Delivers, persists and executes until nothing is left that is not held.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            let mut quiet = self.packets.is_empty();
            self.deliver(0);
            for id in self.alive() {
                let node = self.node(id);
                let (write, run) = (!node.hold_disk, !node.hold_apply);
                let (write, run) = (write && node.has_write(), run && node.has_entry());
                let own = !node.hold_owner && !node.inbox.is_empty();
                quiet &= !write && !run && !own;
                if own {
                    self.own(id);
                }
                if write {
                    self.persist(id);
                }
                if run {
                    self.apply(id);
                }
            }
            if quiet {
                return;
            }
        }
        panic!("the cluster does not come to rest");
    }

    pub(crate) fn tick(&mut self, id: NodeId) {
        let contacts = self.checker.group().nodes.iter().map(|node| node.id).collect();
        self.node(id).hear_of(contacts);
        self.node(id).pass_tick();
        self.feed(id, Input::Tick);
    }

    /// A tick everywhere, and what follows from it.
    pub(crate) fn tick_all(&mut self) {
        for id in self.ids() {
            self.tick(id);
        }
        self.settle();
    }

    pub(crate) fn crash(&mut self, id: NodeId) {
        self.node(id).crash();
        self.checker.crashed(id);
    }

    pub(crate) fn restart(&mut self, id: NodeId) {
        if !self.node(id).is_alive() {
            self.node(id).restart();
            let output = self.node(id).replica().take_output();
            self.carry_out(id, output);
        }
    }

    /// Starts every node that is registered and has not been started.
    pub(crate) fn join_all(&mut self) {
        let started = self.ids();
        let registered = self.checker.group().nodes.iter().map(|node| node.id);
        let new: Vec<_> = registered.filter(|id| !started.contains(id)).collect();
        new.into_iter().for_each(|id| self.join(id));
    }

    /// Starts a new node with an empty disk, told of all nodes that are registered by now.
    pub(crate) fn join(&mut self, id: NodeId) {
        let contacts = self.checker.group().nodes.iter().map(|node| node.id).collect();
        let mut node = Node::join(id, self.checker.genesis(), &contacts);
        node.now_ms = self.nodes.iter().map(|node| node.now_ms).max().expect("there are nodes");
        self.nodes.push(node);
    }

    pub(crate) fn cut(&mut self, a: NodeId, b: NodeId) {
        self.cut.insert((a.min(b), a.max(b)));
    }

    pub(crate) fn isolate(&mut self, id: NodeId) {
        for other in self.ids() {
            self.cut(id, other);
        }
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    /// Sets every clock to the one that is furthest ahead.
    pub(crate) fn set_clocks(&mut self) {
        let latest = self.nodes.iter().map(|node| node.now_ms).max().expect("there are nodes");
        self.nodes.iter_mut().for_each(|node| node.now_ms = latest);
    }

    /// The leader of the highest term among the nodes that run.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        let running = self.nodes.iter().filter(|node| node.is_alive()).map(Node::status);
        running
            .filter(|status| status.role == RaftRole::Leader)
            .max_by_key(|s| s.term)
            .map(|s| s.node)
    }
}
