//! The Raft log: contiguous, in order, and as far as hard state and ledger say.

use minicbor::{Decode, Encode};
use precinto_protocol::block::Block;

use super::{Findings, Problem};
use crate::{
    HardState, SnapshotMark,
    engine::{Table, View},
    error::StorageError,
    identity::decode,
    keys::{self, meta},
    ledger::HeadRecord,
    raft_log::decode_entry,
};

/// The longest entry that is neither a block nor empty: a change of the Raft group is a few bytes.
const MAX_CHANGE_BYTES: usize = 64;

/// What the log says of itself.
#[derive(Default)]
pub(super) struct LogFacts {
    pub(super) mark: SnapshotMark,
    pub(super) last: u64,
    /// Committed as far as this node has noted.
    pub(super) committed: u64,
    /// The snapshot whose installation was announced.
    pub(super) announced: Option<SnapshotMark>,
    /// (first index, term) of each run of entries of one term.
    runs: Vec<(u64, u64)>,
}

impl LogFacts {
    /// The term of the entry at `index`, if it is in the log.
    pub(super) fn term(&self, index: u64) -> Option<u64> {
        if index == self.mark.index {
            return Some(self.mark.term);
        }
        if index < self.mark.index || index > self.last {
            return None;
        }
        let run = self.runs.partition_point(|(first, _)| *first <= index).checked_sub(1)?;
        Some(self.runs[run].1)
    }
}

/// Walks the log; gives what it says of itself and the number of its entries.
pub(super) fn check(view: &View, found: &mut Findings) -> Result<(LogFacts, u64), StorageError> {
    let mark: SnapshotMark = read(view, meta::MARK, found).unwrap_or_default();
    let hard_state: HardState = read(view, meta::HARD_STATE, found).unwrap_or_default();
    let announced = read(view, meta::INSTALLING, found);
    let (last, committed) = (mark.index, hard_state.commit);
    let mut facts = LogFacts { mark, last, committed, announced, runs: Vec::new() };
    let (mut rows, mut term) = (0, mark.term);
    for row in view.rows(Table::RaftEntries, Vec::new(), None) {
        let row = row?;
        rows += 1;
        let Some(index) = keys::parse_number(&row.key) else {
            found.add(Problem::BadKey, Table::RaftEntries, &row.key, "not an index");
            continue;
        };
        if index != facts.last + 1 {
            let detail = format!("it follows entry {} of the log", facts.last);
            found.add(Problem::OutOfOrder, Table::RaftEntries, &row.key, detail);
        }
        facts.last = index.max(facts.last);
        // A damaged value is told by the check of values.
        let Ok(body) = row.body else { continue };
        match decode_entry(&row.key, body) {
            Ok(entry) if entry.term < term => {
                let detail = format!("term {} after term {term}", entry.term);
                found.add(Problem::OutOfOrder, Table::RaftEntries, &row.key, detail);
            }
            Ok(entry) => {
                if entry.term > term || facts.runs.is_empty() {
                    facts.runs.push((index, entry.term));
                }
                term = entry.term;
                if let Err(reason) = check_payload(index, term, &entry.payload) {
                    found.add(Problem::Undecodable, Table::RaftEntries, &row.key, reason);
                }
            }
            Err(_) => {
                found.add(Problem::Undecodable, Table::RaftEntries, &row.key, "not a log entry");
            }
        }
    }
    check_hard_state(&facts, hard_state, term, found);
    Ok((facts, rows))
}

fn check_hard_state(facts: &LogFacts, state: HardState, term: u64, found: &mut Findings) {
    let mut wrong = |problem, detail: String| {
        found.add(problem, Table::RaftMeta, meta::HARD_STATE, detail);
    };
    if state.commit > facts.last {
        let detail = format!("entry {} is committed, the log ends at {}", state.commit, facts.last);
        wrong(Problem::LogTailLost, detail);
    }
    if state.term < term {
        let detail = format!("term {} is below the log's term {term}", state.term);
        wrong(Problem::HardStateBehind, detail);
    }
    if state.commit < facts.mark.index {
        let detail =
            format!("commit {} is below the log's mark {}", state.commit, facts.mark.index);
        wrong(Problem::HardStateBehind, detail);
    }
}

/// Whether log and ledger fit together.
pub(super) fn check_ledger(facts: &LogFacts, head: &HeadRecord, found: &mut Findings) {
    let applied = head.applied;
    let key = (Table::Meta, meta::HEAD);
    if let Some(mark) = facts.announced {
        let detail = format!("a snapshot of entry {} was being installed", mark.index);
        found.add(Problem::InstallUnfinished, Table::RaftMeta, meta::INSTALLING, detail);
        if (applied.index, applied.term) == (mark.index, mark.term) {
            // The next start completes it: the log is about to be reset to the ledger.
            return;
        }
    }
    if applied.index < facts.mark.index {
        let detail = format!(
            "entry {} is applied, the log starts after {}",
            applied.index, facts.mark.index
        );
        found.add(Problem::LogStartsAfterLedger, key.0, key.1, detail);
    } else if applied.index > facts.last {
        let detail = format!("entry {} is applied, the log ends at {}", applied.index, facts.last);
        found.add(Problem::LogEndsBeforeLedger, key.0, key.1, detail);
    } else if applied.index > 0 && facts.term(applied.index) != Some(applied.term) {
        let detail = format!("entry {} was applied with another term", applied.index);
        found.add(Problem::NotTheOrderedBlock, key.0, key.1, detail);
    }
}

/// An entry is empty, a block that names its place, or a short change of the Raft group.
fn check_payload(index: u64, term: u64, payload: &[u8]) -> Result<(), String> {
    match Block::decode(payload) {
        Ok(block) if (block.header.raft_index, block.header.term) == (index, term) => Ok(()),
        Ok(_) => Err("a block that was signed for another place".into()),
        Err(_) if payload.len() <= MAX_CHANGE_BYTES => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// A value of the Raft log's meta table. A damaged one is told by the check of values.
fn read<T>(view: &View, key: &[u8], found: &mut Findings) -> Option<T>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    let bytes = view.get(Table::RaftMeta, key).ok()??;
    match decode(Table::RaftMeta, key, &bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            found.add(Problem::Undecodable, Table::RaftMeta, key, error);
            None
        }
    }
}
