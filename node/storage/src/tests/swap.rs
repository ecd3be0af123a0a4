//! A snapshot takes the ledger's place in one step, wherever the process ends.

use std::fs;

use super::{
    InMemory, OnDisk, Place,
    chain::{Chain, chain},
    conformance_ledger::{check_state, commit_all, own},
    conformance_raft::{committed, entries},
    genesis, identity,
    snapshot::snapshot_of,
};
use crate::{
    ChannelDirectory, HardState, Ledger, LedgerInstall, LogBatch, RaftLog, SnapshotMark,
    StorageError, memory::MemoryVolume, snapshot::Manifest,
};

/// A node at height 2 with a few entries in its log, and a snapshot of height 8.
struct Behind {
    place: OnDisk,
    manifest: Manifest,
    chunks: Vec<Vec<u8>>,
    old: Chain,
    new: Chain,
}

const MARK: SnapshotMark = SnapshotMark { index: 16, term: 2 };

fn behind() -> (Behind, RaftLog, Ledger) {
    let place = InMemory::default();
    let (_, source) = place.new_node();
    let (old, new) = (chain(3), chain(9));
    commit_all(&source, &new.blocks);
    let (manifest, chunks) = snapshot_of(&source);
    assert_eq!(manifest.applied, MARK);
    let place = OnDisk::default();
    let (log, ledger) = place.new_node();
    commit_all(&ledger, &old.blocks);
    ledger.save_own_checkpoint(&own(6, b"signed")).unwrap();
    log.append(&[entries(1..=7, 1), committed(1, 5)]).unwrap();
    (Behind { place, manifest, chunks, old, new }, log, ledger)
}

impl Behind {
    fn begin(&self, chunks: usize) -> LedgerInstall {
        let channel = self.place.channel();
        let mut install = channel.begin_install(identity(), self.manifest.clone()).unwrap();
        for chunk in self.chunks.iter().take(chunks) {
            install.loader().put_chunk(chunk).unwrap();
        }
        install
    }

    fn check_old(&self) {
        let (log, ledger) = self.place.reopen();
        check_state(&ledger.view(), &self.old).unwrap();
        assert_eq!((log.last_index(), log.hard_state().commit), (7, 5));
        self.check(&log, &ledger);
    }

    fn check_new(&self) {
        let (log, ledger) = self.place.reopen();
        check_state(&ledger.view(), &self.new).unwrap();
        assert_eq!((log.mark(), log.last_index()), (MARK, 16));
        assert_eq!(log.hard_state(), HardState { term: 2, vote: 0, commit: 16 });
        self.check(&log, &ledger);
    }

    /// Nothing is announced, nothing left over, and what was signed is remembered.
    fn check(&self, log: &RaftLog, ledger: &Ledger) {
        assert_eq!(log.announced_install().unwrap(), None);
        let names = fs::read_dir(self.place.directory.path().join("channel")).unwrap();
        let names = names.map(|name| name.unwrap().file_name().into_string().unwrap());
        let ledgers = names.filter(|name| name.starts_with("ledger-")).count();
        assert_eq!(ledgers, 1);
        let refused = ledger.save_own_checkpoint(&own(5, b"signed"));
        assert!(matches!(refused, Err(StorageError::ContradictsSigned { signed: 6, .. })));
    }
}

#[test]
fn a_crash_between_any_two_steps_leaves_the_old_ledger_or_the_new_one() {
    for steps in 0..=crate::channel::SWAP_STEPS.len() {
        let (node, log, ledger) = behind();
        let swap = node.begin(usize::MAX).complete(&log, &ledger, |_| Ok(())).unwrap();
        swap.run(steps).unwrap();
        drop((swap, log, ledger));
        if steps < crate::channel::SWAP_STEPS.len() {
            node.check_old();
            // The next attempt goes through.
            let (log, ledger) = node.place.reopen();
            let install = node.begin(usize::MAX);
            drop(install.activate(&log, &ledger, |_| Ok(())).unwrap());
            drop((log, ledger));
        }
        node.check_new();
        node.check_new();
    }
}

#[test]
fn a_crash_while_loading_leaves_the_old_ledger() {
    let (node, log, ledger) = behind();
    drop((node.begin(0), log, ledger));
    node.check_old();
    drop(node.begin(usize::MAX));
    node.check_old();
}

#[test]
fn the_raft_log_is_reset_with_the_same_mark() {
    let (node, log, ledger) = behind();
    let new = node.begin(usize::MAX).activate(&log, &ledger, |_| Ok(())).unwrap();
    check_state(&new.view(), &node.new).unwrap();
    assert_eq!(log.announced_install().unwrap(), Some(MARK));
    let hard_state = HardState { term: 4, vote: 1, commit: 16 };
    let reset = LogBatch {
        snapshot: Some(MARK),
        hard_state: Some(hard_state),
        entries: entries(17..=18, 4).entries,
        sync: true,
        ..LogBatch::default()
    };
    log.append(&[reset]).unwrap();
    drop((log, ledger, new));
    let (log, ledger) = node.place.reopen();
    assert_eq!((log.hard_state(), log.mark(), log.last_index()), (hard_state, MARK, 18));
    node.check(&log, &ledger);
}

#[test]
fn a_snapshot_that_fails_its_check_changes_nothing() {
    let (node, log, ledger) = behind();
    let refuse = |_: &crate::LedgerView| Err(StorageError::BadSnapshot("another root".into()));
    assert!(node.begin(usize::MAX).activate(&log, &ledger, refuse).is_err());
    // The old ledger goes on.
    ledger.save_own_checkpoint(&own(6, b"signed")).unwrap();
    ledger.commit_block(&node.new.blocks[3]).unwrap();
}

#[test]
fn a_snapshot_that_the_node_is_past_is_refused() {
    let (node, log, ledger) = behind();
    log.append(&[entries(8..=20, 1), committed(1, 17)]).unwrap();
    let refused = node.begin(usize::MAX).activate(&log, &ledger, |_| Ok(()));
    assert!(matches!(refused, Err(StorageError::BadSnapshot(_))));
    ledger.commit_block(&node.new.blocks[3]).unwrap();
}

#[test]
fn an_install_given_up_long_ago_does_not_reset_the_log() {
    let (node, log, ledger) = behind();
    log.announce_install(MARK).unwrap();
    // The announced ledger never took over, and the node caught up by the log instead.
    log.append(&[entries(8..=20, 1), committed(1, 20)]).unwrap();
    commit_all(&ledger, &node.new.blocks[3..]);
    drop((log, ledger));
    let (log, ledger) = node.place.reopen();
    assert_eq!((log.last_index(), log.mark().index), (20, 0));
    node.check(&log, &ledger);
}

#[test]
fn entries_promised_while_the_ledger_was_replaced_are_kept() {
    let (node, log, ledger) = behind();
    let swap = node.begin(usize::MAX).complete(&log, &ledger, |_| Ok(())).unwrap();
    // The log caught up meanwhile: it holds the snapshot's last entry and some after it.
    log.append(&[entries(8..=12, 1), entries(13..=19, MARK.term)]).unwrap();
    swap.run(crate::channel::SWAP_STEPS.len()).unwrap();
    drop((swap, log, ledger));
    let (log, ledger) = node.place.reopen();
    assert_eq!(ledger.head().unwrap().applied.index, MARK.index);
    assert_eq!((log.mark().index, log.last_index()), (0, 19));
    node.check(&log, &ledger);
}

#[test]
fn entries_of_a_history_that_the_snapshot_overtook_are_dropped() {
    let (node, log, ledger) = behind();
    let swap = node.begin(usize::MAX).complete(&log, &ledger, |_| Ok(())).unwrap();
    log.append(&[entries(8..=19, 1)]).unwrap();
    swap.run(crate::channel::SWAP_STEPS.len()).unwrap();
    drop((swap, log, ledger));
    node.check_new();
}

/// The same on a simulated volume, where every single write can be the last one.
#[test]
fn a_failure_of_any_write_leaves_the_old_ledger_or_the_new_one() {
    let (node, log, ledger) = behind();
    drop((log, ledger));
    let mut outcomes = [0, 0];
    for writes in 0.. {
        let volume = MemoryVolume::new();
        let channel = ChannelDirectory::in_memory(volume.clone());
        let (log, ledger) = channel.create(identity()).unwrap();
        commit_all(&ledger, &node.old.blocks);
        ledger.sync().unwrap();
        log.append(&[entries(1..=7, 1), committed(1, 5)]).unwrap();
        volume.fail_writes_after(writes);
        let install = || {
            let mut install = channel.begin_install(identity(), node.manifest.clone())?;
            for chunk in &node.chunks {
                install.loader().put_chunk(chunk)?;
            }
            let ledger = install.activate(&log, &ledger, |_| Ok(()))?;
            let reset = LogBatch { snapshot: Some(MARK), sync: true, ..LogBatch::default() };
            log.append(&[reset]).map(|()| ledger)
        };
        let installed = install().is_ok();
        drop((log, ledger));
        volume.crash(|_| 0);
        let (log, ledger) = channel.open(identity().node, &genesis()).unwrap();
        let new = ledger.head().unwrap().applied.index == MARK.index;
        assert!(new || !installed, "what was reported as installed is");
        let expected = if new { &node.new } else { &node.old };
        check_state(&ledger.view(), expected).unwrap();
        assert_eq!(log.mark().index, if new { MARK.index } else { 0 });
        assert_eq!(log.announced_install().unwrap(), None);
        outcomes[usize::from(new)] += 1;
        if installed {
            break;
        }
    }
    assert!(outcomes[0] > 3 && outcomes[1] > 1, "{outcomes:?}");
}
