//! A voter whose peers lie: nothing they send stops it or makes it take back what is committed.

use std::collections::BTreeSet;

use precinto_consensus::{Applied, Committed, Config, Input, Margin, Output, Replica};
use precinto_core::{LogPort, log::Gathered};
use precinto_protocol::{
    block::{Block, BlockContent, BlockPlace, Origin},
    hash::Hash,
    identity::NodeId,
    keys::SigningKey,
    membership::Membership,
    registry::{Node, NodeRole},
};
use precinto_storage::{RaftLog, StorageIdentity, memory::MemoryDisk};
use prost::Message as _;
use raft::eraftpb::{
    ConfState, Entry, EntryType, Message, MessageType, Snapshot, SnapshotMetadata,
};

use crate::take::Take;

/// Steps of one run at most.
const MOST_STEPS: usize = 60;

const START_MS: u64 = 1_000_000;
const ORIGIN: Origin = Origin { channel: Hash([7; 32]), epoch: 0 };

/// Node 1 of the voters 1, 2, 3 and the learner 4.
struct World {
    replica: Replica<LogPort>,
    log: RaftLog,
    applied: Applied,
    now_ms: u64,
}

/// Ticks, reads, transactions and messages in any order, the messages by a careful liar.
pub(crate) fn raft_message(bytes: &[u8]) {
    let mut take = Take::new(bytes);
    let mut world = World::new();
    for _ in 0..MOST_STEPS {
        if take.is_empty() {
            return;
        }
        let input = world.input(&mut take);
        world.feed(input);
    }
}

impl World {
    fn new() -> World {
        let roles = [NodeRole::Voter, NodeRole::Voter, NodeRole::Voter, NodeRole::Learner];
        let nodes: Vec<Node> = (1..).zip(roles).map(|(id, role)| node(id, role)).collect();
        let identity = StorageIdentity { storage_id: [1; 16], node: 1, genesis: ORIGIN.channel };
        let log = RaftLog::create_in_memory(&MemoryDisk::new(), identity).expect("an empty disk");
        let config = Config {
            node: 1,
            membership: Membership::wanted(&nodes),
            nodes,
            contacts: BTreeSet::new(),
            signing_key: key(1),
            origin: ORIGIN,
            seed: 1,
            margin: Margin { entries: 2, ..Margin::default() },
        };
        let applied = Applied { index: 0, term: 0, content: Hash::ZERO, time_ms: START_MS };
        let replica =
            Replica::new(config, LogPort(log.clone()), applied).expect("an empty log is whole");
        World { replica, log, applied, now_ms: START_MS }
    }

    fn input(&mut self, take: &mut Take<'_>) -> Input {
        match take.below(8) {
            0 => {
                self.now_ms += take.one(&[1, 50, 5_000]);
                Input::Tick
            }
            1 => Input::Submit(take.bytes(40)),
            2 => Input::Read(take.any()),
            3 => Input::Synced(self.applied.index),
            4 => Input::Message { from: peer(take), bytes: take.bytes(200) },
            _ => {
                let message = self.message(take);
                Input::Message { from: message.from, bytes: message.encode_to_vec() }
            }
        }
    }

    fn feed(&mut self, input: Input) {
        let before = self.replica.status().commit;
        self.replica.feed(self.now_ms, input);
        self.settle();
        assert!(self.replica.status().commit >= before, "a commit was taken back");
    }

    /// Does what the owner of a replica does, until there is nothing more.
    fn settle(&mut self) {
        loop {
            let Output { writes, committed, snapshot_offer, compact, .. } =
                self.replica.take_output();
            let quiet = writes.is_empty() && committed.is_empty() && snapshot_offer.is_none();
            for task in writes {
                let written = Gathered::new(task).write(&self.log).expect("the disk works");
                self.replica.feed(self.now_ms, Input::Persisted(written));
            }
            for entry in committed {
                let input = self.execute(&entry);
                self.replica.feed(self.now_ms, input);
            }
            if let Some(offer) = snapshot_offer {
                // Nothing that a liar offers can be verified.
                self.replica.feed(self.now_ms, Input::SnapshotFailed(offer.mark.index));
            }
            if let Some(mark) = compact {
                self.log.compact_to(mark.index).expect("the disk works");
            }
            if quiet {
                return;
            }
        }
    }

    /// Executes an entry in a registry that asks for no change of the group.
    fn execute(&mut self, entry: &Committed) -> Input {
        assert_eq!(entry.index, self.applied.index + 1, "entries come in order, each once");
        (self.applied.index, self.applied.term) = (entry.index, entry.term);
        if !entry.block.is_empty() {
            let block = Block::decode(&entry.block).expect("checked before it was appended");
            self.applied.content = block.header.content;
            self.applied.time_ms = block.time_ms();
        }
        let applied = self.applied;
        match entry.change {
            Some(_) => {
                let membership = (*self.replica.status().membership).clone();
                Input::Changed { applied, membership }
            }
            None => Input::Applied(applied),
        }
    }

    /// A message that could be honest in its place, but for what the bytes change.
    fn message(&self, take: &mut Take<'_>) -> Message {
        let status = self.replica.status();
        let kinds = [
            MessageType::MsgAppend,
            MessageType::MsgAppendResponse,
            MessageType::MsgHeartbeat,
            MessageType::MsgHeartbeatResponse,
            MessageType::MsgRequestVote,
            MessageType::MsgRequestVoteResponse,
            MessageType::MsgRequestPreVote,
            MessageType::MsgRequestPreVoteResponse,
            MessageType::MsgTimeoutNow,
            MessageType::MsgSnapshot,
            MessageType::MsgReadIndex,
            MessageType::MsgReadIndexResp,
        ];
        let kind = take.one(&kinds);
        let term = near(status.term, take);
        let index = near(status.last_index, take);
        let mut message = Message {
            msg_type: kind as i32,
            from: peer(take),
            to: 1,
            term,
            index,
            log_term: self.log.term(index).unwrap_or_else(|_| near(status.term, take)),
            commit: near(status.commit, take),
            reject: take.any(),
            reject_hint: near(status.last_index, take),
            ..Message::default()
        };
        match kind {
            MessageType::MsgAppend => message.entries = self.entries(&message, take),
            MessageType::MsgSnapshot => message.snapshot = Some(snapshot(&message, take)),
            MessageType::MsgReadIndex => {
                message.term = 0;
                message.entries = vec![context(take)];
            }
            MessageType::MsgReadIndexResp => message.entries = vec![context(take)],
            _ => {}
        }
        message
    }

    fn entries(&self, message: &Message, take: &mut Take<'_>) -> Vec<Entry> {
        let mut previous = self.content_at(message.index);
        let mut entries = Vec::new();
        for number in 0..take.below(4) as u64 {
            // A peer may name any index, also the last there is.
            let index = message.index.wrapping_add(1 + number);
            let mut entry = Entry { index, term: message.term, ..Entry::default() };
            match take.below(4) {
                0 => {}
                1 => {
                    let block = self.block(message, index, previous, take);
                    previous = block.header.content;
                    entry.data = block.encode();
                }
                2 => {
                    entry.entry_type = EntryType::EntryConfChange as i32;
                    entry.data = take
                        .one(&[&[0x18, 5][..], &[0x10, 1, 0x18, 3], &[0x10, 2, 0x18, 4]])
                        .to_vec();
                }
                _ => {
                    entry.term = near(message.term, take);
                    entry.data = take.bytes(40);
                }
            }
            entries.push(entry);
        }
        entries
    }

    fn block(&self, message: &Message, index: u64, previous: Hash, take: &mut Take<'_>) -> Block {
        let time_ms = near(self.applied.time_ms.wrapping_add(index), take);
        let items = take.list(3, |take| take.bytes(20));
        let place = BlockPlace { origin: ORIGIN, term: message.term, raft_index: index, previous };
        let signer = if take.any() { message.from } else { peer(take) };
        Block::sign(&BlockContent::new(time_ms, items), place, &key(signer))
    }

    /// Content of the newest block at or below this index, as far as the log tells.
    fn content_at(&self, index: u64) -> Hash {
        let last = index.min(self.log.last_index());
        let (first, end) = (self.log.first_index(), last + 1);
        let kept =
            if first < end { self.log.entries(first, end, u64::MAX) } else { Ok(Vec::new()) };
        let blocks = kept.expect("the disk works").into_iter().rev();
        let newest = blocks.filter_map(|entry| Block::decode(&entry.payload).ok()).next();
        newest.map_or(self.applied.content, |block| block.header.content)
    }
}

fn node(id: NodeId, role: NodeRole) -> Node {
    Node {
        id,
        member: "uy".into(),
        role,
        identity_key: key(id).public().to_bytes(),
        network_key: [0; 32],
        attestation_key: [0; 32],
        addresses: Vec::new(),
        storage_id: [0; 16],
        retired_ms: None,
    }
}

fn key(id: NodeId) -> SigningKey {
    SigningKey::from_seed(&[id as u8; 32])
}

/// A voter, the learner, or a stranger.
fn peer(take: &mut Take<'_>) -> NodeId {
    take.one(&[2, 3, 4, 9])
}

/// A number about as large, or one that is far off.
fn near(number: u64, take: &mut Take<'_>) -> u64 {
    match take.below(8) {
        0..=3 => number,
        4 => number.saturating_sub(1),
        5 => number.saturating_add(1),
        6 => number.saturating_add(u64::from(take.any::<u8>())),
        _ => take.any(),
    }
}

/// The context of a read round: node, seed and number.
fn context(take: &mut Take<'_>) -> Entry {
    let parts = [peer(take), take.below(3) as u64, take.below(3) as u64];
    let data = parts.iter().flat_map(|part| part.to_be_bytes()).collect();
    Entry { data, ..Entry::default() }
}

fn snapshot(message: &Message, take: &mut Take<'_>) -> Snapshot {
    let voters = vec![1, 2, 3];
    let conf_state = ConfState { voters, learners: take.list(2, peer), ..ConfState::default() };
    let metadata = SnapshotMetadata {
        conf_state: Some(conf_state),
        index: near(message.index.saturating_add(5), take),
        term: near(message.term, take),
    };
    Snapshot { data: take.bytes(20), metadata: Some(metadata) }
}
