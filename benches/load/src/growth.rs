//! A network with many records: what it needs, and how fast it still is.

use std::time::Duration;

use anyhow::ensure;
use precinto_bench_report::results::{Arrival, At, GrowthRun, Keys, Kind, Mix, Workload};
use precinto_cluster_tests::{LEARNER, VOTERS, eventually};
use tokio::time::{Instant, sleep};

use crate::{
    drive::drive,
    failover::{READY_WITHIN, start},
    machine,
    network::{Bench, Setup, follower},
    pace::Pace,
    process,
    request::{Outcome, ask},
    say,
    stock::EXPIRES_AFTER_MS,
};

/// Raft entries that nodes keep: few, so that the new learner needs a snapshot at every size.
const KEPT_ENTRIES: u64 = 16;

/// Transactions after which the ledger has forgotten all that expired before them: each block of one
/// removes some eight thousand.
const NUDGES: u64 = 20;

/// Disk use that stays the same for so long has come to rest.
const QUIET: Duration = Duration::from_secs(3);

/// How long compaction may take to come to rest.
const REST_WITHIN: Duration = Duration::from_secs(120);

/// How long the idle network is watched.
const IDLE: Duration = Duration::from_secs(4);

/// Fills a new network and measures it, each workload for so many seconds.
pub(crate) async fn measure(records: u64, seconds: f64) -> anyhow::Result<GrowthRun> {
    let setup = Setup { keep_entries: Some(KEPT_ENTRIES), ..Setup::default() };
    let mut bench = Bench::start(&setup).await?;
    let fill_per_second = bench.fill(records).await?;
    say(format_args!("{records} records: filled, {fill_per_second:.0} a second"))?;
    rest(&bench).await?;
    let disk = bench.disk(VOTERS[0]);
    let idle_rss_bytes = bench.rss_bytes()?;
    let idle_cpu_us_per_second = idle_cpu(&bench).await?;
    let sync = machine::sync_time(bench.network.root())?;

    let mut points = Vec::new();
    for workload in workloads(seconds) {
        points.push(bench.measure(&workload).await?);
    }
    let voter = follower(bench.network.leader_among(&VOTERS).await);
    bench.network.terminate(voter);
    ensure!(bench.network.ended(voter).await.success(), "node {voter} did not stop in order");
    let restart_ms = start(&mut bench, voter).await;
    let restarted_rss_bytes = process::rss_bytes(bench.pid(voter)?)?;
    let join_ms = join(&mut bench).await?;
    let joined_rss_bytes = process::rss_bytes(bench.pid(LEARNER)?)?;
    say(format_args!(
        "{records} records: {} bytes of ledger, restart {restart_ms:.0} ms, join {join_ms:.0} ms",
        disk.ledger_bytes
    ))?;
    Ok(GrowthRun {
        records,
        kept_entries: KEPT_ENTRIES,
        fill_per_second,
        points,
        disk,
        idle_rss_bytes,
        idle_cpu_us_per_second,
        restart_ms,
        restarted_rss_bytes,
        join_ms,
        joined_rss_bytes,
        sync,
    })
}

/// What each size is asked: single requests one after the other, and as many as it takes.
fn workloads(seconds: f64) -> Vec<Workload> {
    let workload = |kind, clients, batch, at| Workload {
        arrival: Arrival::Closed,
        clients,
        batch,
        mix: Mix::only(kind),
        keys: Keys::Uniform,
        at,
        endorse: false,
        seconds,
    };
    vec![
        workload(Kind::Status, 1, 1, At::Follower),
        workload(Kind::History, 1, 1, At::Follower),
        workload(Kind::Linearizable, 1, 1, At::Follower),
        workload(Kind::Status, 32, 1, At::Follower),
        workload(Kind::Certify, 1, 1, At::Follower),
        workload(Kind::Certify, 4, 100, At::Spread),
    ]
}

/// Waits until the ledger has forgotten the fill's ids, and nothing is compacted any more.
async fn rest(bench: &Bench) -> anyhow::Result<()> {
    sleep(Duration::from_millis(EXPIRES_AFTER_MS) + Duration::from_secs(1)).await;
    let nudge = &workloads(0.0)[4];
    let nodes = bench.asked(nudge.at, VOTERS[0]);
    drive(nudge, &bench.stock, &nodes, Pace::requests(NUDGES)).await?;
    let mut before = (Instant::now(), bench.disk(VOTERS[0]));
    eventually("the disk comes to rest", REST_WITHIN, async || {
        let disk = bench.disk(VOTERS[0]);
        if disk != before.1 {
            before = (Instant::now(), disk);
        }
        (before.0.elapsed() >= QUIET).then_some(())
    })
    .await;
    Ok(())
}

/// CPU time of a voter per second without any request, microseconds: the largest.
async fn idle_cpu(bench: &Bench) -> anyhow::Result<f64> {
    let before = bench.usages()?;
    sleep(IDLE).await;
    let after = bench.usages()?;
    let spent = before.iter().zip(&after).map(|((_, before), (_, after))| after.since(before).0);
    Ok(spent.fold(0.0, f64::max) / IDLE.as_secs_f64())
}

/// Starts the learner for the first time; milliseconds until it has every block and answers of a
/// record.
async fn join(bench: &mut Bench) -> anyhow::Result<f64> {
    let height = bench.network.status(VOTERS[0]).await.as_of.height;
    let record = bench.stock.record(0);
    let began = Instant::now();
    bench.network.boot(LEARNER);
    let client = bench.network.client(LEARNER);
    eventually("the learner has joined", READY_WITHIN, async || {
        let status = client.status().await.ok()?;
        let outcome = ask(&client, Kind::Status, &record).await;
        (status.as_of.height >= height && outcome == Outcome { done: 1, ..Outcome::default() })
            .then_some(())
    })
    .await;
    let took = began.elapsed();
    let log = bench.network.node(LEARNER).log();
    ensure!(log.contains("a snapshot took over"), "the learner replayed the log: {log}");
    Ok(took.as_secs_f64() * 1e3)
}
