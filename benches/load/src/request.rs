//! Requests, each sent until it is answered for good.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use precinto_bench_report::results::Kind;
use precinto_client::{
    Client, ClientError, Consistency,
    types::{Status, TransactionAnswer},
};
use tokio::time::sleep;

use crate::stock::Record;

/// How long a node is asked to wait for a commit.
const WAIT: Duration = Duration::from_secs(5);

/// How long transactions are submitted again while they are not final: until they have expired.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// Pause before that.
const PAUSE: Duration = Duration::from_millis(10);

/// Code of transactions that were not final in time.
const UNFINISHED: &str = "unfinished";

/// Code of failures that have none: the connection broke.
const NO_ANSWER: &str = "no-answer";

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Outcome {
    /// Transactions committed, or questions answered.
    pub(crate) done: u64,
    /// The others, by code.
    pub(crate) failed: BTreeMap<String, u64>,
}

impl Outcome {
    /// One that failed.
    pub(crate) fn failure(code: &str) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.fail(code, 1);
        outcome
    }

    fn fail(&mut self, code: &str, count: usize) {
        *self.failed.entry(code.to_owned()).or_default() += count as u64;
    }
}

fn code(error: &ClientError) -> &str {
    error.code().unwrap_or(NO_ANSWER)
}

/// A question about a record.
pub(crate) async fn ask(client: &Client, kind: Kind, record: &Record) -> Outcome {
    let Record { member, number } = record;
    let status = |consistency| client.aeo_number(member, number, consistency);
    let answer = match kind {
        Kind::Status => status(Consistency::Local).await.map(drop),
        Kind::Linearizable => status(Consistency::Linearizable).await.map(drop),
        Kind::History => client.aeo_history(member, number, 0, None).await.map(drop),
        Kind::Certify => unreachable!("a certification is submitted"),
    };
    match answer {
        Ok(()) => Outcome { done: 1, ..Outcome::default() },
        Err(error) => Outcome::failure(code(&error)),
    }
}

/// Submits transactions, the same bytes again and again, until each is final.
pub(crate) async fn submit(client: &Client, mut open: Vec<Vec<u8>>, endorse: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let deadline = Instant::now() + PATIENCE;
    loop {
        match send(client, &open, endorse).await {
            Ok(answers) => {
                let sent = std::mem::take(&mut open);
                for (transaction, answer) in sent.into_iter().zip(answers) {
                    match fate(answer) {
                        Fate::Committed => outcome.done += 1,
                        Fate::Failed(code) => outcome.fail(&code, 1),
                        Fate::Open => open.push(transaction),
                    }
                }
            }
            Err(error) if error.retryable() => {}
            Err(error) => {
                outcome.fail(code(&error), open.len());
                return outcome;
            }
        }
        if open.is_empty() {
            return outcome;
        }
        if Instant::now() > deadline {
            outcome.fail(UNFINISHED, open.len());
            return outcome;
        }
        sleep(PAUSE).await;
    }
}

/// What is known of a transaction after a submission.
enum Fate {
    Committed,
    Failed(String),
    /// It is submitted again.
    Open,
}

fn fate(answer: Result<TransactionAnswer, ClientError>) -> Fate {
    match answer {
        Ok(answer) if answer.status == Status::Committed => Fate::Committed,
        Ok(answer) if answer.status.is_final() => {
            Fate::Failed(answer.code.unwrap_or_else(|| answer.status.to_string()))
        }
        Ok(_) => Fate::Open,
        Err(error) if error.retryable() => Fate::Open,
        Err(error) => Fate::Failed(code(&error).to_owned()),
    }
}

/// Submits once; one result each.
async fn send(
    client: &Client,
    transactions: &[Vec<u8>],
    endorse: bool,
) -> Result<Vec<Result<TransactionAnswer, ClientError>>, ClientError> {
    let answers = match transactions {
        many if endorse => client.endorse_and_submit_many(many.to_vec(), Some(WAIT)).await?,
        [one] => return Ok(vec![client.submit_encoded(one.clone(), Some(WAIT)).await]),
        many => client.submit_many(many.to_vec(), Some(WAIT)).await?,
    };
    let result = |answer: precinto_client::types::ItemAnswer| {
        answer.into_result().map_err(ClientError::from)
    };
    Ok(answers.into_iter().map(result).collect())
}
