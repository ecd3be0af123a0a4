//! Load generator: starts networks of its own, real processes with fsync, and measures them.
//!
//! # Mental model
//! A [`network`] is the development network's three voters in a temporary directory. A workload says
//! what is asked of it: how many clients, in a closed loop (each sends when it has its answer) or an
//! open one (so many requests a second, latency counted from when each was to be sent, so that a slow
//! network cannot hide behind clients that wait for it); which requests, about which records, of which
//! nodes. [`drive`] runs it; beside it the kernel's figures tell what each thread of each node spent
//! ([`process`]), and the disk is measured just before ([`machine`]).
//!
//! Clients sign their transactions themselves, as they go; the generator's own CPU time is part of each
//! result, because it shares the cores with the nodes.
//!
//! # Invariants
//! * A transaction counts once it was answered `committed`; what was not is counted by its code.
//! * Nothing outlives the program: networks end with it.
#![forbid(unsafe_code)]

mod drive;
mod failover;
mod growth;
mod keys;
mod lists;
mod machine;
mod network;
mod pace;
mod process;
mod request;
mod stock;
mod suite;

use std::{
    fmt,
    io::{Write, stdout},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use precinto_bench_report::results::{Arrival, At, Keys, Mix, Point, Workload};
use serde_json::Value;

use crate::{network::Bench, suite::Extent};

/// Measure networks that are started for it. Their data goes to the directory for temporary files
/// (TMPDIR): it should be on the disk that is to be measured.
#[derive(Debug, Parser)]
struct Cli {
    /// Write the result to this file, as JSON
    #[arg(long, global = true)]
    out: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Describe the machine
    Machine,
    /// Everything that docs/BENCHMARKS.md shows of a network of three voters
    Network {
        /// Only show that it works
        #[arg(long)]
        quick: bool,
    },
    /// A network with so many records
    Growth {
        /// Records
        #[arg(long)]
        records: u64,
        /// Only show that it works
        #[arg(long)]
        quick: bool,
    },
    /// One workload
    Point(PointArgs),
}

#[derive(Debug, Args)]
struct PointArgs {
    /// Clients: requests under way at once, at most
    #[arg(long, default_value_t = 1)]
    clients: usize,
    /// Transactions in each request of kind certify, at most 1000
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Requests per second, whatever becomes of them; without it each client waits for its answer
    #[arg(long)]
    rate: Option<f64>,
    /// Kinds of requests and their parts: certify, status, history, linearizable
    #[arg(long, default_value = "certify")]
    mix: Mix,
    /// Which records are asked for
    #[arg(long, value_enum, default_value_t = KeysArg::Uniform)]
    keys: KeysArg,
    /// Which nodes are asked
    #[arg(long, value_enum, default_value_t = AtArg::Spread)]
    at: AtArg,
    /// Seconds
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Records that there are before
    #[arg(long, default_value_t = 1000)]
    records: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeysArg {
    /// All alike
    Uniform,
    /// Few of them often
    Zipf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AtArg {
    /// The one that leads
    Leader,
    /// One that does not
    Follower,
    /// All voters
    Spread,
}

impl From<&PointArgs> for Workload {
    fn from(args: &PointArgs) -> Workload {
        Workload {
            arrival: args.rate.map_or(Arrival::Closed, |per_second| Arrival::Open { per_second }),
            clients: args.clients,
            batch: args.batch,
            mix: args.mix.clone(),
            keys: match args.keys {
                KeysArg::Uniform => Keys::Uniform,
                KeysArg::Zipf => Keys::Zipf,
            },
            at: match args.at {
                AtArg::Leader => At::Leader,
                AtArg::Follower => At::Follower,
                AtArg::Spread => At::Spread,
            },
            endorse: false,
            seconds: args.seconds,
        }
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Machine => serde_json::to_value(machine::describe(&std::env::temp_dir())?)?,
        Command::Network { quick } => {
            serde_json::to_value(suite::measure(Extent::new(*quick)).await?)?
        }
        Command::Growth { records, quick } => {
            let seconds = Extent::new(*quick).seconds;
            serde_json::to_value(growth::measure(*records, seconds).await?)?
        }
        Command::Point(args) => {
            let bench = Bench::start(None).await?;
            bench.fill(args.records).await?;
            let point = bench.measure(&args.into()).await?;
            say_point(&point)?;
            serde_json::to_value(point)?
        }
    };
    match &cli.out {
        Some(out) => write(out, &result),
        None => Ok(()),
    }
}

fn write(out: &Path, result: &Value) -> anyhow::Result<()> {
    std::fs::write(out, serde_json::to_vec_pretty(result)?)
        .with_context(|| format!("cannot write {}", out.display()))
}

/// A line about how far it is.
pub(crate) fn say(line: fmt::Arguments<'_>) -> anyhow::Result<()> {
    Ok(writeln!(stdout(), "{line}")?)
}

/// Lines about a measurement.
pub(crate) fn say_point(point: &Point) -> anyhow::Result<()> {
    let Workload { arrival, clients, batch, at, .. } = &point.workload;
    for done in &point.done {
        let latency = done.latency;
        say(format_args!(
            "{}, {clients} clients x {batch}, {arrival:?}, at {at:?}: {:.0}/s, p50 {:.2} ms, p99 \
             {:.2} ms, p99.9 {:.2} ms, failed {:?}",
            done.kind, done.per_second, latency.p50, latency.p99, latency.p999, done.failed
        ))?;
    }
    for node in &point.nodes {
        let mut threads: Vec<_> = node.threads_us.iter().filter(|(_, us)| **us >= 0.5).collect();
        threads.sort_by(|one, other| other.1.total_cmp(one.1));
        let threads: Vec<_> = threads.iter().map(|(name, us)| format!("{name} {us:.0}")).collect();
        say(format_args!(
            "  node {}{}: {:.0} us each: {}; {} MB",
            node.node,
            if node.leads { " (leader)" } else { "" },
            node.cpu_us,
            threads.join(", "),
            node.rss_bytes / 1_000_000
        ))?;
    }
    say(format_args!(
        "  generator: {:.0} us each; fdatasync p50 {:.0} us",
        point.generator_cpu_us, point.sync.p50_us
    ))
}
