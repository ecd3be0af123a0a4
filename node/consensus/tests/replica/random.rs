//! Random schedules of messages, losses, crashes, partitions and slow disks. The checker looks at
//! every step; afterwards the cluster is healed and must serve and agree again.

use precinto_consensus::Input;
use precinto_protocol::{identity::NodeId, membership::Membership, registry::NodeRole};
use proptest::prelude::*;

use crate::cluster::Cluster;

const VOTERS: [NodeId; 3] = [1, 2, 3];
const LEARNERS: [NodeId; 1] = [4];

#[derive(Clone, Debug)]
enum Step {
    Tick(NodeId),
    TickAll,
    Deliver(usize),
    DeliverMany(usize),
    Duplicate(usize),
    Lose(usize),
    Persist(NodeId),
    Apply(NodeId),
    Own(NodeId),
    Submit(NodeId),
    SubmitToLeader,
    Read(NodeId),
    Crash(NodeId),
    Restart(NodeId),
    Cut(NodeId, NodeId),
    Heal,
    Sync(NodeId),
    Transfer,
    Replace(NodeId),
    Promote,
    SkewClock(NodeId, u64),
    Settle,
}

/// Counts around among the nodes that were started: there are more as they are replaced.
fn node() -> impl Strategy<Value = NodeId> {
    1..=6_u64
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => node().prop_map(Step::Tick),
        6 => Just(Step::TickAll),
        30 => (0..64_usize).prop_map(Step::Deliver),
        12 => (1..32_usize).prop_map(Step::DeliverMany),
        2 => (0..64_usize).prop_map(Step::Duplicate),
        3 => (0..64_usize).prop_map(Step::Lose),
        16 => node().prop_map(Step::Persist),
        10 => node().prop_map(Step::Apply),
        6 => node().prop_map(Step::Own),
        4 => node().prop_map(Step::Submit),
        10 => Just(Step::SubmitToLeader),
        4 => node().prop_map(Step::Read),
        2 => node().prop_map(Step::Crash),
        4 => node().prop_map(Step::Restart),
        1 => (node(), node()).prop_map(|(a, b)| Step::Cut(a, b)),
        1 => Just(Step::Heal),
        3 => node().prop_map(Step::Sync),
        1 => Just(Step::Transfer),
        3 => node().prop_map(Step::Replace),
        3 => Just(Step::Promote),
        1 => (node(), 0..20_000_u64).prop_map(|(id, ms)| Step::SkewClock(id, ms)),
        2 => Just(Step::Settle),
    ]
}

/// What a schedule remembers besides the cluster.
#[derive(Default)]
struct Run {
    submitted: u64,
    reads: u64,
}

impl Run {
    fn submit(&mut self, cluster: &mut Cluster, id: NodeId) {
        self.submitted += 1;
        let transaction = format!("t{}", self.submitted).into_bytes();
        cluster.feed(id, Input::Submit(transaction));
    }

    fn read(&mut self, cluster: &mut Cluster, id: NodeId) {
        if cluster.node(id).is_alive() {
            self.reads += 1;
            cluster.feed(id, Input::Read(self.reads));
        }
    }

    /// Asks the leader to replace a node; the contract's rules decide.
    fn replace(cluster: &mut Cluster, old: NodeId) {
        let nodes = &cluster.checker.group().nodes;
        let next = nodes.iter().map(|node| node.id).max().expect("there are nodes") + 1;
        let old = nodes.iter().find(|node| node.id == old).expect("it was started");
        let role = if old.role == NodeRole::Learner { "learner" } else { "joining" };
        Self::govern(cluster, format!("@{}=retired+{next}={role}", old.id));
    }

    fn promote(cluster: &mut Cluster) {
        let mut joining = cluster.checker.group().nodes.iter();
        let joining = joining.find(|node| node.role == NodeRole::Joining && node.is_active());
        if let Some(id) = joining.map(|node| node.id) {
            Self::govern(cluster, format!("@{id}=voter"));
        }
    }

    fn govern(cluster: &mut Cluster, transaction: String) {
        if let Some(leader) = cluster.leader() {
            cluster.feed(leader, Input::Submit(transaction.into_bytes()));
        }
        cluster.join_all();
    }

    fn execute(&mut self, cluster: &mut Cluster, step: &Step) {
        let ids = cluster.ids();
        let at = |n: NodeId| ids[n as usize % ids.len()];
        let packets = cluster.packets.len().max(1);
        match *step {
            Step::Tick(id) => cluster.tick(at(id)),
            Step::TickAll => cluster.ids().into_iter().for_each(|id| cluster.tick(id)),
            Step::Deliver(n) => cluster.deliver(n % packets),
            Step::DeliverMany(n) => (0..n).for_each(|_| cluster.deliver(0)),
            Step::Duplicate(n) => {
                let packet = cluster.packets.get(n % packets).cloned();
                cluster.packets.extend(packet);
            }
            Step::Lose(n) => drop(cluster.packets.remove(n % packets)),
            Step::Persist(id) => cluster.persist(at(id)),
            Step::Apply(id) => cluster.apply(at(id)),
            Step::Own(id) => cluster.own(at(id)),
            Step::Submit(id) => self.submit(cluster, at(id)),
            Step::SubmitToLeader => {
                if let Some(id) = cluster.leader() {
                    self.submit(cluster, id);
                }
            }
            Step::Read(id) => self.read(cluster, at(id)),
            Step::Crash(id) => cluster.crash(at(id)),
            Step::Restart(id) => cluster.restart(at(id)),
            Step::Cut(a, b) => cluster.cut(at(a), at(b)),
            Step::Heal => cluster.heal(),
            Step::Sync(id) => {
                let input = cluster.node(at(id)).sync();
                cluster.feed(at(id), input);
            }
            Step::Transfer => {
                if let Some(id) = cluster.leader() {
                    cluster.feed(id, Input::TransferLeadership);
                }
            }
            Step::Replace(id) => Self::replace(cluster, at(id)),
            Step::Promote => Self::promote(cluster),
            Step::SkewClock(id, ms) => cluster.node(at(id)).now_ms += ms,
            Step::Settle => cluster.settle(),
        }
    }

    /// Everything works again: the cluster must elect, commit, answer and agree.
    fn recover(&mut self, cluster: &mut Cluster) {
        cluster.heal();
        cluster.set_clocks();
        cluster.ids().into_iter().for_each(|id| cluster.restart(id));
        for _ in 0..400 {
            cluster.join_all();
            cluster.tick_all();
        }
        let leader = cluster.leader().expect("a healed cluster has a leader");
        let before = cluster.checker.committed();
        self.submit(cluster, leader);
        let last = format!("t{}", self.submitted);
        let group = cluster.checker.group().clone();
        let wanted = Membership::wanted(&group.nodes);
        assert_eq!(group.membership, wanted, "all changes are in force");
        let active: Vec<_> = wanted.voters.union(&wanted.learners).copied().collect();
        for &id in &active {
            self.read(cluster, id);
        }
        for _ in 0..10 {
            cluster.tick_all();
        }
        assert!(cluster.checker.committed() > before);
        let ledger = cluster.node(leader).ledger.clone();
        assert_eq!(ledger.len() as u64, cluster.checker.committed());
        for id in active {
            let node = cluster.node(id);
            assert!(
                node.ledger == ledger,
                "node {id} has another ledger: {:?}, {:?}",
                node.status(),
                node.alarms.last(),
            );
            assert!(cluster.node(id).reads.last().is_some_and(|read| read.ready));
        }
        assert_eq!(cluster.node(leader).transactions().last(), Some(&last));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_keeps_one_history(steps in prop::collection::vec(step(), 100..900)) {
        let mut cluster = Cluster::new(&VOTERS, &LEARNERS);
        let mut run = Run::default();
        for step in &steps {
            run.execute(&mut cluster, step);
        }
        run.recover(&mut cluster);
    }
}
