//! The tables.

use std::{collections::BTreeSet, fmt::Display};

use crate::{
    results::{
        Arrival, At, Done, GrowthRun, Keys, Kind, Latency, Machine, NetworkRun, NodeCost, Point,
    },
    steps::Step,
    targets::{self, whole},
};

/// What stands where nothing was measured.
const MISSING: &str = "not measured";

/// What stands between a step's name and its budget.
const BUDGET: &str = "/budget ";

/// All results of one run of the benchmarks.
#[derive(Debug, Default)]
pub struct Results {
    /// The machine.
    pub machine: Option<Machine>,
    /// Single steps.
    pub steps: Vec<Step>,
    /// Networks of three voters.
    pub network: Option<NetworkRun>,
    /// Growing networks, by their records.
    pub growth: Vec<GrowthRun>,
}

impl Results {
    /// The table of that name, in Markdown; nothing if there is no such table.
    pub fn table(&self, name: &str) -> Option<String> {
        let network = |table: fn(&NetworkRun) -> String| {
            self.network.as_ref().map_or_else(|| MISSING.to_owned(), table)
        };
        Some(match name {
            "machine" => self.machine.as_ref().map_or_else(|| MISSING.to_owned(), machine),
            "targets" => self.targets(),
            "steps" => steps(&self.steps),
            "transactions" => network(|run| points(&run.points, |point| only(point, true))),
            "queries" => network(|run| points(&run.points, |point| only(point, false))),
            "mixed" => network(|run| points(&run.points, |point| point.done.len() > 1)),
            "threads" => network(|run| threads(&run.points)),
            "endorsement" => network(|run| points(&run.endorsement, |_| true)),
            "failover" => network(failover),
            "lists" => network(lists),
            "news" => network(news),
            "growth" => growth(&self.growth),
            "growth-latency" => growth_latency(&self.growth),
            _ => return None,
        })
    }

    fn targets(&self) -> String {
        let mut table = Table::new(&["target", "measured", ""]);
        for target in targets::all(self.network.as_ref(), &self.growth) {
            let (figure, mark) = match target.measured {
                None => (MISSING.to_owned(), ""),
                Some(measured) if measured.reached => (measured.figure, "reached"),
                Some(measured) => (measured.figure, "**not reached**"),
            };
            table.row([target.what.to_owned(), figure, mark.to_owned()]);
        }
        table.finish()
    }
}

/// A Markdown table in the making.
struct Table(String);

impl Table {
    fn new(heads: &[&str]) -> Table {
        let mut table = Table(String::new());
        table.row(heads);
        table.row(heads.iter().map(|_| "---"));
        table
    }

    fn row(&mut self, cells: impl IntoIterator<Item = impl Display>) {
        self.0 += "|";
        for cell in cells {
            self.0 += &format!(" {cell} |");
        }
        self.0 += "\n";
    }

    fn finish(self) -> String {
        self.0
    }
}

fn machine(machine: &Machine) -> String {
    let mut table = Table::new(&["", ""]);
    let features = machine.cpu_features.join(", ");
    let memory = format!("{:.1} GiB", machine.memory_mib as f64 / 1024.0);
    let sync = machine.sync;
    let sync = format!("p50 {:.0} us, p99 {:.0} us", sync.p50_us, sync.p99_us);
    table.row(["processor", &format!("{}; {} cores; {features}", machine.cpu, machine.cores)]);
    table.row(["memory", &memory]);
    table.row(["kernel", &machine.kernel]);
    table.row(["disk of the networks", &machine.disk]);
    table.row(["4 KiB append and fdatasync", &sync]);
    table.row(["build", &format!("{}, commit {}", machine.profile, machine.commit)]);
    table.row(["load average before", &format!("{:.2}", machine.load_average)]);
    table.finish()
}

fn steps(steps: &[Step]) -> String {
    if steps.is_empty() {
        return MISSING.into();
    }
    let mut table = Table::new(&["step", "median, us", "budget"]);
    for step in steps {
        let (name, budget) = step.name.split_once(BUDGET).unwrap_or((&step.name, ""));
        table.row([name, &format!("{:.2}", step.median_ns / 1e3), budget]);
    }
    table.finish()
}

/// Whether a point consists of transactions alone, or of questions of one kind.
fn only(point: &Point, transactions: bool) -> bool {
    point.done.len() == 1 && point.workload.mix.has(Kind::Certify) == transactions
}

fn arrival(point: &Point) -> String {
    let workload = &point.workload;
    let clients = match workload.batch {
        1 => workload.clients.to_string(),
        batch if workload.mix.has(Kind::Certify) => format!("{} x {batch}", workload.clients),
        _ => workload.clients.to_string(),
    };
    match workload.arrival {
        Arrival::Closed => clients,
        Arrival::Open { per_second } => format!("open, {} a second", whole(per_second)),
    }
}

fn what(point: &Point, done: &Done) -> String {
    let mut what = match done.kind {
        Kind::Certify if point.workload.endorse => "certify, two members sign".to_owned(),
        kind => kind.to_string(),
    };
    if done.kind != Kind::Certify && point.workload.keys == Keys::Zipf {
        what += ", Zipf";
    }
    what
}

fn at(point: &Point) -> &'static str {
    match point.workload.at {
        At::Leader => "leader",
        At::Follower => "follower",
        At::Spread => "all voters",
    }
}

fn ms(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.2}"),
        middle if middle < 100.0 => format!("{middle:.1}"),
        large => format!("{large:.0}"),
    }
}

fn latency(latency: &Latency) -> [String; 4] {
    [latency.p50, latency.p99, latency.p999, latency.max].map(ms)
}

/// Highest of the nodes.
fn largest(point: &Point, of: impl Fn(&NodeCost) -> f64) -> f64 {
    point.nodes.iter().map(of).fold(0.0, f64::max)
}

fn points(points: &[Point], of: impl Fn(&Point) -> bool) -> String {
    let mut table = Table::new(&[
        "clients",
        "at",
        "what",
        "per second",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "failed",
        "node CPU us each",
        "generator CPU us each",
        "memory MB",
        "fdatasync p50 us",
    ]);
    for point in points.iter().filter(|point| of(point)) {
        for done in &point.done {
            let [p50, p99, p999, max] = latency(&done.latency);
            table.row([
                arrival(point),
                at(point).into(),
                what(point, done),
                whole(done.per_second),
                p50,
                p99,
                p999,
                max,
                failed(done.failed.iter()),
                format!("{:.0}", largest(point, |node| node.cpu_us)),
                format!("{:.0}", point.generator_cpu_us),
                format!("{:.0}", largest(point, |node| node.rss_bytes as f64 / 1e6)),
                format!("{:.0}", point.sync.p50_us),
            ]);
        }
    }
    table.finish()
}

fn failed<'a>(failed: impl Iterator<Item = (&'a String, &'a u64)>) -> String {
    let failed: Vec<String> = failed.map(|(code, count)| format!("{count} {code}")).collect();
    if failed.is_empty() { "0".into() } else { failed.join(", ") }
}

/// CPU by thread where the most transactions were committed.
fn threads(points: &[Point]) -> String {
    let certified = points.iter().filter(|point| only(point, true));
    let rate = |point: &Point| point.done[0].per_second;
    let Some(point) = certified.max_by(|one, other| rate(one).total_cmp(&rate(other))) else {
        return MISSING.into();
    };
    let names: BTreeSet<&str> = point
        .nodes
        .iter()
        .flat_map(|node| node.threads_us.iter().filter(|(_, us)| **us >= 0.5))
        .map(|(name, _)| name.as_str())
        .collect();
    let heads = point.nodes.iter().map(|node| match node.leads {
        true => format!("node {} (leader)", node.node),
        false => format!("node {}", node.node),
    });
    let heads: Vec<String> = ["thread".to_owned()].into_iter().chain(heads).collect();
    let mut table = Table::new(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    let us = |value: f64| format!("{value:.0}");
    for name in names {
        let costs = point.nodes.iter().map(|node| node.threads_us.get(name).copied());
        let costs = costs.map(|cost| us(cost.unwrap_or(0.0)));
        table.row([format!("`{name}`")].into_iter().chain(costs));
    }
    let all = point.nodes.iter().map(|node| us(node.cpu_us));
    table.row(["all".to_owned()].into_iter().chain(all));
    let clients = arrival(point);
    let (rate, at) = (whole(rate(point)), at(point));
    format!("{clients} clients at {at}, {rate} a second; us per transaction:\n\n{}", table.finish())
}

fn failover(run: &NetworkRun) -> String {
    let failover = &run.failover;
    let mut table = Table::new(&["", "p50 ms", "p99 ms", "p99.9 ms", "max ms"]);
    let mut row = |name: &str, of: &Latency| {
        table.row([name.to_owned()].into_iter().chain(latency(of)));
    };
    row("before", &failover.before);
    row("in the five seconds after", &failover.after);
    format!(
        "{}\n{} clients; longest time without a commit {} ms; never committed: {}; the killed node \
         served again {} ms after its start.",
        table.finish(),
        failover.clients,
        ms(failover.longest_pause_ms),
        failed(failover.failed.iter()),
        ms(failover.restart_ms),
    )
}

fn lists(run: &NetworkRun) -> String {
    let lists = &run.lists;
    let rate = |seconds: f64| whole(lists.rows as f64 / seconds);
    let mut table = Table::new(&[&*format!("{} rows", whole(lists.rows as f64)), "s", "rows/s"]);
    for (name, seconds) in [
        ("first import, everything new", lists.first_import_s),
        ("second import, nothing to do", lists.second_import_s),
        ("export", lists.export_s),
    ] {
        table.row([name.to_owned(), format!("{seconds:.1}"), rate(seconds)]);
    }
    table.finish()
}

fn news(run: &NetworkRun) -> String {
    let news = &run.news;
    let measured = news.suspensions * news.nodes;
    let first = format!("{measured} measured at {} nodes", news.nodes);
    let mut table = Table::new(&[&first, "p50 ms", "p99 ms", "p99.9 ms", "max ms"]);
    for (name, of) in [("in answers", &news.in_answers), ("in event streams", &news.in_events)] {
        table.row([name.to_owned()].into_iter().chain(latency(of)));
    }
    table.finish()
}

/// A row per figure, a column per size.
fn by_size(growth: &[GrowthRun]) -> Table {
    let sizes = growth.iter().map(|run| whole(run.records as f64));
    let heads: Vec<String> = ["records".to_owned()].into_iter().chain(sizes).collect();
    Table::new(&heads.iter().map(String::as_str).collect::<Vec<_>>())
}

fn growth(growth: &[GrowthRun]) -> String {
    if growth.is_empty() {
        return MISSING.into();
    }
    let mut table = by_size(growth);
    let mut row = |name: &str, of: fn(&GrowthRun) -> String| {
        table.row([name.to_owned()].into_iter().chain(growth.iter().map(of)));
    };
    row("filled, records/s", |run| whole(run.fill_per_second));
    row("ledger on disk, bytes per record", |run| {
        whole(run.disk.ledger_bytes as f64 / run.records as f64)
    });
    row("ledger on disk, MB", |run| format!("{:.0}", run.disk.ledger_bytes as f64 / 1e6));
    row("Raft log on disk, MB", |run| format!("{:.0}", run.disk.raft_bytes as f64 / 1e6));
    row("memory, idle, MB", |run| format!("{:.0}", run.idle_rss_bytes as f64 / 1e6));
    row("memory after a restart, MB", |run| format!("{:.0}", run.restarted_rss_bytes as f64 / 1e6));
    row("CPU, idle, % of a core", |run| format!("{:.1}", run.idle_cpu_us_per_second / 1e4));
    row("restart until ready, s", |run| format!("{:.2}", run.restart_ms / 1e3));
    row("new learner until it serves, s", |run| format!("{:.2}", run.join_ms / 1e3));
    row("memory of the learner, MB", |run| format!("{:.0}", run.joined_rss_bytes as f64 / 1e6));
    row("fdatasync p50, us", |run| format!("{:.0}", run.sync.p50_us));
    table.finish()
}

fn growth_latency(growth: &[GrowthRun]) -> String {
    let Some(first) = growth.first() else { return MISSING.into() };
    let mut table = by_size(growth);
    for (index, point) in first.points.iter().enumerate() {
        let name = format!("{} ({})", point.workload.mix, arrival(point));
        let cell = |run: &GrowthRun| match run.points.get(index).and_then(|it| it.done.first()) {
            Some(done) => {
                let [p50, p99, ..] = latency(&done.latency);
                format!("{}/s, {p50} / {p99} ms", whole(done.per_second))
            }
            None => MISSING.into(),
        };
        table.row([name].into_iter().chain(growth.iter().map(cell)));
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_the_document_exists_and_says_when_nothing_was_measured() {
        let document = include_str!("../../../docs/BENCHMARKS.md");
        let mut tables = 0;
        let results = Results::default();
        let renewed = crate::document::renew(document, |name| {
            let table = results.table(name)?;
            assert!(table.contains(MISSING), "{name}: {table}");
            Some(table)
        });
        for name in renewed.unwrap().split("<!-- bench:").skip(1) {
            tables += 1;
            assert!(name.contains(MISSING), "{name}");
        }
        assert_eq!(tables, 13, "a table is missing from the document");
    }

    #[test]
    fn what_misses_its_target_is_marked() {
        let results = Results {
            growth: vec![GrowthRun {
                records: targets::LARGEST,
                fill_per_second: 1.0,
                points: Vec::new(),
                disk: crate::results::DiskUse { ledger_bytes: 1_400_000_000, raft_bytes: 1 },
                idle_rss_bytes: 500_000_000,
                idle_cpu_us_per_second: 1.0,
                restart_ms: 1.0,
                restarted_rss_bytes: 1,
                join_ms: 1.0,
                joined_rss_bytes: 1,
                sync: crate::results::SyncTime::default(),
            }],
            ..Results::default()
        };
        let table = results.table("targets").unwrap();
        let row = |name: &str| table.lines().find(|line| line.contains(name)).unwrap().to_owned();
        assert!(row("under 400 MB").ends_with("| 500 MB | **not reached** |"), "{table}");
        assert!(row("1.5 KB").ends_with("| 1.40 KB at 1,000,000 records | reached |"), "{table}");
        assert!(row("3,000 committed").contains(MISSING), "{table}");
    }
}
