//! What is to be reached: on two cores, shared by three voters and the load generator, everything
//! checked at every node and synced.

use crate::results::{At, Done, GrowthRun, Kind, NetworkRun, Point};

/// Records of the largest growth run, for which the targets of size are meant.
pub const LARGEST: u64 = 1_000_000;

/// Records of the smallest.
pub const SMALLEST: u64 = 10_000;

/// A target and what was measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    /// What is to be reached, with the limit.
    pub what: &'static str,
    /// What was measured; nothing if it was not.
    pub measured: Option<Measured>,
}

/// A figure beside its limit.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The figure with its unit, and where it comes from if that is not plain.
    pub figure: String,
    /// Whether it keeps the limit.
    pub reached: bool,
}

fn at_least(limit: f64, value: f64, unit: &str) -> Measured {
    Measured { figure: format!("{} {unit}", whole(value)), reached: value >= limit }
}

/// `limit` and `value` in `unit`, which is shown with as many decimals.
fn at_most(limit: f64, value: f64, decimals: usize, unit: &str) -> Measured {
    Measured { figure: format!("{value:.decimals$} {unit}"), reached: value <= limit }
}

/// A number with thousands set off by commas.
pub fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// All of them.
pub fn all(network: Option<&NetworkRun>, growth: &[GrowthRun]) -> Vec<Target> {
    let points = network.map_or(&[][..], |run| &run.points);
    let largest = growth.iter().find(|run| run.records == LARGEST);
    let last = growth.iter().max_by_key(|run| run.records);
    let target = |what, measured| Target { what, measured };
    vec![
        target(
            "3,000 committed transactions/s or more",
            best(points, |point| point.done(Kind::Certify)).map(|v| at_least(3_000.0, v, "/s")),
        ),
        target(
            "one client, idle network: p50 under 5 ms",
            alone(points).map(|it| at_most(5.0, it.0, 1, "ms")),
        ),
        target("the same: p99 under 30 ms", alone(points).map(|it| at_most(30.0, it.1, 1, "ms"))),
        target(
            "10,000 status queries/s at one node",
            best(points, |point| {
                point.done(Kind::Status).filter(|_| point.workload.at != At::Spread)
            })
            .map(|v| at_least(10_000.0, v, "/s")),
        ),
        target(
            "1.5 KB on disk per notarization and node at most (ledger; the Raft log is bounded)",
            last.map(|run| {
                let bytes = run.disk.ledger_bytes as f64 / run.records as f64;
                of(run, at_most(1.5, bytes / 1e3, 2, "KB"))
            }),
        ),
        target(
            "idle node under 150 MB of memory",
            network.map(|run| at_most(150.0, run.fresh_rss_bytes as f64 / 1e6, 0, "MB")),
        ),
        target(
            "the same with 10^6 records: under 400 MB",
            largest.map(|run| at_most(400.0, run.idle_rss_bytes as f64 / 1e6, 0, "MB")),
        ),
        target(
            "restart with 10^6 records under 30 s",
            largest.map(|run| at_most(30.0, run.restart_ms / 1e3, 1, "s")),
        ),
        target(
            "a new learner with 10^6 records by snapshot under 60 s",
            largest.map(|run| at_most(60.0, run.join_ms / 1e3, 1, "s")),
        ),
        target("no figure worse than linear from 10^4 to 10^6 records", linear(growth)),
    ]
}

fn of(run: &GrowthRun, measured: Measured) -> Measured {
    let figure = format!("{} at {} records", measured.figure, whole(run.records as f64));
    Measured { figure, ..measured }
}

/// The highest rate among these.
fn best<'a>(points: &'a [Point], of: impl Fn(&'a Point) -> Option<&'a Done>) -> Option<f64> {
    points.iter().filter_map(of).map(|done| done.per_second).reduce(f64::max)
}

/// Median and 99th percentile of a single client, of the leader or of another voter: the worse.
fn alone(points: &[Point]) -> Option<(f64, f64)> {
    let single = points.iter().filter(|point| point.workload.clients == 1);
    let latencies = single.filter_map(|point| Some(point.done(Kind::Certify)?.latency));
    latencies.map(|it| (it.p50, it.p99)).reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
}

/// The figures of a growth run that may grow with the records, but not faster.
fn growing(run: &GrowthRun) -> [(&'static str, f64); 6] {
    let medians = run.points.iter().flat_map(|point| &point.done).map(|done| done.latency.p50);
    [
        ("memory", run.idle_rss_bytes as f64),
        ("disk", run.disk.ledger_bytes as f64),
        ("restart", run.restart_ms),
        ("joining", run.join_ms),
        ("filling", run.records as f64 / run.fill_per_second),
        ("the medians of all latencies together", medians.sum()),
    ]
}

fn linear(growth: &[GrowthRun]) -> Option<Measured> {
    let first = growth.iter().find(|run| run.records == SMALLEST)?;
    let last = growth.iter().find(|run| run.records == LARGEST)?;
    let times = last.records as f64 / first.records as f64;
    let grown = growing(first).into_iter().zip(growing(last));
    let grown = grown.map(|((name, before), (_, after))| (name, after / before));
    // What was nothing before has not grown by a factor.
    let grown = grown.filter(|(_, factor)| factor.is_finite());
    let worst = grown.reduce(|a, b| if a.1 >= b.1 { a } else { b })?;
    let figure = format!("{times:.0} times the records, {} {:.1} times", worst.0, worst.1);
    Some(Measured { figure, reached: worst.1 <= times })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{DiskUse, SyncTime};

    fn growth(records: u64, restart_ms: f64) -> GrowthRun {
        GrowthRun {
            records,
            fill_per_second: 2_000.0,
            points: Vec::new(),
            disk: DiskUse { ledger_bytes: records * 1_600, raft_bytes: 5 },
            idle_rss_bytes: 100_000_000 + records * 200,
            idle_cpu_us_per_second: 1.0,
            restart_ms,
            restarted_rss_bytes: 1,
            join_ms: 5_000.0,
            joined_rss_bytes: 1,
            sync: SyncTime::default(),
        }
    }

    fn measured(what: &str, growth: &[GrowthRun]) -> Option<Measured> {
        let targets = all(None, growth);
        targets.into_iter().find(|target| target.what.contains(what)).unwrap().measured
    }

    #[test]
    fn sizes_are_judged_at_a_million_records_and_not_before() {
        let small = growth(SMALLEST, 300.0);
        assert_eq!(measured("restart with", std::slice::from_ref(&small)), None);
        let both = [small, growth(LARGEST, 31_000.0)];
        let restart = measured("restart with", &both).unwrap();
        assert_eq!(restart, Measured { figure: "31.0 s".into(), reached: false });
        assert!(measured("under 400 MB", &both).unwrap().reached);
        let disk = measured("on disk", &both).unwrap();
        assert_eq!(disk.figure, "1.60 KB at 1,000,000 records");
        assert!(!disk.reached);
    }

    #[test]
    fn what_grows_faster_than_the_records_is_named() {
        let linear = |ms| measured("linear", &[growth(SMALLEST, 300.0), growth(LARGEST, ms)]);
        assert!(linear(30_000.0).unwrap().reached);
        let worse = linear(33_000.0).unwrap();
        assert!(!worse.reached && worse.figure.contains("restart 110.0 times"), "{worse:?}");
    }

    #[test]
    fn a_limit_is_kept_by_the_limit_itself() {
        assert!(
            !at_least(3_000.0, 2_999.0, "/s").reached && at_least(3_000.0, 3_000.0, "/s").reached
        );
        assert!(at_most(5.0, 5.0, 1, "ms").reached && !at_most(5.0, 5.01, 1, "ms").reached);
    }

    #[test]
    fn thousands_are_set_off() {
        assert_eq!(
            [0.0, 999.0, 1_000.0, 1_234_567.4].map(whole),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
