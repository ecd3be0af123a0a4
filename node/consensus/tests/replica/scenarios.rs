//! Plain-text scenarios: one file per story in `tests/scenarios/`, one command per line. The grammar,
//! the verbs and the list of traps are in `tests/scenarios/README.md`.

mod assertion;
mod command;

use std::{fmt::Write as _, fs, path::Path};

use precinto_protocol::identity::NodeId;

use crate::cluster::Cluster;
use command::Command;

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test] fn $name() { run(stringify!($name)) })*

        #[test]
        fn every_file_is_run() {
            let listed = [$(concat!(stringify!($name), ".txt")),*];
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
            for file in fs::read_dir(dir).expect("the folder of scenarios") {
                let name = file.expect("readable").file_name();
                if name == "README.md" {
                    continue;
                }
                assert!(listed.iter().any(|known| name == **known), "{name:?} is not listed");
            }
        }
    };
}

scenarios! {
    aba_writes
    acks_lost
    acks_of_another_term
    batching
    change_late
    change_truncated
    clock_ahead
    clock_ahead_claimed
    clock_ahead_repaired
    clock_back
    commit_ahead_of_applied
    compaction
    crash_before_fsync
    duplicates
    election
    empty_block
    figure_8
    follower_catches_up
    forged_block
    four_voters
    full_disk
    full_disk_of_the_leader
    lagging_apply
    leader_crash
    leader_disk_slow
    learner_not_in_quorum
    learner_not_in_read_quorum
    log_lost
    long_divergence
    lost_leadership
    membership_crash
    membership_unasked
    one_way_partition
    partitioned_leader
    persisted_unacknowledged
    pre_vote
    promote_waits
    promoted_unaware
    read_after_restart
    read_before_first_commit
    reads
    removed_node_answers_late
    removed_node_campaigns
    replace_dead_voter
    replace_leader
    replace_learner
    restart_all
    retired_leader_crashes
    retired_leader_stays
    single_voter
    slow_clock
    snapshot
    snapshot_and_changes
    snapshot_discarded
    snapshot_leader_changes
    snapshot_overtaken
    snapshot_survives_crash
    snapshot_waits_for_disk
    snapshot_while_applying
    split_vote
    stale_leader_reads
    transfer
    transfer_late
    transfer_to_lagging
    transfer_while_changing
    truncated_tail
    truncation_crash
    two_changes
    two_voters
    unfit_voters_still_vote
    unpersisted_append
    vote_before_disk
    vote_request_late
    wrong_clock
}

fn run(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/scenarios/{name}.txt"));
    let text = fs::read_to_string(path).expect("the scenario's file");
    let mut cluster = None;
    let mut trace = String::new();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> =
            line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        if words[0] == "start" {
            cluster = Some(start(&words[1..]));
            continue;
        }
        let cluster = cluster.as_mut().expect("a scenario begins with start");
        let done = Command { cluster, words: &words }.execute();
        if let Err(problem) = done {
            for node in cluster.nodes.iter().filter(|node| node.is_alive()) {
                writeln!(trace, "  {:?} alarms {:?}", node.status(), node.alarms).expect("memory");
            }
            panic!("{name}.txt:{}: {line}\n  {problem}\n{trace}", number + 1);
        }
    }
}

fn start(words: &[&str]) -> Cluster {
    let ids = |words: &[&str]| -> Vec<NodeId> {
        words.iter().map(|word| word.parse().expect("a node id")).collect()
    };
    let mut groups = words.split(|word| *word == "learners");
    let voters = ids(groups.next().expect("voters"));
    Cluster::new(&voters, &ids(groups.next().unwrap_or_default()))
}
