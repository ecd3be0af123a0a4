//! A learner that was away catches up: by the log, or by a snapshot where the log is gone.

use std::time::Duration;

use precinto_cluster_tests::{Author, LEARNER, Load, NODES, Network, VOTERS, audit, eventually};

/// Transactions written in the learner's absence, in as many blocks or nearly so: there is one
/// writer.
const MISSED: usize = 60;

/// Raft entries kept for followers: far fewer than are missed.
const FEW: &str = "8";

/// The ledger is synced, and the log compacted, every two seconds.
const COMPACTED_WITHIN: Duration = Duration::from_secs(15);

const LOGGED_WITHIN: Duration = Duration::from_secs(5);

const SNAPSHOT_FETCHED: &str = "fetching a snapshot";
const SNAPSHOT_USED: &str = "a snapshot took over";

async fn write(network: &Network, author: Author, count: usize) {
    let mut load = Load::start(author, vec![network.client(VOTERS[0])]);
    load.goes_on(count).await;
    load.finish().await;
}

/// First Raft entry that a node keeps, by its metrics.
async fn first_kept(network: &Network, id: u64) -> u64 {
    network.node(id).metrics().await.value("precinto_raft_first_index") as u64
}

#[tokio::test]
async fn a_learner_that_was_away_catches_up_by_the_log() {
    let mut network = Network::start().await;
    let author = Author::enrol(&network, VOTERS[0]).await;
    network.kill(LEARNER);
    write(&network, author, MISSED).await;
    network.boot(LEARNER);
    network.ready(&[LEARNER]).await;
    audit::assert_agreement(&network, &NODES).await;
    assert!(!network.node(LEARNER).log().contains(SNAPSHOT_FETCHED));
}

#[tokio::test]
async fn a_learner_that_was_away_too_long_catches_up_by_a_snapshot() {
    let mut network = Network::start_with(&[("PRECINTO_KEEP_ENTRIES", FEW)]).await;
    let author = Author::enrol(&network, VOTERS[0]).await;
    let known = audit::assert_agreement(&network, &NODES).await;
    let last = network.status(LEARNER).await.commit;
    network.kill(LEARNER);
    write(&network, author, MISSED).await;
    for id in VOTERS {
        let what = format!("node {id} has compacted what the learner misses");
        eventually(&what, COMPACTED_WITHIN, async || {
            (first_kept(&network, id).await > last + 1).then_some(())
        })
        .await;
    }

    network.boot(LEARNER);
    network.ready(&[LEARNER]).await;
    let height = audit::assert_agreement(&network, &NODES).await;
    assert!(height > known);
    // The log is written a moment after the ledger is in use.
    eventually("the log tells of the snapshot", LOGGED_WITHIN, async || {
        network.node(LEARNER).log().contains(SNAPSHOT_USED).then_some(())
    })
    .await;

    // What came by snapshot is durable and can be built upon.
    network.kill(LEARNER);
    network.boot(LEARNER);
    network.ready(&[LEARNER]).await;
    let author = Author::enrol(&network, VOTERS[1]).await;
    write(&network, author, 5).await;
    let end = audit::assert_agreement(&network, &NODES).await;
    assert!(end > height);
    let (voter, learner) = (network.client(VOTERS[0]), network.client(LEARNER));
    let voter = audit::blocks(&voter, height + 1, end).await;
    let learner = audit::blocks(&learner, height + 1, end).await;
    audit::assert_same_blocks(&voter, &learner, (VOTERS[0], LEARNER));
}
