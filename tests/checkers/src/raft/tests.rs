use precinto_consensus::{HardState, LogEntry};

use super::*;

const VOTERS: [NodeId; 3] = [1, 2, 3];

fn group(voters: &[NodeId], learners: &[NodeId]) -> Membership {
    Membership {
        voters: voters.iter().copied().collect(),
        learners: learners.iter().copied().collect(),
    }
}

fn entry(index: u64, term: u64) -> LogEntry {
    LogEntry { index, term, payload: format!("{index} of {term}").into_bytes() }
}

fn committed(index: u64, term: u64) -> Committed {
    let LogEntry { payload: block, .. } = entry(index, term);
    Committed { index, term, block, change: None }
}

/// Entries with indices from `first` and these terms.
fn task(number: u64, first: u64, terms: &[u64]) -> WriteTask {
    let entries = terms.iter().zip(first..).map(|(term, index)| entry(index, *term));
    WriteTask {
        number,
        snapshot: None,
        truncate_from: None,
        entries: entries.collect(),
        hard_state: None,
    }
}

fn vote(number: u64, term: u64, vote: NodeId) -> WriteTask {
    let hard_state = HardState { term, vote, commit: 0 };
    WriteTask { hard_state: Some(hard_state), ..task(number, 1, &[]) }
}

fn status(node: NodeId, role: RaftRole, term: u64, applied: u64) -> Status {
    Status {
        node,
        role,
        term,
        leader: None,
        commit: applied,
        applied,
        first_index: 1,
        settled: true,
        last_index: applied,
        persisted: applied,
        queued_transactions: 0,
        queued_bytes: 0,
        refused_messages: 0,
        membership: group(&VOTERS, &[]).into(),
        peers: Vec::new(),
    }
}

/// Whether an entry is on these nodes' disks.
fn on(nodes: &[NodeId]) -> impl Fn(NodeId, SnapshotMark) -> bool {
    move |node, _| nodes.contains(&node)
}

/// Three voters that have written entries 1 to 3 of term 1.
fn written() -> RaftChecker {
    let mut checker = RaftChecker::new(group(&VOTERS, &[4]));
    for node in 1..=4 {
        checker.started(node, &Restart::default()).expect("a new disk");
        checker.asked(node, &vote(1, 1, 1)).expect("a vote");
        checker.asked(node, &task(2, 1, &[1, 1, 1])).expect("the leader's entries");
        checker.promised(node, 2);
    }
    checker
}

/// The same with the entries committed and handed out by node 1.
fn delivered() -> RaftChecker {
    let mut checker = written();
    let entries: Vec<_> = (1..=3).map(|index| committed(index, 1)).collect();
    checker.committed_by(1, &entries, &on(&[1, 2])).expect("on a quorum");
    checker
}

fn found(term: u64, vote: NodeId, terms: &[u64]) -> Restart {
    Restart {
        hard_state: HardState { term, vote, commit: 0 },
        terms: terms.to_vec(),
        ..Restart::default()
    }
}

#[test]
fn a_good_history_passes() {
    let mut checker = delivered();
    let entries: Vec<_> = (1..=3).map(|index| committed(index, 1)).collect();
    checker.committed_by(2, &entries, &on(&[1, 2])).expect("the same");
    let mut leader = status(1, RaftRole::Leader, 1, 3);
    leader.membership = group(&VOTERS, &[4]).into();
    checker.observed(&leader, &on(&[1])).expect("the leader has all");
    checker.read_asked(1, 7);
    checker.read_answered(1, &[ReadOutcome { read: 7, ready: true }], 3).expect("up to date");
    checker.compacted(1, SnapshotMark { index: 2, term: 1 }, 2).expect("below the synced ledger");
    checker.stopped(1);
    let restart =
        Restart { mark: SnapshotMark { index: 2, term: 1 }, applied: 2, ..found(1, 1, &[1]) };
    checker.started(1, &restart).expect("what was promised");
    checker.committed_by(1, &[committed(3, 1)], &on(&[])).expect("handed out again");
    assert_eq!((checker.committed(), checker.elections()), (3, 1));
}

#[test]
fn two_leaders_of_a_term_and_a_leader_that_lacks_an_entry_are_found() {
    let leads = |node, term| {
        let mut status = status(node, RaftRole::Leader, term, 0);
        status.membership = group(&VOTERS, &[4]).into();
        status
    };
    let mut checker = delivered();
    checker.observed(&leads(1, 2), &on(&[1])).expect("the first");
    assert!(checker.observed(&leads(2, 2), &on(&[1, 2])).is_err());
    assert!(delivered().observed(&leads(3, 2), &on(&[1, 2])).is_err());
}

#[test]
fn what_falls_or_runs_ahead_in_a_replica_is_found() {
    let shown = |change: fn(&mut Status)| {
        let mut status = status(1, RaftRole::Follower, 2, 2);
        status.membership = group(&VOTERS, &[4]).into();
        let mut checker = delivered();
        checker.observed(&status, &on(&[])).expect("a follower");
        change(&mut status);
        checker.observed(&status, &on(&[]))
    };
    assert!(shown(|_| {}).is_ok());
    assert!(shown(|status| status.term = 1).is_err());
    assert!(shown(|status| (status.commit, status.applied) = (1, 1)).is_err());
    assert!(shown(|status| status.applied = 1).is_err());
    assert!(shown(|status| status.applied = 3).is_err(), "above its commit index");
    assert!(shown(|status| (status.commit, status.applied) = (4, 4)).is_err(), "not committed");
    assert!(shown(|status| status.membership = group(&[1, 2, 3, 4], &[]).into()).is_err());
}

#[test]
fn another_entry_under_a_committed_index_is_found() {
    let mut checker = written();
    checker.asked(3, &task(3, 1, &[2])).expect("of another leader");
    checker.committed_by(1, &[committed(1, 1)], &on(&[1, 2])).expect("the first");
    assert!(checker.committed_by(3, &[committed(1, 2)], &on(&[1, 2, 3])).is_err());
}

#[test]
fn an_entry_left_out_repeated_or_never_written_is_found() {
    assert!(written().committed_by(1, &[committed(2, 1)], &on(&VOTERS)).is_err());
    assert!(delivered().committed_by(1, &[committed(3, 1)], &on(&VOTERS)).is_err());
    assert!(delivered().committed_by(1, &[committed(4, 1)], &on(&VOTERS)).is_err());
}

#[test]
fn learners_and_minorities_do_not_commit() {
    let entry = [committed(1, 1)];
    assert!(written().committed_by(1, &entry, &on(&[1])).is_err());
    assert!(written().committed_by(1, &entry, &on(&[1, 4])).is_err());
    assert!(written().committed_by(1, &entry, &on(&[1, 3])).is_ok());
}

#[test]
fn nodes_must_come_to_the_same_group() {
    let mut checker = delivered();
    let promoted = group(&[1, 2, 3, 4], &[]);
    checker.changed(1, 3, &promoted).expect("the first there");
    checker.changed(2, 3, &promoted).expect("the same");
    assert_eq!(checker.group(), &promoted);
    assert!(checker.changed(3, 3, &group(&[2, 3], &[4])).is_err());
    assert!(checker.changed(3, 2, &promoted).is_err(), "at another entry");
}

#[test]
fn logs_that_differ_before_or_in_an_entry_are_found() {
    assert!(written().asked(1, &task(3, 4, &[1])).is_ok());
    let mut other = task(3, 4, &[1]);
    other.entries[0].payload = b"another".to_vec();
    let mut checker = written();
    checker.asked(1, &task(3, 4, &[1])).expect("the first");
    assert!(checker.asked(2, &other).is_err());
    let mut checker = written();
    checker.asked(1, &task(3, 3, &[2, 3])).expect("the first");
    assert!(checker.asked(2, &task(3, 4, &[3])).is_err(), "after (3, 1), not (3, 2)");
}

#[test]
fn a_disk_that_does_not_hold_what_was_promised_is_found() {
    let restarted = |restart: Restart| written().started(1, &restart);
    assert!(restarted(found(1, 1, &[1, 1, 1])).is_ok());
    assert!(restarted(found(1, 1, &[1, 1])).is_err(), "an entry lost");
    assert!(restarted(found(1, 0, &[1, 1, 1])).is_err(), "a vote lost");
    assert!(restarted(found(0, 0, &[1, 1, 1])).is_err(), "a term lost");
    assert!(restarted(found(1, 1, &[1, 1, 2])).is_err(), "another entry");
    assert!(restarted(found(1, 1, &[1, 1, 1, 1])).is_err(), "an entry out of nowhere");
    let hole = Restart { mark: SnapshotMark { index: 1, term: 1 }, ..found(1, 1, &[1, 1]) };
    assert!(delivered().started(1, &hole).is_err(), "the ledger is below the log's beginning");
}

#[test]
fn of_what_was_asked_any_first_part_may_be_there() {
    let restarted = |restart: Restart| {
        let mut checker = written();
        let rewrite = WriteTask { truncate_from: Some(3), ..task(3, 3, &[2]) };
        checker.asked(1, &rewrite).expect("of a new leader");
        checker.asked(1, &task(4, 4, &[2])).expect("one more");
        checker.started(1, &restart)
    };
    assert!(restarted(found(1, 1, &[1, 1, 1])).is_ok());
    assert!(restarted(found(1, 1, &[1, 1, 2])).is_ok());
    assert!(restarted(found(1, 1, &[1, 1, 2, 2])).is_ok());
    assert!(restarted(found(1, 1, &[1, 1, 1, 2])).is_err(), "the second without the first");
    assert!(restarted(found(1, 1, &[1, 1])).is_err(), "cut, but not written");
}

#[test]
fn a_tail_that_was_not_cut_is_found() {
    let mut checker = written();
    checker.asked(1, &WriteTask { truncate_from: Some(2), ..task(3, 2, &[2]) }).expect("asked");
    checker.promised(1, 3);
    assert!(checker.started(1, &found(1, 1, &[1, 2, 1])).is_err());
    assert!(checker.started(1, &found(1, 1, &[1, 2])).is_ok());
}

#[test]
fn a_log_dropped_above_the_synced_ledger_is_found() {
    let mark = SnapshotMark { index: 2, term: 1 };
    assert!(delivered().compacted(1, mark, 1).is_err());
    assert!(delivered().compacted(1, SnapshotMark { index: 4, term: 1 }, 9).is_err());
}

#[test]
fn a_snapshot_must_be_of_what_was_committed() {
    let mut checker = delivered();
    assert!(checker.installed(4, SnapshotMark { index: 3, term: 2 }).is_err());
    checker.installed(4, SnapshotMark { index: 3, term: 1 }).expect("committed");
    checker.asked(4, &task(3, 4, &[1])).expect("the next");
    assert!(checker.committed_by(4, &[committed(4, 1)], &on(&VOTERS)).is_ok());
}

#[test]
fn a_stale_answer_is_found() {
    let mut checker = delivered();
    let answer = |read, ready| [ReadOutcome { read, ready }];
    (1..=2).for_each(|read| checker.read_asked(2, read));
    assert!(checker.read_answered(2, &answer(1, false), 0).is_ok(), "no answer");
    assert!(checker.read_answered(2, &answer(2, true), 2).is_err());
}

#[test]
fn a_block_that_no_honest_leader_proposes_is_found() {
    let alarm = |reason| Alarm::Block { from: 2, index: 4, reason };
    let checker = delivered();
    assert!(checker.alarmed(1, &alarm(BlockRefusal::ClockAhead { ahead_ms: 40_000 })).is_ok());
    assert!(checker.alarmed(1, &Alarm::Stalled { uncommitted: 1 }).is_ok());
    assert!(checker.alarmed(1, &alarm(BlockRefusal::TimeNotIncreasing)).is_err());
    assert!(checker.alarmed(1, &alarm(BlockRefusal::BrokenChain)).is_err());
}
