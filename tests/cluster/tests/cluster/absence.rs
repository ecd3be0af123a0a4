//! A learner that was away catches up: by the log, or by a snapshot where the log is gone.

use std::{fs, path::Path, time::Duration};

use precinto_client::{ClientError, NewCall, types::Status};
use precinto_cluster_tests::{
    Author, LEARNER, Load, NODES, Network, VOTERS, audit, eventually, now_ms,
};
use precinto_protocol::{hash::Hash, transaction::Transaction};
use precinto_storage::{
    ChannelDirectory,
    snapshot::{Manifest, SnapshotFiles},
};

/// Transactions written in the learner's absence, in as many blocks or nearly so: there is one
/// writer.
const MISSED: usize = 60;

/// Raft entries kept for followers: far fewer than are missed.
const FEW: &str = "8";

/// The ledger is synced, and the log compacted, every two seconds.
const COMPACTED_WITHIN: Duration = Duration::from_secs(15);

const WAIT: Duration = Duration::from_secs(10);

const LOGGED_WITHIN: Duration = Duration::from_secs(5);

const SNAPSHOT_FETCHED: &str = "fetching a snapshot";
const SNAPSHOT_USED: &str = "a snapshot took over";
const SNAPSHOT_REFUSED: &str = "a peer's snapshot was refused";

const REFUSED_WITHIN: Duration = Duration::from_secs(20);

async fn write(network: &Network, author: Author, count: usize) {
    let mut load = Load::start(author, vec![network.client(VOTERS[0])]);
    load.goes_on(count).await;
    load.finish().await;
}

/// A transaction that was committed, and has expired since.
async fn expired_by_now(network: &Network, author: &Author) -> Transaction {
    let call = author.certification(&author.operator("E1"));
    let expires_ms = now_ms() + 2_000;
    let transaction = author.signer.sign(NewCall { expires_ms, ..call });
    let answer = network.client(VOTERS[0]).submit(&transaction, Some(WAIT)).await.unwrap();
    assert_eq!(answer.status, Status::Committed);
    eventually("the clock passes the expiry", WAIT, async || {
        (now_ms() > expires_ms + 1).then_some(())
    })
    .await;
    transaction
}

/// First Raft entry that a node keeps, by its metrics.
async fn first_kept(network: &Network, id: u64) -> u64 {
    network.node(id).metrics().await.value("precinto_raft_first_index") as u64
}

/// Waits until no voter can give the learner the entry after `last` any more.
async fn compacted(network: &Network, last: u64) {
    for id in VOTERS {
        let what = format!("node {id} has compacted what the learner misses");
        eventually(&what, COMPACTED_WITHIN, async || {
            (first_kept(network, id).await > last + 1).then_some(())
        })
        .await;
    }
}

/// Makes a node that does not run keep a snapshot of its ledger under a root that is not its own.
fn falsify_snapshot(data: &Path, node: u64, genesis: &Hash) {
    let channel = ChannelDirectory::new(data);
    let (_raft_log, ledger) = channel.open(node, genesis).unwrap();
    let files = SnapshotFiles::build(&channel.snapshots(), &ledger.view()).unwrap();
    let mut manifest: Manifest = files.manifest().clone();
    manifest.block.state_root.0[0] ^= 1;
    let name = format!("snapshot-{:020}", manifest.applied.index);
    fs::write(channel.snapshots().join(name).join("manifest"), manifest.encode()).unwrap();
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
    let missed = expired_by_now(&network, &author).await;
    write(&network, author, MISSED).await;
    compacted(&network, last).await;

    network.boot(LEARNER);
    network.ready(&[LEARNER]).await;
    let height = audit::assert_agreement(&network, &NODES).await;
    assert!(height > known);
    // The log is written a moment after the ledger is in use.
    eventually("the log tells of the snapshot", LOGGED_WITHIN, async || {
        network.node(LEARNER).log().contains(SNAPSHOT_USED).then_some(())
    })
    .await;
    let late = network.client(LEARNER).submit(&missed, None).await.unwrap_err();
    let ClientError::Problem(problem) = &late else { panic!("{late:?}") };
    assert_eq!(problem.code, "outcome-unknown", "it does not hold the block: {problem}");

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

#[tokio::test]
async fn a_false_snapshot_is_refused_and_the_learner_goes_on_with_what_it_has() {
    let mut network = Network::start_with(&[("PRECINTO_KEEP_ENTRIES", FEW)]).await;
    let author = Author::enrol(&network, VOTERS[0]).await;
    let later = Author::enrol(&network, VOTERS[1]).await;
    let known = audit::assert_agreement(&network, &NODES).await;
    let last = network.status(LEARNER).await.commit;
    network.kill(LEARNER);
    write(&network, author, MISSED).await;
    compacted(&network, last).await;
    VOTERS.iter().for_each(|&id| network.kill(id));
    let genesis = network.genesis().hash();
    for id in VOTERS {
        falsify_snapshot(&network.node(id).directory().join("data"), id, &genesis);
    }

    VOTERS.iter().for_each(|&id| network.boot(id));
    network.ready(&VOTERS).await;
    let liar = network.leader_among(&VOTERS).await;
    network.boot(LEARNER);
    eventually("the false snapshot is refused", REFUSED_WITHIN, async || {
        network.node(LEARNER).log().contains(SNAPSHOT_REFUSED).then_some(())
    })
    .await;
    // It may have been refused before the node listens to clients.
    let answers = async || network.client(LEARNER).status().await.ok();
    eventually("the learner answers", REFUSED_WITHIN, answers).await;
    let alarms = r#"precinto_alarms_total{kind="snapshot"}"#;
    assert!(network.node(LEARNER).metrics().await.value(alarms) >= 1.0);
    assert_eq!(network.status(LEARNER).await.as_of.height, known, "it keeps its own ledger");

    // The lie grows too old to be of use, and another leader tells the truth.
    let last = network.status(liar).await.commit;
    write(&network, later, MISSED).await;
    compacted(&network, last).await;
    network.terminate(liar);
    network.ended(liar).await;
    network.boot(liar);
    network.ready(&NODES).await;
    audit::assert_agreement(&network, &NODES).await;
    assert!(network.node(LEARNER).log().contains(SNAPSHOT_USED));
}
