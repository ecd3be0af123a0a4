//! A network with many records: what it needs, and how fast it still is.

use std::time::Duration;

use anyhow::{Context, ensure};
use precinto_bench_report::results::{Arrival, At, GrowthRun, Keys, Kind, Mix, Workload};
use precinto_cluster_tests::{LEARNER, VOTERS, eventually};
use tokio::time::{Instant, sleep};

use crate::{
    drive::drive,
    failover::{READY_WITHIN, start},
    machine,
    network::{Bench, fill_workload},
    pace::Pace,
    process,
    request::{Outcome, ask},
    say,
    stock::EXPIRES_AFTER_MS,
};

/// Variable of the program: how many Raft entries a node keeps below what is safe on disk.
const KEEP_ENTRIES: &str = "PRECINTO_KEEP_ENTRIES";

/// What a node logs when a snapshot has taken its ledger's place.
const SNAPSHOT_TAKEN: &str = "a snapshot took over";

/// How long a line may take into the log.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// Metric of the first entry that a node keeps.
const FIRST_INDEX: &str = "precinto_raft_first_index";

/// So few before the learner joins, so that it needs a snapshot at every size.
const FEW_ENTRIES: &str = "4";

/// How long a node may take to drop the others: it does when it has synced its ledger.
const COMPACTED_WITHIN: Duration = Duration::from_secs(60);

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
    let mut bench = Bench::start(None).await?;
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
    let restarted = restart_all(&mut bench).await?;
    let join_ms = join(&mut bench).await?;
    let joined_rss_bytes = process::rss_bytes(bench.pid(LEARNER)?)?;
    say(format_args!(
        "{records} records: {} bytes of ledger, restart {:.0} ms, join {join_ms:.0} ms",
        disk.ledger_bytes, restarted.took_ms
    ))?;
    Ok(GrowthRun {
        records,
        fill_per_second,
        points,
        disk,
        idle_rss_bytes,
        idle_cpu_us_per_second,
        restart_ms: restarted.took_ms,
        restarted_rss_bytes: restarted.rss_bytes,
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
    nudge(bench).await?;
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

/// A few blocks.
async fn nudge(bench: &Bench) -> anyhow::Result<()> {
    let workload = Workload { batch: 1, clients: 1, ..fill_workload() };
    let nodes = bench.asked(At::Spread, VOTERS[0]);
    drive(&workload, &bench.stock, &nodes, Pace::requests(NUDGES)).await?;
    Ok(())
}

/// A voter after its restart.
struct Restarted {
    took_ms: f64,
    rss_bytes: u64,
}

/// Restarts one voter after the other, so that they keep few Raft entries, and waits until they do;
/// the figures of the first.
async fn restart_all(bench: &mut Bench) -> anyhow::Result<Restarted> {
    bench.network.set_environment(&[(KEEP_ENTRIES, FEW_ENTRIES)]);
    let mut first = None;
    for voter in VOTERS {
        bench.network.terminate(voter);
        ensure!(bench.network.ended(voter).await.success(), "node {voter} did not stop in order");
        let took_ms = start(bench, voter).await;
        let rss_bytes = process::rss_bytes(bench.pid(voter)?)?;
        first.get_or_insert(Restarted { took_ms, rss_bytes });
    }
    bench.network.leader_among(&VOTERS).await;
    nudge(bench).await?;
    for voter in VOTERS {
        let node = bench.network.node(voter);
        eventually("the Raft log is short", COMPACTED_WITHIN, async || {
            (node.metrics().await.value(FIRST_INDEX) > 1.0).then_some(())
        })
        .await;
    }
    first.context("a network has voters")
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
    // Its log tells a moment later.
    let node = bench.network.node(LEARNER);
    eventually("the learner took a snapshot, not the log", TOLD_WITHIN, async || {
        node.log().contains(SNAPSHOT_TAKEN).then_some(())
    })
    .await;
    Ok(took.as_secs_f64() * 1e3)
}
