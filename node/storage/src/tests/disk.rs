//! What only a real disk can do: be damaged, copied, half removed.

use std::{
    env, fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use super::{
    OnDisk, Place,
    chain::{Step, chain},
    conformance_ledger::{check_state, commit_all},
    conformance_raft::{committed, entries, entry},
    genesis, identity,
};
use crate::{
    ChannelDirectory, RaftLog, StorageError, StorageIdentity,
    engine::{
        Engine, Store, Table,
        options::{LEDGER_TABLES, RAFT_TABLES},
        rocks::RocksEngine,
    },
    keys::{self, meta},
};

/// A copy of a closed node's files.
pub(crate) fn copy_of(directory: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(directory).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy_of(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

/// This test again, in a process that ends without closing anything.
#[test]
fn what_was_committed_and_appended_survives_a_kill() {
    const NAME: &str = "tests::disk::what_was_committed_and_appended_survives_a_kill";
    const DIRECTORY: &str = "PRECINTO_TEST_KILLED_IN";
    let chain = chain(5);
    if let Some(directory) = env::var_os(DIRECTORY) {
        let (log, ledger) = ChannelDirectory::new(directory).create(identity()).unwrap();
        commit_all(&ledger, &chain.blocks);
        log.append(&[entries(1..=9, 1), committed(1, 8)]).unwrap();
        process::abort();
    }
    let place = OnDisk::default();
    let directory = channel_file(&place, "");
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([NAME, "--exact"]).env(DIRECTORY, &directory).stdout(Stdio::null());
    let status = child.status().unwrap();
    assert_eq!(status.signal(), Some(6), "it aborted: {status}");
    let (log, ledger) = place.reopen();
    assert_eq!((log.last_index(), log.hard_state().commit), (9, 8));
    check_state(&ledger.view(), &chain).unwrap();
}

fn channel_file(place: &OnDisk, name: &str) -> PathBuf {
    place.directory.path().join("channel").join(name)
}

pub(crate) fn table_files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "sst")).collect()
}

#[test]
fn a_block_that_the_disk_changed_is_not_served() {
    let place = OnDisk::default();
    let marked = b"a block with bytes to find in a file";
    let (log, ledger) = place.new_node();
    let mut block = chain(1).blocks[0].clone();
    block.block = marked.to_vec();
    ledger.commit_block(&block).unwrap();
    drop((log, ledger));
    // Opening flushes what was only in the write-ahead log into table files.
    drop(place.reopen());
    let mut damaged = 0;
    for file in table_files(&channel_file(&place, "ledger-0")) {
        let mut bytes = fs::read(&file).unwrap();
        if let Some(at) = bytes.windows(marked.len()).position(|window| window == marked) {
            bytes[at] ^= 1;
            fs::write(&file, bytes).unwrap();
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1);
    let (_, ledger) = place.reopen();
    assert!(matches!(ledger.view().block(0), Err(StorageError::Corrupt { .. })));
    assert!(ledger.view().summary(0).unwrap().is_some(), "the rest is served");
}

/// Writes past the store, as a bug or a bit flip in memory would: RocksDB notices nothing.
fn overwrite(
    place: &OnDisk,
    name: &str,
    tables: &'static [Table],
    table: Table,
    key: &[u8],
    with: &[u8],
) {
    let engine = RocksEngine::open(&channel_file(place, name), tables).unwrap();
    let mut batch = crate::engine::Batch::default();
    batch.ops.push(crate::engine::Op::Put(table, key.to_vec(), with.to_vec()));
    engine.write(batch, crate::engine::Durability::Synced).unwrap();
}

#[test]
fn another_blocks_bytes_are_not_served_in_its_place() {
    let place = OnDisk::default();
    let (log, ledger) = place.new_node();
    commit_all(&ledger, &chain(2).blocks);
    drop((log, ledger));
    let engine = RocksEngine::open(&channel_file(&place, "ledger-0"), LEDGER_TABLES).unwrap();
    let first = engine.view().get(Table::Blocks, &keys::number(0)).unwrap().unwrap();
    drop(engine);
    let second = keys::number(1);
    overwrite(&place, "ledger-0", LEDGER_TABLES, Table::Blocks, &second, &first);
    let view = place.reopen().1.view();
    assert!(view.block(0).unwrap().is_some());
    assert!(matches!(view.block(1), Err(StorageError::Corrupt { table: "blocks", .. })));
}

#[test]
fn a_raft_log_with_a_hole_or_without_its_tail_is_refused_at_start() {
    for (lost, reason) in [(4, "does not follow"), (6, "its tail was lost")] {
        let place = OnDisk::default();
        let (log, ledger) = place.new_node();
        log.append(&[entries(1..=6, 1), committed(1, 6)]).unwrap();
        drop((log, ledger));
        let engine = RocksEngine::open(&channel_file(&place, "raft"), RAFT_TABLES).unwrap();
        let mut batch = crate::engine::Batch::default();
        batch.delete(Table::RaftEntries, keys::number(lost));
        engine.write(batch, crate::engine::Durability::Synced).unwrap();
        drop(engine);
        let path = channel_file(&place, "raft");
        let store = Store::new(RocksEngine::open(&path, RAFT_TABLES).unwrap());
        let error = RaftLog::open(store, &path, 3, &genesis()).err().unwrap();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_damaged_raft_entry_is_found_at_start() {
    let place = OnDisk::default();
    let (log, ledger) = place.new_node();
    log.append(&[entries(1..=3, 1)]).unwrap();
    assert_eq!(log.entries(2, 3, 9).unwrap(), [entry(2, 1)]);
    drop((log, ledger));
    let key = keys::number(2);
    overwrite(&place, "raft", RAFT_TABLES, Table::RaftEntries, &key, b"\x01damaged value");
    let error = place.open(3, &genesis()).err().unwrap();
    assert!(matches!(error, StorageError::Corrupt { table: "raft-entries", .. }), "{error}");
}

#[test]
fn a_newer_releases_data_is_refused_by_name() {
    let place = OnDisk::default();
    drop(place.new_node());
    overwrite(&place, "raft", RAFT_TABLES, Table::RaftMeta, meta::IDENTITY, &[9, 0, 0]);
    let error = place.open(3, &genesis()).err().unwrap();
    assert!(matches!(error, StorageError::FormatVersion { found: 9, .. }), "{error}");
}

#[test]
fn a_lost_raft_log_is_never_made_anew() {
    let place = OnDisk::default();
    let (log, ledger) = place.new_node();
    commit_all(&ledger, &chain(1).blocks);
    drop((log, ledger));
    fs::remove_dir_all(channel_file(&place, "raft")).unwrap();
    assert!(matches!(place.open(3, &genesis()), Err(StorageError::LogLost { .. })));
    assert!(matches!(place.create(identity()), Err(StorageError::LogLost { .. })));
}

#[test]
fn an_interrupted_creation_is_done_again() {
    let place = OnDisk::default();
    drop(place.new_node());
    // The Raft log is created last; nothing was committed without it.
    fs::rename(channel_file(&place, "raft"), channel_file(&place, "raft.tmp")).unwrap();
    let again = StorageIdentity { storage_id: [8; 16], ..identity() };
    let (log, ledger) = place.create(again).unwrap();
    assert_eq!((log.storage_id(), ledger.identity()), ([8; 16], &again));
    drop((log, ledger));
    // Interrupted while removing what an interrupted creation left.
    fs::remove_dir_all(channel_file(&place, "raft")).unwrap();
    fs::remove_file(channel_file(&place, "ledger.current")).unwrap();
    for file in table_files(&channel_file(&place, "ledger-0")) {
        fs::remove_file(file).unwrap();
    }
    place.new_node();
}

#[test]
fn a_ledger_of_another_installation_is_refused() {
    let (place, other) = (OnDisk::default(), OnDisk::default());
    drop(place.new_node());
    drop(other.create(StorageIdentity { storage_id: [9; 16], ..identity() }).unwrap());
    fs::remove_dir_all(channel_file(&place, "ledger-0")).unwrap();
    copy_of(&channel_file(&other, "ledger-0"), &channel_file(&place, "ledger-0"));
    match place.open(3, &genesis()) {
        Err(StorageError::Foreign { what, .. }) => assert_eq!(what, "storage id"),
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn storage_in_use_is_not_opened_a_second_time() {
    let place = OnDisk::default();
    let _in_use = place.new_node();
    assert!(matches!(place.open(3, &genesis()), Err(StorageError::InUse { .. })));
}

#[test]
fn views_outlive_the_handles_and_the_compaction_of_what_they_show() {
    let place = OnDisk::default();
    let (_, ledger) = place.new_node();
    let mut chain = chain(2);
    commit_all(&ledger, &chain.blocks);
    let (view, seen) = (ledger.view(), chain.clone());
    for _ in 0..3 {
        let writes = (0..24).map(|number| (number, None)).collect();
        ledger.commit_block(&chain.next(&Step { writes, ..Step::default() })).unwrap();
    }
    drop(ledger);
    check_state(&view, &seen).unwrap();
}
