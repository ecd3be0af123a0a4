//! What only the simulated disk can do: lose power, fail.

use super::{
    InMemory, Place,
    chain::chain,
    conformance_ledger::{check_state, commit_all, own},
    conformance_raft::{committed, entries},
};
use crate::{
    ChannelDirectory, LogBatch, StorageError,
    memory::{MemoryDisk, MemoryVolume},
};

#[test]
fn a_power_failure_takes_a_suffix_of_what_was_not_synced() {
    let all = chain(6);
    for survivors in 0..=3 {
        let place = InMemory::default();
        let (_, ledger) = place.new_node();
        commit_all(&ledger, &all.blocks[..3]);
        ledger.sync().unwrap();
        commit_all(&ledger, &all.blocks[3..]);
        assert_eq!(place.ledger.pending_writes(), 3);
        place.ledger.crash(survivors);
        let (_, ledger) = place.reopen();
        let left = chain(3 + survivors as u8);
        check_state(&ledger.view(), &left).unwrap();
        let applied = ledger.head().unwrap().applied;
        assert_eq!(applied.index, left.blocks.last().unwrap().summary.raft_index);
        assert_eq!(ledger.synced(), applied, "what is found at start is synced at start");
        place.ledger.crash(0);
        commit_all(&place.reopen().1, &all.blocks[3 + survivors..]);
    }
}

#[test]
fn what_a_restart_reports_as_synced_survives_a_power_failure() {
    let place = InMemory::default();
    let (_, ledger) = place.new_node();
    commit_all(&ledger, &chain(4).blocks);
    // The process ended, the machine did not: nothing was lost, and nothing was synced either.
    let synced = place.reopen().1.synced();
    place.ledger.crash(0);
    assert_eq!((place.reopen().1.head().unwrap().applied, synced.index), (synced, 6));
}

#[test]
fn a_synced_append_survives_and_an_unsynced_one_may_not() {
    let place = InMemory::default();
    let (log, _) = place.new_node();
    log.append(&[entries(1..=2, 1), committed(1, 1)]).unwrap();
    log.append(&[LogBatch { sync: false, ..entries(3..=4, 1) }]).unwrap();
    assert_eq!(log.last_index(), 4);
    place.raft.crash(0);
    let (log, _) = place.reopen();
    assert_eq!((log.last_index(), log.hard_state().commit), (2, 1));
}

#[test]
fn a_compaction_that_was_lost_loses_nothing() {
    let place = InMemory::default();
    let (log, _) = place.new_node();
    log.append(&[entries(1..=5, 1), committed(1, 5)]).unwrap();
    log.compact_to(3).unwrap();
    place.raft.crash(0);
    assert_eq!(place.reopen().0.entries(1, 6, 999).unwrap().len(), 5);
}

#[test]
fn after_a_failed_write_there_is_no_other_until_restart() {
    let place = InMemory::default();
    let (log, ledger) = place.new_node();
    let chain = chain(2);
    ledger.commit_block(&chain.blocks[0]).unwrap();
    log.append(&[entries(1..=1, 1)]).unwrap();
    place.raft.fail_writes();
    place.ledger.fail_writes();
    assert!(matches!(log.append(&[entries(2..=2, 1)]), Err(StorageError::Io(_))));
    assert!(matches!(ledger.sync(), Err(StorageError::Io(_))));
    place.raft.crash(0);
    place.ledger.crash(1);
    // The disk works again, but what reached it is not known.
    assert!(matches!(log.append(&[entries(2..=2, 1)]), Err(StorageError::WritesDisabled)));
    assert!(matches!(ledger.commit_block(&chain.blocks[1]), Err(StorageError::WritesDisabled)));
    let signed = ledger.save_own_checkpoint(&own(1, b"root"));
    assert!(matches!(signed, Err(StorageError::WritesDisabled)));
    assert_eq!((log.last_index(), ledger.view().block(0).unwrap().is_some()), (1, true));
    let (log, ledger) = place.reopen();
    log.append(&[entries(2..=2, 1)]).unwrap();
    ledger.commit_block(&chain.blocks[1]).unwrap();
}

#[test]
fn a_power_failure_takes_writes_back_in_their_order() {
    let place = InMemory::default();
    let (log, _) = place.new_node();
    log.append(&[LogBatch { sync: false, ..entries(1..=3, 1) }]).unwrap();
    let overwrite = LogBatch { truncate_from: Some(2), sync: false, ..entries(2..=4, 2) };
    log.append(&[overwrite]).unwrap();
    for (survivors, terms) in [(2, [1, 2, 2, 2].as_slice()), (1, &[1, 1, 1]), (0, &[])] {
        let disk = MemoryDisk::clone(&place.raft);
        if survivors < 2 {
            disk.crash(survivors);
        }
        let log = place.reopen().0;
        let found = log.entries(1, log.last_index() + 1, 999).unwrap();
        assert_eq!(found.iter().map(|entry| entry.term).collect::<Vec<_>>(), terms);
        if survivors == 1 {
            // What survived is durable.
            assert_eq!(disk.pending_writes(), 0);
            break;
        }
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    for row in 0..40 {
        let place = InMemory::default();
        let (log, ledger) = place.new_node();
        commit_all(&ledger, &chain(3).blocks);
        log.append(&[entries(1..=4, 1)]).unwrap();
        drop((log, ledger));
        assert!(place.raft.flip_bit(row, 77 * row));
        let opened = place.open(super::identity().node, &super::genesis());
        let Err(error) = opened else { panic!("row {row}: the log is read whole at start") };
        let found =
            matches!(error, StorageError::Corrupt { .. } | StorageError::FormatVersion { .. });
        assert!(found, "{error}");
    }
    assert!(!MemoryDisk::new().flip_bit(0, 0));
}

#[test]
fn a_creation_that_fails_anywhere_can_be_repeated() {
    let (identity, genesis) = (super::identity(), super::genesis());
    let mut failures = 0;
    for writes in 0.. {
        let volume = MemoryVolume::new();
        let channel = ChannelDirectory::in_memory(volume.clone());
        volume.fail_writes_after(writes);
        let created = channel.create(identity);
        let failed = created.is_err();
        drop(created);
        volume.crash(|_| 0);
        if !failed {
            channel.open(identity.node, &genesis).unwrap();
            break;
        }
        failures += 1;
        if !channel.exists() {
            assert!(matches!(
                channel.open(identity.node, &genesis),
                Err(StorageError::Missing { .. } | StorageError::LogLost { .. })
            ));
            channel.create(identity).unwrap();
        }
        channel.open(identity.node, &genesis).unwrap();
    }
    assert!(failures > 5, "{failures}");
}
