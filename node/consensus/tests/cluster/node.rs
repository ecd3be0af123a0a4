//! One node: a replica, its disk, its ledger, its clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use precinto_consensus::{
    Alarm, Applied, Committed, Config, Input, Output, ReadOutcome, Replica, Returned,
    SnapshotSource, StartError, Status, settings::TICK_MS,
};
use precinto_protocol::{
    block::{Block, Origin},
    hash::{Hash, tagged},
    identity::NodeId,
    keys::{PublicKey, SigningKey},
};

use super::{GENESIS_MS, disk::Disk};

/// Who takes part.
#[derive(Clone)]
pub struct Group {
    pub voters: BTreeSet<NodeId>,
    learners: BTreeSet<NodeId>,
    pub keys: BTreeMap<NodeId, PublicKey>,
}

impl Group {
    pub fn new(voters: &[NodeId], learners: &[NodeId]) -> Group {
        Group {
            voters: voters.iter().copied().collect(),
            learners: learners.iter().copied().collect(),
            keys: voters.iter().map(|&id| (id, signing_key(id).public())).collect(),
        }
    }
}

pub fn signing_key(id: NodeId) -> SigningKey {
    SigningKey::from_seed(&[id as u8; 32])
}

pub fn origin() -> Origin {
    Origin { channel: tagged("test", &[]), epoch: 0 }
}

/// Before the first entry.
pub const NOTHING: Applied =
    Applied { index: 0, term: 0, content: Hash::ZERO, time_ms: GENESIS_MS };

/// The position after executing `entry`.
pub fn advance(mut applied: Applied, entry: &Committed) -> Applied {
    (applied.index, applied.term) = (entry.index, entry.term);
    if !entry.block.is_empty() {
        let block = Block::decode(&entry.block).expect("a committed block decodes");
        (applied.content, applied.time_ms) = (block.header.content, block.time_ms());
    }
    applied
}

pub struct Node {
    pub id: NodeId,
    group: Group,
    replica: Option<Replica<Disk>>,
    pub disk: Disk,
    /// Executed entries; what is above `synced` is lost in a crash.
    pub ledger: Vec<Committed>,
    applied: Applied,
    synced: usize,
    to_apply: VecDeque<Committed>,
    installed: u64,
    /// What the owner feeds next.
    pub inbox: VecDeque<Input>,
    pub now_ms: u64,
    runs: u64,
    // Faults the scenario asks for.
    pub hold_disk: bool,
    pub hold_apply: bool,
    pub snapshots: bool,
    // What came out, for assertions.
    pub reads: Vec<ReadOutcome>,
    pub returned: Vec<Returned>,
    pub alarms: Vec<Alarm>,
}

impl Node {
    pub fn start(id: NodeId, group: &Group) -> Node {
        let mut node = Node {
            id,
            group: group.clone(),
            replica: None,
            disk: Disk::default(),
            ledger: Vec::new(),
            applied: NOTHING,
            synced: 0,
            to_apply: VecDeque::new(),
            installed: 0,
            inbox: VecDeque::new(),
            now_ms: GENESIS_MS,
            runs: 0,
            hold_disk: false,
            hold_apply: false,
            snapshots: true,
            reads: Vec::new(),
            returned: Vec::new(),
            alarms: Vec::new(),
        };
        node.restart();
        node
    }

    pub fn try_start(&mut self) -> Result<(), StartError> {
        self.runs += 1;
        let config = Config {
            node: self.id,
            voters: self.group.voters.clone(),
            learners: self.group.learners.clone(),
            keys: self.group.keys.clone(),
            signing_key: signing_key(self.id),
            origin: origin(),
            seed: self.runs,
            keep_entries: 4,
        };
        self.replica = Some(Replica::new(config, self.disk.clone(), self.applied())?);
        Ok(())
    }

    pub fn restart(&mut self) {
        self.try_start().expect("what is durable suffices to start");
    }

    pub fn crash(&mut self) {
        self.replica = None;
        self.disk.crash();
        self.ledger.truncate(self.synced);
        self.applied = self.ledger.iter().fold(NOTHING, advance);
        self.to_apply.clear();
        self.inbox.clear();
        (self.hold_disk, self.hold_apply) = (false, false);
    }

    pub fn is_alive(&self) -> bool {
        self.replica.is_some()
    }

    pub fn replica(&mut self) -> &mut Replica<Disk> {
        self.replica.as_mut().expect("the node runs")
    }

    pub fn status(&self) -> Status {
        self.replica.as_ref().expect("the node runs").status()
    }

    pub fn pass_tick(&mut self) {
        self.now_ms += TICK_MS;
    }

    pub fn feed(&mut self, input: Input) -> Output {
        let now_ms = self.now_ms;
        self.replica().feed(now_ms, input);
        self.replica().take_output()
    }

    /// Keeps what the node has to do later, and what tests look at.
    pub fn keep(&mut self, output: Output) {
        for task in output.writes {
            if task.snapshot.is_some() {
                // The ledger is about to be replaced: nothing more is executed on the old one.
                self.to_apply.clear();
            }
            self.disk.enqueue(task);
        }
        if let Some(mark) = output.compact {
            self.disk.compact(mark);
        }
        self.to_apply.extend(output.committed);
        self.reads.extend(output.reads);
        self.returned.extend(output.returned);
        self.alarms.extend(output.alarms);
    }

    pub fn applied(&self) -> Applied {
        self.applied
    }

    pub fn has_write(&self) -> bool {
        self.disk.has_pending()
    }

    pub fn has_entry(&self) -> bool {
        !self.to_apply.is_empty()
    }

    /// `history` is every committed entry, as a snapshot's server would have it.
    pub fn persist(&mut self, history: &[Committed]) -> Option<u64> {
        let task = self.disk.sync_one()?;
        if let Some(mark) = task.snapshot {
            assert!(self.to_apply.is_empty(), "no entry comes before the snapshot is installed");
            self.ledger = history[..mark.index as usize].to_vec();
            self.applied = self.ledger.iter().fold(NOTHING, advance);
            self.synced = self.ledger.len();
            self.installed = mark.index;
        }
        Some(task.number)
    }

    pub fn apply(&mut self) -> Option<Applied> {
        let entry = self.to_apply.pop_front()?;
        assert_eq!(entry.index, self.applied.index + 1, "entries come in order, each once");
        self.applied = advance(self.applied, &entry);
        self.ledger.push(entry);
        Some(self.applied())
    }

    /// Makes the ledger durable; the log may be compacted below it.
    pub fn sync(&mut self) -> Input {
        self.synced = self.ledger.len();
        Input::Synced(self.applied().index)
    }

    pub fn snapshot_source(&self) -> Option<SnapshotSource> {
        let applied = self.applied();
        (applied.index > 0).then(|| SnapshotSource { mark: applied.mark(), manifest: vec![1] })
    }

    /// Index of the last snapshot installed; 0 for none.
    pub fn installed(&self) -> u64 {
        self.installed
    }

    /// The transactions executed, as text.
    pub fn transactions(&self) -> Vec<String> {
        let blocks = self.ledger.iter().filter(|entry| !entry.block.is_empty());
        let items = blocks.flat_map(|entry| Block::decode(&entry.block).expect("valid").content().items);
        items.map(|item| String::from_utf8(item.to_vec()).expect("tests submit text")).collect()
    }
}
