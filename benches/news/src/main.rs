//! Speed of news: how long after an officer suspends an authorization at her node every node answers so,
//! and its event stream has said so.
//!
//! The clock starts when the request is sent, so that the figure holds all that a person would wait
//! for: the request itself, ordering, execution at each node, and the look or the message there. Queries
//! are repeated as fast as they are answered. Suspensions come one after the other, each followed by a
//! reinstatement. What it writes stays on the ledger: run it on a network made for it.

use std::{
    io::{Write, stdout},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use clap::Parser;
use futures::{StreamExt, future::try_join_all};
use precinto_client::{
    Client, Consistency, EventFilter, EventStream,
    types::{CertifyRequest, ChangeRequest},
};
use tokio::time::timeout;

/// How long a change may take until it is final, and its news until it is everywhere.
const PATIENCE: Duration = Duration::from_secs(20);

/// The operator that is suspended: any identifier of the right shape.
const OPERATOR: (&str, &str) = ("aeo", "NEWS0001");

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
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let first = args.nodes.first().context("no node was named")?;
    let (officer, height) = Officer::certify(client(&args.dir, 1, first, "officer")?).await?;
    let mut watchers = Vec::new();
    for (id, url) in (1..).zip(&args.nodes) {
        watchers.push(Watcher::new(client(&args.dir, id, url, "auditor")?, height));
    }
    let (mut seen, mut told) = (Vec::new(), Vec::new());
    for _ in 0..args.count {
        let sent = Instant::now();
        let news = watchers.iter_mut().map(|watcher| watcher.watch(&officer, sent));
        let (changed, news) = tokio::join!(officer.change("suspend"), try_join_all(news));
        changed?;
        for (by_query, by_event) in news? {
            seen.push(by_query);
            told.push(by_event);
        }
        officer.change("reinstate").await?;
    }
    let nodes = args.nodes.len();
    let worst = [report("in answers", nodes, seen)?, report("in event streams", nodes, told)?];
    match args.at_most_ms {
        Some(limit) if worst.iter().any(|p99| *p99 > limit) => {
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

/// Prints the distribution and gives the 99th percentile, in milliseconds.
fn report(what: &str, nodes: usize, mut times: Vec<Duration>) -> anyhow::Result<f64> {
    times.sort_unstable();
    let last = times.len().checked_sub(1).context("nothing was measured")?;
    let at = |share: f64| {
        times[((times.len() as f64 * share) as usize).min(last)].as_secs_f64() * 1000.0
    };
    let (count, p50, p99, max) = (times.len(), at(0.5), at(0.99), at(1.0));
    writeln!(
        stdout(),
        "suspension known {what}: p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms ({count} \
         measured at {nodes} nodes)"
    )?;
    Ok(p99)
}

/// Who suspends.
struct Officer {
    client: Client,
    member: String,
    number: String,
}

impl Officer {
    /// Grants an authorization of a number unlike any before; also gives the height of that.
    async fn certify(client: Client) -> anyhow::Result<(Officer, u64)> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let number = format!("NEWS-{}", now.as_millis());
        let request = CertifyRequest {
            scheme: OPERATOR.0.into(),
            identifier: OPERATOR.1.into(),
            number: number.clone(),
            types: vec!["AEOS".into()],
            roles: vec!["importer".into()],
            valid_from: "2026-01-01".into(),
            ..CertifyRequest::default()
        };
        let member = client.status().await?.member;
        let certified = client.aeo_certify(&request, Some(PATIENCE)).await?;
        let height = certified.height.context("the certification is not final yet")?;
        Ok((Officer { client, member, number }, height))
    }

    async fn change(&self, action: &str) -> anyhow::Result<()> {
        let request = ChangeRequest {
            scheme: OPERATOR.0.into(),
            identifier: OPERATOR.1.into(),
            number: self.number.clone(),
            class: "examination".into(),
            ..ChangeRequest::default()
        };
        let answer = match action {
            "suspend" => self.client.aeo_suspend(&request, Some(PATIENCE)).await?,
            _ => self.client.aeo_reinstate(&request, Some(PATIENCE)).await?,
        };
        answer.height.with_context(|| format!("{action} is not final yet"))?;
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
        officer: &Officer,
        sent: Instant,
    ) -> anyhow::Result<(Duration, Duration)> {
        let Watcher { client, events } = self;
        let by_query = async {
            loop {
                let asked = client.aeo_number(&officer.member, &officer.number, Consistency::Local);
                let found = asked.await;
                match found {
                    Ok(found) if found.authorization.standing == "suspended" => {
                        return anyhow::Ok(sent.elapsed());
                    }
                    Err(error) if error.code() != Some("unknown-authorization") => bail!(error),
                    // Not yet; the node may not even have the certification.
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        let by_event = async {
            loop {
                let event = events.next().await.context("the event stream ended")??;
                let number = event.transition.map(|it| it.authorization.number);
                if number.as_deref() == Some(officer.number.as_str()) {
                    return anyhow::Ok(sent.elapsed());
                }
            }
        };
        let both = async { futures::try_join!(by_query, by_event) };
        timeout(PATIENCE, both).await.context("no news in time")?
    }
}
