//! Outcomes and events per block, and the index of transactions, both ways.

use precinto_protocol::{cbor, hash::Hash, leaf::OutcomeLeaf, outcome::OutcomeRecord};

use super::{
    Pass, Problem,
    log::summary,
    run::{At, Numbered, Run},
};
use crate::{engine::Table, error::StorageError, keys, pages};

/// Walks outcomes and looks each up in the index; gives the number of both.
pub(super) fn outcomes(pass: &mut Pass<'_>) -> Result<u64, StorageError> {
    let walked = per_block(pass, Table::Outcomes, |summary| summary.outcomes, check_outcome)?;
    Ok(walked + transactions(pass)?)
}

/// Walks events; gives their number.
pub(super) fn events(pass: &mut Pass<'_>) -> Result<u64, StorageError> {
    per_block(pass, Table::Events, |summary| summary.events, |_, _, _| Ok(()))
}

type CheckItem = fn(&mut Pass<'_>, (u64, u64), &[u8]) -> Result<(), StorageError>;

/// Walks a table of pages per block, which has as many items as the summary says.
fn per_block(
    pass: &mut Pass<'_>,
    table: Table,
    count: fn(&crate::BlockSummary) -> u32,
    check: CheckItem,
) -> Result<u64, StorageError> {
    let Some(begins_at) = pass.facts.begins_at else { return Ok(0) };
    let Some(head) = pass.facts.head.as_ref() else { return Ok(0) };
    let mut summaries = Numbered::new(pass.ledger, Table::Summaries);
    let mut items = Run::new(pass.ledger, table, &[]);
    // What a ledger began with has its summary alone.
    let from = if begins_at == 0 { 0 } else { begins_at + 1 };
    for height in from..=head.height {
        let prefix = keys::number(height);
        let Some(summary) = summary(&mut summaries, height)? else {
            items.skip(&prefix, pass.found)?;
            continue;
        };
        for index in 0..u64::from(count(&summary)) {
            match items.at(&prefix, index, pass.found)? {
                At::There(item) => check(pass, (height, index), &item)?,
                At::Unreadable => {}
                At::Absent => {
                    let detail = format!("the block has {}", count(&summary));
                    pass.found.add(Problem::Missing, table, &keys::page(&prefix, index), detail);
                }
            }
        }
    }
    let rows = items.count;
    items.finish(pass.found)?;
    Ok(rows)
}

/// An outcome: its record, its leaf, and where the index says it is.
fn check_outcome(
    pass: &mut Pass<'_>,
    (height, index): (u64, u64),
    item: &[u8],
) -> Result<(), StorageError> {
    let key = keys::page(&keys::number(height), index);
    let record = item
        .split_first_chunk::<32>()
        .and_then(|(id, record)| Some((Hash(*id), cbor::decode::<OutcomeRecord>(record).ok()?)));
    let Some((id, record)) = record else {
        pass.found.add(Problem::Undecodable, Table::Outcomes, &key, "not an outcome");
        return Ok(());
    };
    // A leaf that is missing is told by the check of the log.
    if let Ok(Some(leaf)) = pages::get(pass.ledger, Table::Leaves, &[], record.leaf) {
        let same = cbor::decode::<OutcomeLeaf>(&leaf).is_ok_and(|leaf| {
            (leaf.transaction.0, leaf.height, leaf.index) == (id, height, record.index)
                && leaf.outcome == record.outcome
                && record.height == height
        });
        if !same {
            let detail = format!("leaf {} is not that of this outcome", record.leaf);
            pass.found.add(Problem::WrongLeaf, Table::Outcomes, &key, detail);
        }
    }
    // Whether the entry leads back here is checked from the index.
    if matches!(pass.ledger.get(Table::Transactions, id.as_bytes()), Ok(None)) {
        let detail = format!("outcome {index} of block {height}");
        pass.found.add(Problem::Missing, Table::Transactions, id.as_bytes(), detail);
    }
    Ok(())
}

/// Each entry of the index leads to an outcome of its transaction.
fn transactions(pass: &mut Pass<'_>) -> Result<u64, StorageError> {
    let mut rows = 0;
    for row in pass.ledger.rows(Table::Transactions, Vec::new(), None) {
        let row = row?;
        rows += 1;
        let Ok(position) = row.body else { continue };
        let outcome = position.split_first_chunk::<8>().and_then(|(height, index)| {
            let index = u32::from_be_bytes(index.try_into().ok()?);
            Some(pages::get(pass.ledger, Table::Outcomes, height, u64::from(index)))
        });
        match outcome {
            None => {
                pass.found.add(Problem::Undecodable, Table::Transactions, &row.key, "no position");
            }
            Some(Ok(None)) => {
                let detail = "there is no outcome where it points";
                pass.found.add(Problem::Surplus, Table::Transactions, &row.key, detail);
            }
            Some(Ok(Some(item))) if !item.starts_with(&row.key) => {
                let detail = "another transaction's outcome is where it points";
                pass.found.add(Problem::WrongIndex, Table::Transactions, &row.key, detail);
            }
            // A page that cannot be read is told by the check of values.
            Some(_) => {}
        }
    }
    Ok(rows)
}
