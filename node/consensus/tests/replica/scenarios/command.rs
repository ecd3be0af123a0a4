//! What a scenario can do.

use precinto_consensus::{Fitness, Input};
use precinto_protocol::identity::NodeId;
use raft::eraftpb::MessageType;

use crate::cluster::{Cluster, Route};

/// Ticks in which a node must have been elected if it alone feels time passing: twice the longest
/// timeout.
const ELECTION_TICKS: usize = 40;

/// One line of a scenario.
pub(super) struct Command<'a> {
    pub(super) cluster: &'a mut Cluster,
    pub(super) words: &'a [&'a str],
}

impl Command<'_> {
    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).unwrap_or_else(|| panic!("{:?}: a word is missing", self.words))
    }

    pub(super) fn number(&self, at: usize) -> u64 {
        self.word(at).parse().unwrap_or_else(|_| panic!("{:?}: expected a number", self.words))
    }

    pub(super) fn number_or(&self, at: usize, default: u64) -> u64 {
        self.words.get(at).and_then(|word| word.parse().ok()).unwrap_or(default)
    }

    fn feed(&mut self, input: Input) {
        let id = self.number(1);
        self.cluster.feed(id, input);
    }

    /// Does what the line says, and lets the cluster settle.
    pub(super) fn execute(&mut self) -> Result<(), String> {
        if self.word(0).starts_with("assert_") {
            return self.check();
        }
        let id = self.number_or(1, 0);
        match self.word(0) {
            "tick" => self.tick(),
            "elect" => self.elect(id)?,
            "submit" | "burst" | "read" | "transfer" | "unreachable" | "fitness" | "sync" => {
                self.ask(id);
            }
            "hold" => self.hold(id, true),
            "release" => self.hold(id, false),
            "persist" => (0..self.number_or(2, 1)).for_each(|_| self.cluster.persist(id)),
            "cut" => self.cluster.cut(id, self.number(2)),
            "isolate" => self.cluster.isolate(id),
            "heal" => self.cluster.heal(),
            "crash" => self.cluster.crash(id),
            "restart" => self.cluster.restart(id),
            "join" => self.cluster.join(id),
            "lose_log" => self.cluster.node(id).disk = Default::default(),
            "clock" => self.clock(id),
            _ => self.tamper(id),
        }
        self.cluster.settle();
        Ok(())
    }

    /// What is asked of a node.
    fn ask(&mut self, id: NodeId) {
        match self.word(0) {
            "submit" => {
                for word in &self.words[2..] {
                    self.feed(Input::Submit(word.as_bytes().to_vec()));
                    self.cluster.settle();
                }
            }
            "burst" => {
                for n in 0..self.number(2) {
                    self.feed(Input::Submit(format!("b{n}").into_bytes()));
                }
            }
            "read" => {
                let read = self.number(2);
                self.feed(Input::Read(read));
            }
            "transfer" => self.feed(Input::TransferLeadership),
            "unreachable" => {
                let peer = self.number(2);
                self.feed(Input::Unreachable(peer));
            }
            "fitness" => {
                let fitness = match self.word(2) {
                    "lead" => Fitness::Lead,
                    "follow" => Fitness::Follow,
                    "serve" => Fitness::Serve,
                    other => panic!("unknown fitness {other}"),
                };
                self.feed(Input::Fitness(fitness));
            }
            _ => {
                let input = self.cluster.node(id).sync();
                self.feed(input);
            }
        }
    }

    /// What happens to messages on their way.
    fn tamper(&mut self, id: NodeId) {
        match self.word(0) {
            "forge" => self.cluster.forger = Some(id),
            "claim" => self.cluster.claimer = Some(id),
            "lose" => {
                let route = self.route();
                self.cluster.lost.push(route);
            }
            "keep" => {
                let route = self.route();
                self.cluster.kept.push(route);
            }
            "late" => self.cluster.deliver_late(self.words.get(1) == Some(&"twice")),
            "twice" => self.cluster.twice = true,
            "honest" => {
                self.cluster.forger = None;
                self.cluster.claimer = None;
                self.cluster.lost.clear();
                self.cluster.twice = false;
            }
            other => panic!("unknown command {other}"),
        }
    }

    fn route(&self) -> Route {
        let node = |at| match self.word(at) {
            "*" => None,
            _ => Some(self.number(at)),
        };
        let kind = match self.word(1) {
            "*" => None,
            "append" => Some(MessageType::MsgAppend),
            "appended" => Some(MessageType::MsgAppendResponse),
            "heartbeat" => Some(MessageType::MsgHeartbeat),
            "heard" => Some(MessageType::MsgHeartbeatResponse),
            "pre_vote" => Some(MessageType::MsgRequestPreVote),
            "pre_voted" => Some(MessageType::MsgRequestPreVoteResponse),
            "vote" => Some(MessageType::MsgRequestVote),
            "voted" => Some(MessageType::MsgRequestVoteResponse),
            "take_over" => Some(MessageType::MsgTimeoutNow),
            "snapshot" => Some(MessageType::MsgSnapshot),
            "read_asked" => Some(MessageType::MsgReadIndex),
            "read_answered" => Some(MessageType::MsgReadIndexResp),
            other => panic!("unknown kind of message {other}"),
        };
        Route { kind, from: node(2), to: node(3) }
    }

    fn tick(&mut self) {
        for _ in 0..self.number(1) {
            if self.words.len() > 2 {
                let id = self.number(3);
                self.cluster.tick(id);
                self.cluster.settle();
            } else {
                let alive = self.cluster.alive();
                alive.into_iter().for_each(|id| self.cluster.tick(id));
                self.cluster.settle();
            }
        }
    }

    fn elect(&mut self, id: NodeId) -> Result<(), String> {
        for _ in 0..ELECTION_TICKS {
            self.cluster.tick(id);
            self.cluster.settle();
            if self.cluster.leader() == Some(id) {
                return Ok(());
            }
        }
        Err(format!("node {id} was not elected"))
    }

    fn clock(&mut self, id: NodeId) {
        let ms: i64 = self.word(2).parse().expect("milliseconds, negative to put it back");
        let node = self.cluster.node(id);
        node.now_ms = node.now_ms.checked_add_signed(ms).expect("a time after 1970");
    }

    fn hold(&mut self, id: NodeId, hold: bool) {
        let what = self.word(2).to_owned();
        let node = self.cluster.node(id);
        match &what[..] {
            "disk" => node.hold_disk = hold,
            "apply" => node.hold_apply = hold,
            "owner" => node.hold_owner = hold,
            "staging" => node.fail_staging = hold,
            "snapshots" => node.snapshots = !hold,
            other => panic!("cannot hold {other}"),
        }
    }
}
