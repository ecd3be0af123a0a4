//! Taking transactions in and getting them to the leader: the intake's steps
//! ([`precinto_core::intake`]), with this node's clock, replica and network.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use minicbor::bytes::ByteVec;
use precinto_api::codes;
use precinto_consensus::Input;
use precinto_core::intake::{Batch, Due, ForwardAnswer, Intake, IntakeError, Now, Route};
use precinto_network::{NetworkHandle, RequestLane};
use precinto_protocol::{cbor, identity::NodeId, transaction::TransactionId};

use super::{
    halt::{Halt, WritesStopped},
    messages::PeerRequest,
    metrics::Metrics,
    raft::{RaftHandle, wall_clock_ms},
    waiters::Waiters,
};

/// How long the leader may take to answer a forwarded submission. Later ones are sent again
/// anyway.
const FORWARD_WITHIN: Duration = Duration::from_secs(2);

/// How often unfinished transactions are looked at.
const RESEND_EVERY: Duration = Duration::from_millis(250);

/// Why a transaction was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubmitError {
    /// The node takes transactions, but not this one, or not now.
    #[error(transparent)]
    Refused(#[from] IntakeError),
    /// This node takes none.
    #[error(transparent)]
    Stopped(#[from] WritesStopped),
}

impl SubmitError {
    /// Stable kebab-case code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            SubmitError::Refused(IntakeError::Refused(reason)) => reason.code(),
            SubmitError::Refused(IntakeError::ExpiredByClock) => codes::EXPIRED_BY_CLOCK,
            SubmitError::Refused(IntakeError::BeforeSnapshot) => codes::OUTCOME_UNKNOWN,
            SubmitError::Refused(IntakeError::Busy) => codes::QUEUE_FULL,
            SubmitError::Refused(IntakeError::OverBudget(_)) => codes::BUDGET_EXCEEDED,
            SubmitError::Refused(IntakeError::Unreadable(_)) => "state-unavailable",
            SubmitError::Stopped(WritesStopped::Halted) => codes::NODE_HALTED,
            SubmitError::Stopped(WritesStopped::Disputed) => codes::HISTORY_DISPUTED,
            SubmitError::Stopped(WritesStopped::DiskFull) => codes::DISK_FULL,
        }
    }
}

/// Takes transactions in. Clones share everything.
#[derive(Clone)]
pub(super) struct Submitter {
    inner: Arc<SubmitterParts>,
}

/// What a [`Submitter`] is made of.
pub(super) struct SubmitterParts {
    /// The steps.
    pub intake: Intake,
    /// Clients that wait.
    pub waiters: Arc<Waiters>,
    /// Whether the node may take transactions in.
    pub halt: Halt,
    /// This node's replica.
    pub raft: RaftHandle,
    /// The way to the leader.
    pub network: NetworkHandle,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

impl Submitter {
    /// Of the node that owns these parts.
    pub(super) fn new(parts: SubmitterParts) -> Submitter {
        Submitter { inner: Arc::new(parts) }
    }

    /// Takes a client's transactions in and counts what becomes of them. Blocks for the signature
    /// checks: call it where that is allowed.
    pub(super) fn submit_own(
        &self,
        transactions: Vec<Vec<u8>>,
    ) -> Vec<Result<TransactionId, SubmitError>> {
        let answers = self.submit(transactions);
        for answer in &answers {
            let result = answer.as_ref().err().map_or("accepted", SubmitError::code);
            self.inner.metrics.submissions.with_label_values(&[result]).inc();
        }
        answers
    }

    fn submit(&self, transactions: Vec<Vec<u8>>) -> Vec<Result<TransactionId, SubmitError>> {
        if let Some(stopped) = self.inner.halt.writes_stopped() {
            return transactions.iter().map(|_| Err(stopped.into())).collect();
        }
        let answers = self.inner.intake.accept(transactions, now());
        self.send(Due::New);
        answers.into_iter().map(|answer| answer.map_err(SubmitError::from)).collect()
    }

    /// Sends what is due to where it is to go.
    fn send(&self, due: Due) {
        let inner = &self.inner;
        match inner.intake.route(&inner.raft.status(), due, now()) {
            Route::Stay => {}
            Route::Queue(transactions) => {
                for (id, bytes) in transactions {
                    if inner.raft.outside(Input::Submit(bytes)).is_err() {
                        inner.intake.unsend([id]);
                    }
                }
            }
            Route::Forward { leader, requests } => {
                let inner = inner.clone();
                tokio::spawn(async move {
                    for request in requests {
                        forward(&inner, leader, request).await;
                    }
                });
            }
        }
    }

    /// Serves a peer's forwarded transactions.
    pub(super) fn take_forwarded(&self, transactions: Vec<ByteVec>) -> ForwardAnswer {
        let transactions: Vec<Vec<u8>> = transactions.into_iter().map(Vec::from).collect();
        if self.inner.halt.writes_stopped().is_some() {
            return ForwardAnswer::default();
        }
        let status = self.inner.raft.status();
        let answer = self.inner.intake.take_forwarded(transactions, &status, now());
        self.send(Due::New);
        answer
    }

    /// Sends unfinished transactions again until the node ends.
    pub(super) async fn resend(self) {
        let mut timer = tokio::time::interval(RESEND_EVERY);
        loop {
            timer.tick().await;
            self.inner.waiters.forget_abandoned();
            self.send(Due::All);
        }
    }
}

/// What this node's clocks say.
fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Now { wall_ms: wall_clock_ms(), steady: START.elapsed() }
}

async fn forward(parts: &SubmitterParts, leader: NodeId, request: Batch) {
    let count = request.len();
    let (ids, items): (Vec<_>, Vec<_>) = request.into_iter().unzip();
    let items = items.into_iter().map(ByteVec::from).collect();
    let body = cbor::encode(&PeerRequest::Submit(items));
    let answer = parts.network.request(leader, RequestLane::Request, body, FORWARD_WITHIN).await;
    let answer = match answer.map(|bytes| cbor::decode::<ForwardAnswer>(&bytes)) {
        Ok(Ok(answer)) => {
            let (taken, put_off) = (answer.taken, answer.put_off.len());
            tracing::trace!(leader, count, taken, put_off, "forwarded");
            Some(answer)
        }
        Ok(Err(error)) => {
            tracing::warn!(leader, %error, "the leader's answer is malformed");
            None
        }
        Err(error) => {
            tracing::debug!(leader, count, %error, "not forwarded yet");
            None
        }
    };
    parts.intake.forwarded(&ids, answer, now());
}
