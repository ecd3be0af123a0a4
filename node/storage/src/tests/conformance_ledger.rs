//! The ledger, on both engines.

use precinto_protocol::hash::{Hash, sha256};
use proptest::prelude::*;

use super::{
    Place,
    chain::{Chain, chain, commitment, log_key, state_key, step, transaction_id},
    for_all, on_both_engines,
};
use crate::{
    Applied, BlockBatch, Ledger, LedgerView, Position, RecordLogAppend, RecordLogHead,
    StorageError, StoredCheckpoint,
};

/// Everything a view shows is what the chain remembers, no more and no less.
pub(crate) fn check_state(view: &LedgerView, chain: &Chain) -> Result<(), TestCaseError> {
    let state: Vec<_> = view.state_entries().map(Result::unwrap).collect();
    let expected = chain.state.iter().map(|(key, value)| (key.clone(), value.clone()));
    prop_assert!(state.into_iter().eq(expected));
    let logs: Vec<_> = view.record_logs().map(Result::unwrap).collect();
    prop_assert_eq!(logs.len(), chain.record_logs.len());
    for (key, head) in logs {
        let entries = &chain.record_logs[&key];
        let commitment = commitment(entries);
        let expected = RecordLogHead { count: entries.len() as u64, commitment };
        prop_assert_eq!(&head, &expected);
        prop_assert_eq!(view.record_log(&key).unwrap(), Some(expected));
        prop_assert_eq!(&view.record_log_entries(&key, 0, 1000).unwrap(), entries);
        prop_assert_eq!(
            view.record_log_entries(&key, 1, 2).unwrap().len(),
            (entries.len() - 1).min(2)
        );
        for index in 0..=entries.len() {
            let entry = view.record_log_entry(&key, index as u64).unwrap();
            prop_assert_eq!(entry.as_ref(), entries.get(index));
        }
    }
    Ok(())
}

fn check_blocks(view: &LedgerView, chain: &Chain) -> Result<(), TestCaseError> {
    let mut events = Vec::new();
    for block in &chain.blocks {
        let height = block.summary.height;
        prop_assert_eq!(view.block(height).unwrap(), Some(block.block.clone()));
        prop_assert_eq!(view.summary(height).unwrap(), Some(block.summary.clone()));
        let outcomes = view.outcomes(height, 0, 1000).unwrap();
        prop_assert_eq!(outcomes.len(), block.outcomes.len());
        for ((index, (id, bytes)), found) in (0u32..).zip(&block.outcomes).zip(outcomes) {
            prop_assert_eq!((found.id, &found.bytes), (*id, bytes));
            prop_assert_eq!(found.position, Position { height, index });
            prop_assert_eq!(view.outcome(id).unwrap(), Some(found));
        }
        for (index, bytes) in (0u32..).zip(&block.events) {
            events.push((Position { height, index }, bytes.clone()));
        }
    }
    let next = chain.blocks.len() as u64;
    prop_assert!(view.block(next).unwrap().is_none() && view.summary(next).unwrap().is_none());
    prop_assert!(view.outcome(&transaction_id(next, 0)).unwrap().is_none());
    let summaries = view.summaries(0, 1000).unwrap();
    prop_assert!(summaries.iter().eq(chain.blocks.iter().map(|block| &block.summary)));
    check_events(view, &events)
}

/// Reading on from each cursor, page by page, gives every event once and in order.
fn check_events(view: &LedgerView, all: &[(Position, Vec<u8>)]) -> Result<(), TestCaseError> {
    for page in [1, 3, 1000] {
        let (mut cursor, mut seen) = (Position::default(), Vec::new());
        loop {
            let events = view.events(cursor, page).unwrap();
            let Some(last) = events.last() else { break };
            cursor = Position { index: last.position.index + 1, ..last.position };
            seen.extend(events.into_iter().map(|event| (event.position, event.bytes)));
        }
        prop_assert_eq!(&seen, all, "pages of {}", page);
    }
    Ok(())
}

fn check_log(view: &LedgerView, chain: &Chain) -> Result<(), TestCaseError> {
    for index in 0..=chain.leaves.len() {
        let leaf = view.leaf(index as u64).unwrap();
        prop_assert_eq!(leaf.as_ref(), chain.leaves.get(index));
    }
    prop_assert_eq!(&view.leaves(0, 4000).unwrap(), &chain.leaves);
    for node in &chain.nodes {
        prop_assert_eq!(view.log_node(node.level, node.index).unwrap(), Some(node.hash));
    }
    for level in 0..10u8 {
        let complete = chain.leaves.len() as u64 >> level;
        prop_assert_eq!(view.log_node(level, complete).unwrap(), None);
    }
    Ok(())
}

fn any_chain_reads_back_as_the_model_has_it<P: Place>() {
    for_all(P::CASES, prop::collection::vec(step(), 1..12), |steps| {
        let place = P::default();
        let (raft_log, ledger) = place.new_node();
        prop_assert!(ledger.head().is_none());
        let mut chain = Chain::default();
        let mut views = Vec::new();
        for step in &steps {
            ledger.commit_block(&chain.next(step)).unwrap();
            views.push((ledger.view(), chain.clone()));
        }
        // Each view still shows its own height.
        for (view, chain) in &views {
            check_state(view, chain)?;
        }
        drop((views, raft_log, ledger));
        let (_, ledger) = place.reopen();
        let (view, block) = (ledger.view(), chain.blocks.last().unwrap());
        check_state(&view, &chain)?;
        check_blocks(&view, &chain)?;
        check_log(&view, &chain)?;
        let head = ledger.head().unwrap();
        prop_assert_eq!(&head.block, &block.summary);
        prop_assert_eq!(head.applied.index, block.summary.raft_index);
        prop_assert_eq!(head.applied.commit, block.commit_index);
        prop_assert_eq!((&head.frontier, &head.membership), (&block.frontier, &block.membership));
        Ok(())
    });
}

pub(crate) fn commit_all(ledger: &Ledger, blocks: &[BlockBatch]) {
    for block in blocks {
        ledger.commit_block(block).unwrap();
    }
}

fn a_scan_pages_through_exactly_its_prefix<P: Place>() {
    let place = P::default();
    let (_, ledger) = place.new_node();
    let mut chain = Chain::default();
    let writes = (0..24).map(|number| (number, Some(vec![number]))).collect();
    let step = super::chain::Step { writes, ..Default::default() };
    ledger.commit_block(&chain.next(&step)).unwrap();
    let view = ledger.view();
    let prefix = state_key(8);
    let expected: Vec<_> =
        chain.state.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
    assert_eq!(expected.len(), 4);
    for limit in 1..6 {
        let (mut seen, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page = view.state_scan(&prefix, after.as_deref(), limit).unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            seen.extend(page.into_iter().map(|(key, _)| key));
        }
        assert_eq!(seen, expected, "pages of {limit}");
    }
    assert_eq!(view.state_scan(&[], None, 100).unwrap().len(), 24);
    let below = view.state_scan(&prefix, Some(&state_key(0)), 100).unwrap();
    assert_eq!(below.len(), 4, "a cursor before the prefix starts at the prefix");
    let keys = [&state_key(1)[..], &[0xdd], &state_key(2)];
    assert_eq!(view.state_many(&keys).unwrap(), [Some(vec![1]), None, Some(vec![2])]);
}

fn entries_without_a_block_move_the_applied_index_only<P: Place>() {
    let place = P::default();
    let (raft_log, ledger) = place.new_node();
    commit_all(&ledger, &chain(3).blocks);
    let applied = Applied { index: 9, term: 4, commit: 12 };
    ledger.advance(applied, b"new members").unwrap();
    drop((raft_log, ledger));
    let head = place.reopen().1.head().unwrap();
    assert_eq!((head.applied, head.block.height), (applied, 2));
    assert_eq!(head.membership, b"new members");
}

fn synced_follows_sync_and_checkpoints<P: Place>() {
    let place = P::default();
    let (_, ledger) = place.new_node();
    let chain = chain(4);
    assert_eq!(ledger.synced().index, 0);
    commit_all(&ledger, &chain.blocks[..2]);
    assert_eq!(ledger.synced().index, 0);
    assert_eq!(ledger.sync().unwrap().index, 2);
    ledger.commit_block(&chain.blocks[2]).unwrap();
    assert_eq!(ledger.synced().index, 2);
    ledger.save_own_checkpoint(&own(4, b"root")).unwrap();
    assert_eq!(ledger.synced().index, 4);
}

pub(crate) fn own(size: u64, root: &[u8]) -> StoredCheckpoint {
    StoredCheckpoint { node: 3, size, root: sha256(&[root]), bytes: vec![size as u8] }
}

fn no_checkpoint_is_signed_below_or_beside_another<P: Place>() {
    let place = P::default();
    let (raft_log, ledger) = place.new_node();
    ledger.save_own_checkpoint(&own(5, b"a")).unwrap();
    ledger.save_own_checkpoint(&own(5, b"a")).unwrap();
    ledger.save_own_checkpoint(&own(8, b"b")).unwrap();
    ledger.prune_checkpoints(3, 100).unwrap();
    drop((raft_log, ledger));
    let (_, ledger) = place.reopen();
    for (size, root) in [(5, b"a"), (7, b"b"), (8, b"c")] {
        let refused = ledger.save_own_checkpoint(&own(size, root));
        assert!(matches!(refused, Err(StorageError::ContradictsSigned { signed: 8, .. })));
    }
    ledger.save_own_checkpoint(&own(9, b"d")).unwrap();
}

fn checkpoints_are_found_by_node_and_size<P: Place>() {
    let place = P::default();
    let (_, ledger) = place.new_node();
    let of = |node, size| StoredCheckpoint { node, ..own(size, b"root") };
    for (node, size) in [(1, 300), (1, 4), (1, 256), (2, 7), (4, 1)] {
        ledger.save_peer_checkpoint(&of(node, size)).unwrap();
    }
    let view = ledger.view();
    assert_eq!(view.last_checkpoint(1).unwrap(), Some(of(1, 300)));
    assert_eq!(view.last_checkpoint(3).unwrap(), None);
    assert_eq!(view.checkpoint(2, 7).unwrap(), Some(of(2, 7)));
    assert_eq!(view.checkpoint(2, 8).unwrap(), None);
    assert_eq!(view.checkpoints(1, 5, 9).unwrap(), [of(1, 256), of(1, 300)]);
    assert_eq!(view.checkpoints(1, 0, 2).unwrap(), [of(1, 4), of(1, 256)]);
    ledger.prune_checkpoints(1, 256).unwrap();
    assert_eq!(ledger.view().checkpoints(1, 0, 9).unwrap(), [of(1, 256), of(1, 300)]);
    assert_eq!(ledger.view().checkpoints(2, 0, 9).unwrap(), [of(2, 7)]);
}

fn evidence_is_kept_once_and_listed<P: Place>() {
    let place = P::default();
    let (_, ledger) = place.new_node();
    let mut hashes: Vec<Hash> = [b"lie", b"two", b"lie"]
        .iter()
        .map(|bundle| ledger.save_evidence(*bundle).unwrap())
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    let first = ledger.view().evidence(None, 1).unwrap();
    let rest = ledger.view().evidence(Some(&first[0].0), 9).unwrap();
    let listed: Vec<_> = first.iter().chain(&rest).map(|(hash, _)| *hash).collect();
    assert_eq!(listed, hashes);
}

fn a_block_out_of_order_is_refused<P: Place>() {
    let place = P::default();
    let (_, ledger) = place.new_node();
    let chain = chain(3);
    ledger.commit_block(&chain.blocks[0]).unwrap();
    let _ = ledger.commit_block(&chain.blocks[2]);
}

fn an_entry_is_never_applied_twice<P: Place>() {
    let place = P::default();
    let (_, ledger) = place.new_node();
    let chain = chain(2);
    ledger.commit_block(&chain.blocks[0]).unwrap();
    ledger.advance(Applied { index: 2, term: 1, commit: 2 }, b"").unwrap();
    let _ = ledger.commit_block(&chain.blocks[1]);
}

fn a_record_log_is_never_overwritten<P: Place>() {
    let place = P::default();
    let (_, ledger) = place.new_node();
    let mut chain = chain(7);
    commit_all(&ledger, &chain.blocks);
    let mut block = chain.next(&super::chain::Step::default());
    block.record_logs = vec![RecordLogAppend {
        key: log_key(0),
        first: 0,
        entries: vec![b"history".to_vec()],
        commitment: Vec::new(),
    }];
    let _ = ledger.commit_block(&block);
}

on_both_engines! {
    any_chain_reads_back_as_the_model_has_it;
    a_scan_pages_through_exactly_its_prefix;
    entries_without_a_block_move_the_applied_index_only;
    synced_follows_sync_and_checkpoints;
    no_checkpoint_is_signed_below_or_beside_another;
    checkpoints_are_found_by_node_and_size;
    evidence_is_kept_once_and_listed;
    a_block_out_of_order_is_refused panics "blocks are committed in order";
    an_entry_is_never_applied_twice panics "applied once and in order";
    a_record_log_is_never_overwritten panics "grows at its end only";
}
