//! A node's storage with blocks, leaves, outcomes, records and signatures as a real node has them;
//! only execution is missing.

use precinto_protocol::{
    block::{Block, BlockContent, BlockPlace, Origin},
    cbor,
    checkpoint::{Checkpoint, SignedCheckpoint},
    hash::{Hash, sha256, tagged},
    keys::SigningKey,
    leaf::{BlockLeaf, LEAF_VERSION, LeafKind, OutcomeLeaf, leader_signature_digest},
    log::{Frontier, leaf_hash},
    outcome::{Outcome, OutcomeRecord},
    registry::{Node, NodeRole, RegistryKey},
    state::{Entry, StateKey, Trie},
    transaction::{TransactionId, endorsements_digest},
};

use crate::{
    BlockBatch, BlockSummary, HardState, Ledger, LogBatch, LogEntry, LogNode, RaftLog,
    RecordLogAppend, StorageIdentity, StoredCheckpoint,
};

pub(super) const GENESIS: &[u8] = b"the genesis, which storage does not look into";
pub(super) const NODE: u64 = 3;
/// Blocks after the genesis.
pub(super) const BLOCKS: u64 = 6;
/// Leaves per block: a statement, two outcomes, the block.
pub(super) const LEAVES: u64 = 4;

pub(super) fn genesis_hash() -> Hash {
    tagged("precinto/genesis", &[GENESIS])
}

pub(super) fn identity() -> StorageIdentity {
    StorageIdentity { storage_id: [7; 16], node: NODE, genesis: genesis_hash() }
}

fn leader() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn attester() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

pub(super) fn plain_key(number: u64) -> StateKey {
    StateKey::new(7).component(&number.to_be_bytes()).unwrap()
}

pub(super) fn log_key() -> StateKey {
    StateKey::new(8).component(b"records").unwrap()
}

pub(super) fn transaction(height: u64, index: u32) -> Hash {
    sha256(&[b"transaction", &height.to_be_bytes(), &index.to_be_bytes()])
}

/// What carries over from one block to the next.
#[derive(Default)]
pub(super) struct World {
    summaries: Vec<BlockSummary>,
    entries: Vec<LogEntry>,
    trie: Trie,
    log: Frontier,
    records: Frontier,
}

/// Keys and their new values.
type Writes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl World {
    /// The genesis and this many blocks after it, with the world that they leave.
    pub(super) fn of(blocks: u64) -> (World, Vec<BlockBatch>) {
        let mut world = World::default();
        let batches = (0..=blocks).map(|height| world.next(height)).collect();
        (world, batches)
    }

    /// Fills the storage with the genesis, [`BLOCKS`] blocks and what a node signs.
    pub(super) fn fill(raft_log: &RaftLog, ledger: &Ledger) {
        let (world, batches) = World::of(BLOCKS);
        for batch in &batches {
            ledger.commit_block(batch).unwrap();
        }
        raft_log.append(&[world.entries_after(0)]).unwrap();
        for height in [4, BLOCKS] {
            ledger.save_own_checkpoint(&world.checkpoint(height)).unwrap();
        }
        ledger.save_evidence(b"two roots").unwrap();
    }

    /// The entries of the Raft log above `index`, all committed.
    pub(super) fn entries_after(&self, index: u64) -> LogBatch {
        let entries: Vec<_> = self.entries.iter().filter(|e| e.index > index).cloned().collect();
        let commit = entries.last().map_or(index, |entry| entry.index);
        let hard_state = Some(HardState { term: 3, vote: NODE, commit });
        LogBatch { entries, hard_state, sync: true, ..LogBatch::default() }
    }

    pub(super) fn checkpoint(&self, height: u64) -> StoredCheckpoint {
        let summary = &self.summaries[height as usize];
        let (size, root) = (summary.log_size, summary.log_root);
        let checkpoint = Checkpoint { genesis: genesis_hash(), epoch: 0, size, root };
        let signed = SignedCheckpoint::sign(checkpoint, NODE, 9, &attester());
        StoredCheckpoint { node: NODE, size, root, bytes: cbor::encode(&signed) }
    }

    fn next(&mut self, height: u64) -> BlockBatch {
        let (state_writes, record_logs) = self.write(height);
        let previous = self.summaries.last().map_or(Hash::ZERO, |summary| summary.content);
        let (raft_index, term, time_ms) = (height * 2, 1 + height / 3, 1_000 + height);
        let mut summary = BlockSummary {
            height,
            raft_index,
            raft_term: term,
            content: Hash::ZERO,
            time_ms,
            state_root: self.trie.root(),
            log_size: 0,
            log_root: Hash::ZERO,
            outcomes: 0,
            events: 0,
        };
        let mut batch = Grown::default();
        let block = if height == 0 {
            GENESIS.to_vec()
        } else {
            let origin = Origin { channel: genesis_hash(), epoch: 0 };
            let place = BlockPlace { origin, term, raft_index, previous };
            let block = Block::sign(&BlockContent::new(time_ms, Vec::new()), place, &leader());
            summary.content = block.header.content;
            self.order(raft_index, term, block.encode());
            self.outcomes(&summary, &mut batch);
            self.leaf(&mut batch, cbor::encode(&block_leaf(&summary, &block)));
            (summary.outcomes, summary.events) = (2, 1);
            block.encode()
        };
        (summary.log_size, summary.log_root) = (self.log.size(), self.log.root());
        self.summaries.push(summary.clone());
        BlockBatch {
            events: vec![b"event".to_vec(); summary.events as usize],
            summary,
            commit_index: raft_index,
            block,
            state_writes,
            record_logs,
            leaves: batch.leaves,
            log_nodes: batch.nodes,
            outcomes: batch.outcomes,
            frontier: self.log.clone(),
            membership: vec![1],
        }
    }

    /// A block after an empty entry.
    fn order(&mut self, index: u64, term: u64, payload: Vec<u8>) {
        self.entries.push(LogEntry { index: index - 1, term, payload: Vec::new() });
        self.entries.push(LogEntry { index, term, payload });
    }

    fn write(&mut self, height: u64) -> (Writes, Vec<RecordLogAppend>) {
        let node = Node {
            id: NODE,
            member: "uy-dna".into(),
            role: NodeRole::Voter,
            identity_key: leader().public().to_bytes(),
            network_key: [9; 32],
            attestation_key: attester().public().to_bytes(),
            addresses: Vec::new(),
            storage_id: [7; 16],
            retired_ms: None,
        };
        let mut writes = vec![(plain_key(height), vec![height as u8; 20])];
        if height == 0 {
            writes.push((RegistryKey::node(NODE), cbor::encode(&node)));
        }
        let entries: Vec<Vec<u8>> = (0..2).map(|index| vec![height as u8, index]).collect();
        let first = self.records.size();
        for entry in &entries {
            self.records.append(leaf_hash(entry));
        }
        self.trie.update(writes.iter().map(|(key, value)| (key, Some(Entry::plain(value)))));
        self.trie.update([(log_key(), Some(Entry::record_log(&self.records)))]);
        let append = RecordLogAppend {
            key: log_key().as_bytes().to_vec(),
            first,
            entries,
            commitment: cbor::encode(&self.records),
        };
        let writes = writes.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), Some(value)));
        (writes.collect(), vec![append])
    }

    fn outcomes(&mut self, summary: &BlockSummary, batch: &mut Grown) {
        self.leaf(batch, vec![0xd2, summary.height as u8]);
        let rejected = Outcome::Rejected { code: "no".into() };
        for (index, outcome) in (0..).zip([Outcome::Committed, rejected]) {
            let id = transaction(summary.height, index);
            let author = leader().key_id();
            let record = OutcomeRecord {
                outcome: outcome.clone(),
                height: summary.height,
                index,
                time_ms: summary.time_ms,
                author,
                member: "uy-dna".into(),
                result: Vec::new(),
                message: String::new(),
                leaf: self.log.size(),
                fuel: 0,
            };
            let leaf = OutcomeLeaf {
                version: LEAF_VERSION,
                kind: LeafKind::Outcome,
                channel: genesis_hash(),
                height: summary.height,
                index,
                transaction: TransactionId(id),
                author,
                member: "uy-dna".into(),
                roles: Vec::new(),
                endorsements: endorsements_digest(&[]),
                outcome,
                events: Hash::ZERO,
            };
            self.leaf(batch, cbor::encode(&leaf));
            batch.outcomes.push((id, cbor::encode(&record)));
        }
    }

    fn leaf(&mut self, batch: &mut Grown, leaf: Vec<u8>) {
        self.log.append_with(leaf_hash(&leaf), |level, index, hash| {
            batch.nodes.push(LogNode { level, index, hash: *hash });
        });
        batch.leaves.push(leaf);
    }
}

/// What a block adds to the log.
#[derive(Default)]
struct Grown {
    leaves: Vec<Vec<u8>>,
    nodes: Vec<LogNode>,
    outcomes: Vec<(Hash, Vec<u8>)>,
}

fn block_leaf(summary: &BlockSummary, block: &Block) -> BlockLeaf {
    BlockLeaf {
        version: LEAF_VERSION,
        kind: LeafKind::Block,
        channel: genesis_hash(),
        epoch: 0,
        height: summary.height,
        previous: block.header.previous,
        content: block.header.content,
        time_ms: summary.time_ms,
        term: block.header.term,
        leader_signature: leader_signature_digest(&block.header.leader, &block.signature),
        state_root: summary.state_root,
        committed: 1,
        rejected: 1,
        signer_set_version: 1,
        signer_set: Hash::ZERO,
        protocol_version: 1,
    }
}
