//! Speed of news: how long after an officer suspends an authorization at her node every node answers so,
//! and its event stream has said so.
//!
//! The clock starts when the request is sent, so that the figure holds all that a person would wait
//! for: the request itself, ordering, execution at each node, and the look or the message there. Queries
//! are repeated as fast as they are answered. Suspensions come one after the other, each of another
//! authorization. What it writes stays on the ledger: run it on a network made for it.

use std::{
    io::{Write, stdout},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use clap::Parser;
use futures::{StreamExt, future::try_join_all};
use precinto_bench_report::results::{Latency, News};
use precinto_client::{
    Client, Consistency, EventFilter, EventStream,
    types::{CertifyRequest, ChangeRequest},
};
use tokio::time::timeout;

/// How long a change may take until it is final, and its news until it is everywhere.
const PATIENCE: Duration = Duration::from_secs(20);

/// Scheme of the operators: letters and digits, without check digits.
const SCHEME: &str = "aeo";

/// Measure how fast a suspension is known everywhere.
#[derive(Debug, Parser)]
struct Args {
    /// Directory of the network
    #[arg(long, default_value = "network")]
    dir: PathBuf,
    /// Address of each node, by id from 1 on; the first one's officer suspends
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8701,http://127.0.0.1:8702,http://127.0.0.1:8703,http://127.0.0.1:8704"
    )]
    nodes: Vec<String>,
    /// Suspensions
    #[arg(long, default_value_t = 200)]
    count: usize,
    /// Fail if the 99th percentile of either is above this, in milliseconds
    #[arg(long)]
    at_most_ms: Option<f64>,
    /// Write the figures to this file, too, as JSON
    #[arg(long)]
    out: Option<PathBuf>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let first = args.nodes.first().context("no node was named")?;
    let officer = Officer::new(client(&args.dir, 1, first, "officer")?).await?;
    let mut watchers = Vec::new();
    for (id, url) in (1..).zip(&args.nodes) {
        watchers.push(Watcher::new(client(&args.dir, id, url, "auditor")?, officer.height));
    }
    let (mut seen, mut told) = (Vec::new(), Vec::new());
    for round in 0..args.count {
        let number = officer.certify(round).await?;
        let sent = Instant::now();
        let news = watchers.iter_mut().map(|it| it.watch(&officer.member, &number, sent));
        let (suspended, news) = tokio::join!(officer.suspend(&number), try_join_all(news));
        suspended?;
        for (by_query, by_event) in news? {
            seen.push(by_query);
            told.push(by_event);
        }
    }
    let nodes = args.nodes.len();
    let news = News {
        suspensions: args.count,
        nodes,
        in_answers: report("in answers", nodes, seen)?,
        in_events: report("in event streams", nodes, told)?,
    };
    if let Some(out) = &args.out {
        std::fs::write(out, serde_json::to_vec_pretty(&news)?)
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    match args.at_most_ms {
        Some(limit) if news.in_answers.p99.max(news.in_events.p99) > limit => {
            bail!("the 99th percentile is above {limit} ms")
        }
        _ => Ok(()),
    }
}

fn client(dir: &Path, node: u64, url: &str, account: &str) -> anyhow::Result<Client> {
    let token = dir.join(format!("nodes/{node}/tokens/{account}"));
    let token = std::fs::read_to_string(&token)
        .with_context(|| format!("cannot read {}: is --dir a network?", token.display()))?;
    Ok(Client::new(url, token.trim())?)
}

/// Prints the distribution and gives it.
fn report(what: &str, nodes: usize, mut times: Vec<Duration>) -> anyhow::Result<Latency> {
    times.sort_unstable();
    let last = times.len().checked_sub(1).context("nothing was measured")?;
    let at = |share: f64| {
        times[((times.len() as f64 * share) as usize).min(last)].as_secs_f64() * 1000.0
    };
    let latency = Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1.0) };
    let Latency { p50, p99, max, .. } = latency;
    let count = times.len();
    writeln!(
        stdout(),
        "suspension known {what}: p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms ({count} \
         measured at {nodes} nodes)"
    )?;
    Ok(latency)
}

/// Who suspends.
struct Officer {
    client: Client,
    member: String,
    /// Height of the ledger when she began.
    height: u64,
    /// Makes her operators unlike any before.
    run: String,
}

impl Officer {
    async fn new(client: Client) -> anyhow::Result<Officer> {
        let status = client.status().await?;
        let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().to_string();
        Ok(Officer { client, member: status.member, height: status.as_of.height, run })
    }

    /// Grants an authorization to a new operator, and gives its number.
    async fn certify(&self, round: usize) -> anyhow::Result<String> {
        let number = format!("NEWS-{}-{round}", self.run);
        let request = CertifyRequest {
            scheme: SCHEME.into(),
            identifier: number.clone(),
            number: number.clone(),
            types: vec!["AEOS".into()],
            roles: vec!["importer".into()],
            valid_from: "2026-01-01".into(),
            ..CertifyRequest::default()
        };
        let certified = self.client.aeo_certify(&request, Some(PATIENCE)).await?;
        certified.height.context("a certification is not final yet")?;
        Ok(number)
    }

    async fn suspend(&self, number: &str) -> anyhow::Result<()> {
        let request = ChangeRequest {
            scheme: SCHEME.into(),
            identifier: number.into(),
            number: number.into(),
            class: "examination".into(),
            ..ChangeRequest::default()
        };
        let suspended = self.client.aeo_suspend(&request, Some(PATIENCE)).await?;
        suspended.height.context("a suspension is not final yet")?;
        Ok(())
    }
}

/// Who waits for news at one node.
struct Watcher {
    client: Client,
    events: EventStream,
}

impl Watcher {
    /// Follows events from block `height` on.
    fn new(client: Client, height: u64) -> Watcher {
        let filter = EventFilter {
            from: Some(height.to_string()),
            topic: Some("aeo.suspended".into()),
            ..EventFilter::default()
        };
        let events = client.events(filter);
        Watcher { client, events }
    }

    /// How long after `sent` the node answers "suspended", and its event stream has said so.
    async fn watch(
        &mut self,
        member: &str,
        number: &str,
        sent: Instant,
    ) -> anyhow::Result<(Duration, Duration)> {
        let by_query = timeout(PATIENCE, answered(&self.client, member, number, sent));
        let by_event = timeout(PATIENCE, told(&mut self.events, number, sent));
        let (by_query, by_event) = tokio::join!(by_query, by_event);
        let client = &self.client;
        let by_query = by_query.with_context(|| format!("{client:?} does not answer so"))??;
        let by_event = by_event.with_context(|| format!("{client:?} sends no event"))??;
        Ok((by_query, by_event))
    }
}

/// Asks until the answer is "suspended".
async fn answered(
    client: &Client,
    member: &str,
    number: &str,
    sent: Instant,
) -> anyhow::Result<Duration> {
    loop {
        match client.aeo_number(member, number, Consistency::Local).await {
            Ok(found) if found.authorization.standing == "suspended" => return Ok(sent.elapsed()),
            // Not yet; the node may not even have the certification.
            Ok(_) => {}
            Err(error) if error.code() == Some("unknown-authorization") => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for the event.
async fn told(events: &mut EventStream, number: &str, sent: Instant) -> anyhow::Result<Duration> {
    loop {
        let event = events.next().await.context("the event stream ended")??;
        if event.transition.is_some_and(|it| it.authorization.number == number) {
            return Ok(sent.elapsed());
        }
    }
}
