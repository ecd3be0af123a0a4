//! Every value of every table, as its envelope has it.

use super::{Findings, Problem};
use crate::{
    engine::{
        Table, View,
        options::{LEDGER_TABLES, RAFT_TABLES},
    },
    error::StorageError,
    keys::meta,
    verify::Severity,
};

pub(super) fn check(raft: Option<&View>, ledger: Option<&View>, found: &mut Findings) -> u64 {
    let raft = raft.into_iter().flat_map(|view| RAFT_TABLES.iter().map(move |t| (view, *t)));
    let ledger = ledger.into_iter().flat_map(|view| LEDGER_TABLES.iter().map(move |t| (view, *t)));
    raft.chain(ledger).map(|(view, table)| check_table(view, table, found)).sum()
}

fn check_table(view: &View, table: Table, found: &mut Findings) -> u64 {
    let (mut rows, mut last) = (0, Vec::new());
    for row in view.rows(table, Vec::new(), None) {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let detail = format!("nothing from here on can be read: {}", reason(&error));
                found.add(Problem::TableUnreadable, table, &last, detail);
                return rows;
            }
        };
        rows += 1;
        if let Err(error) = row.body {
            let problem = match error {
                StorageError::FormatVersion { .. } => Problem::UnknownFormat,
                _ => Problem::BadValue,
            };
            if (table, row.key.as_slice()) == (Table::Meta, meta::SIGNED) {
                // What this node signed last: a rebuilt ledger could not take it over.
                found.add_as(Severity::Promise, problem, (table, &row.key), reason(&error));
            } else {
                found.add(problem, table, &row.key, reason(&error));
            }
        }
        last = row.key;
    }
    rows
}

/// The finding names table and key by itself.
fn reason(error: &StorageError) -> String {
    match error {
        StorageError::Corrupt { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
