//! Repair: the ledger is made anew, and nothing that was promised is forgotten.

use super::{
    Copy, by_snapshot, examine, n, named, whole,
    world::{BLOCKS, NODE, World, genesis_hash, identity, plain_key, transaction},
};
use crate::{
    HardState, SnapshotMark, StorageError,
    engine::Table,
    keys::{self, meta},
};
use precinto_protocol::cbor;

/// A ledger of so many blocks, executed beside the one in use.
fn rebuilt(copy: &Copy, blocks: u64) -> Result<std::path::PathBuf, StorageError> {
    let rebuild = copy.place.channel().begin_rebuild(identity()).unwrap();
    for batch in &World::of(blocks).1 {
        rebuild.ledger().commit_block(batch).unwrap();
    }
    rebuild.activate()
}

#[test]
fn a_rebuilt_ledger_takes_over_with_what_was_signed() {
    let copy = Copy::of(&whole());
    copy.put(Table::State, plain_key(3).as_bytes(), b"another value");
    copy.delete(Table::Blocks, &n(2));
    copy.put_raw(Table::Checkpoints, &keys::checkpoint(9, 8), b"unreadable");
    let promised = copy.get(Table::RaftMeta, meta::HARD_STATE);
    let aside = rebuilt(&copy, BLOCKS).unwrap();
    assert!(aside.ends_with("damaged-1-ledger-0") && aside.exists());
    assert_eq!(copy.findings(), []);
    assert_eq!(copy.get(Table::RaftMeta, meta::HARD_STATE), promised);
    // Opening removes leftovers, but not what was set aside.
    let (_, ledger) = copy.place.channel().open(NODE, &genesis_hash()).unwrap();
    assert!(aside.exists());
    let (world, _) = World::of(BLOCKS);
    let refused = ledger.save_own_checkpoint(&world.checkpoint(4));
    assert!(matches!(refused, Err(StorageError::ContradictsSigned { signed: 24, .. })));
    assert_eq!(ledger.view().evidence(None, 9).unwrap().len(), 1);
    drop(ledger);
    // It can be damaged, and made anew, again.
    copy.delete(Table::Blocks, &n(2));
    assert!(rebuilt(&copy, BLOCKS).unwrap().exists() && aside.exists());
    assert_eq!(copy.findings(), []);
}

#[test]
fn a_ledger_that_is_not_the_signed_one_never_takes_over() {
    let copy = Copy::of(&whole());
    let refused = rebuilt(&copy, BLOCKS - 1);
    assert!(matches!(refused, Err(StorageError::ContradictsSigned { signed: 24, requested: 20 })));
    copy.put_raw(Table::Meta, meta::SIGNED, b"unreadable");
    assert!(matches!(rebuilt(&copy, BLOCKS), Err(StorageError::FormatVersion { .. })));
    // The ledger in use is as it was.
    assert_eq!(copy.findings().len(), 1);
}

#[test]
fn a_ledger_below_the_raft_log_never_takes_over() {
    let copy = Copy::of(&whole());
    let mark = SnapshotMark { index: 12, term: 3 };
    copy.put(Table::RaftMeta, meta::MARK, &cbor::encode(&mark));
    copy.write(Table::RaftEntries, |batch| batch.delete_range(Table::RaftEntries, n(1), n(13)));
    copy.change(Table::RaftMeta, meta::HARD_STATE, |state: &mut HardState| state.commit = 12);
    copy.delete(Table::Meta, meta::SIGNED);
    let refused = rebuilt(&copy, BLOCKS - 1);
    assert!(matches!(refused, Err(StorageError::Compacted { first: 13 })), "{refused:?}");
    assert!(rebuilt(&copy, BLOCKS).is_ok());
}

#[test]
fn index_and_log_nodes_are_computed_anew_wherever_the_ledger_began() {
    let levels = [0, 1, 3];
    for (place, height) in [(whole(), 2), (by_snapshot(), BLOCKS + 2)] {
        let copy = Copy::of(&place);
        copy.delete(Table::Transactions, transaction(height, 0).as_bytes());
        copy.put(Table::Transactions, transaction(height, 1).as_bytes(), &[7; 12]);
        copy.put(Table::Transactions, &[9; 32], &[0; 12]);
        copy.put_raw(Table::Transactions, &[8; 32], b"unreadable");
        for level in levels {
            // The newest of each level, which the last block completed.
            let size = 4 * if height == 2 { BLOCKS } else { height };
            let key = keys::page(&[level], (size >> level) - 1);
            copy.write(Table::LogNodes, |batch| batch.put(Table::LogNodes, key, &[0x41, 7]));
        }
        assert!(copy.findings().len() >= 5, "{:?}", copy.findings());
        copy.place.channel().reindex(&identity()).unwrap();
        assert_eq!(named(&examine(&copy.place.channel())), []);
    }
}

#[test]
fn an_index_is_not_computed_from_damage() {
    let copy = Copy::of(&whole());
    copy.delete(Table::Leaves, &keys::page(&[], 8));
    let refused = copy.place.channel().reindex(&identity());
    assert!(matches!(refused, Err(StorageError::Corrupt { .. })));
}
