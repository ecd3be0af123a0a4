//! Fresh reads: never older than the question.

use std::time::Duration;

use precinto_client::Consistency;
use precinto_cluster_tests::{Author, LEARNER, Network, VOTERS, eventually};

const WAIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn without_a_quorum_a_fresh_read_is_refused_and_a_local_one_says_its_age() {
    let mut network = Network::start().await;
    let leader = network.leader_among(&VOTERS).await;
    let lost: Vec<u64> = VOTERS.into_iter().filter(|id| *id != leader).collect();
    let height = network.status(leader).await.as_of.height;
    for &id in &lost {
        network.kill(id);
    }
    for id in [leader, LEARNER] {
        let client = network.client(id);
        // Also at the old leader, which may believe for a moment that it still leads.
        let refused = client.aeo_find("aeo", "1", Consistency::Linearizable).await.unwrap_err();
        assert_eq!(refused.code(), Some("no-leader"), "node {id}: {refused}");
        assert!(refused.retryable(), "node {id}: {refused}");
        let local = client.aeo_find("aeo", "1", Consistency::Local).await.unwrap();
        assert_eq!(local.as_of.state.height, height, "node {id}");
    }

    for id in [leader, LEARNER] {
        let client = network.client(id);
        eventually(&format!("node {id} is not ready without a quorum"), WAIT, async || {
            client.readiness().await.is_ok_and(|answer| !answer.ready).then_some(())
        })
        .await;
    }

    network.boot(lost[0]);
    for id in [leader, lost[0], LEARNER] {
        let client = network.client(id);
        // A leader must commit in its term first: until then it refuses.
        eventually(&format!("node {id} reads afresh"), WAIT, async || {
            client.aeo_find("aeo", "1", Consistency::Linearizable).await.ok()
        })
        .await;
    }
}

/// Its machine paused: it still believes to lead, and what it knows is old.
#[tokio::test]
async fn a_leader_that_was_frozen_gives_no_stale_answer() {
    let network = Network::start().await;
    let leader = network.leader_among(&VOTERS).await;
    let others: Vec<u64> = VOTERS.into_iter().filter(|id| *id != leader).collect();
    let author = Author::enrol(&network, others[0]).await;
    network.freeze(leader);
    network.leader_among(&others).await;
    let transaction = author.certify("F1");
    let written = network.client(others[0]).submit(&transaction, Some(WAIT)).await.unwrap();
    let height = written.height.expect("it was waited for");

    // Asked before it wakes: the question waits at its door.
    let operator = author.operator("F1");
    let client = network.client(leader);
    let asked = tokio::spawn(async move {
        let (scheme, identifier) = (&operator.scheme, &operator.identifier);
        client.aeo_find(scheme, identifier, Consistency::Linearizable).await
    });
    tokio::task::yield_now().await;
    network.thaw(leader);
    match asked.await.unwrap() {
        Ok(answer) => {
            assert!(answer.as_of.state.height >= height, "{answer:?}");
            assert_eq!(answer.authorizations().count(), 1, "{answer:?}");
        }
        Err(refused) => assert!(refused.retryable(), "{refused}"),
    }
}
