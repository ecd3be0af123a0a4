//! Stopping a node in good order.

use std::time::{Duration, Instant};

use precinto_cluster_tests::{Author, LEARNER, Load, NODES, Network, VOTERS, audit, longest_pause};

/// A hand-over takes a round trip, not an election; the rest is for a busy machine.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_leader_that_is_stopped_hands_over() {
    let mut network = Network::start().await;
    let leader = network.leader_among(&VOTERS).await;
    let others: Vec<u64> = VOTERS.into_iter().filter(|id| *id != leader).collect();
    let author = Author::enrol(&network, others[0]).await;
    let clients = [others[0], others[1], LEARNER].map(|id| network.client(id));
    let mut load = Load::start(author, clients.into());
    load.goes_on(40).await;

    let asked = Instant::now();
    network.terminate(leader);
    let next = network.leader_among(&others).await;
    let taken_over = asked.elapsed();
    assert_ne!(next, leader);
    let status = network.ended(leader).await;
    assert_eq!(status.code(), Some(0), "SIGTERM is a request, not a failure");
    load.goes_on(40).await;

    network.boot(leader);
    network.ready(&[leader]).await;
    let acknowledged = load.finish().await;
    let pause = longest_pause(&acknowledged, asked);
    assert!(taken_over < HANDED_OVER_WITHIN, "{next} led only after {taken_over:?}");
    assert!(pause < HANDED_OVER_WITHIN, "no commit for {pause:?}");
    assert!(!network.node(leader).log().contains("no other node took over"));
    audit::assert_nothing_lost(&network, &NODES, &acknowledged).await;
}

/// Much less than a stream would be given before it is cut off.
const ENDED_WITHIN: Duration = Duration::from_secs(4);

#[tokio::test]
async fn streams_end_with_a_last_word_when_their_node_stops() {
    let mut network = Network::start().await;
    let node = network.node(LEARNER);
    let token = std::fs::read_to_string(node.directory().join("tokens/officer")).unwrap();
    let stream = reqwest::Client::new()
        .get(format!("{}/v1/events", node.url()))
        .bearer_auth(token.trim())
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    let asked = Instant::now();
    network.terminate(LEARNER);
    let said = stream.text().await.expect("the stream ends in good order");
    assert!(said.contains("event: closed") && said.contains("node-stopping"), "{said}");
    assert_eq!(network.ended(LEARNER).await.code(), Some(0));
    assert!(asked.elapsed() < ENDED_WITHIN, "it took {:?}", asked.elapsed());
}

#[tokio::test]
async fn every_node_ends_well_on_sigterm_and_goes_on_where_it_was() {
    let mut network = Network::start().await;
    let author = Author::enrol(&network, 1).await;
    let mut load = Load::start(author, vec![network.client(1)]);
    load.goes_on(10).await;
    let acknowledged = load.finish().await;
    audit::assert_agreement(&network, &NODES).await;
    for id in NODES {
        network.terminate(id);
    }
    for id in NODES {
        assert_eq!(network.ended(id).await.code(), Some(0), "node {id}");
    }
    for id in NODES {
        network.boot(id);
    }
    network.ready(&NODES).await;
    audit::assert_nothing_lost(&network, &NODES, &acknowledged).await;
}
