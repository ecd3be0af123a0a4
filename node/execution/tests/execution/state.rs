//! What calls write and read, within a block and across blocks.

use precinto_execution::{BlockEffects, Fatal, PreparedBlock, ViewError};
use precinto_protocol::{cbor, host::StateItem, state::RecordLogEntry};

use crate::chain::*;

/// The page that a scan under `prefix`, after `after`, gives at the end of a block.
fn scanned(chain: &mut Chain, (prefix, after): (&[u8], &[u8]), before: &[Draft]) -> Vec<StateItem> {
    let mut scan = chain.draft("s", "", &[]);
    scan.call.args = args(prefix, after);
    let effects = chain.block(&[before, &[scan]].concat());
    let (_, record) = effects.outcomes.last().expect("the scan's");
    cbor::decode(&record.result).expect("a page")
}

#[test]
fn a_call_reads_what_was_written_before_it() {
    let mut chain = Chain::new();
    let counts: Vec<Draft> = (0..3).map(|_| chain.draft("i", "counter", &[])).collect();
    chain.block(&counts);
    assert_eq!(chain.value("counter"), Some(&[3][..]));
    let more = [chain.draft("d", "counter", &[]), chain.draft("i", "counter", &[])];
    chain.block(&more);
    assert_eq!(chain.value("counter"), Some(&[1][..]));
}

#[test]
fn a_failed_call_does_not_undo_those_before_it() {
    let mut chain = Chain::new();
    let drafts = [
        chain.draft("w", "k", b"first"),
        chain.draft("t", "k", b"second"),
        chain.draft("w", "other", b"third"),
    ];
    chain.block(&drafts);
    assert_eq!(chain.value("k"), Some(&b"first"[..]));
    assert_eq!(chain.value("other"), Some(&b"third"[..]));
}

#[test]
fn a_scan_sees_stored_keys_with_the_blocks_changes() {
    let mut chain = Chain::new();
    let stored = ["a", "b", "c", "e"].map(|name| chain.draft("w", name, b"old"));
    chain.block(&stored);
    let changes = [
        chain.draft("d", "a", &[]),
        chain.draft("w", "b", b"new"),
        chain.draft("w", "d", b"new"),
        chain.draft("a", "log", b"no plain key"),
        chain.draft("t", "f", b"dropped"),
    ];
    let page = scanned(&mut chain, (&[], &[]), &changes);
    let found: Vec<_> =
        page.iter().map(|item| (item.key[0], String::from_utf8_lossy(&item.value))).collect();
    let expected =
        [(b'b', "new"), (b'c', "old"), (b'd', "new"), (b'e', "old")].map(|(k, v)| (k, v.into()));
    assert_eq!(found, expected);
    assert_eq!(scanned(&mut chain, (at("c").suffix(), &[]), &[]).len(), 1);
    let rest = scanned(&mut chain, (&[], at("c").suffix()), &[]);
    let rest: Vec<u8> = rest.iter().map(|item| item.key[0]).collect();
    assert_eq!(rest, [b'd', b'e']);
}

#[test]
fn record_logs_grow_and_the_host_says_who_and_when() {
    let mut chain = Chain::new();
    let drafts = [
        chain.draft("a", "log", b"one"),
        chain.draft("a", "log", b"two"),
        chain.draft("t", "log", b"never"),
    ];
    chain.block(&drafts);
    let third = chain.draft("a", "log", b"three").by(OFFICER_PE);
    let effects = chain.block(std::slice::from_ref(&third));
    assert_eq!(effects.writes.record_logs[&at("log")].first, 2);
    let (frontier, entries) = &chain.view.logs[&at("log")];
    assert_eq!((frontier.size(), entries.len()), (3, 3));
    let entry: RecordLogEntry = cbor::decode(&entries[2]).expect("an entry");
    assert_eq!(
        entry,
        RecordLogEntry {
            height: 2,
            index: 0,
            time_ms: effects.time_ms,
            transaction: third.id().0,
            member: "pe".into(),
            payload: b"three".to_vec(),
        }
    );
}

#[test]
fn entries_are_read_where_they_are() {
    let mut chain = Chain::new();
    let first = |effects: &BlockEffects| -> Vec<u8> {
        let (_, record) = effects.outcomes.last().expect("the read's");
        let entry: RecordLogEntry = cbor::decode(&record.result).expect("an entry");
        entry.payload
    };
    let drafts = [chain.draft("k", "log", &[])];
    assert_eq!(rejection(&chain.block(&drafts)), "absent");
    let drafts = ["a", "a", "k"].map(|method| chain.draft(method, "log", method.as_bytes()));
    assert_eq!(first(&chain.block(&drafts)), b"a", "among the block's changes");
    let drafts = [chain.draft("a", "log", b"z"), chain.draft("k", "log", &[])];
    assert_eq!(first(&chain.block(&drafts)), b"a", "in the store, below the block's changes");
}

#[test]
fn a_key_is_never_both_plain_and_a_record_log() {
    let mut chain = Chain::new();
    let drafts = [chain.draft("w", "plain", b"v"), chain.draft("a", "log", b"v")];
    chain.block(&drafts);
    for (method, name) in [("a", "plain"), ("w", "log"), ("d", "log"), ("i", "log")] {
        let draft = chain.draft(method, name, b"v");
        assert_eq!(rejection(&chain.block(&[draft])), "kind-mismatch", "{method} {name}");
    }
    // A removed key may begin as a record log, in the same block or in a later one.
    let drafts = [chain.draft("d", "plain", &[]), chain.draft("a", "plain", b"entry")];
    let effects = chain.block(&drafts);
    assert_eq!(effects.writes.plain[&at("plain")], None);
    assert!(chain.value("plain").is_none() && chain.view.logs.contains_key(&at("plain")));
    let drafts = ["w", "d", "a"].map(|method| chain.draft(method, "brief", b"v"));
    chain.block(&drafts);
    assert!(chain.value("brief").is_none() && chain.view.logs.contains_key(&at("brief")));
}

#[test]
fn a_failing_or_lying_store_is_fatal_and_changes_nothing() {
    let mut chain = Chain::new();
    let first = chain.draft("w", "k", b"v");
    chain.block(&[first]);
    let next = chain.draft("i", "k", &[]);
    let block = chain.make(chain.time_ms() + STEP_MS, vec![next.encode()]);
    let (tip, root) = (*chain.ledger.tip(), chain.ledger.trie().root());
    let sound = chain.view.clone();
    let prepared = PreparedBlock::new(block, &chain.keys);
    chain.view.plain.insert(at("k"), b"x".to_vec());
    let lied = chain.try_execute(&prepared);
    assert!(matches!(lied, Err(Fatal::Runtime(_))), "{lied:?}");
    chain.view.plain.remove(&at("k"));
    assert!(matches!(chain.try_execute(&prepared), Err(Fatal::Runtime(_))));
    chain.view.broken = true;
    let broken = chain.try_execute(&prepared);
    assert_eq!(broken, Err(Fatal::View(ViewError::Io("the disk is gone".into()))));
    assert_eq!((*chain.ledger.tip(), chain.ledger.trie().root()), (tip, root));
    assert_eq!(chain.ledger.log().size(), 3);
    chain.view = sound;
    chain.try_execute(&prepared).expect("the store is sound again");
    assert_eq!(chain.value("k"), Some(&[b'v' + 1][..]));
}
