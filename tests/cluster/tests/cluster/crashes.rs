//! Processes that are killed while transactions are submitted.

use std::time::{Duration, Instant};

use precinto_cluster_tests::{Author, LEARNER, Load, NODES, Network, VOTERS, audit, longest_pause};

/// Longest time without a commit after the loss of one voter.
const SERVICE_WITHIN: Duration = Duration::from_secs(10);

/// Transactions before, during and after a loss: some dozens of blocks each.
const SOME: usize = 40;

/// Leaders lost, one after the other.
const LEADERS: usize = 3;

/// Load through these nodes, two writers each.
async fn load(network: &Network, nodes: &[u64]) -> Load {
    let author = Author::enrol(network, nodes[0]).await;
    let clients = nodes.iter().flat_map(|&id| [network.client(id), network.client(id)]);
    let mut load = Load::start(author, clients.collect());
    load.goes_on(SOME).await;
    load
}

fn others(nodes: &[u64], lost: u64) -> Vec<u64> {
    nodes.iter().copied().filter(|id| *id != lost).collect()
}

/// Kills a node and starts it again, under load.
async fn lose_and_restart(network: &mut Network, load: &mut Load, lost: u64) {
    network.kill(lost);
    load.goes_on(SOME).await;
    network.boot(lost);
    network.ready(&[lost]).await;
    load.goes_on(SOME).await;
}

/// What must be true in the end, whatever happened since `began`.
async fn assert_unharmed(network: &Network, load: Load, began: Instant) {
    let acknowledged = load.finish().await;
    let pause = longest_pause(&acknowledged, began);
    assert!(pause < SERVICE_WITHIN, "no commit for {pause:?}");
    audit::assert_nothing_lost(network, &NODES, &acknowledged).await;
}

#[tokio::test]
async fn one_leader_after_the_other_is_killed_under_load() {
    let mut network = Network::start().await;
    // The writers at the lost node submit again until it is back.
    let mut load = load(&network, &NODES).await;
    let began = Instant::now();
    for _ in 0..LEADERS {
        let leader = network.leader_among(&VOTERS).await;
        lose_and_restart(&mut network, &mut load, leader).await;
    }
    assert_unharmed(&network, load, began).await;
}

#[tokio::test]
async fn a_follower_is_killed_under_load() {
    let mut network = Network::start().await;
    let leader = network.leader_among(&VOTERS).await;
    let follower = others(&VOTERS, leader)[0];
    let mut load = load(&network, &others(&NODES, follower)).await;
    let began = Instant::now();
    lose_and_restart(&mut network, &mut load, follower).await;
    assert_unharmed(&network, load, began).await;
}

#[tokio::test]
async fn all_nodes_are_killed_under_load() {
    let mut network = Network::start().await;
    let mut load = load(&network, &[1, 2, LEARNER]).await;
    for id in NODES {
        network.kill(id);
    }
    for id in NODES {
        network.boot(id);
    }
    network.ready(&NODES).await;
    load.goes_on(SOME).await;
    let acknowledged = load.finish().await;
    audit::assert_nothing_lost(&network, &NODES, &acknowledged).await;
}
