//! Damage in whole values, as a bug would do it: each is named by check, code, table and key.

use precinto_protocol::{cbor, hash::Hash, log::Frontier};

use super::{
    Copy, n, whole,
    world::{BLOCKS, LEAVES, NODE, identity, log_key, plain_key, transaction},
};
use crate::{
    HardState, SnapshotMark,
    engine::{Engine, Table, options::LEDGER_TABLES, rocks::RocksEngine},
    keys::{self, meta},
    ledger::{CheckpointRecord, HeadRecord, RecordLogHead, Signed},
};

type Plant = fn(&Copy);
type Expected<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Damage that is named by exactly these findings: check, code, table, key.
fn assert_named(plants: &[(&str, Plant, &[Expected<'_>])]) {
    let whole = whole();
    for (what, plant, expected) in plants {
        let copy = Copy::of(&whole);
        plant(&copy);
        let found = copy.findings();
        let found: Vec<_> = found.iter().map(|(a, b, c, key)| (*a, *b, *c, key.as_str())).collect();
        assert_eq!(found, *expected, "{what}");
    }
}

#[test]
fn damage_of_the_raft_log_is_named() {
    assert_named(&[
        (
            "a hole",
            |copy| copy.delete(Table::RaftEntries, &n(5)),
            &[("raft-log", "out-of-order", "raft-entries", "6")],
        ),
        (
            "a lost tail",
            |copy| {
                copy.delete(Table::RaftEntries, &n(11));
                copy.delete(Table::RaftEntries, &n(12));
            },
            &[
                ("raft-log", "log-tail-lost", "raft-meta", "hard-state"),
                ("raft-log", "log-ends-before-ledger", "meta", "head"),
            ],
        ),
        (
            "a term that falls",
            |copy| {
                let mut body = copy.get(Table::RaftEntries, &n(7));
                body[..8].copy_from_slice(&1u64.to_be_bytes());
                copy.put(Table::RaftEntries, &n(7), &body);
            },
            &[("raft-log", "out-of-order", "raft-entries", "7")],
        ),
        (
            "half a block",
            |copy| {
                let body = copy.get(Table::RaftEntries, &n(8));
                copy.put(Table::RaftEntries, &n(8), &body[..body.len() / 2]);
            },
            &[
                ("raft-log", "undecodable", "raft-entries", "8"),
                ("blocks", "not-the-ordered-block", "blocks", "4"),
            ],
        ),
        (
            "a forgotten term",
            |copy| {
                let forget = |state: &mut HardState| state.term = 1;
                copy.change(Table::RaftMeta, meta::HARD_STATE, forget);
            },
            &[("raft-log", "hard-state-behind", "raft-meta", "hard-state")],
        ),
        (
            "a log that starts too late",
            |copy| {
                let mark = SnapshotMark { index: 13, term: 3 };
                copy.put(Table::RaftMeta, meta::MARK, &cbor::encode(&mark));
                let commit = |state: &mut HardState| state.commit = 13;
                copy.change(Table::RaftMeta, meta::HARD_STATE, commit);
                copy.write(Table::RaftEntries, |batch| {
                    batch.delete_range(Table::RaftEntries, n(1), n(13));
                });
            },
            &[("raft-log", "log-starts-after-ledger", "meta", "head")],
        ),
        (
            "another installation's log",
            |copy| {
                let other = crate::StorageIdentity { storage_id: [8; 16], ..identity() };
                copy.put(Table::RaftMeta, meta::IDENTITY, &cbor::encode(&other));
            },
            &[("stores", "identity-differs", "raft-meta", "identity")],
        ),
        (
            "an interrupted installation",
            |copy| {
                let mark = SnapshotMark { index: 40, term: 3 };
                copy.put(Table::RaftMeta, meta::INSTALLING, &cbor::encode(&mark));
            },
            &[("raft-log", "install-unfinished", "raft-meta", "installing")],
        ),
    ]);
}

#[test]
fn damage_of_blocks_and_summaries_is_named() {
    assert_named(&[
        (
            "another block's bytes under a checksum that is wrong",
            |copy| {
                let engine = RocksEngine::open(
                    &copy.place.directory.path().join("channel/ledger-0"),
                    LEDGER_TABLES,
                );
                let sealed = engine.unwrap().view().get(Table::Blocks, &n(1)).unwrap().unwrap();
                copy.put_raw(Table::Blocks, &n(2), &sealed);
            },
            &[("values", "bad-value", "blocks", "2")],
        ),
        (
            "two blocks swapped, with checksums that are right",
            |copy| {
                let (second, third) =
                    (copy.get(Table::Blocks, &n(2)), copy.get(Table::Blocks, &n(3)));
                copy.put(Table::Blocks, &n(2), &third);
                copy.put(Table::Blocks, &n(3), &second);
            },
            &[
                ("blocks", "broken-chain", "blocks", "2"),
                ("blocks", "stale-summary", "summaries", "2"),
                ("blocks", "broken-chain", "blocks", "3"),
                ("blocks", "stale-summary", "summaries", "3"),
            ],
        ),
        (
            "a block dropped",
            |copy| copy.delete(Table::Blocks, &n(4)),
            &[("blocks", "missing", "blocks", "4")],
        ),
        (
            "a block of nobody's",
            |copy| copy.put(Table::Blocks, &n(9), b"surplus"),
            &[("blocks", "surplus", "blocks", "9")],
        ),
        (
            "another genesis",
            |copy| copy.put(Table::Blocks, &n(0), b"another genesis"),
            &[("blocks", "broken-chain", "blocks", "0")],
        ),
        (
            "a stale summary",
            |copy| {
                let stale = |summary: &mut crate::BlockSummary| summary.state_root = Hash::ZERO;
                copy.change(Table::Summaries, &n(5), stale);
            },
            &[("log", "stale-summary", "summaries", "5")],
        ),
        (
            "a summary with another log root",
            |copy| {
                let stale = |summary: &mut crate::BlockSummary| summary.log_root = Hash::ZERO;
                copy.change(Table::Summaries, &n(3), stale);
            },
            &[("log", "wrong-root", "summaries", "3")],
        ),
        (
            "a newer release's value",
            |copy| copy.put_raw(Table::Summaries, &n(3), &[9, 0, 0]),
            &[("values", "unknown-format", "summaries", "3")],
        ),
    ]);
}

#[test]
fn damage_of_the_log_is_named() {
    assert_named(&[
        (
            "the leaves of a block dropped",
            |copy| copy.delete(Table::Leaves, &keys::page(&[], LEAVES)),
            &[
                ("log", "missing", "leaves", "4"),
                ("log", "missing", "leaves", "5"),
                ("log", "missing", "leaves", "6"),
                ("log", "missing", "leaves", "7"),
            ],
        ),
        (
            "a leaf changed",
            |copy| {
                let key = keys::page(&[], 2 * LEAVES);
                let mut page = copy.get(Table::Leaves, &key);
                page[2] ^= 1;
                copy.put(Table::Leaves, &key, &page);
            },
            &[
                ("log", "wrong-node", "log-nodes", "0/8"),
                ("log", "wrong-node", "log-nodes", "1/4"),
                ("log", "wrong-node", "log-nodes", "2/2"),
                ("log", "wrong-root", "summaries", "3"),
                ("log", "wrong-node", "log-nodes", "3/1"),
                ("log", "wrong-node", "log-nodes", "4/0"),
                ("log", "wrong-root", "summaries", "4"),
                ("log", "wrong-root", "summaries", "5"),
                ("log", "wrong-root", "summaries", "6"),
                ("log", "wrong-root", "meta", "head"),
            ],
        ),
        (
            "a node changed",
            |copy| {
                let key = keys::page(&[2], 1);
                let mut page = copy.get(Table::LogNodes, &key);
                *page.last_mut().unwrap() ^= 1;
                copy.put(Table::LogNodes, &key, &page);
            },
            &[("log", "wrong-node", "log-nodes", "2/1")],
        ),
        (
            "a node dropped",
            |copy| copy.delete(Table::LogNodes, &keys::page(&[3], 0)),
            &[("log", "missing", "log-nodes", "3/0")],
        ),
        (
            "another frontier",
            |copy| {
                let mut other = Frontier::new();
                (0..BLOCKS * LEAVES).for_each(|_| other.append(Hash::ZERO));
                copy.change(Table::Meta, meta::HEAD, |head: &mut HeadRecord| head.frontier = other);
            },
            &[("log", "wrong-root", "meta", "head")],
        ),
    ]);
}

fn page_of(items: &[&[u8]]) -> Vec<u8> {
    let mut page = Vec::new();
    for item in items {
        minicbor::Encoder::new(&mut page).bytes(item).unwrap();
    }
    page
}

#[test]
fn damage_of_outcomes_events_and_the_index_is_named() {
    let id = |height, index| Hash::to_hex(&transaction(height, index));
    let (first, second) = (id(2, 0), id(2, 1));
    let (first, second, surplus) = (&first[..], &second[..], &Hash([9; 32]).to_hex()[..]);
    assert_named(&[
        (
            "a transaction's entry dropped",
            |copy| copy.delete(Table::Transactions, transaction(2, 0).as_bytes()),
            &[("outcomes", "missing", "transactions", first)],
        ),
        (
            "two entries swapped",
            |copy| {
                let (a, b) = (transaction(2, 0), transaction(2, 1));
                let at = |id: &Hash| copy.get(Table::Transactions, id.as_bytes());
                let (of_a, of_b) = (at(&a), at(&b));
                copy.put(Table::Transactions, a.as_bytes(), &of_b);
                copy.put(Table::Transactions, b.as_bytes(), &of_a);
            },
            &[
                ("outcomes", "wrong-index", "transactions", first),
                ("outcomes", "wrong-index", "transactions", second),
            ],
        ),
        (
            "an entry too many",
            |copy| {
                let nowhere = [&n(BLOCKS)[..], &9u32.to_be_bytes()].concat();
                copy.put(Table::Transactions, &[9; 32], &nowhere);
            },
            &[("outcomes", "surplus", "transactions", surplus)],
        ),
        (
            "a block's outcomes dropped",
            |copy| {
                copy.delete(Table::Outcomes, &keys::page(&n(2), 0));
                for index in 0..2 {
                    copy.delete(Table::Transactions, transaction(2, index).as_bytes());
                }
            },
            &[
                ("outcomes", "missing", "outcomes", "2/0"),
                ("outcomes", "missing", "outcomes", "2/1"),
            ],
        ),
        (
            "another block's outcomes",
            |copy| {
                let page = copy.get(Table::Outcomes, &keys::page(&n(3), 0));
                copy.put(Table::Outcomes, &keys::page(&n(BLOCKS + 1), 0), &page);
            },
            &[
                ("outcomes", "surplus", "outcomes", "7/0"),
                ("outcomes", "surplus", "outcomes", "7/1"),
            ],
        ),
        (
            "an event too many, and one dropped",
            |copy| {
                copy.put(Table::Events, &keys::page(&n(2), 0), &page_of(&[b"event", b"more"]));
                copy.delete(Table::Events, &keys::page(&n(4), 0));
            },
            &[("events", "surplus", "events", "2/1"), ("events", "missing", "events", "4/0")],
        ),
    ]);
}

#[test]
fn damage_of_state_and_record_logs_is_named() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let log = &hex(log_key().as_bytes())[..];
    let entry = &format!("{log}/5")[..];
    let last = &format!("{log}/13")[..];
    assert_named(&[
        (
            "an entry dropped",
            |copy| {
                let key = keys::record_entry(log_key().as_bytes(), 5);
                copy.delete(Table::RecordEntries, &key);
            },
            &[("record-logs", "missing", "record-entries", entry)],
        ),
        (
            "the last entry dropped",
            |copy| {
                let key = keys::record_entry(log_key().as_bytes(), 13);
                copy.delete(Table::RecordEntries, &key);
            },
            &[("record-logs", "missing", "record-entries", last)],
        ),
        (
            "an entry changed",
            |copy| {
                let key = keys::record_entry(log_key().as_bytes(), 5);
                copy.put(Table::RecordEntries, &key, b"another entry");
            },
            &[("record-logs", "wrong-frontier", "record-logs", log)],
        ),
        (
            "another frontier",
            |copy| {
                let other = cbor::encode(&Frontier::new());
                let change = |head: &mut RecordLogHead| head.commitment = other;
                copy.change(Table::RecordLogs, log_key().as_bytes(), change);
            },
            &[
                ("record-logs", "wrong-frontier", "record-logs", log),
                ("state", "wrong-state-root", "meta", "head"),
            ],
        ),
        (
            "a value changed",
            |copy| copy.put(Table::State, plain_key(3).as_bytes(), b"another value"),
            &[("state", "wrong-state-root", "meta", "head")],
        ),
        (
            "a value too many",
            |copy| copy.put(Table::State, plain_key(99).as_bytes(), b"a value"),
            &[("state", "wrong-state-root", "meta", "head")],
        ),
    ]);
}

#[test]
fn what_was_signed_and_contradicts_the_log_is_named() {
    let size = BLOCKS * LEAVES;
    let key = keys::checkpoint(NODE, size);
    let evidence = &Hash([5; 32]).to_hex()[..];
    assert_eq!(key, keys::checkpoint(3, 24));
    assert_named(&[
        (
            "a checkpoint beside the log",
            |copy| {
                let key = keys::checkpoint(NODE, 16);
                copy.change(Table::Checkpoints, &key, |it: &mut CheckpointRecord| {
                    it.root = Hash::ZERO;
                });
            },
            &[
                ("checkpoints", "undecodable", "checkpoints", "3/16"),
                ("checkpoints", "checkpoint-beside-log", "checkpoints", "3/16"),
            ],
        ),
        (
            "signed beside the log",
            |copy| {
                let beside = |signed: &mut Signed| signed.root = Hash::ZERO;
                copy.change(Table::Meta, meta::SIGNED, beside);
            },
            &[("checkpoints", "checkpoint-beside-log", "meta", "signed")],
        ),
        (
            "signed above the log",
            |copy| copy.change(Table::Meta, meta::SIGNED, |signed: &mut Signed| signed.size = 30),
            &[("checkpoints", "checkpoint-above-log", "meta", "signed")],
        ),
        (
            "forgotten what was signed",
            |copy| copy.delete(Table::Meta, meta::SIGNED),
            &[("checkpoints", "wrong-signed", "meta", "signed")],
        ),
        (
            "another's signature",
            |copy| {
                let key = keys::checkpoint(NODE, 16);
                copy.change(Table::Checkpoints, &key, |it: &mut CheckpointRecord| {
                    *it.bytes.last_mut().unwrap() ^= 1;
                });
            },
            &[("checkpoints", "bad-signature", "checkpoints", "3/16")],
        ),
        (
            "evidence of another hash",
            |copy| copy.put(Table::Evidence, &[5; 32], b"evidence"),
            &[("checkpoints", "wrong-evidence", "evidence", evidence)],
        ),
    ]);
}
