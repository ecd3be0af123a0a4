//! Taking transactions in and getting them to the leader.

use std::{sync::Arc, time::Duration};

use minicbor::bytes::ByteVec;
use precinto_consensus::Input;
use precinto_execution::{AdmissionError, KeyCache, admit};
use precinto_network::{NetworkHandle, RequestLane};
use precinto_protocol::{
    cbor,
    hash::Hash,
    identity::NodeId,
    transaction::{Transaction, TransactionId},
};

use super::{
    adapters::StatePort,
    ledger_cell::LedgerCell,
    messages::{PeerRequest, SubmitAnswer},
    pending::Pending,
    raft::{RaftHandle, wall_clock_ms},
};

/// How long the leader may take to answer a forwarded submission. Later ones are sent again
/// anyway.
const FORWARD_WITHIN: Duration = Duration::from_secs(2);

/// Transactions in one forwarded request, in bytes: the request lane carries a mebibyte.
const FORWARD_BYTES: usize = 512 * 1024;

/// How often unfinished transactions are looked at.
const RESEND_EVERY: Duration = Duration::from_millis(250);

/// Why a transaction was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It would not be executed.
    #[error(transparent)]
    Refused(#[from] AdmissionError),
    /// Too many transactions are unfinished at this node.
    #[error("too many transactions wait at this node")]
    Busy,
}

/// Takes transactions in. Clones share everything.
#[derive(Clone)]
pub struct Submitter {
    inner: Arc<SubmitterParts>,
}

/// What a [`Submitter`] is made of.
pub struct SubmitterParts {
    /// This node.
    pub node: NodeId,
    /// Genesis hash of the channel.
    pub channel: Hash,
    /// Where identities and outcomes are looked up.
    pub ledger: LedgerCell,
    /// Parsed keys.
    pub keys: Arc<KeyCache>,
    /// Where accepted transactions are noted.
    pub pending: Arc<Pending>,
    /// This node's replica.
    pub raft: RaftHandle,
    /// The way to the leader.
    pub network: NetworkHandle,
}

impl Submitter {
    /// Of the node that owns these parts.
    pub fn new(parts: SubmitterParts) -> Submitter {
        Submitter { inner: Arc::new(parts) }
    }

    /// Checks transactions, notes the good ones and sends them on their way. Blocks for the
    /// signature checks: call it where that is allowed.
    pub fn submit(&self, transactions: Vec<Vec<u8>>) -> Vec<Result<TransactionId, SubmitError>> {
        let door = Door::open(&self.inner);
        let mut accepted = Vec::new();
        let results = transactions
            .into_iter()
            .map(|bytes| {
                let transaction = match door.admit(&bytes) {
                    Ok(transaction) => transaction,
                    // A retry: its status is the answer.
                    Err(AdmissionError::Duplicate(id)) => return Ok(id),
                    Err(refused) => return Err(refused.into()),
                };
                let id = transaction.id();
                let expires_ms = transaction.statement.call().expires_ms;
                let noted = self.inner.pending.insert(id, bytes.clone(), expires_ms);
                noted.map_err(|_| SubmitError::Busy)?;
                accepted.push(bytes);
                Ok(id)
            })
            .collect();
        self.route(accepted);
        results
    }

    /// To the own queue if this node leads, else to the leader. Without a leader, or when they are
    /// lost, [`Submitter::resend`] tries again.
    fn route(&self, transactions: Vec<Vec<u8>>) {
        if transactions.is_empty() {
            return;
        }
        match self.inner.raft.status().leader {
            Some(leader) if leader == self.inner.node => {
                self.enqueue(transactions);
            }
            Some(leader) => {
                for batch in batches(transactions) {
                    let network = self.inner.network.clone();
                    tokio::spawn(async move { forward(&network, leader, batch).await });
                }
            }
            None => {}
        }
    }

    /// Puts transactions into this node's queue; returns how many.
    fn enqueue(&self, transactions: Vec<Vec<u8>>) -> u64 {
        let take = |bytes| self.inner.raft.outside(Input::Submit(bytes)).is_ok();
        transactions.into_iter().map(take).filter(|taken| *taken).count() as u64
    }

    /// Serves a peer's forwarded transactions: checked again, because the leader answers for what
    /// it proposes.
    pub fn take_forwarded(&self, transactions: Vec<ByteVec>) -> SubmitAnswer {
        let inner = &self.inner;
        if inner.raft.status().leader != Some(inner.node) {
            return SubmitAnswer { taken: 0 };
        }
        let door = Door::open(inner);
        let transactions = transactions.into_iter().map(Vec::from);
        let good = transactions.filter(|bytes| door.admit(bytes).is_ok()).collect();
        SubmitAnswer { taken: self.enqueue(good) }
    }

    /// Sends unfinished transactions again until the node ends.
    pub async fn resend(self) {
        let mut timer = tokio::time::interval(RESEND_EVERY);
        loop {
            timer.tick().await;
            let overdue = self.inner.pending.overdue();
            self.route(overdue);
        }
    }
}

/// Admission against the state of one moment.
struct Door<'a> {
    parts: &'a SubmitterParts,
    state: StatePort,
    time_ms: u64,
}

impl Door<'_> {
    fn open(parts: &SubmitterParts) -> Door<'_> {
        let ledger = parts.ledger.get();
        let last_ms = ledger.head().map_or(0, |head| head.block.time_ms);
        Door { parts, state: StatePort(ledger.view()), time_ms: wall_clock_ms().max(last_ms + 1) }
    }

    fn admit(&self, bytes: &[u8]) -> Result<Transaction, AdmissionError> {
        admit(bytes, &self.state, &self.parts.keys, (self.parts.channel, self.time_ms))
    }
}

/// Splits into requests that the lane carries.
fn batches(transactions: Vec<Vec<u8>>) -> Vec<Vec<ByteVec>> {
    let mut batches: Vec<Vec<ByteVec>> = vec![Vec::new()];
    let mut bytes = 0;
    for transaction in transactions {
        bytes += transaction.len();
        if bytes > FORWARD_BYTES && batches.last().is_some_and(|batch| !batch.is_empty()) {
            batches.push(Vec::new());
            bytes = transaction.len();
        }
        batches.last_mut().expect("there is always a batch").push(transaction.into());
    }
    batches
}

async fn forward(network: &NetworkHandle, leader: NodeId, batch: Vec<ByteVec>) {
    let count = batch.len();
    let body = cbor::encode(&PeerRequest::Submit(batch));
    match network.request(leader, RequestLane::Request, body, FORWARD_WITHIN).await {
        Ok(answer) => match cbor::decode::<SubmitAnswer>(&answer) {
            Ok(answer) => tracing::trace!(leader, count, taken = answer.taken, "forwarded"),
            Err(error) => tracing::warn!(leader, %error, "the leader's answer is malformed"),
        },
        // The outcome is unknown, never failed: they are sent again.
        Err(error) => tracing::debug!(leader, count, %error, "not forwarded yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_order_and_fit_the_lane() {
        let transactions: Vec<Vec<u8>> = (0..10u8).map(|n| vec![n; 200 * 1024]).collect();
        let batches = batches(transactions);
        assert_eq!(batches.len(), 5);
        let order: Vec<u8> = batches.iter().flatten().map(|bytes| bytes[0]).collect();
        assert_eq!(order, (0..10).collect::<Vec<u8>>());
    }
}
