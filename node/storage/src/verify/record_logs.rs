//! Record logs: entries from 0 to their count, and the commitment over them.

use precinto_protocol::{
    cbor,
    log::{Frontier, leaf_hash},
};

use super::{Pass, Problem};
use crate::{engine::Table, error::StorageError, identity::decode, keys, ledger::RecordLogHead};

/// A record log being read.
struct Log {
    key: Vec<u8>,
    next: u64,
    entries: Frontier,
    /// Whether each entry so far could be read: otherwise nothing is known of the commitment.
    whole: bool,
}

/// Walks the entries; gives the number of entries and record logs.
pub(super) fn check(pass: &mut Pass<'_>) -> Result<u64, StorageError> {
    let (mut rows, mut logs) = (0, 0);
    let mut current: Option<Log> = None;
    for row in pass.ledger.rows(Table::RecordEntries, Vec::new(), None) {
        let row = row?;
        rows += 1;
        let Some((key, index)) = keys::parse_record_entry(&row.key) else {
            pass.found.add(Problem::BadKey, Table::RecordEntries, &row.key, "not an entry's key");
            continue;
        };
        if current.as_ref().is_none_or(|log| log.key != key) {
            logs += finish(pass, current.take());
            let (key, entries) = (key.to_vec(), Frontier::new());
            current = Some(Log { key, next: 0, entries, whole: true });
        }
        let Some(log) = &mut current else { continue };
        if index != log.next {
            let missing = keys::record_entry(&log.key, log.next);
            let detail = format!("entry {index} is there");
            pass.found.add(Problem::Missing, Table::RecordEntries, &missing, detail);
            log.whole = false;
        }
        log.next = index + 1;
        match row.body {
            Ok(entry) => log.entries.append(leaf_hash(&entry)),
            Err(_) => log.whole = false,
        }
    }
    logs += finish(pass, current);
    Ok(rows + without_entries(pass, logs)?)
}

/// Compares a log that was read to its end with what is stored of it; gives 1 for a log counted.
fn finish(pass: &mut Pass<'_>, log: Option<Log>) -> u64 {
    let Some(log) = log else { return 0 };
    let table = Table::RecordLogs;
    let stored = match pass.ledger.get(table, &log.key) {
        Ok(Some(stored)) => stored,
        Ok(None) => {
            pass.found.add(Problem::Missing, table, &log.key, "it has entries");
            return 0;
        }
        // Told by the check of values.
        Err(_) => return 1,
    };
    match decode::<RecordLogHead>(table, &log.key, &stored) {
        Err(error) => pass.found.add(Problem::Undecodable, table, &log.key, error),
        Ok(head) if head.count > log.next => {
            let missing = keys::record_entry(&log.key, log.next);
            let detail = format!("the record log has {} entries", head.count);
            pass.found.add(Problem::Missing, Table::RecordEntries, &missing, detail);
        }
        Ok(head) if head.count < log.next => {
            let surplus = keys::record_entry(&log.key, head.count);
            let detail = format!("the record log has {} entries", head.count);
            pass.found.add(Problem::Surplus, Table::RecordEntries, &surplus, detail);
        }
        Ok(head) if log.whole => {
            if !cbor::decode::<Frontier>(&head.commitment).is_ok_and(|it| it == log.entries) {
                let detail = "the commitment is not that of the entries";
                pass.found.add(Problem::WrongFrontier, table, &log.key, detail);
            }
        }
        Ok(_) => {}
    }
    1
}

/// Names record logs without any entry; gives the number of record logs.
fn without_entries(pass: &mut Pass<'_>, with_entries: u64) -> Result<u64, StorageError> {
    let mut rows = 0;
    for row in pass.ledger.rows(Table::RecordLogs, Vec::new(), None) {
        row?;
        rows += 1;
    }
    if rows == with_entries {
        return Ok(rows);
    }
    for row in pass.ledger.rows(Table::RecordLogs, Vec::new(), None) {
        let key = row?.key;
        let (from, to) = (keys::record_entry(&key, 0), keys::record_entry(&key, u64::MAX));
        if pass.ledger.rows(Table::RecordEntries, from, Some(to)).next().is_none() {
            pass.found.add(Problem::Surplus, Table::RecordLogs, &key, "it has no entries");
        }
    }
    Ok(rows)
}
