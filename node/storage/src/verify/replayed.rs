//! A ledger beside the one that executing its blocks again gives.

use std::cmp::Ordering;

use super::{Finding, Findings, Problem};
use crate::{
    engine::{Row, Table},
    error::StorageError,
    ledger::LedgerView,
};

/// What executing blocks determines. How blocks came to this node, what it signed and what it heard
/// is its own.
const DETERMINED: [Table; 9] = [
    Table::State,
    Table::RecordLogs,
    Table::RecordEntries,
    Table::Summaries,
    Table::Leaves,
    Table::LogNodes,
    Table::Outcomes,
    Table::Transactions,
    Table::Events,
];

/// Compares a ledger, row by row, with the one that a replay of its blocks made. Gives the number
/// of rows, the number of differences, and as many of these as are [kept](super::MAX_FINDINGS).
///
/// Both must have begun with the genesis and be of the same height.
///
/// # Errors
/// A table that cannot be read to its end.
pub fn differences(
    stored: &LedgerView,
    replayed: &LedgerView,
) -> Result<(u64, u64, Vec<Finding>), StorageError> {
    let mut found = Findings::default();
    let mut rows = 0;
    for table in DETERMINED {
        rows += compare(table, stored, replayed, &mut found)?;
    }
    let (count, kept) = found.into_parts();
    Ok((rows, count, kept))
}

fn compare(
    table: Table,
    stored: &LedgerView,
    replayed: &LedgerView,
    found: &mut Findings,
) -> Result<u64, StorageError> {
    let mut left = stored.tables().rows(table, Vec::new(), None);
    let mut right = replayed.tables().rows(table, Vec::new(), None);
    let (mut ours, mut theirs) = (left.next().transpose()?, right.next().transpose()?);
    let mut rows = 0;
    loop {
        let order = match (&ours, &theirs) {
            (None, None) => return Ok(rows),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(ours), Some(theirs)) => ours.key.cmp(&theirs.key),
        };
        rows += 1;
        match (order, &ours, &theirs) {
            (Ordering::Less, Some(ours), _) => {
                found.add(Problem::Surplus, table, &ours.key, "executing the blocks gives none");
            }
            (Ordering::Greater, _, Some(theirs)) => {
                found.add(Problem::Missing, table, &theirs.key, "executing the blocks gives one");
            }
            (Ordering::Equal, Some(ours), Some(theirs)) if differ(ours, theirs) => {
                let detail = "executing the blocks gives another value";
                found.add(Problem::DiffersFromReplay, table, &ours.key, detail);
            }
            _ => {}
        }
        if order.is_le() {
            ours = left.next().transpose()?;
        }
        if order.is_ge() {
            theirs = right.next().transpose()?;
        }
    }
}

/// A value that cannot be read is told by the check of values.
fn differ(ours: &Row, theirs: &Row) -> bool {
    matches!((&ours.body, &theirs.body), (Ok(ours), Ok(theirs)) if ours != theirs)
}
