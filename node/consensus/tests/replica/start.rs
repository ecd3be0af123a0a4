//! Which logs and ledgers a replica starts with, and which mean that it must not.

use precinto_consensus::{Applied, HardState, LogEntry, SnapshotMark, StartError, WriteTask};
use precinto_protocol::hash::Hash;

use crate::cluster::{Disk, GENESIS_MS, Group, NOTHING, Node, config};

fn entries(terms: &[u64]) -> Vec<LogEntry> {
    let entry =
        |(at, &term): (usize, &u64)| LogEntry { index: at as u64 + 1, term, payload: vec![] };
    terms.iter().enumerate().map(entry).collect()
}

fn disk(task: WriteTask) -> Disk {
    let disk = Disk::default();
    disk.enqueue(task);
    disk.sync_one();
    disk
}

fn log(terms: &[u64], commit: u64) -> WriteTask {
    let hard_state = Some(HardState { term: 3, vote: 0, commit });
    let entries = entries(terms);
    WriteTask { number: 1, snapshot: None, truncate_from: None, entries, hard_state }
}

fn at(index: u64, term: u64) -> Applied {
    Applied { index, term, content: Hash::ZERO, time_ms: GENESIS_MS }
}

fn start(disk: &Disk, applied: Applied) -> Result<u64, StartError> {
    let group = Group::new(&[1, 2, 3], &[]);
    let replica = precinto_consensus::Replica::new(config(1, &group, 1), disk.clone(), applied)?;
    Ok(replica.status().commit)
}

#[test]
fn commit_is_never_below_what_was_executed() {
    let disk = disk(log(&[1, 1, 2], 1));
    assert_eq!(start(&disk, at(2, 1)).expect("starts"), 2);
    assert_eq!(start(&disk, NOTHING).expect("starts"), 1);
}

#[test]
fn a_lost_or_replaced_log_is_refused() {
    let disk = disk(log(&[1, 1, 2], 1));
    assert!(matches!(start(&disk, at(4, 2)), Err(StartError::LogLost { last_index: 3, known: 4 })));
    assert!(matches!(start(&disk, at(3, 1)), Err(StartError::LogReplaced { index: 3, .. })));
    assert!(matches!(start(&Disk::default(), at(1, 1)), Err(StartError::LogLost { .. })));
}

#[test]
fn a_lost_ledger_is_refused() {
    let disk = disk(log(&[1, 1, 2], 3));
    disk.compact(SnapshotMark { index: 2, term: 1 });
    assert!(start(&disk, at(2, 1)).is_ok());
    assert!(matches!(start(&disk, at(1, 1)), Err(StartError::LedgerLost { .. })));
}

#[test]
fn an_entry_that_is_no_block_is_refused() {
    let mut task = log(&[1, 1], 1);
    task.entries[1].payload = vec![0x80];
    let disk = disk(task);
    assert!(matches!(start(&disk, at(1, 1)), Err(StartError::Damaged { index: 2, .. })));
}

#[test]
fn a_node_must_fit_its_group_and_key() {
    let group = Group::new(&[1, 2, 3], &[4]);
    let refused = |config| {
        precinto_consensus::Replica::new(config, Disk::default(), NOTHING).err().expect("refused")
    };
    let mut stranger = config(1, &group, 1);
    stranger.node = 9;
    assert!(matches!(refused(stranger), StartError::Group(9)));
    let mut twice = config(1, &group, 1);
    twice.membership.learners.insert(2);
    assert!(matches!(refused(twice), StartError::Group(1)));
    let mut other_key = config(1, &group, 1);
    other_key.signing_key = config(2, &group, 1).signing_key;
    assert!(matches!(refused(other_key), StartError::WrongKey(1)));
}

#[test]
fn a_restarted_node_remembers_its_vote() {
    let group = Group::new(&[1, 2, 3], &[]);
    let mut node = Node::start(1, &group);
    node.disk = disk(WriteTask {
        hard_state: Some(HardState { term: 7, vote: 2, commit: 0 }),
        ..log(&[], 0)
    });
    node.restart();
    assert_eq!(node.status().term, 7);
}
