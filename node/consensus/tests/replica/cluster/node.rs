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
pub(crate) struct Group {
    pub(crate) voters: BTreeSet<NodeId>,
    learners: BTreeSet<NodeId>,
    pub(crate) keys: BTreeMap<NodeId, PublicKey>,
}

impl Group {
    pub(crate) fn new(voters: &[NodeId], learners: &[NodeId]) -> Group {
        Group {
            voters: voters.iter().copied().collect(),
            learners: learners.iter().copied().collect(),
            keys: voters.iter().map(|&id| (id, signing_key(id).public())).collect(),
        }
    }
}

pub(crate) fn signing_key(id: NodeId) -> SigningKey {
    SigningKey::from_seed(&[id as u8; 32])
}

pub(crate) fn origin() -> Origin {
    Origin { channel: tagged("test", &[]), epoch: 0 }
}

pub(crate) fn config(node: NodeId, group: &Group, seed: u64) -> Config {
    Config {
        node,
        voters: group.voters.clone(),
        learners: group.learners.clone(),
        keys: group.keys.clone(),
        signing_key: signing_key(node),
        origin: origin(),
        seed,
        keep_entries: 4,
    }
}

/// Before the first entry.
pub(crate) const NOTHING: Applied =
    Applied { index: 0, term: 0, content: Hash::ZERO, time_ms: GENESIS_MS };

/// The position after executing `entry`.
pub(crate) fn advance(mut applied: Applied, entry: &Committed) -> Applied {
    (applied.index, applied.term) = (entry.index, entry.term);
    if !entry.block.is_empty() {
        let block = Block::decode(&entry.block).expect("a committed block decodes");
        (applied.content, applied.time_ms) = (block.header.content, block.time_ms());
    }
    applied
}

pub(crate) struct Node {
    pub(crate) id: NodeId,
    group: Group,
    replica: Option<Replica<Disk>>,
    pub(crate) disk: Disk,
    /// Executed entries; what is above `synced` is lost in a crash.
    pub(crate) ledger: Vec<Committed>,
    applied: Applied,
    synced: usize,
    to_apply: VecDeque<Committed>,
    installed: u64,
    /// What the owner feeds next.
    pub(crate) inbox: VecDeque<Input>,
    pub(crate) now_ms: u64,
    runs: u64,
    // Faults the scenario asks for.
    pub(crate) hold_disk: bool,
    pub(crate) hold_apply: bool,
    pub(crate) hold_owner: bool,
    pub(crate) fail_staging: bool,
    pub(crate) snapshots: bool,
    // What came out, for assertions.
    pub(crate) reads: Vec<ReadOutcome>,
    pub(crate) returned: Vec<Returned>,
    pub(crate) alarms: Vec<Alarm>,
}

impl Node {
    pub(crate) fn start(id: NodeId, group: &Group) -> Node {
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
            hold_owner: false,
            fail_staging: false,
            snapshots: true,
            reads: Vec::new(),
            returned: Vec::new(),
            alarms: Vec::new(),
        };
        node.restart();
        node
    }

    pub(crate) fn try_start(&mut self) -> Result<(), StartError> {
        self.runs += 1;
        let config = config(self.id, &self.group, self.runs);
        self.replica = Some(Replica::new(config, self.disk.clone(), self.applied())?);
        Ok(())
    }

    pub(crate) fn restart(&mut self) {
        self.try_start().expect("what is durable suffices to start");
    }

    pub(crate) fn crash(&mut self) {
        self.replica = None;
        self.disk.crash();
        self.ledger.truncate(self.synced);
        self.applied = self.ledger.iter().fold(NOTHING, advance);
        self.to_apply.clear();
        self.inbox.clear();
        (self.hold_disk, self.hold_apply) = (false, false);
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.replica.is_some()
    }

    pub(crate) fn replica(&mut self) -> &mut Replica<Disk> {
        self.replica.as_mut().expect("the node runs")
    }

    pub(crate) fn status(&self) -> Status {
        self.replica.as_ref().expect("the node runs").status()
    }

    pub(crate) fn pass_tick(&mut self) {
        self.now_ms += TICK_MS;
    }

    pub(crate) fn feed(&mut self, input: Input) -> Output {
        let now_ms = self.now_ms;
        self.replica().feed(now_ms, input);
        self.replica().take_output()
    }

    /// Keeps what the node has to do later, and what tests look at.
    pub(crate) fn keep(&mut self, output: Output) {
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

    pub(crate) fn applied(&self) -> Applied {
        self.applied
    }

    pub(crate) fn has_write(&self) -> bool {
        self.disk.has_pending()
    }

    pub(crate) fn has_entry(&self) -> bool {
        !self.to_apply.is_empty()
    }

    /// `history` is every committed entry, as a snapshot's server would have it.
    pub(crate) fn persist(&mut self, history: &[Committed]) -> Option<u64> {
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

    pub(crate) fn apply(&mut self) -> Option<Applied> {
        let entry = self.to_apply.pop_front()?;
        assert_eq!(entry.index, self.applied.index + 1, "entries come in order, each once");
        self.applied = advance(self.applied, &entry);
        self.ledger.push(entry);
        Some(self.applied())
    }

    /// Makes the ledger durable; the log may be compacted below it.
    pub(crate) fn sync(&mut self) -> Input {
        self.synced = self.ledger.len();
        Input::Synced(self.applied().index)
    }

    pub(crate) fn snapshot_source(&self) -> Option<SnapshotSource> {
        let applied = self.applied();
        (applied.index > 0).then(|| SnapshotSource { mark: applied.mark(), manifest: vec![1] })
    }

    /// What was handed to the apply thread and waits there.
    pub(crate) fn bytes_to_apply(&self) -> usize {
        self.to_apply.iter().map(|entry| entry.block.len()).sum()
    }

    /// Index of the last snapshot installed; 0 for none.
    pub(crate) fn installed(&self) -> u64 {
        self.installed
    }

    /// The transactions executed, as text.
    pub(crate) fn transactions(&self) -> Vec<String> {
        let blocks = self.ledger.iter().filter(|entry| !entry.block.is_empty());
        let items =
            blocks.flat_map(|entry| Block::decode(&entry.block).expect("valid").content().items);
        items.map(|item| String::from_utf8(item.to_vec()).expect("tests submit text")).collect()
    }
}
