//! Verification of everything a node has on disk, as far as it can be told without executing.
//!
//! # Mental model
//! An [`Examination`] opens both stores of a stopped node as they are: it repairs, completes and
//! removes nothing. Each [`Check`] walks some tables in key order and compares what must agree;
//! what does not is a [`Finding`]. Checks are independent: a value that cannot be read is a finding
//! of [`Check::Values`] alone, and the others go on around it.
//!
//! This is the one part of storage that looks into what is stored. It knows the protocol's formats
//! (blocks, leaves, log, state tree, checkpoints) and none of execution's rules: whether the
//! state is what the blocks give is for a replay to tell, whose ledger [`differences`] compares.
//!
//! A ledger that began with a snapshot has no blocks, leaves, outcomes or events from before it.
//! What it has is checked all the same; its begin is in [`Examination::begins_at`].
//!
//! # Invariants
//! * Memory is bounded by one page per table, except for the state tree.
//! * At most [`MAX_FINDINGS`] findings are kept per check; all are counted.

mod blocks;
mod checkpoints;
mod finding;
mod index;
mod log;
mod raft;
mod record_logs;
mod replayed;
mod run;
mod snapshots;
mod state;
mod values;

use precinto_protocol::{block::Block, hash::Hash, identity::NodeId};

pub use finding::{Finding, MAX_FINDINGS, Problem, Severity};
pub use replayed::differences;

use crate::{
    channel::ChannelDirectory,
    engine::{Store, Table, View},
    error::StorageError,
    identity::{StorageIdentity, decode},
    keys::{self, meta},
    ledger::{HeadRecord, LedgerView},
    raft_log::decode_entry,
};
use finding::Findings;
use raft::LogFacts;

/// A part of the examination.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Check {
    /// Both stores are there, open, and this node's.
    Stores,
    /// Every value of every table is what was written.
    Values,
    /// The Raft log has no hole and fits the hard state and the ledger.
    RaftLog,
    /// Blocks are chained, signed, those of the Raft log, and as their summaries say.
    Blocks,
    /// Leaves, nodes and roots of the log.
    Log,
    /// Outcomes, and the index of transactions.
    Outcomes,
    /// Events.
    Events,
    /// Entries of record logs and what commits to them.
    RecordLogs,
    /// The root of the state tree.
    State,
    /// Signed checkpoints and evidence.
    Checkpoints,
    /// The newest snapshot that is served to peers.
    Snapshots,
}

impl Check {
    /// All of them, in the order in which they are run.
    pub const ALL: [Check; 11] = [
        Check::Stores,
        Check::Values,
        Check::RaftLog,
        Check::Blocks,
        Check::Log,
        Check::Outcomes,
        Check::Events,
        Check::RecordLogs,
        Check::State,
        Check::Checkpoints,
        Check::Snapshots,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Check::Stores => "stores",
            Check::Values => "values",
            Check::RaftLog => "raft-log",
            Check::Blocks => "blocks",
            Check::Log => "log",
            Check::Outcomes => "outcomes",
            Check::Events => "events",
            Check::RecordLogs => "record-logs",
            Check::State => "state",
            Check::Checkpoints => "checkpoints",
            Check::Snapshots => "snapshots",
        }
    }
}

/// How a check went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// Which.
    pub check: Check,
    /// Rows, entries or items looked at.
    pub rows: u64,
    /// How many findings there are; at most [`MAX_FINDINGS`] of them are in `findings`.
    pub count: u64,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Why some or all of it could not be checked.
    pub unchecked: Option<String>,
}

/// A node's storage under examination.
pub struct Examination {
    directory: ChannelDirectory,
    identity: StorageIdentity,
    raft: Option<View>,
    ledger: Option<View>,
    opening: Findings,
    facts: Facts,
}

/// What checks tell the ones after them.
#[derive(Default)]
struct Facts {
    log: Option<LogFacts>,
    head: Option<HeadRecord>,
    begins_at: Option<u64>,
}

/// What a check works with.
struct Pass<'a> {
    genesis: Hash,
    node: NodeId,
    raft: Option<&'a View>,
    ledger: &'a View,
    facts: &'a Facts,
    found: &'a mut Findings,
}

/// Rows looked at; or why there are none.
type Outcome = Result<u64, StorageError>;

impl Examination {
    /// Opens the storage of `node` on the network of `genesis`. What cannot be opened is a finding.
    ///
    /// # Errors
    /// [`StorageError::Missing`] if there is nothing, [`StorageError::InUse`] if the node runs,
    /// and I/O errors.
    pub fn open(
        directory: &ChannelDirectory,
        node: NodeId,
        genesis: &Hash,
    ) -> Result<Examination, StorageError> {
        let mut opening = Findings::default();
        let parts = directory.parts()?;
        let raft = usable(parts.raft, Table::RaftMeta, "raft", &mut opening)?;
        let ledger = usable(parts.ledger, Table::Meta, "ledger", &mut opening)?;
        let identity = match (&raft, &ledger) {
            (Some((_, identity)), _) | (None, Some((_, identity))) => *identity,
            (None, None) => StorageIdentity { storage_id: [0; 16], node, genesis: *genesis },
        };
        let differs = [&raft, &ledger].into_iter().flatten().any(|(_, found)| {
            (found.node, found.genesis) != (node, *genesis) || *found != identity
        });
        if differs {
            let detail = "the stores are not of this node, network and installation";
            opening.add(Problem::IdentityDiffers, Table::RaftMeta, meta::IDENTITY, detail);
        }
        let raft = raft.map(|(store, _)| store.view());
        let ledger = ledger.map(|(store, _)| store.view());
        let (directory, facts) = (directory.clone(), Facts::default());
        Ok(Examination { directory, identity, raft, ledger, opening, facts })
    }

    /// The height of the first block that is there: 0, or more if the ledger began with a snapshot.
    /// Known once [`Check::RaftLog`] was run.
    pub fn begins_at(&self) -> Option<u64> {
        self.facts.begins_at
    }

    /// Whose storage it is.
    pub fn identity(&self) -> StorageIdentity {
        self.identity
    }

    /// The ledger, as far as it can be read; `None` if it cannot be opened.
    pub fn ledger(&self) -> Option<LedgerView> {
        self.ledger.clone().map(LedgerView::new)
    }

    /// The height of the newest block. Known once [`Check::RaftLog`] was run.
    pub fn height(&self) -> Option<u64> {
        self.facts.head.as_ref().map(|head| head.height)
    }

    /// The committed block at `height`, which is the first one after Raft entry `after` and follows
    /// the block of content `previous`: from the ledger or, where that has none that fits, from the
    /// Raft log. `None` if neither has it. For use once [`Check::RaftLog`] was run.
    ///
    /// # Errors
    /// I/O errors.
    pub fn next_block(
        &self,
        height: u64,
        after: u64,
        previous: &Hash,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let follows = |bytes: &Vec<u8>| {
            Block::decode(bytes).is_ok_and(|block| block.header.previous == *previous)
        };
        let stored =
            self.ledger.as_ref().map(|view| view.get(Table::Blocks, &keys::number(height)));
        if let Some(Ok(Some(bytes))) = stored
            && follows(&bytes)
        {
            return Ok(Some(bytes));
        }
        let (Some(raft), Some(facts)) = (&self.raft, &self.facts.log) else { return Ok(None) };
        let applied = self.facts.head.as_ref().map_or(0, |head| head.applied.index);
        let last = facts.committed.max(applied).min(facts.last);
        if after < facts.mark.index || after >= last {
            return Ok(None);
        }
        let (from, to) = (keys::number(after + 1).to_vec(), keys::number(last + 1).to_vec());
        for pair in raft.scan(Table::RaftEntries, from, Some(to)) {
            let (key, body) = pair?;
            let payload = decode_entry(&key, body)?.payload;
            if Block::decode(&payload).is_ok() {
                return Ok(follows(&payload).then_some(payload));
            }
        }
        Ok(None)
    }

    /// Runs a check. Those that come earlier in [`Check::ALL`] are run first.
    pub fn run(&mut self, check: Check) -> Checked {
        let mut found = Findings::default();
        let outcome = match check {
            Check::Stores => {
                found = std::mem::take(&mut self.opening);
                Ok(u64::from(self.raft.is_some()) + u64::from(self.ledger.is_some()))
            }
            Check::Values => {
                Ok(values::check(self.raft.as_ref(), self.ledger.as_ref(), &mut found))
            }
            Check::RaftLog => self.raft_log(&mut found),
            Check::Snapshots => snapshots::check(&self.directory, &mut found),
            _ => self.ledger_check(check, &mut found),
        };
        let (rows, unchecked) = match outcome {
            Ok(rows) => (rows, None),
            Err(error) => (0, Some(reason(&error))),
        };
        let (count, findings) = found.into_parts();
        Checked { check, rows, count, findings, unchecked }
    }

    fn raft_log(&mut self, found: &mut Findings) -> Outcome {
        self.facts.head = self.read_head(found);
        self.facts.begins_at = self.ledger.as_ref().and_then(first_height);
        let raft = self.raft.as_ref().ok_or_else(|| not_open("raft"))?;
        let (facts, rows) = raft::check(raft, found)?;
        if let Some(head) = &self.facts.head {
            raft::check_ledger(&facts, head, found);
        }
        self.facts.log = Some(facts);
        Ok(rows)
    }

    fn read_head(&self, found: &mut Findings) -> Option<HeadRecord> {
        let (table, key) = (Table::Meta, meta::HEAD);
        // A damaged value is told by the check of values.
        let bytes = self.ledger.as_ref()?.get(table, key).ok()??;
        match decode(table, key, &bytes) {
            Ok(head) => Some(head),
            Err(error) => {
                found.add(Problem::Undecodable, table, key, error);
                None
            }
        }
    }

    fn ledger_check(&mut self, check: Check, found: &mut Findings) -> Outcome {
        let ledger = self.ledger.as_ref().ok_or_else(|| not_open("ledger"))?;
        let Some(head) = &self.facts.head else {
            return without_head(ledger);
        };
        let mut pass = Pass {
            genesis: self.identity.genesis,
            node: self.identity.node,
            raft: self.raft.as_ref(),
            ledger,
            facts: &self.facts,
            found,
        };
        match check {
            Check::Blocks => blocks::check(&mut pass, head),
            Check::Log => log::check(&mut pass, head),
            Check::Outcomes => index::outcomes(&mut pass),
            Check::Events => index::events(&mut pass),
            Check::RecordLogs => record_logs::check(&mut pass),
            Check::State => state::check(&mut pass, head),
            _ => checkpoints::check(&mut pass, head),
        }
    }
}

/// The first height that has a summary.
fn first_height(ledger: &View) -> Option<u64> {
    let first = ledger.rows(Table::Summaries, Vec::new(), None).next();
    keys::parse_number(&first?.ok()?.key)
}

/// What is wrong, without what to do about it.
fn reason(error: &StorageError) -> String {
    match error {
        StorageError::Corrupt { table, key, reason } => {
            format!("table {table}, key {key}: {reason}")
        }
        other => other.to_string(),
    }
}

/// A ledger without a head is one before its genesis, or cannot be checked.
fn without_head(ledger: &View) -> Outcome {
    let blocks = ledger.rows(Table::Summaries, Vec::new(), None).next();
    let absent = matches!(ledger.get(Table::Meta, meta::HEAD), Ok(None));
    if absent && blocks.is_none() {
        return Ok(0);
    }
    Err(StorageError::corrupt(Table::Meta.name(), meta::HEAD, "the ledger's head cannot be read"))
}

fn not_open(store: &str) -> StorageError {
    StorageError::Io(format!("the store {store} could not be opened"))
}

/// A store that could be opened and says whose it is.
fn usable(
    opened: Result<Store, StorageError>,
    table: Table,
    name: &'static str,
    found: &mut Findings,
) -> Result<Option<(Store, StorageIdentity)>, StorageError> {
    let read = opened.and_then(|store| {
        let identity = StorageIdentity::read(&store, table)?;
        Ok((store, identity))
    });
    match read {
        Ok(store) => Ok(Some(store)),
        Err(error @ StorageError::InUse { .. }) => Err(error),
        Err(error @ StorageError::Missing { .. }) => {
            found.add_store(Problem::StoreMissing, table, name, error);
            Ok(None)
        }
        Err(error) => {
            found.add_store(Problem::StoreUnreadable, table, name, error);
            Ok(None)
        }
    }
}
