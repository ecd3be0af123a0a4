//! Verification: planted damage is found and named, a whole storage has no findings.

mod planted;
mod repair;
mod world;

use std::fs;

use precinto_protocol::cbor;

use super::{
    OnDisk,
    disk::{copy_of, table_files},
};
use crate::{
    ChannelDirectory, LogBatch, StorageError,
    engine::{
        Batch, Durability, Store, Table,
        options::{LEDGER_TABLES, RAFT_TABLES},
        rocks::RocksEngine,
    },
    identity::decode,
    keys,
    snapshot::{SnapshotFiles, build},
    verify::{Check, Checked, Examination, Problem, Severity, differences},
};
use world::{BLOCKS, NODE, World, genesis_hash, identity, plain_key};

fn examine(channel: &ChannelDirectory) -> Vec<Checked> {
    let mut examination = Examination::open(channel, NODE, &genesis_hash()).unwrap();
    Check::ALL.into_iter().map(|check| examination.run(check)).collect()
}

/// Check, code, table and key of every finding, in order.
fn named(checked: &[Checked]) -> Vec<(&'static str, &'static str, &'static str, String)> {
    let findings = checked.iter().flat_map(|c| c.findings.iter().map(move |f| (c.check, f)));
    findings.map(|(check, f)| (check.name(), f.problem.code(), f.table, f.key.clone())).collect()
}

/// A node with [`BLOCKS`] blocks, all of them from the genesis on.
fn whole() -> OnDisk {
    let place = OnDisk::default();
    let (raft_log, ledger) = place.channel().create(identity()).unwrap();
    World::fill(&raft_log, &ledger);
    ledger.sync().unwrap();
    SnapshotFiles::build(&place.channel().snapshots(), &ledger.view()).unwrap();
    drop((raft_log, ledger));
    // Opening flushes what was only in the write-ahead log into table files.
    drop(place.channel().open(NODE, &genesis_hash()).unwrap());
    place
}

/// Blocks after the snapshot of [`by_snapshot`].
const AFTER: u64 = 2;

/// The same blocks, of which the last came by snapshot, and [`AFTER`] more.
fn by_snapshot() -> OnDisk {
    let (source, place) = (whole(), OnDisk::default());
    let (_, full) = source.channel().open(NODE, &genesis_hash()).unwrap();
    let mut chunks = Vec::new();
    let manifest = build(&full.view(), |chunk| {
        chunks.push(chunk.to_vec());
        Ok(())
    })
    .unwrap();
    let channel = place.channel();
    let (raft_log, old) = channel.create(identity()).unwrap();
    let mut install = channel.begin_install(identity(), manifest).unwrap();
    for chunk in &chunks {
        install.loader().put_chunk(chunk).unwrap();
    }
    let ledger = install.verify(|_| Ok(())).unwrap().activate(&raft_log, &old).unwrap();
    let mark = raft_log.announced_install().unwrap();
    let (world, batches) = World::of(BLOCKS + AFTER);
    let reset = LogBatch { snapshot: mark, sync: true, ..LogBatch::default() };
    raft_log.append(&[reset, world.entries_after(2 * BLOCKS)]).unwrap();
    for batch in &batches[1 + BLOCKS as usize..] {
        ledger.commit_block(batch).unwrap();
    }
    ledger.save_own_checkpoint(&world.checkpoint(BLOCKS + AFTER)).unwrap();
    drop((raft_log, old, ledger));
    drop(channel.open(NODE, &genesis_hash()).unwrap());
    place
}

#[test]
fn a_whole_storage_has_no_findings() {
    let checked = examine(&whole().channel());
    assert_eq!(named(&checked), []);
    assert!(checked.iter().all(|c| c.unchecked.is_none() && c.rows > 0), "{checked:#?}");
    let rows = |check| checked.iter().find(|c| c.check == check).unwrap().rows;
    assert_eq!(rows(Check::RaftLog), 2 * BLOCKS);
    assert_eq!(rows(Check::Blocks), 2 * (BLOCKS + 1));
    // Outcomes, and as many entries of the index.
    assert_eq!(rows(Check::Outcomes), 2 * 2 * BLOCKS);
}

#[test]
fn a_whole_storage_that_began_with_a_snapshot_has_no_findings() {
    let place = by_snapshot();
    let mut examination = Examination::open(&place.channel(), NODE, &genesis_hash()).unwrap();
    let checked = Check::ALL.map(|check| examination.run(check));
    assert_eq!(named(&checked), []);
    assert!(checked.iter().all(|c| c.unchecked.is_none()), "{checked:#?}");
    assert_eq!(examination.begins_at(), Some(BLOCKS));
    let rows = |check| checked.iter().find(|c| c.check == check).unwrap().rows;
    assert_eq!(rows(Check::Blocks), 2 * (1 + AFTER));
    assert_eq!(rows(Check::Outcomes), 2 * 2 * AFTER);
}

#[test]
fn a_new_storage_has_no_findings_and_a_missing_one_is_an_error() {
    let place = OnDisk::default();
    let open = || Examination::open(&place.channel(), NODE, &genesis_hash());
    assert!(matches!(open().err(), Some(StorageError::Missing { .. })));
    let running = place.channel().create(identity()).unwrap();
    assert!(matches!(open().err(), Some(StorageError::InUse { .. })));
    drop(running);
    let checked = examine(&place.channel());
    assert_eq!(named(&checked), []);
    assert!(checked.iter().all(|c| c.unchecked.is_none()), "{checked:#?}");
}

/// A copy of a storage, to be damaged.
struct Copy {
    place: OnDisk,
}

impl Copy {
    fn of(whole: &OnDisk) -> Copy {
        let place = OnDisk::default();
        copy_of(&whole.directory.path().join("channel"), &place.directory.path().join("channel"));
        Copy { place }
    }

    fn store(&self, raft: bool) -> Store {
        let channel = self.place.directory.path().join("channel");
        let ledger = fs::read_to_string(channel.join("ledger.current")).unwrap();
        let (name, tables) =
            if raft { ("raft", RAFT_TABLES) } else { (&ledger[..], LEDGER_TABLES) };
        Store::new(RocksEngine::open(&channel.join(name), tables).unwrap())
    }

    fn write(&self, table: Table, change: impl FnOnce(&mut Batch)) {
        let mut batch = Batch::default();
        change(&mut batch);
        let raft = RAFT_TABLES.contains(&table);
        self.store(raft).write(batch, Durability::Synced).unwrap();
    }

    fn put(&self, table: Table, key: &[u8], body: &[u8]) {
        self.write(table, |batch| batch.put(table, key, body));
    }

    fn delete(&self, table: Table, key: &[u8]) {
        self.write(table, |batch| batch.delete(table, key));
    }

    fn get(&self, table: Table, key: &[u8]) -> Vec<u8> {
        self.store(RAFT_TABLES.contains(&table)).view().get(table, key).unwrap().unwrap()
    }

    /// Changes a value of CBOR, under a checksum that is right.
    fn change<T>(&self, table: Table, key: &[u8], change: impl FnOnce(&mut T))
    where
        T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()>,
    {
        let mut value: T = decode(table, key, &self.get(table, key)).unwrap();
        change(&mut value);
        self.put(table, key, &cbor::encode(&value));
    }

    /// Puts bytes past the envelope, as a bug or a bit flip in memory would.
    fn put_raw(&self, table: Table, key: &[u8], sealed: &[u8]) {
        self.write(table, |batch| {
            batch.ops.push(crate::engine::Op::Put(table, key.to_vec(), sealed.to_vec()));
        });
    }

    fn findings(&self) -> Vec<(&'static str, &'static str, &'static str, String)> {
        named(&examine(&self.place.channel()))
    }
}

fn n(number: u64) -> [u8; 8] {
    keys::number(number)
}

#[test]
fn what_the_disk_changed_is_named() {
    let whole = whole();
    let copy = Copy::of(&whole);
    let marked = world::GENESIS;
    let mut damaged = 0;
    for file in table_files(&copy.place.directory.path().join("channel/ledger-0")) {
        let mut bytes = fs::read(&file).unwrap();
        if let Some(at) = bytes.windows(marked.len()).position(|window| window == marked) {
            bytes[at] ^= 1;
            fs::write(&file, bytes).unwrap();
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1);
    let checked = examine(&copy.place.channel());
    let findings = named(&checked);
    assert_eq!(findings[0].1, "table-unreadable", "{findings:?}");
    assert_eq!((findings.len(), findings[0].2), (1, "blocks"));
    // What needs the table says that it could not be checked.
    let blocks = checked.iter().find(|c| c.check == Check::Blocks).unwrap();
    assert!(blocks.unchecked.as_ref().is_some_and(|why| why.contains("rocksdb")), "{blocks:?}");
    let others = checked.iter().filter(|c| c.check != Check::Blocks);
    assert!(others.clone().all(|c| c.unchecked.is_none() && c.rows > 0), "{checked:#?}");
}

#[test]
fn lost_stores_are_named_by_what_was_lost_with_them() {
    let whole = whole();
    for (lost, problem, severity) in [
        ("raft", Problem::StoreMissing, Severity::Promise),
        ("ledger-0", Problem::StoreMissing, Severity::Ledger),
    ] {
        let copy = Copy::of(&whole);
        fs::remove_dir_all(copy.place.directory.path().join("channel").join(lost)).unwrap();
        let checked = examine(&copy.place.channel());
        let finding = &checked[0].findings[0];
        assert_eq!((finding.problem, finding.severity), (problem, severity), "{finding:?}");
    }
    let copy = Copy::of(&whole);
    for file in table_files(&copy.place.directory.path().join("channel/ledger-0")) {
        fs::remove_file(file).unwrap();
    }
    let checked = examine(&copy.place.channel());
    assert_eq!(checked[0].findings[0].problem, Problem::StoreUnreadable);
}

#[test]
fn a_damaged_snapshot_is_a_notice() {
    let copy = Copy::of(&whole());
    let snapshots = copy.place.channel().snapshots();
    let newest = fs::read_dir(snapshots).unwrap().next().unwrap().unwrap().path();
    fs::write(newest.join("chunk-00000"), b"damage").unwrap();
    let checked = examine(&copy.place.channel());
    let [finding] = &checked.last().unwrap().findings[..] else { panic!("{checked:?}") };
    assert_eq!((finding.problem, finding.severity), (Problem::SnapshotDamaged, Severity::Notice));
}

#[test]
fn a_ledger_beside_its_replay_differs_where_it_was_changed() {
    let (whole, copy) = (whole(), Copy::of(&whole()));
    copy.put(Table::State, plain_key(3).as_bytes(), b"another value");
    copy.delete(Table::Events, &keys::page(&n(4), 0));
    let (_, stored) = copy.place.channel().open(NODE, &genesis_hash()).unwrap();
    let (_, replayed) = whole.channel().open(NODE, &genesis_hash()).unwrap();
    let (rows, count, findings) = differences(&stored.view(), &replayed.view()).unwrap();
    let named: Vec<_> = findings.iter().map(|f| (f.problem, f.table)).collect();
    assert_eq!(named, [(Problem::DiffersFromReplay, "state"), (Problem::Missing, "events")]);
    assert!(rows > 50 && count == 2);
    assert_eq!(differences(&replayed.view(), &replayed.view()).unwrap().1, 0);
}
