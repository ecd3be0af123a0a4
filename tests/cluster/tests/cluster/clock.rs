//! A node whose clock is wrong.

use std::time::Duration;

use precinto_cluster_tests::{
    Author, LEARNER, Load, NODES, Network, VOTERS, audit, eventually, now_ms,
};

const HOUR_MS: i64 = 3_600_000;

/// Clocks are compared every two seconds; a leader whose blocks are refused already takes three
/// more to give up, and the others half a second to elect another.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(20);

/// How far ledger time may be from the true time while somebody's clock is wrong: voters refuse
/// blocks 30 seconds ahead, and a leader that is behind hands over in some seconds.
const SANE_MS: u64 = 40_000;

async fn assert_sane_time(network: &Network, id: u64) {
    let time_ms = network.status(id).await.as_of.time_ms;
    assert!(time_ms.abs_diff(now_ms()) < SANE_MS, "ledger time {time_ms}, now {}", now_ms());
}

#[tokio::test]
async fn a_leader_whose_clock_is_an_hour_off_gives_way_and_the_network_goes_on() {
    let network = Network::start().await;
    let author = Author::enrol(&network, LEARNER).await;
    let mut load = Load::start(author, vec![network.client(LEARNER)]);
    load.goes_on(10).await;

    for shift in [HOUR_MS, -HOUR_MS] {
        let wrong = network.leader_among(&VOTERS).await;
        let others: Vec<u64> = VOTERS.into_iter().filter(|id| *id != wrong).collect();
        network.node(wrong).shift_clock(shift);
        let (client, sane) = (network.client(wrong), network.client(others[0]));
        eventually("the leader gives way and says why", GIVEN_UP_WITHIN, async || {
            let told = client.readiness().await.ok()?;
            let leader = sane.status().await.ok()?.leader?;
            (told.clock_off && !told.ready && leader != wrong).then_some(())
        })
        .await;
        load.goes_on(10).await;
        assert_sane_time(&network, others[0]).await;
        assert_ne!(network.leader_among(&others).await, wrong);
        assert!(network.node(wrong).log().contains("this node's clock is wrong"));
        let metrics = network.node(wrong).metrics().await;
        let offset =
            metrics.value(&format!("precinto_clock_offset_seconds{{node=\"{}\"}}", others[0]));
        assert!((offset - shift as f64 / 1000.0).abs() < 5.0, "{offset}");
        assert_eq!(metrics.value("precinto_clock_off"), 1.0);
        assert_eq!(network.node(others[0]).metrics().await.value("precinto_clock_off"), 0.0);

        network.node(wrong).shift_clock(0);
        eventually("the node is ready with the right clock", GIVEN_UP_WITHIN, async || {
            client.readiness().await.ok()?.ready.then_some(())
        })
        .await;
    }
    let acknowledged = load.finish().await;
    audit::assert_nothing_lost(&network, &NODES, &acknowledged).await;
    assert_sane_time(&network, 1).await;
}
