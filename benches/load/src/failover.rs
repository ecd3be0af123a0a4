//! The leader is killed under load.

use std::time::Duration;

use anyhow::Context;
use precinto_bench_report::results::{Arrival, At, Failover, Keys, Kind, Mix, Workload};
use precinto_client::Client;
use precinto_cluster_tests::{VOTERS, eventually};
use tokio::time::{Instant, sleep};

use crate::{
    drive::{Times, distribution, drive},
    network::Bench,
    pace::Pace,
};

/// Clients: enough that a pause is seen at once.
const CLIENTS: usize = 16;

/// Load before the kill.
const BEFORE: Duration = Duration::from_secs(4);

/// After it, what is sent counts as touched by it for so long.
const TOUCHED: Duration = Duration::from_secs(5);

/// A node may need so long to serve again after its start, whatever it holds.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(300);

/// Kills the leader, and starts it again afterwards.
pub(crate) async fn measure(bench: &mut Bench) -> anyhow::Result<Failover> {
    let leader = bench.network.leader_among(&VOTERS).await;
    let nodes: Vec<(u64, Client)> =
        bench.asked(At::Spread, leader).into_iter().filter(|(id, _)| *id != leader).collect();
    let workload = Workload {
        arrival: Arrival::Closed,
        clients: CLIENTS,
        batch: 1,
        mix: Mix::only(Kind::Certify),
        keys: Keys::Uniform,
        at: At::Follower,
        endorse: false,
        seconds: (BEFORE + TOUCHED).as_secs_f64(),
    };
    let stock = bench.stock.clone();
    let load = tokio::spawn(async move {
        drive(&workload, &stock, &nodes, Pace::closed(BEFORE + TOUCHED)).await
    });
    sleep(BEFORE).await;
    let killed = std::time::Instant::now();
    bench.network.kill(leader);
    let tally = load.await??;
    let restart_ms = start(bench, leader).await;

    let earlier = |commit: &&Times| commit.answered < killed;
    let commits = &tally.commits;
    Ok(Failover {
        clients: CLIENTS,
        before: distribution(commits.iter().filter(earlier)),
        after: distribution(commits.iter().filter(|commit| !earlier(commit))),
        longest_pause_ms: longest_pause(commits, killed)
            .context("nothing was committed after the kill")?
            .as_secs_f64()
            * 1e3,
        failed: tally.failed(),
        restart_ms,
    })
}

/// Starts a node; milliseconds until it is ready.
pub(crate) async fn start(bench: &mut Bench, id: u64) -> f64 {
    let began = Instant::now();
    bench.network.boot(id);
    let client = bench.network.client(id);
    eventually(&format!("node {id} is ready"), READY_WITHIN, async || {
        client.readiness().await.is_ok_and(|answer| answer.ready).then_some(())
    })
    .await;
    began.elapsed().as_secs_f64() * 1e3
}

/// The longest time without an answer from `from` on.
fn longest_pause(commits: &[Times], from: std::time::Instant) -> Option<Duration> {
    let answers: Vec<_> = commits.iter().map(|it| it.answered).filter(|at| *at >= from).collect();
    let first = *answers.first()? - from;
    let between = answers.windows(2).map(|pair| pair[1] - pair[0]);
    between.chain([first]).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_is_the_first_or_any_later_one() {
        let from = std::time::Instant::now();
        let commits = |ms: &[u64]| -> Vec<Times> {
            let at = |ms: &u64| from + Duration::from_millis(*ms);
            ms.iter().map(|ms| Times { sent: from, answered: at(ms) }).collect()
        };
        let pause = |ms: &[u64]| longest_pause(&commits(ms), from).map(|it| it.as_millis());
        assert_eq!(pause(&[]), None);
        assert_eq!(pause(&[70, 80]), Some(70));
        assert_eq!(pause(&[10, 90, 95]), Some(80));
    }
}
