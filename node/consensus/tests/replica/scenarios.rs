//! Plain-text scenarios: one file per story in `tests/scenarios/`, one command per line.
//!
//! After every command the cluster settles: messages are delivered, writes made durable, entries
//! executed, except where a `hold` or `cut` is in force. Time passes only with `tick`.
//!
//! ```text
//! join 5                      a new node with an empty disk starts; registered by `@` transactions
//! start 1 2 3 learners 4      voters and learners, all running, clocks equal
//! tick 30 [on 1]              ticks everywhere, or on one node (as often as needed for `elect`)
//! elect 1                     ticks only node 1 until it leads
//! submit 1 a b                transactions, one after the other
//! burst 1 200                 as many transactions b0, b1, ... before anything settles
//! read 1 7                    a linearizable read, numbered
//! hold 1 disk|apply           its writes are not made durable, its entries not executed, ...
//! hold 1 owner                it does not hear of snapshots that were made or downloaded
//! hold 1 snapshots|staging    it makes no snapshots for others; those it is offered fail
//! release 1 disk|apply|...    ... until now
//! cut 1 2, isolate 1, heal
//! crash 1, restart 1, lose_log 1
//! clock 1 60000               moves one clock forward, in milliseconds
//! sync 1                      the ledger is durable: the log may be compacted
//! transfer 1                  node 1 hands leadership over
//! fitness 1 lead|follow|serve  what node 1 is fit for from now on
//! forge 1                     from now on, signatures in blocks sent by node 1 are wrong
//! mute 1                      from now on, entries sent by node 1 are lost
//! honest                      ends forge and mute
//! assert_leader 1|none        among the running nodes
//! assert_role 1 follower      leader, follower, candidate, learner
//! assert_term_at_most 2       on every running node
//! assert_executed 1 a b       transactions executed by node 1, all, in order
//! assert_same                 all running nodes executed the same
//! assert_blocks 1 3           number of blocks executed
//! assert_read 1 7 ready|failed|open
//! assert_group 1 2 3 learners 4   the group in force at node 1: voters 2 and 3, learner 4
//! assert_returned 1 2         number of transactions given back
//! assert_alarm 1 clock|signature|stalled|log_lost|none
//! assert_installed 1 yes|no   whether node 1 installed a snapshot
//! assert_refuses_start 1      it must not come back under its old identity
//! ```

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use precinto_consensus::{Alarm, BlockRefusal, Fitness, Input, MessageRefusal, StartError};
use precinto_protocol::{
    block::{Block, BlockError},
    identity::NodeId,
};
use prost::Message as _;
use raft::eraftpb::{Message, MessageType};

use crate::cluster::{Cluster, Packet};

/// Ticks in which a node must have been elected if it alone feels time passing: twice the longest
/// timeout.
const ELECTION_TICKS: usize = 40;

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test] fn $name() { run(stringify!($name)) })*

        #[test]
        fn every_file_is_run() {
            let listed = [$(concat!(stringify!($name), ".txt")),*];
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
            for file in fs::read_dir(dir).expect("the folder of scenarios") {
                let name = file.expect("readable").file_name();
                assert!(listed.iter().any(|known| name == **known), "{name:?} is not listed");
            }
        }
    };
}

scenarios! {
    batching
    clock_ahead
    compaction
    crash_before_fsync
    election
    empty_block
    follower_catches_up
    full_disk
    full_disk_of_the_leader
    forged_block
    lagging_apply
    leader_crash
    learner_not_in_quorum
    log_lost
    lost_leadership
    membership_crash
    membership_unasked
    partitioned_leader
    pre_vote
    promote_waits
    reads
    replace_dead_voter
    replace_leader
    replace_learner
    restart_all
    single_voter
    slow_clock
    snapshot
    snapshot_survives_crash
    snapshot_waits_for_disk
    transfer
    truncated_tail
    unfit_voters_still_vote
    wrong_clock
}

fn run(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/scenarios/{name}.txt"));
    let text = fs::read_to_string(path).expect("the scenario's file");
    let mut cluster = None;
    let mut trace = String::new();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> =
            line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        if words[0] == "start" {
            cluster = Some(start(&words[1..]));
            continue;
        }
        let cluster = cluster.as_mut().expect("a scenario begins with start");
        let done = Command { cluster, words: &words }.execute();
        if let Err(problem) = done {
            for node in cluster.nodes.iter().filter(|node| node.is_alive()) {
                writeln!(trace, "  {:?} alarms {:?}", node.status(), node.alarms).expect("memory");
            }
            panic!("{name}.txt:{}: {line}\n  {problem}\n{trace}", number + 1);
        }
    }
}

fn start(words: &[&str]) -> Cluster {
    let ids = |words: &[&str]| -> Vec<NodeId> {
        words.iter().map(|word| word.parse().expect("a node id")).collect()
    };
    let mut groups = words.split(|word| *word == "learners");
    let voters = ids(groups.next().expect("voters"));
    Cluster::new(&voters, &ids(groups.next().unwrap_or_default()))
}

/// Breaks the signature of every block in a message.
fn forge(packet: &mut Packet) {
    let mut message = Message::decode(&packet.bytes[..]).expect("replicas send protobuf");
    for entry in &mut message.entries {
        if let Ok(mut block) = Block::decode(&entry.data) {
            block.signature[0] ^= 1;
            entry.data = block.encode();
        }
    }
    packet.bytes = message.encode_to_vec();
}

fn carries_entries(packet: &Packet) -> bool {
    let message = Message::decode(&packet.bytes[..]).expect("replicas send protobuf");
    message.msg_type == MessageType::MsgAppend as i32 && !message.entries.is_empty()
}

struct Command<'a> {
    cluster: &'a mut Cluster,
    words: &'a [&'a str],
}

impl Command<'_> {
    fn word(&self, at: usize) -> &str {
        self.words.get(at).unwrap_or_else(|| panic!("{:?}: a word is missing", self.words))
    }

    fn number(&self, at: usize) -> u64 {
        self.word(at).parse().unwrap_or_else(|_| panic!("{:?}: expected a number", self.words))
    }

    fn feed(&mut self, input: Input) {
        let id = self.number(1);
        self.cluster.feed(id, input);
    }

    fn execute(&mut self) -> Result<(), String> {
        if self.word(0).starts_with("assert_") {
            return self.check();
        }
        let id = self.number_or(1, 0);
        match self.word(0) {
            "tick" => self.tick(),
            "elect" => self.elect(id)?,
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
            "hold" => self.hold(id, true),
            "release" => self.hold(id, false),
            "cut" => self.cluster.cut(id, self.number(2)),
            "isolate" => self.cluster.isolate(id),
            "heal" => self.cluster.heal(),
            "crash" => self.cluster.crash(id),
            "restart" => self.cluster.restart(id),
            "join" => self.cluster.join(id),
            "lose_log" => self.cluster.node(id).disk = Default::default(),
            "clock" => {
                let ms = self.number(2);
                self.cluster.node(id).now_ms += ms;
            }
            "sync" => {
                let input = self.cluster.node(id).sync();
                self.feed(input);
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
            "transfer" => self.feed(Input::TransferLeadership),
            "forge" => {
                self.cluster.tamper = Some(Box::new(move |packet| {
                    if packet.from == id {
                        forge(packet);
                    }
                    true
                }));
            }
            "mute" => {
                self.cluster.tamper =
                    Some(Box::new(move |packet| packet.from != id || !carries_entries(packet)));
            }
            "honest" => self.cluster.tamper = None,
            other => panic!("unknown command {other}"),
        }
        self.cluster.settle();
        Ok(())
    }

    fn number_or(&self, at: usize, default: u64) -> u64 {
        self.words.get(at).and_then(|word| word.parse().ok()).unwrap_or(default)
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

    fn check(&mut self) -> Result<(), String> {
        let id = self.number_or(1, 0);
        let (expected, found) = match self.word(0) {
            "assert_leader" => {
                let leader = self.cluster.leader().map_or("none".into(), |id| id.to_string());
                (self.word(1).to_owned(), leader)
            }
            "assert_role" => {
                let role = format!("{:?}", self.cluster.node(id).status().role).to_lowercase();
                (self.word(2).to_owned(), role)
            }
            "assert_term_at_most" => {
                let running = self.cluster.nodes.iter().filter(|node| node.is_alive());
                let term = running.map(|node| node.status().term).max().unwrap_or(0);
                (self.number(1).max(term).to_string(), self.word(1).to_owned())
            }
            "assert_executed" => {
                (self.words[2..].join(" "), self.cluster.node(id).transactions().join(" "))
            }
            "assert_same" => return self.check_same(),
            "assert_group" => {
                let group = &self.cluster.node(id).status().membership;
                let words = |ids: &BTreeSet<NodeId>| -> Vec<String> {
                    ids.iter().map(NodeId::to_string).collect()
                };
                let mut found = words(&group.voters);
                if !group.learners.is_empty() {
                    found.push("learners".into());
                    found.extend(words(&group.learners));
                }
                (self.words[2..].join(" "), found.join(" "))
            }
            "assert_blocks" => {
                let ledger = &self.cluster.node(id).ledger;
                let blocks = ledger.iter().filter(|entry| !entry.block.is_empty()).count();
                (self.word(2).to_owned(), blocks.to_string())
            }
            "assert_read" => {
                let read = self.number(2);
                let answers = &self.cluster.node(id).reads;
                let found = match answers.iter().find(|outcome| outcome.read == read) {
                    None => "open",
                    Some(outcome) if outcome.ready => "ready",
                    Some(_) => "failed",
                };
                (self.word(3).to_owned(), found.to_owned())
            }
            "assert_returned" => {
                (self.word(2).to_owned(), self.cluster.node(id).returned.len().to_string())
            }
            "assert_alarm" => {
                let expected = self.word(2).to_owned();
                let alarms: Vec<_> = self.cluster.node(id).alarms.iter().map(alarm_name).collect();
                let found = match alarms.contains(&&expected[..]) {
                    true => expected.clone(),
                    false => alarms.last().unwrap_or(&"none").to_string(),
                };
                (expected, found)
            }
            "assert_installed" => {
                let installed = self.cluster.node(id).installed() > 0;
                (self.word(2).to_owned(), if installed { "yes" } else { "no" }.to_owned())
            }
            "assert_refuses_start" => {
                let refusal = self.cluster.node(id).try_start();
                let lost = matches!(refusal, Err(StartError::LogLost { .. }));
                ("lost".to_owned(), if lost { "lost".to_owned() } else { format!("{refusal:?}") })
            }
            other => panic!("unknown assertion {other}"),
        };
        if expected == found { Ok(()) } else { Err(format!("expected {expected}, found {found}")) }
    }

    fn check_same(&self) -> Result<(), String> {
        let mut running = self.cluster.nodes.iter().filter(|node| node.is_alive());
        let first = running.next().expect("a node runs");
        match running.find(|node| node.ledger != first.ledger) {
            None => Ok(()),
            Some(node) => Err(format!(
                "node {} executed {} entries, node {} {}",
                first.id,
                first.ledger.len(),
                node.id,
                node.ledger.len(),
            )),
        }
    }
}

fn alarm_name(alarm: &Alarm) -> &'static str {
    match alarm {
        Alarm::Block { reason: BlockRefusal::ClockAhead { .. }, .. } => "clock",
        Alarm::Block { reason: BlockRefusal::Invalid(BlockError::BadSignature), .. } => "signature",
        Alarm::Block { .. } => "block",
        Alarm::Message { reason: MessageRefusal::LogLost { .. }, .. } => "log_lost",
        Alarm::Message { .. } => "message",
        Alarm::Stalled { .. } => "stalled",
    }
}
