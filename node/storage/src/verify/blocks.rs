//! Blocks and their summaries: in order, chained, signed, and those of the Raft log.

use std::collections::BTreeMap;

use precinto_protocol::{
    block::Block,
    cbor,
    hash::{Hash, tagged},
    identity::KeyId,
    keys::PublicKey,
    registry::{Node, RegistryKey},
};

use super::{
    Pass, Problem,
    run::{At, Numbered},
};
use crate::{
    engine::{Table, View},
    error::StorageError,
    identity::decode,
    keys,
    ledger::{BlockSummary, HeadRecord},
    raft_log::decode_entry,
};

/// Walks summaries and blocks; gives their number.
pub(super) fn check(pass: &mut Pass<'_>, head: &HeadRecord) -> Result<u64, StorageError> {
    let Some(begins_at) = pass.facts.begins_at else {
        let key = keys::number(head.height);
        pass.found.add(Problem::Missing, Table::Summaries, &key, "the head's block");
        return Ok(0);
    };
    let ledger = pass.ledger;
    let mut summaries = Numbered::new(ledger, Table::Summaries);
    let mut blocks = Numbered::new(ledger, Table::Blocks);
    let leaders = leaders(ledger);
    let (mut rows, mut before) = (0, None);
    for height in begins_at..=head.height {
        let key = keys::number(height);
        let summary = match summaries.at(height, pass.found)? {
            At::There(bytes) => read_summary(pass, height, &bytes),
            At::Unreadable => None,
            At::Absent => {
                pass.found.add(Problem::Missing, Table::Summaries, &key, "a block in between");
                None
            }
        };
        let block = blocks.at(height, pass.found)?;
        rows += 2;
        if let Some(summary) = &summary {
            check_order(pass, summary, before.as_ref());
            // A ledger that began with a snapshot has its last block's summary alone.
            let without_bytes = height == begins_at && begins_at > 0;
            match block {
                At::There(bytes) => {
                    let place = Place { summary, before: before.as_ref(), leaders: &leaders };
                    check_block(pass, place, &bytes)?;
                }
                At::Absent if !without_bytes => {
                    pass.found.add(Problem::Missing, Table::Blocks, &key, "its summary is there");
                }
                At::Absent | At::Unreadable => {}
            }
        }
        before = summary;
    }
    summaries.finish(pass.found)?;
    blocks.finish(pass.found)?;
    Ok(rows)
}

fn read_summary(pass: &mut Pass<'_>, height: u64, bytes: &[u8]) -> Option<BlockSummary> {
    let key = keys::number(height);
    match decode::<BlockSummary>(Table::Summaries, &key, bytes) {
        Ok(summary) if summary.height == height => return Some(summary),
        Ok(summary) => {
            let detail = format!("it is of height {}", summary.height);
            pass.found.add(Problem::StaleSummary, Table::Summaries, &key, detail);
        }
        Err(error) => pass.found.add(Problem::Undecodable, Table::Summaries, &key, error),
    }
    None
}

fn check_order(pass: &mut Pass<'_>, summary: &BlockSummary, before: Option<&BlockSummary>) {
    let Some(before) = before else { return };
    let follows = summary.raft_index > before.raft_index
        && summary.raft_term >= before.raft_term
        && summary.time_ms > before.time_ms
        && summary.log_size >= before.log_size;
    if !follows {
        let detail = "index, term, time or log size do not follow the block before";
        let key = keys::number(summary.height);
        pass.found.add(Problem::OutOfOrder, Table::Summaries, &key, detail);
    }
}

/// A block's surroundings.
struct Place<'a> {
    summary: &'a BlockSummary,
    before: Option<&'a BlockSummary>,
    leaders: &'a BTreeMap<KeyId, PublicKey>,
}

fn check_block(pass: &mut Pass<'_>, place: Place<'_>, bytes: &[u8]) -> Result<(), StorageError> {
    let Place { summary, before, leaders } = place;
    let key = keys::number(summary.height);
    let mut wrong = |problem, detail: &str| pass.found.add(problem, Table::Blocks, &key, detail);
    if summary.height == 0 {
        if tagged("precinto/genesis", &[bytes]) != pass.genesis || summary.content != Hash::ZERO {
            wrong(Problem::BrokenChain, "not the genesis of this network");
        }
        return Ok(());
    }
    let block = match Block::decode(bytes) {
        Ok(block) => block,
        Err(error) => {
            wrong(Problem::Undecodable, &error.to_string());
            return Ok(());
        }
    };
    let header = &block.header;
    if header.origin.channel != pass.genesis
        || before.is_some_and(|before| before.content != header.previous)
    {
        wrong(Problem::BrokenChain, "it does not name the block before it");
    }
    match leaders.get(&header.leader) {
        Some(leader) if block.verify(leader).is_ok() => {}
        _ => wrong(Problem::BadSignature, "not signed by a registered node"),
    }
    let said = (summary.content, summary.time_ms, summary.raft_index, summary.raft_term);
    if said != (header.content, block.time_ms(), header.raft_index, header.term) {
        let detail = "content, time, Raft index or term are not the block's";
        pass.found.add(Problem::StaleSummary, Table::Summaries, &key, detail);
    }
    check_ordered(pass, header.raft_index, &key, bytes)
}

/// Where the Raft log still has the entry, it has the same bytes.
fn check_ordered(
    pass: &mut Pass<'_>,
    index: u64,
    key: &[u8],
    bytes: &[u8],
) -> Result<(), StorageError> {
    let (Some(raft), Some(log)) = (pass.raft, &pass.facts.log) else { return Ok(()) };
    if index <= log.mark.index || index > log.last {
        return Ok(());
    }
    let entry_key = keys::number(index);
    // What the Raft log cannot tell is a finding of its own.
    let Ok(Some(body)) = raft.get(Table::RaftEntries, &entry_key) else { return Ok(()) };
    if decode_entry(&entry_key, body).is_ok_and(|entry| entry.payload != bytes) {
        let detail = format!("entry {index} of the Raft log is another block");
        pass.found.add(Problem::NotTheOrderedBlock, Table::Blocks, key, detail);
    }
    Ok(())
}

/// All nodes that were ever registered.
pub(super) fn nodes(ledger: &View) -> impl Iterator<Item = Node> {
    let prefix = RegistryKey::nodes().as_bytes().to_vec();
    let end = keys::after_prefix(&prefix);
    // What cannot be read is told elsewhere.
    ledger
        .rows(Table::State, prefix, end)
        .filter_map(|row| cbor::decode::<Node>(&row.ok()?.body.ok()?).ok())
}

/// Who may have led: the identity keys of all nodes that were ever registered.
fn leaders(ledger: &View) -> BTreeMap<KeyId, PublicKey> {
    let keys = nodes(ledger).filter_map(|node| PublicKey::from_bytes(&node.identity_key).ok());
    keys.map(|key| (key.key_id(), key)).collect()
}
