//! The measurements that docs/BENCHMARKS.md shows, in their order.

use precinto_bench_report::results::{Arrival, At, Keys, Kind, Mix, NetworkRun, Point, Workload};

use crate::{failover, lists, network::Bench, say_point};

/// Who signs a certification where two members have to.
const TWO_MEMBERS: &str = "owner.officer and 1 of others";

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// A short run, which shows that it works and no more.
    quick: bool,
    /// How long each workload goes on.
    pub(crate) seconds: f64,
    /// Records that can be asked for.
    records: u64,
    /// Rows of a list.
    rows: usize,
    suspensions: usize,
}

impl Extent {
    /// Of a short run, or of one whose figures count.
    pub(crate) fn new(quick: bool) -> Extent {
        if quick {
            Extent { quick, seconds: 1.5, records: 1_000, rows: 500, suspensions: 10 }
        } else {
            Extent { quick, seconds: 10.0, records: 10_000, rows: 10_000, suspensions: 200 }
        }
    }

    fn closed(self, kind: Kind, clients: usize, at: At) -> Workload {
        Workload {
            arrival: Arrival::Closed,
            clients,
            batch: 1,
            mix: Mix::only(kind),
            keys: Keys::Uniform,
            at,
            endorse: false,
            seconds: self.seconds,
        }
    }

    fn open(self, kind: Kind, per_second: f64, at: At) -> Workload {
        let arrival = Arrival::Open { per_second };
        Workload { arrival, ..self.closed(kind, MOST_CLIENTS, at) }
    }
}

/// Requests under way at once, at most.
const MOST_CLIENTS: usize = 512;

/// What is asked; the first of each kind are those of a short run, too.
fn workloads(extent: Extent) -> Vec<Workload> {
    let closed = |kind, clients, at| extent.closed(kind, clients, at);
    let open = |kind, rate, at| extent.open(kind, rate, at);
    let batch = |clients, batch, at| Workload { batch, ..closed(Kind::Certify, clients, at) };
    let zipf = |workload| Workload { keys: Keys::Zipf, ..workload };
    let mixed = |text: &str, workload| Workload {
        mix: text.parse().expect("the mixes below are well-formed"),
        ..workload
    };
    let reading = "certify=10,status=80,history=5,linearizable=5";
    let mut all = vec![
        closed(Kind::Certify, 1, At::Leader),
        closed(Kind::Certify, 64, At::Spread),
        batch(4, 100, At::Spread),
        open(Kind::Certify, 200.0, At::Spread),
        closed(Kind::Status, 64, At::Follower),
        mixed(reading, closed(Kind::Status, 64, At::Spread)),
    ];
    if extent.quick {
        return all;
    }
    all.extend([
        closed(Kind::Certify, 1, At::Follower),
        closed(Kind::Certify, 8, At::Spread),
        closed(Kind::Certify, 256, At::Spread),
        closed(Kind::Certify, MOST_CLIENTS, At::Spread),
        batch(8, 500, At::Spread),
        open(Kind::Certify, 500.0, At::Spread),
        open(Kind::Certify, 1_000.0, At::Spread),
        open(Kind::Certify, 2_000.0, At::Spread),
        closed(Kind::Status, 1, At::Follower),
        zipf(closed(Kind::Status, 64, At::Follower)),
        closed(Kind::Status, 64, At::Spread),
        open(Kind::Status, 5_000.0, At::Follower),
        closed(Kind::History, 64, At::Follower),
        closed(Kind::Linearizable, 64, At::Follower),
        mixed("certify=50,status=50", closed(Kind::Status, 64, At::Spread)),
        mixed(reading, open(Kind::Status, 1_000.0, At::Spread)),
    ]);
    let open = |workload: &Workload| workload.arrival != Arrival::Closed;
    all.sort_by_key(|workload| (open(workload), workload.batch, workload.clients));
    all
}

/// Measures everything, each group on a network of its own.
pub(crate) async fn measure(extent: Extent) -> anyhow::Result<NetworkRun> {
    let mut bench = Bench::start(None).await?;
    let fresh_rss_bytes = bench.rss_bytes()?;
    bench.fill(extent.records).await?;
    let points = measure_all(&bench, &workloads(extent)).await?;
    let failover = failover::measure(&mut bench).await?;
    let news = lists::news(&bench, extent.suspensions).await?;
    drop(bench);

    let bench = Bench::start(None).await?;
    let lists = lists::measure(&bench, extent.rows).await?;
    drop(bench);

    Ok(NetworkRun {
        quick: extent.quick,
        fresh_rss_bytes,
        points,
        failover,
        lists,
        news,
        endorsement: endorsement(extent).await?,
    })
}

async fn measure_all(bench: &Bench, workloads: &[Workload]) -> anyhow::Result<Vec<Point>> {
    let mut points = Vec::new();
    for workload in workloads {
        let point = bench.measure(workload).await?;
        say_point(&point)?;
        points.push(point);
    }
    Ok(points)
}

/// The same with one signature and with two.
async fn endorsement(extent: Extent) -> anyhow::Result<Vec<Point>> {
    let batch =
        |clients, batch| Workload { batch, ..extent.closed(Kind::Certify, clients, At::Leader) };
    let workloads = [batch(1, 1), batch(8, 1), batch(4, 100)];
    let mut points = Vec::new();
    for (endorse, certify_policy) in [(false, None), (true, Some(TWO_MEMBERS))] {
        let bench = Bench::start(certify_policy).await?;
        let workloads = workloads.clone().map(|workload| Workload { endorse, ..workload });
        points.extend(measure_all(&bench, &workloads).await?);
    }
    Ok(points)
}
