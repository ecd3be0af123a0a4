//! Clients that send requests, and the tally of what they got.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use anyhow::Context;
use hdrhistogram::Histogram;
use precinto_bench_report::results::{Done, Kind, Latency, Workload};
use precinto_client::Client;

use crate::{
    keys::{Random, Ranks},
    pace::{Pace, Turn},
    request::{self, Outcome, PATIENCE},
    stock::Stock,
};

/// Longest latency that is told from longer ones, microseconds: more than any request takes.
const LONGEST_US: u64 = 120_000_000;

/// Digits of a latency that are kept.
const DIGITS: u8 = 3;

/// Code of requests that no client was free for within [`PATIENCE`]: the network does not carry the rate.
const NOT_SENT: &str = "not-sent";

/// What one kind of request came to.
#[derive(Debug)]
struct Count {
    outcome: Outcome,
    latency: Histogram<u64>,
}

/// When a request was sent and answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// When it was sent.
    pub(crate) sent: Instant,
    /// When it was answered.
    pub(crate) answered: Instant,
}

/// What all requests came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kinds: BTreeMap<Kind, Count>,
    /// Of those that committed something, in the order of their answers.
    pub(crate) commits: Vec<Times>,
}

impl Tally {
    fn add(&mut self, kind: Kind, Times { sent, answered }: Times, outcome: Outcome) {
        if kind == Kind::Certify && outcome.done > 0 {
            self.commits.push(Times { sent, answered });
        }
        let count = self
            .kinds
            .entry(kind)
            .or_insert_with(|| Count { outcome: Outcome::default(), latency: histogram() });
        record(&mut count.latency, answered - sent, outcome.done);
        count.outcome.done += outcome.done;
        for (code, failed) in outcome.failed {
            *count.outcome.failed.entry(code).or_default() += failed;
        }
    }

    /// Finished operations of all kinds.
    pub(crate) fn done(&self) -> u64 {
        self.kinds.values().map(|count| count.outcome.done).sum()
    }

    /// Failures of all kinds, by code.
    pub(crate) fn failed(&self) -> BTreeMap<String, u64> {
        let mut failed = BTreeMap::new();
        for count in self.kinds.values() {
            for (code, many) in &count.outcome.failed {
                *failed.entry(code.clone()).or_default() += many;
            }
        }
        failed
    }

    /// The figures of each kind, over so many seconds.
    pub(crate) fn figures(&self, seconds: f64) -> Vec<Done> {
        let figures = self.kinds.iter().map(|(kind, count)| Done {
            kind: *kind,
            done: count.outcome.done,
            per_second: count.outcome.done as f64 / seconds,
            failed: count.outcome.failed.clone(),
            latency: latency(&count.latency),
        });
        figures.collect()
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(LONGEST_US, DIGITS).expect("the bounds are sound")
}

fn record(histogram: &mut Histogram<u64>, took: Duration, times: u64) {
    // The histogram's maximum would count it all the same.
    if times == 0 {
        return;
    }
    let us = u64::try_from(took.as_micros()).unwrap_or(LONGEST_US);
    histogram.saturating_record_n(us, times);
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: histogram.max() as f64 / 1e3 }
}

/// The distribution of these latencies.
pub(crate) fn distribution<'a>(commits: impl Iterator<Item = &'a Times>) -> Latency {
    let mut all = histogram();
    for commit in commits {
        record(&mut all, commit.answered - commit.sent, 1);
    }
    latency(&all)
}

/// What clients share.
#[derive(Debug)]
struct Shared {
    workload: Workload,
    stock: Arc<Stock>,
    ranks: Ranks,
    pace: Pace,
    tally: Mutex<Tally>,
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("counting does not panic")
    }
}

/// Lets the workload's clients ask these nodes in turn (a voter's id and a client of it), at this pace.
///
/// # Errors
/// If a client's task fails.
pub(crate) async fn drive(
    workload: &Workload,
    stock: &Arc<Stock>,
    nodes: &[(u64, Client)],
    pace: Pace,
) -> anyhow::Result<Tally> {
    let shared = Arc::new(Shared {
        workload: workload.clone(),
        stock: stock.clone(),
        ranks: Ranks::new(workload.keys, stock.known()),
        pace,
        tally: Mutex::default(),
    });
    let mut tasks = Vec::new();
    for (number, (voter, client)) in (0..workload.clients).zip(nodes.iter().cycle()) {
        let asker =
            Asker { voter: *voter, client: client.clone(), random: Random::new(number as u64) };
        tasks.push(tokio::spawn(asker.run(shared.clone())));
    }
    for task in tasks {
        task.await?;
    }
    let shared = Arc::into_inner(shared).context("a client goes on")?;
    Ok(shared.tally.into_inner().expect("counting does not panic"))
}

/// A client: one request after the other.
struct Asker {
    voter: u64,
    client: Client,
    random: Random,
}

impl Asker {
    async fn run(mut self, shared: Arc<Shared>) {
        let mix = &shared.workload.mix;
        while let Some(turn) = shared.pace.turn().await {
            let kind = mix.kind(self.random.below(u64::from(mix.parts())) as u32);
            let (sent, outcome) = self.request(&shared, kind, turn).await;
            let times = Times { sent, answered: Instant::now() };
            shared.tally().add(kind, times, outcome);
        }
    }

    /// When it was sent or was to be sent, and what became of it.
    async fn request(&mut self, shared: &Shared, kind: Kind, turn: Turn) -> (Instant, Outcome) {
        let sent = |turn| match turn {
            Turn::Now => Instant::now(),
            Turn::Due(at) => at,
        };
        if sent(turn).elapsed() > PATIENCE {
            return (sent(turn), Outcome::failure(NOT_SENT));
        }
        if kind == Kind::Certify {
            let sign = |_| shared.stock.certification(self.voter);
            let transactions = (0..shared.workload.batch).map(sign).collect();
            let sent = sent(turn);
            let endorse = shared.workload.endorse;
            return (sent, request::submit(&self.client, transactions, endorse).await);
        }
        let record = shared.stock.record(shared.ranks.draw(&mut self.random));
        (sent(turn), request::ask(&self.client, kind, &record).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transaction_of_a_request_counts_with_its_latency() {
        let mut tally = Tally::default();
        let sent = Instant::now();
        let took = |ms| Times { sent, answered: sent + Duration::from_millis(ms) };
        let done = |done| Outcome { done, ..Outcome::default() };
        tally.add(Kind::Certify, took(10), done(99));
        tally.add(Kind::Certify, took(500), done(1));
        tally.add(Kind::Status, took(1), Outcome::failure("no-answer"));
        assert_eq!((tally.done(), tally.commits.len()), (100, 2));
        assert_eq!(tally.failed(), [("no-answer".to_owned(), 1)].into());
        let figures = tally.figures(2.0);
        let certified = &figures[0];
        assert_eq!((certified.kind, certified.done), (Kind::Certify, 100));
        assert_eq!(certified.per_second, 50.0);
        // Three digits are kept.
        assert!((10.0..10.02).contains(&certified.latency.p50), "{certified:?}");
        assert!((500.0..501.0).contains(&certified.latency.max), "{certified:?}");
        // What failed has no latency.
        assert_eq!((figures[1].done, figures[1].latency.max), (0, 0.0));
    }
}
