//! What a verification finds, and what it means.

use std::fmt;

use crate::{engine::Table, error::StorageError, keys};

/// Findings kept per check: enough to see what is wrong, and bounded on a disk that is all wrong.
pub const MAX_FINDINGS: usize = 100;

/// What a finding endangers, and so what can be done about it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Nothing: the node deals with it by itself.
    Notice,
    /// An index or a hash that can be computed again from what is whole.
    Derived,
    /// A part of the ledger: it can be had again by executing blocks, or from a snapshot.
    Ledger,
    /// What this node promised its peers or signed. Nobody can give it back: the node must never
    /// run again under its number.
    Promise,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Notice => "notice",
            Severity::Derived => "derived",
            Severity::Ledger => "ledger",
            Severity::Promise => "promise",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Severity::Notice => "nothing to do: the node deals with it by itself",
            Severity::Derived => "`precinto fsck --repair` computes it again",
            Severity::Ledger => "`precinto fsck --repair` makes the ledger anew from its blocks",
            Severity::Promise => {
                "cannot be repaired: replace the node (`precinto node prepare`, `node replace`)"
            }
        }
    }
}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Problem {
    /// A store is not there.
    StoreMissing,
    /// A store cannot be opened.
    StoreUnreadable,
    /// A store is of another node, network or installation.
    IdentityDiffers,
    /// The rest of a table cannot be read.
    TableUnreadable,
    /// A value is not what was written under its key.
    BadValue,
    /// A value of a format that this release does not know.
    UnknownFormat,
    /// Not a key of its table.
    BadKey,
    /// A value that is whole, but not what belongs there.
    Undecodable,
    /// Not there, although something else says it is.
    Missing,
    /// There, although nothing says it is.
    Surplus,
    /// A number, term or time that does not follow the one before.
    OutOfOrder,
    /// The Raft log ends before what was committed.
    LogTailLost,
    /// The hard state is older than the log.
    HardStateBehind,
    /// The Raft log starts after what the ledger holds.
    LogStartsAfterLedger,
    /// The ledger holds more than the Raft log.
    LogEndsBeforeLedger,
    /// The installation of a snapshot was interrupted.
    InstallUnfinished,
    /// The ledger's block is not the Raft log's.
    NotTheOrderedBlock,
    /// A block does not name the one before it.
    BrokenChain,
    /// A summary does not say what its block does.
    StaleSummary,
    /// A signature that nobody registered made.
    BadSignature,
    /// A node of the log is not the hash of what is below it.
    WrongNode,
    /// A root is not that of the leaves.
    WrongRoot,
    /// A leaf does not say what its block or outcome does.
    WrongLeaf,
    /// The index points elsewhere.
    WrongIndex,
    /// A record log's commitment is not that of its entries.
    WrongFrontier,
    /// The state root is not that of the state.
    WrongStateRoot,
    /// A checkpoint contradicts the log.
    CheckpointBesideLog,
    /// A checkpoint of more leaves than the log has.
    CheckpointAboveLog,
    /// What was signed last is not the largest own checkpoint.
    WrongSigned,
    /// Evidence is not what its hash names.
    WrongEvidence,
    /// A snapshot that is kept for peers is damaged.
    SnapshotDamaged,
    /// Executing the blocks gives something else.
    DiffersFromReplay,
}

impl Problem {
    /// Stable name.
    pub fn code(self) -> &'static str {
        match self {
            Problem::StoreMissing => "store-missing",
            Problem::StoreUnreadable => "store-unreadable",
            Problem::IdentityDiffers => "identity-differs",
            Problem::TableUnreadable => "table-unreadable",
            Problem::BadValue => "bad-value",
            Problem::UnknownFormat => "unknown-format",
            Problem::BadKey => "bad-key",
            Problem::Undecodable => "undecodable",
            Problem::Missing => "missing",
            Problem::Surplus => "surplus",
            Problem::OutOfOrder => "out-of-order",
            Problem::LogTailLost => "log-tail-lost",
            Problem::HardStateBehind => "hard-state-behind",
            Problem::LogStartsAfterLedger => "log-starts-after-ledger",
            Problem::LogEndsBeforeLedger => "log-ends-before-ledger",
            Problem::InstallUnfinished => "install-unfinished",
            Problem::NotTheOrderedBlock => "not-the-ordered-block",
            Problem::BrokenChain => "broken-chain",
            Problem::StaleSummary => "stale-summary",
            Problem::BadSignature => "bad-signature",
            Problem::WrongNode => "wrong-node",
            Problem::WrongRoot => "wrong-root",
            Problem::WrongLeaf => "wrong-leaf",
            Problem::WrongIndex => "wrong-index",
            Problem::WrongFrontier => "wrong-frontier",
            Problem::WrongStateRoot => "wrong-state-root",
            Problem::CheckpointBesideLog => "checkpoint-beside-log",
            Problem::CheckpointAboveLog => "checkpoint-above-log",
            Problem::WrongSigned => "wrong-signed",
            Problem::WrongEvidence => "wrong-evidence",
            Problem::SnapshotDamaged => "snapshot-damaged",
            Problem::DiffersFromReplay => "differs-from-replay",
        }
    }

    fn severity(self, table: Table) -> Severity {
        match (self, table) {
            (Problem::InstallUnfinished | Problem::SnapshotDamaged, _) => Severity::Notice,
            (
                Problem::IdentityDiffers
                | Problem::LogEndsBeforeLedger
                | Problem::WrongSigned
                | Problem::UnknownFormat,
                _,
            )
            | (_, Table::RaftEntries | Table::RaftMeta) => Severity::Promise,
            (Problem::TableUnreadable, _) => Severity::Ledger,
            (_, Table::Transactions | Table::LogNodes) => Severity::Derived,
            _ => Severity::Ledger,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What.
    pub problem: Problem,
    /// What it endangers.
    pub severity: Severity,
    /// Where: a table, or a store as a whole.
    pub table: &'static str,
    /// Under which key, as people write it: numbers in decimal, hashes in hex.
    pub key: String,
    /// What does not fit, in words.
    pub detail: String,
}

impl Finding {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self.problem {
            Problem::UnknownFormat => "a newer release wrote it: use that one",
            Problem::IdentityDiffers => "put this node's own data back, or replace the node",
            _ => self.severity.hint(),
        }
    }
}

/// Findings under way.
#[derive(Default)]
pub(super) struct Findings {
    count: u64,
    kept: Vec<Finding>,
}

impl Findings {
    /// Adds what is wrong with `key` of `table`.
    pub(super) fn add(
        &mut self,
        problem: Problem,
        table: Table,
        key: &[u8],
        detail: impl fmt::Display,
    ) {
        self.add_as(problem.severity(table), problem, (table, key), detail);
    }

    /// Adds what concerns this node's own promises, wherever it is kept.
    pub(super) fn add_as(
        &mut self,
        severity: Severity,
        problem: Problem,
        (table, key): (Table, &[u8]),
        detail: impl fmt::Display,
    ) {
        let (table, key) = (table.name(), describe(table, key));
        self.keep(Finding { problem, severity, table, key, detail: detail.to_string() });
    }

    /// Adds what is wrong with a store as a whole; `table` tells which.
    pub(super) fn add_store(
        &mut self,
        problem: Problem,
        table: Table,
        name: &'static str,
        error: StorageError,
    ) {
        let (severity, detail) = (problem.severity(table), error.to_string());
        self.keep(Finding { problem, severity, table: name, key: String::new(), detail });
    }

    fn keep(&mut self, finding: Finding) {
        self.count += 1;
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(finding);
        }
    }

    pub(super) fn into_parts(self) -> (u64, Vec<Finding>) {
        (self.count, self.kept)
    }
}

/// A key as people write it. A page is named by its first item.
fn describe(table: Table, key: &[u8]) -> String {
    let number = |key: &[u8]| keys::parse_number(key).map(|number| number.to_string());
    let page = |key: &[u8]| {
        let (prefix, first) = keys::parse_page(key)?;
        Some(match prefix {
            [] => first.to_string(),
            [level] => format!("{level}/{first}"),
            prefix => format!("{}/{first}", keys::parse_number(prefix)?),
        })
    };
    let text = match table {
        Table::RaftMeta | Table::Meta => Some(String::from_utf8_lossy(key).into_owned()),
        Table::RaftEntries | Table::Blocks | Table::Summaries => number(key),
        Table::Leaves | Table::LogNodes | Table::Outcomes | Table::Events => page(key),
        Table::RecordEntries => keys::parse_record_entry(key)
            .map(|(state_key, index)| format!("{}/{index}", hex(state_key))),
        Table::Checkpoints => {
            keys::parse_checkpoint(key).map(|(node, size)| format!("{node}/{size}"))
        }
        Table::State | Table::RecordLogs | Table::Transactions | Table::Evidence => None,
    };
    text.unwrap_or_else(|| hex(key))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
