//! Reads when there is no quorum.

use precinto_client::Consistency;
use precinto_cluster_tests::{LEARNER, Network, VOTERS};

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
        let refused = client.aeo_operator("rut", "1", Consistency::Linearizable).await.unwrap_err();
        assert_eq!(refused.code(), Some("no-leader"), "node {id}: {refused}");
        assert!(refused.retryable(), "node {id}: {refused}");
        let local = client.aeo_operator("rut", "1", Consistency::Local).await.unwrap();
        assert_eq!(local.as_of.height, height, "node {id}");
    }

    network.boot(lost[0]);
    network.ready(&[leader, lost[0], LEARNER]).await;
    for id in [leader, lost[0], LEARNER] {
        let client = network.client(id);
        client.aeo_operator("rut", "1", Consistency::Linearizable).await.unwrap();
    }
}
