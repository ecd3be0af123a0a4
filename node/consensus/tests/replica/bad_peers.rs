//! Messages no honest peer sends: dropped with an alarm, never a panic.

use precinto_consensus::{Alarm, Input, MessageRefusal, Output, RaftRole, Replica};
use precinto_protocol::{
    block::{Block, BlockContent, BlockPlace},
    hash::Hash,
    identity::NodeId,
};
use proptest::prelude::*;
use prost::Message as _;
use raft::eraftpb::{ConfState, Entry, Message, MessageType, Snapshot, SnapshotMetadata};

use crate::cluster::{Disk, GENESIS_MS, Group, NOTHING, advance, config, origin, signing_key};

/// Node 1 of three, whose disk and ledger work at once.
struct Lone {
    replica: Replica<Disk>,
    disk: Disk,
    applied: precinto_consensus::Applied,
    alarms: Vec<Alarm>,
}

impl Lone {
    fn new() -> Lone {
        let disk = Disk::default();
        let config = config(1, &Group::new(&[1, 2, 3], &[4]), 1);
        let replica = Replica::new(config, disk.clone(), NOTHING).expect("an empty log");
        Lone { replica, disk, applied: NOTHING, alarms: Vec::new() }
    }

    fn feed(&mut self, input: Input) {
        self.replica.feed(GENESIS_MS + 1, input);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            let Output { writes, committed, alarms, snapshot_offer, .. } =
                self.replica.take_output();
            self.alarms.extend(alarms);
            let quiet = writes.is_empty() && committed.is_empty();
            for task in writes {
                self.disk.enqueue(task);
                let number = self.disk.sync_one().expect("just queued").number;
                self.replica.feed(GENESIS_MS + 1, Input::Persisted(number));
            }
            for entry in committed {
                self.applied = advance(self.applied, &entry);
                self.replica.feed(GENESIS_MS + 1, Input::Applied(self.applied));
            }
            if let Some(offer) = snapshot_offer {
                // Nothing a lying leader offers can be verified.
                self.replica.feed(GENESIS_MS + 1, Input::SnapshotFailed(offer.mark.index));
            }
            if quiet {
                return;
            }
        }
    }

    fn receive(&mut self, message: &Message) {
        let bytes = message.encode_to_vec();
        self.feed(Input::Message { from: message.from, bytes });
    }

    fn refusal(&mut self, message: &Message) -> Option<MessageRefusal> {
        self.alarms.clear();
        self.receive(message);
        match self.alarms.pop()? {
            Alarm::Message { reason, .. } => Some(reason),
            other => panic!("another alarm: {other:?}"),
        }
    }

    /// Follows node 2 in term 3, with entries 1 (committed) and 2.
    fn following() -> Lone {
        let mut lone = Lone::new();
        let entry = |index| Entry { index, term: 3, ..Entry::default() };
        lone.receive(&Message {
            commit: 1,
            entries: vec![entry(1), entry(2)],
            ..message(MessageType::MsgAppend, 2)
        });
        let status = lone.replica.status();
        assert_eq!((status.role, status.last_index, status.commit), (RaftRole::Follower, 2, 1));
        lone
    }

    /// Leads, with the votes and acknowledgements of node 2.
    fn leading() -> Lone {
        let mut lone = Lone::new();
        for _ in 0..20 {
            lone.feed(Input::Tick);
        }
        for kind in [MessageType::MsgRequestPreVoteResponse, MessageType::MsgRequestVoteResponse] {
            lone.receive(&Message { term: 1, ..message(kind, 2) });
        }
        let appended = message(MessageType::MsgAppendResponse, 2);
        lone.receive(&Message { term: 1, index: 1, ..appended });
        let status = lone.replica.status();
        assert_eq!((status.role, status.commit), (RaftRole::Leader, 1));
        lone
    }
}

fn message(kind: MessageType, from: NodeId) -> Message {
    Message { msg_type: kind as i32, from, to: 1, term: 3, ..Message::default() }
}

#[test]
fn strangers_and_impossible_terms() {
    let mut lone = Lone::following();
    let stranger = message(MessageType::MsgHeartbeat, 9);
    assert_eq!(lone.refusal(&stranger), Some(MessageRefusal::UnknownPeer));
    let term = 1 << 40;
    let jump = Message { term, ..message(MessageType::MsgRequestVote, 2) };
    assert_eq!(lone.refusal(&jump), Some(MessageRefusal::ImpossibleTerm(term)));
    assert_eq!(lone.replica.status().term, 3);
}

#[test]
fn what_only_a_leader_may_say() {
    let mut lone = Lone::following();
    let coup = message(MessageType::MsgTimeoutNow, 3);
    assert_eq!(lone.refusal(&coup), Some(MessageRefusal::NotFromLeader));
    assert_eq!(lone.refusal(&message(MessageType::MsgTimeoutNow, 2)), None);
}

#[test]
fn history_that_contradicts_what_is_committed() {
    let mut lone = Lone::following();
    let append = Message { term: 4, index: 1, log_term: 2, ..message(MessageType::MsgAppend, 2) };
    assert_eq!(lone.refusal(&append), Some(MessageRefusal::CommittedConflict(1)));
    let rewritten = Entry { index: 1, term: 4, ..Entry::default() };
    let append =
        Message { term: 4, entries: vec![rewritten], ..message(MessageType::MsgAppend, 2) };
    assert_eq!(lone.refusal(&append), Some(MessageRefusal::CommittedConflict(1)));
}

#[test]
fn promises_nobody_made() {
    let mut lone = Lone::following();
    let heartbeat = Message { commit: 9, ..message(MessageType::MsgHeartbeat, 2) };
    let refusal = MessageRefusal::LogLost { claimed: 9, last_index: 2 };
    assert_eq!(lone.refusal(&heartbeat), Some(refusal));
    let mut lone = Lone::leading();
    let appended = message(MessageType::MsgAppendResponse, 2);
    let appended = Message { term: 1, index: 9, ..appended };
    let refusal = MessageRefusal::BeyondTheLog { claimed: 9, last_index: 1 };
    assert_eq!(lone.refusal(&appended), Some(refusal));
}

#[test]
fn a_snapshot_for_another_group() {
    let mut lone = Lone::following();
    let mut metadata = SnapshotMetadata { index: 9, term: 3, ..SnapshotMetadata::default() };
    metadata.mut_conf_state().voters = vec![2, 3, 4];
    let snapshot = Some(Snapshot { metadata: Some(metadata), ..Snapshot::default() });
    let offer = Message { snapshot, ..message(MessageType::MsgSnapshot, 2) };
    assert_eq!(lone.refusal(&offer), Some(MessageRefusal::OtherGroup));
}

/// What is said, and by whom.
fn lie() -> impl Strategy<Value = Message> {
    let kind = prop_oneof![
        4 => Just(MessageType::MsgAppend as i32),
        2 => Just(MessageType::MsgAppendResponse as i32),
        1 => Just(MessageType::MsgSnapshot as i32),
        6 => 0..20_i32,
    ];
    let numbers = (0..6_u64, 0..6_u64, 0..6_u64, 0..6_u64, 0..6_u64, 0..6_u64);
    let entries = prop::collection::vec((0..4_u64, 0..3_u8), 0..4);
    (kind, 2..=4_u64, numbers, any::<(bool, bool)>(), entries).prop_map(
        |(msg_type, from, (term, log_term, index, commit, commit_term, hint), flags, entries)| {
            let mut previous = Hash::ZERO;
            let entries = (index + 1..).zip(entries).map(|(index, (later, payload))| {
                let term = log_term + later;
                Entry {
                    index,
                    term,
                    data: data(payload, index, term, &mut previous),
                    ..Entry::default()
                }
            });
            let snapshot = flags.1.then(|| Snapshot {
                data: vec![1],
                metadata: Some(SnapshotMetadata {
                    conf_state: Some(ConfState {
                        voters: vec![1, 2, 3],
                        learners: vec![4],
                        ..ConfState::default()
                    }),
                    index: hint,
                    term: log_term,
                }),
            });
            Message {
                msg_type,
                to: 1,
                from,
                term,
                log_term,
                index,
                entries: entries.collect(),
                commit,
                commit_term,
                snapshot,
                reject: flags.0,
                reject_hint: hint,
                ..Message::default()
            }
        },
    )
}

/// Nothing, garbage, or a well-signed block that chains to the one before it in the message.
fn data(payload: u8, raft_index: u64, term: u64, previous: &mut Hash) -> Vec<u8> {
    match payload {
        0 => Vec::new(),
        1 => vec![0x80; 3],
        _ => {
            let place = BlockPlace { origin: origin(), term, raft_index, previous: *previous };
            let content = BlockContent::new(GENESIS_MS + raft_index, vec![]);
            let block = Block::sign(&content, place, &signing_key(2));
            *previous = block.header.content;
            block.encode()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_lie_makes_a_replica_panic(
        leads in any::<bool>(),
        lies in prop::collection::vec((lie(), 0..3_usize), 1..40),
    ) {
        let mut lone = if leads { Lone::leading() } else { Lone::following() };
        for (lie, ticks) in &lies {
            lone.receive(lie);
            for _ in 0..*ticks {
                lone.feed(Input::Tick);
            }
        }
    }

    #[test]
    fn no_bytes_make_a_replica_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        Lone::following().feed(Input::Message { from: 2, bytes });
    }
}
