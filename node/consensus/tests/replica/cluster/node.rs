//! One node: a replica, its disk, its ledger, its clock.

use std::collections::{BTreeSet, VecDeque};

use precinto_consensus::{
    Alarm, Applied, Committed, Config, Input, Margin, Output, ReadOutcome, Replica, Returned,
    SnapshotSource, StartError, Status, settings::TICK_MS,
};
use precinto_protocol::{
    block::{Block, Origin},
    hash::{Hash, tagged},
    identity::NodeId,
};

use super::{
    GENESIS_MS,
    disk::Disk,
    group::{Group, signing_key},
};

pub(crate) fn origin() -> Origin {
    Origin { channel: tagged("test", &[]), epoch: 0 }
}

pub(crate) fn config(node: NodeId, group: &Group, seed: u64) -> Config {
    Config {
        node,
        membership: group.membership.clone(),
        nodes: group.nodes.clone(),
        contacts: BTreeSet::new(),
        signing_key: signing_key(node),
        origin: origin(),
        seed,
        margin: Margin { entries: 4, ..Margin::default() },
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
    genesis: Group,
    /// As of the last entry executed.
    group: Group,
    /// The nodes that are said to be registered.
    contacts: BTreeSet<NodeId>,
    replica: Option<Replica<Disk>>,
    pub(crate) disk: Disk,
    /// Executed entries; what is above `synced` is lost in a crash.
    pub(crate) ledger: Vec<Committed>,
    applied: Applied,
    synced: usize,
    to_apply: VecDeque<Committed>,
    installs: u64,
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
        Node::join(id, group, &BTreeSet::new())
    }

    /// A node with an empty disk that was told of others.
    pub(crate) fn join(id: NodeId, genesis: &Group, contacts: &BTreeSet<NodeId>) -> Node {
        let mut node = Node {
            id,
            genesis: genesis.clone(),
            group: genesis.clone(),
            contacts: contacts.clone(),
            replica: None,
            disk: Disk::default(),
            ledger: Vec::new(),
            applied: NOTHING,
            synced: 0,
            to_apply: VecDeque::new(),
            installs: 0,
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
        let mut config = config(self.id, &self.group, self.runs);
        config.contacts = self.contacts.clone();
        self.replica = Some(Replica::new(config, self.disk.clone(), self.applied())?);
        Ok(())
    }

    /// What peers tell of who is registered.
    pub(crate) fn hear_of(&mut self, contacts: BTreeSet<NodeId>) {
        if self.contacts != contacts && self.is_alive() {
            self.inbox.push_back(Input::Contacts(contacts.clone()));
            self.contacts = contacts;
        }
    }

    /// Recomputes what follows from the ledger.
    fn reload(&mut self) {
        self.applied = self.ledger.iter().fold(NOTHING, advance);
        self.group = self.genesis.clone();
        self.ledger.iter().for_each(|entry| self.group.execute(entry));
    }

    pub(crate) fn restart(&mut self) {
        self.try_start().expect("what is durable suffices to start");
    }

    pub(crate) fn crash(&mut self) {
        self.replica = None;
        self.disk.crash();
        self.ledger.truncate(self.synced);
        self.reload();
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
            self.reload();
            self.inbox.push_front(Input::Members(self.group.nodes.clone()));
            self.synced = self.ledger.len();
            self.installs += 1;
        }
        Some(task.number)
    }

    /// Executes an entry; what the replica is to be told of it.
    pub(crate) fn apply(&mut self) -> Vec<Input> {
        let Some(entry) = self.to_apply.pop_front() else { return Vec::new() };
        assert_eq!(entry.index, self.applied.index + 1, "entries come in order, each once");
        self.applied = advance(self.applied, &entry);
        self.group.execute(&entry);
        let (applied, membership) = (self.applied(), self.group.membership.clone());
        let told = match entry.change {
            Some(_) => Input::Changed { applied, membership },
            None => Input::Applied(applied),
        };
        self.ledger.push(entry);
        vec![Input::Members(self.group.nodes.clone()), told]
    }

    /// Makes the ledger durable; the log may be compacted below it.
    pub(crate) fn sync(&mut self) -> Input {
        self.synced = self.ledger.len();
        Input::Synced(self.applied().index)
    }

    pub(crate) fn snapshot_source(&self) -> Option<SnapshotSource> {
        let applied = self.applied();
        let membership = self.group.membership.clone();
        let source = SnapshotSource { mark: applied.mark(), membership, manifest: vec![1] };
        (applied.index > 0).then_some(source)
    }

    /// What was handed to the apply thread and waits there.
    pub(crate) fn bytes_to_apply(&self) -> usize {
        self.to_apply.iter().map(|entry| entry.block.len()).sum()
    }

    /// How many snapshots it installed.
    pub(crate) fn installs(&self) -> u64 {
        self.installs
    }

    /// The transactions executed, as text, but for those about nodes.
    pub(crate) fn transactions(&self) -> Vec<String> {
        let blocks = self.ledger.iter().filter(|entry| !entry.block.is_empty());
        let items =
            blocks.flat_map(|entry| Block::decode(&entry.block).expect("valid").content().items);
        let texts = items.map(|item| String::from_utf8(item.to_vec()).expect("tests submit text"));
        texts.filter(|text| !text.starts_with('@')).collect()
    }
}
