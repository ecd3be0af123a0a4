//! What the load generator writes. Times are milliseconds or microseconds as the names say, sizes
//! bytes if not said otherwise.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The machine, and what was built.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Cores that the program may use.
    pub cores: usize,
    /// Extensions that matter here, as the kernel names them.
    pub cpu_features: Vec<String>,
    /// Main memory, MiB.
    pub memory_mib: u64,
    /// Name and release of the kernel.
    pub kernel: String,
    /// Device and file system that hold the networks' data.
    pub disk: String,
    /// Optimized build (`release`) or `development`.
    pub profile: String,
    /// Commit that was built, with `+` if files differed from it.
    pub commit: String,
    /// Processes that ran or wanted to when measuring began (1 minute's load average): a busy
    /// machine gives worthless figures.
    pub load_average: f64,
    /// The disk when nothing else ran.
    pub sync: SyncTime,
}

/// What a 4 KiB append with fdatasync took, microseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SyncTime {
    /// Median.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
}

/// How requests arrive.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// Each client sends its next request when the last one is answered: a slow network gets less
    /// load, which flatters latencies.
    Closed,
    /// So many requests per second, whatever becomes of those before. Latency counts from when a
    /// request was to be sent.
    Open {
        /// Requests per second.
        per_second: f64,
    },
}

/// Which nodes the clients ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// The one that leads.
    Leader,
    /// One voter that does not lead.
    Follower,
    /// Every voter, an equal part of the clients each.
    Spread,
}

/// Which records are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// All alike.
    Uniform,
    /// Few of them often: Zipf's law with exponent 0.99, as YCSB has it.
    Zipf,
}

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Submits certifications and waits until they are committed.
    Certify,
    /// Asks how an authorization stands, of the node's own state.
    Status,
    /// Asks for an authorization's history.
    History,
    /// Asks how an authorization stands, not older than the request.
    Linearizable,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Certify, Kind::Status, Kind::History, Kind::Linearizable];

    fn name(self) -> &'static str {
        match self {
            Kind::Certify => "certify",
            Kind::Status => "status",
            Kind::History => "history",
            Kind::Linearizable => "linearizable",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Parts of each kind of request, of their sum: `certify=10,status=90`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mix(BTreeMap<Kind, u32>);

impl Mix {
    /// Of one kind alone.
    pub fn only(kind: Kind) -> Mix {
        Mix([(kind, 1)].into())
    }

    /// The sum of the parts; never 0.
    pub fn parts(&self) -> u32 {
        self.0.values().sum()
    }

    /// The kind at a place among the parts.
    pub fn kind(&self, part: u32) -> Kind {
        let mut end = 0;
        for (kind, parts) in &self.0 {
            end += parts;
            if part < end {
                return *kind;
            }
        }
        panic!("part {part} of {}", self.parts())
    }

    /// Whether some requests are of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.0.contains_key(&kind)
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Mix, String> {
        let mut mix = BTreeMap::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
            let kind = kind.ok_or_else(|| format!("{name:?} is no kind of request"))?;
            let weight: u16 = weight.parse().map_err(|error| format!("{part:?}: {error}"))?;
            if weight > 0 {
                mix.insert(kind, u32::from(weight));
            }
        }
        if mix.is_empty() { Err("a mix without requests".into()) } else { Ok(Mix(mix)) }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |parts: u32| f64::from(parts) * 100.0 / f64::from(self.parts());
        let parts = self.0.iter().map(|(kind, parts)| match self.0.len() {
            1 => kind.to_string(),
            _ => format!("{:.0} % {kind}", percent(*parts)),
        });
        f.write_str(&parts.collect::<Vec<_>>().join(", "))
    }
}

/// What is asked of a network.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Workload {
    /// How requests arrive.
    pub arrival: Arrival,
    /// Clients: requests under way at once, at most.
    pub clients: usize,
    /// Transactions in each request of kind certify.
    pub batch: usize,
    /// What is requested.
    pub mix: Mix,
    /// Which records are asked for.
    pub keys: Keys,
    /// Of which nodes.
    pub at: At,
    /// Whether the node collects the endorsements of other members first.
    pub endorse: bool,
    /// How long.
    pub seconds: f64,
}

/// A distribution of latencies, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// What became of the requests of one kind.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Done {
    /// The kind.
    pub kind: Kind,
    /// Committed transactions, or answered questions.
    pub done: u64,
    /// The same per second.
    pub per_second: f64,
    /// Those that failed, by code.
    pub failed: BTreeMap<String, u64>,
    /// How long they took: of a transaction until its request was answered `committed`.
    pub latency: Latency,
}

/// What a node spent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NodeCost {
    /// The node.
    pub node: u64,
    /// Whether it led when measuring began.
    pub leads: bool,
    /// CPU time per finished operation, microseconds.
    pub cpu_us: f64,
    /// The same by name of thread; `ended` are threads that were gone when measuring ended.
    pub threads_us: BTreeMap<String, f64>,
    /// Memory in use at the end.
    pub rss_bytes: u64,
}

/// One measurement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// What was asked.
    pub workload: Workload,
    /// Records on the ledger before it.
    pub records: u64,
    /// How long it took, the last answers included.
    pub seconds: f64,
    /// What became of it.
    pub done: Vec<Done>,
    /// What the nodes spent.
    pub nodes: Vec<NodeCost>,
    /// What the generator itself spent per finished operation, signing included, microseconds.
    pub generator_cpu_us: f64,
    /// The disk just before.
    pub sync: SyncTime,
}

impl Point {
    /// What became of the requests of this kind.
    pub fn done(&self, kind: Kind) -> Option<&Done> {
        self.done.iter().find(|done| done.kind == kind)
    }
}

/// The leader is killed (SIGKILL) under load; the clients ask the other voters.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Failover {
    /// Clients, each with one transaction at a time, repeated until it is committed.
    pub clients: usize,
    /// Latency of those sent before the kill.
    pub before: Latency,
    /// Latency of those sent before the kill and unfinished then, or sent in the five seconds after.
    pub after: Latency,
    /// Longest time in which nothing was committed, milliseconds.
    pub longest_pause_ms: f64,
    /// Transactions that were never committed: none may be.
    pub failed: BTreeMap<String, u64>,
    /// From the start of the killed node until it served again, milliseconds.
    pub restart_ms: f64,
}

/// Lists through the command line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Lists {
    /// Rows of the list.
    pub rows: usize,
    /// Everything new, seconds.
    pub first_import_s: f64,
    /// Nothing to do, seconds.
    pub second_import_s: f64,
    /// Writing it out again, seconds.
    pub export_s: f64,
}

/// How long after a suspension was sent all nodes knew of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct News {
    /// Suspensions.
    pub suspensions: usize,
    /// Nodes that were watched.
    pub nodes: usize,
    /// Until the node answered so.
    pub in_answers: Latency,
    /// Until the node's event stream said so.
    pub in_events: Latency,
}

/// The measurements on networks of three voters.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NetworkRun {
    /// A short run, which shows that it works and no more.
    pub quick: bool,
    /// Memory of a voter that was started a moment ago and asked nothing; the largest.
    pub fresh_rss_bytes: u64,
    /// Transactions and queries.
    pub points: Vec<Point>,
    /// The leader is killed.
    pub failover: Failover,
    /// Lists.
    pub lists: Lists,
    /// News.
    pub news: News,
    /// With another administration's signature on each transaction, beside the same without.
    pub endorsement: Vec<Point>,
}

/// Bytes on a node's disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiskUse {
    /// The ledger.
    pub ledger_bytes: u64,
    /// The Raft log, of which the newest entries are kept.
    pub raft_bytes: u64,
}

/// A network with so many records.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GrowthRun {
    /// Records, each made by one transaction.
    pub records: u64,
    /// Committed transactions per second while it was filled.
    pub fill_per_second: f64,
    /// What was asked of it then.
    pub points: Vec<Point>,
    /// A voter's disk once it was filled and rested.
    pub disk: DiskUse,
    /// A voter's memory then.
    pub idle_rss_bytes: u64,
    /// CPU time of a voter per second without any request, microseconds.
    pub idle_cpu_us_per_second: f64,
    /// From the start of a voter that was stopped until it was ready.
    pub restart_ms: f64,
    /// A voter's memory after its restart.
    pub restarted_rss_bytes: u64,
    /// From the first start of a new learner until it had every block and answered of a record.
    pub join_ms: f64,
    /// The learner's memory then.
    pub joined_rss_bytes: u64,
    /// The disk just before.
    pub sync: SyncTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_gives_each_kind_its_parts() {
        let mix: Mix = "certify=10,status=80,history=10".parse().unwrap();
        let count = |kind| (0..mix.parts()).filter(|part| mix.kind(*part) == kind).count();
        assert_eq!(Kind::ALL.map(count), [10, 80, 10, 0]);
        assert_eq!(mix.to_string(), "10 % certify, 80 % status, 10 % history");
        assert_eq!("status".parse::<Mix>().unwrap().to_string(), "status");
    }

    #[test]
    fn a_mix_that_says_nothing_is_refused() {
        for bad in ["", "certify=0", "writes=1", "certify=-1", "certify=x"] {
            assert!(bad.parse::<Mix>().is_err(), "{bad}");
        }
    }
}
