//! What only the simulated disk can do: lose power, fail.

use super::{
    InMemory, Place,
    chain::chain,
    conformance_ledger::{check_state, commit_all, own},
    conformance_raft::{committed, entries},
};
use crate::{LogBatch, StorageError};

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
