//! The state tree, built from the stored state.

use precinto_protocol::{
    cbor,
    hash::Hash,
    log::Frontier,
    state::{Entry, StateKey, Trie},
};

use super::{Pass, Problem};
use crate::{
    engine::{Row, Table},
    error::StorageError,
    identity::decode,
    keys::{self, meta},
    ledger::{BlockSummary, HeadRecord, RecordLogHead},
};

/// Compares the root of the state with that of the newest block; gives the number of keys.
pub(super) fn check(pass: &mut Pass<'_>, head: &HeadRecord) -> Result<u64, StorageError> {
    let key = keys::number(head.height);
    let summary = pass.ledger.get(Table::Summaries, &key)?;
    let summary: Option<BlockSummary> =
        summary.map(|bytes| decode(Table::Summaries, &key, &bytes)).transpose()?;
    let expected = summary.map(|summary| summary.state_root);
    let (root, rows) = match root(pass)? {
        Ok(tree) => (tree.root(), tree.len()),
        Err(key) => {
            let detail = "a plain value and a record log have the same key";
            pass.found.add(Problem::Surplus, Table::RecordLogs, &key, detail);
            return Ok(0);
        }
    };
    if expected.is_some_and(|expected: Hash| expected != root) {
        let detail = format!("the state of block {} has the root {root}", head.height);
        pass.found.add(Problem::WrongStateRoot, Table::Meta, meta::HEAD, detail);
    }
    Ok(rows)
}

/// The tree, or the key that is there twice. A value that cannot be read ends it.
fn root(pass: &Pass<'_>) -> Result<Result<Trie, Vec<u8>>, StorageError> {
    let entries = |table| pass.ledger.rows(table, Vec::new(), None);
    let mut plain = entries(Table::State).map(plain_entry).peekable();
    let mut logs = entries(Table::RecordLogs).map(log_entry).peekable();
    let (mut failed, mut last) = (None, Vec::new());
    let merged = std::iter::from_fn(|| {
        let next = match (plain.peek(), logs.peek()) {
            (Some(Ok((plain, _))), Some(Ok((log, _)))) if log < plain => logs.next(),
            (Some(Ok(_)), Some(Err(_))) | (None, _) => logs.next(),
            _ => plain.next(),
        };
        match next? {
            Ok((key, entry)) => {
                last = key.as_bytes().to_vec();
                Some((key, entry))
            }
            Err(error) => {
                failed = Some(error);
                None
            }
        }
    });
    let tree = Trie::from_sorted(merged);
    match failed {
        Some(error) => Err(error),
        None => Ok(tree.map_err(|_| last)),
    }
}

type Loaded = Result<(StateKey, Entry), StorageError>;

fn plain_entry(row: Result<Row, StorageError>) -> Loaded {
    let Row { key, body } = row?;
    Ok((state_key(Table::State, &key)?, Entry::plain(&body?)))
}

fn log_entry(row: Result<Row, StorageError>) -> Loaded {
    let Row { key, body } = row?;
    let head: RecordLogHead = decode(Table::RecordLogs, &key, &body?)?;
    let log: Frontier = cbor::decode(&head.commitment).map_err(|error| {
        StorageError::corrupt(Table::RecordLogs.name(), &key, error.to_string())
    })?;
    Ok((state_key(Table::RecordLogs, &key)?, Entry::record_log(&log)))
}

fn state_key(table: Table, key: &[u8]) -> Result<StateKey, StorageError> {
    StateKey::from_bytes(key)
        .map_err(|error| StorageError::corrupt(table.name(), key, error.to_string()))
}
