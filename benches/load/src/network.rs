//! The measured network: the development network's three voters, each a process of its own.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use precinto_bench_report::results::{
    Arrival, At, DiskUse, Keys, Kind, Mix, NodeCost, Point, Workload,
};
use precinto_client::Client;
use precinto_cluster_tests::{Network, VOTERS};
use tokio::time::Instant;

use crate::{
    drive::drive,
    machine,
    pace::Pace,
    process::{self, Usage},
    stock::Stock,
};

/// Before each measurement, so that connections are open and caches filled.
const WARM_UP: Duration = Duration::from_millis(500);

/// Transactions of one request while a network is filled.
const FILL_BATCH: u64 = 500;

/// Clients that fill it.
const FILL_CLIENTS: usize = 6;

/// A network, and the records on it. Its learner is not started.
pub(crate) struct Bench {
    pub(crate) network: Network,
    pub(crate) stock: Arc<Stock>,
}

impl Bench {
    /// Starts it, with another policy of the method `certify` if one is given.
    pub(crate) async fn start(certify_policy: Option<&str>) -> anyhow::Result<Bench> {
        let mut network = match certify_policy {
            None => Network::make().await,
            Some(policy) => with_policy(policy).await?,
        };
        for voter in VOTERS {
            network.boot(voter);
        }
        network.ready(&VOTERS).await;
        for voter in VOTERS {
            network.connected(voter, &VOTERS).await;
        }
        let stock = Arc::new(Stock::new(&network).await);
        Ok(Bench { network, stock })
    }

    /// Makes it hold so many records that can be asked for; how many were made per second.
    pub(crate) async fn fill(&self, records: u64) -> anyhow::Result<f64> {
        let missing = records.saturating_sub(self.stock.made());
        let batch = FILL_BATCH.min(missing.max(1));
        let workload = Workload { batch: batch as usize, ..fill_workload() };
        let pace = Pace::requests(missing.div_ceil(batch));
        let began = Instant::now();
        let tally = drive(&workload, &self.stock, &self.asked(At::Spread, VOTERS[0]), pace).await?;
        if !tally.failed().is_empty() {
            bail!("the network was not filled: {:?}", tally.failed());
        }
        self.stock.all_is_known();
        Ok(tally.done() as f64 / began.elapsed().as_secs_f64())
    }

    /// Measures a workload.
    pub(crate) async fn measure(&self, workload: &Workload) -> anyhow::Result<Point> {
        let records = self.stock.made();
        let sync = machine::sync_time(self.network.root())?;
        let leader = self.network.leader_among(&VOTERS).await;
        let nodes = self.asked(workload.at, leader);
        drive(workload, &self.stock, &nodes, pace(workload, WARM_UP)).await?;

        let (before, own) = (self.usages()?, Usage::of(std::process::id())?);
        let began = Instant::now();
        let time = Duration::from_secs_f64(workload.seconds);
        let tally = drive(workload, &self.stock, &nodes, pace(workload, time)).await?;
        let seconds = began.elapsed().as_secs_f64();
        let (own, _) = Usage::of(std::process::id())?.since(&own);
        let done = tally.done().max(1) as f64;
        let mut costs = Vec::new();
        for ((id, before), (_, after)) in before.iter().zip(self.usages()?) {
            let (all, threads) = after.since(before);
            costs.push(NodeCost {
                node: *id,
                leads: *id == leader,
                cpu_us: all / done,
                threads_us: threads.into_iter().map(|(name, us)| (name, us / done)).collect(),
                rss_bytes: process::rss_bytes(self.pid(*id)?)?,
            });
        }
        Ok(Point {
            workload: workload.clone(),
            records,
            seconds,
            done: tally.figures(seconds),
            nodes: costs,
            generator_cpu_us: own / done,
            sync,
        })
    }

    /// The nodes that clients ask, with clients of theirs.
    pub(crate) fn asked(&self, at: At, leader: u64) -> Vec<(u64, Client)> {
        let ids = VOTERS.into_iter().filter(|id| match at {
            At::Leader => *id == leader,
            At::Follower => *id == follower(leader),
            At::Spread => true,
        });
        ids.map(|id| (id, self.network.client(id))).collect()
    }

    /// CPU time of each voter so far.
    pub(crate) fn usages(&self) -> anyhow::Result<Vec<(u64, Usage)>> {
        VOTERS.into_iter().map(|id| Ok((id, Usage::of(self.pid(id)?)?))).collect()
    }

    /// Largest memory of a voter now, bytes.
    pub(crate) fn rss_bytes(&self) -> anyhow::Result<u64> {
        let all = VOTERS.into_iter().map(|id| process::rss_bytes(self.pid(id)?));
        all.collect::<anyhow::Result<Vec<_>>>()?.into_iter().max().context("no voter")
    }

    /// The process of a node.
    pub(crate) fn pid(&self, id: u64) -> anyhow::Result<u32> {
        self.network.node(id).pid().with_context(|| format!("node {id} does not run"))
    }

    /// What a node has on disk. Compiled modules and the ballast do not grow, and are left out.
    pub(crate) fn disk(&self, id: u64) -> DiskUse {
        let data = self.network.node(id).directory().join("data");
        let entries = std::fs::read_dir(&data).into_iter().flatten().flatten();
        let ledgers = entries.map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("ledger-"))
        });
        DiskUse {
            ledger_bytes: ledgers.map(|ledger| process::bytes_below(&ledger)).sum(),
            raft_bytes: process::bytes_below(&data.join("raft")),
        }
    }
}

/// What fills a network, at every voter.
pub(crate) fn fill_workload() -> Workload {
    Workload {
        arrival: Arrival::Closed,
        clients: FILL_CLIENTS,
        batch: FILL_BATCH as usize,
        mix: Mix::only(Kind::Certify),
        keys: Keys::Uniform,
        at: At::Spread,
        endorse: false,
        seconds: 0.0,
    }
}

/// A voter that does not lead.
fn follower(leader: u64) -> u64 {
    VOTERS.into_iter().find(|id| *id != leader).unwrap_or(leader)
}

fn pace(workload: &Workload, time: Duration) -> Pace {
    match workload.arrival {
        Arrival::Closed => Pace::closed(time),
        Arrival::Open { per_second } => Pace::open(per_second, time, workload.clients),
    }
}

/// The development network with another policy of `certify`.
async fn with_policy(policy: &str) -> anyhow::Result<Network> {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../network-configs/dev.toml");
    let text = std::fs::read_to_string(shipped)?;
    let table = "[contracts.aeo]\n";
    if !text.contains(table) {
        bail!("{shipped} has no table of the contract");
    }
    let edited = text.replace(table, &format!("{table}certify = {policy:?}\n"));
    let name = format!("precinto-bench-{}", std::process::id());
    let file: PathBuf = std::env::temp_dir().join(name).with_extension("toml");
    std::fs::write(&file, edited)?;
    let network = Network::make_of(&file.to_string_lossy()).await;
    std::fs::remove_file(file)?;
    Ok(network)
}
