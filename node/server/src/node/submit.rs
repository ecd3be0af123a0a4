//! Taking transactions in and getting them to the leader.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use minicbor::bytes::ByteVec;
use precinto_api::codes;
use precinto_consensus::Input;
use precinto_core::{LedgerCell, StatePort};
use precinto_execution::{Admission, AdmissionError, KeyCache, Registry, ViewError};
use precinto_network::{NetworkHandle, RequestLane};
use precinto_protocol::{
    cbor,
    hash::Hash,
    identity::{MemberId, NodeId},
    transaction::{Transaction, TransactionId},
};

use super::{
    budget::{Budgets, Shares},
    halt::{Halt, WritesStopped},
    messages::{PeerRequest, SubmitAnswer},
    metrics::Metrics,
    pending::{Accepted, Full, Pending},
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
pub(super) enum SubmitError {
    /// It would not be executed.
    #[error(transparent)]
    Refused(#[from] AdmissionError),
    /// This node takes none.
    #[error(transparent)]
    Stopped(#[from] WritesStopped),
    /// Too many transactions are unfinished at this node.
    #[error("too many transactions wait at this node")]
    Busy,
    /// The author's member has used up its share.
    #[error("{0} submits more than its share")]
    OverBudget(MemberId),
    /// The state that says so cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ViewError),
}

impl SubmitError {
    /// Stable kebab-case code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            SubmitError::Refused(reason) => reason.code(),
            SubmitError::Stopped(WritesStopped::Halted) => codes::NODE_HALTED,
            SubmitError::Stopped(WritesStopped::Disputed) => codes::HISTORY_DISPUTED,
            SubmitError::Stopped(WritesStopped::DiskFull) => codes::DISK_FULL,
            SubmitError::Busy => codes::QUEUE_FULL,
            SubmitError::OverBudget(_) => codes::BUDGET_EXCEEDED,
            SubmitError::Unreadable(_) => "state-unavailable",
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
    /// What members may still send.
    pub budgets: Budgets,
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

    /// Takes a client's transactions in, as [`Submitter::submit`], and counts what becomes of them.
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

    /// Checks transactions, notes the good ones and sends them on their way. Blocks for the
    /// signature checks: call it where that is allowed.
    fn submit(&self, transactions: Vec<Vec<u8>>) -> Vec<Result<TransactionId, SubmitError>> {
        let inner = &self.inner;
        if let Some(stopped) = inner.halt.writes_stopped() {
            return transactions.iter().map(|_| Err(stopped.into())).collect();
        }
        let ledger = inner.ledger.get();
        let last_ms = ledger.head().map_or(0, |head| head.block.time_ms);
        let time_ms = wall_clock_ms().max(last_ms + 1);
        let state = StatePort(ledger.view());
        let admission = Admission::new(&state, &inner.keys, inner.channel, time_ms);
        let registry = Registry::new(&state);
        let opened = admission.and_then(|admission| Ok((admission, Shares::read(&registry)?)));
        let (mut admission, shares) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                return transactions.iter().map(|_| Err(error.clone().into())).collect();
            }
        };
        let take = |bytes| match self.accept(&mut admission, &shares, bytes) {
            // A retry: its status is the answer.
            Err(SubmitError::Refused(AdmissionError::Duplicate(id))) => Ok(id),
            answer => answer,
        };
        let answers = transactions.into_iter().map(take).collect();
        self.route(Pending::take_unsent);
        answers
    }

    fn accept(
        &self,
        admission: &mut Admission<'_>,
        shares: &Shares,
        bytes: Vec<u8>,
    ) -> Result<TransactionId, SubmitError> {
        let now = Instant::now();
        // Before the signature is checked, which is what a flood would cost most. What is no
        // transaction, or nobody's, is admission's to explain.
        let author = author(admission, &bytes)?;
        if let Some((id, member)) = &author
            && !self.inner.pending.contains(id)
            && !self.inner.budgets.allows(member, shares, now)
        {
            return Err(SubmitError::OverBudget(member.clone()));
        }
        let admitted = admission.admit(&bytes);
        let transaction = admitted.map_err(|refused| self.unless_known(refused, &bytes))?;
        let id = transaction.id();
        let (_, member) = author.expect("an admitted transaction has an author");
        if self.inner.pending.contains(&id) {
            return Ok(id);
        }
        // After it: nobody can use up another's share with signatures that are not good.
        if !self.inner.budgets.charge(&member, shares, bytes.len(), now) {
            return Err(SubmitError::OverBudget(member));
        }
        let expires_ms = transaction.statement.call().expires_ms;
        let accepted = Accepted { id, bytes, expires_ms, member: member.clone() };
        match self.inner.pending.insert(accepted, shares.pending) {
            Ok(()) => Ok(id),
            Err(Full::Node) => Err(SubmitError::Busy),
            Err(Full::Member) => Err(SubmitError::OverBudget(member)),
        }
    }

    /// What has expired by now but is known here is a late retry: its status, which may be
    /// `committed`, is the answer.
    fn unless_known(&self, refused: AdmissionError, bytes: &[u8]) -> AdmissionError {
        let Ok(transaction) = Transaction::decode(bytes) else { return refused };
        let id = transaction.id();
        let executed = || self.inner.ledger.view().outcome(&id.0).is_ok_and(|it| it.is_some());
        if refused == AdmissionError::Expired && (self.inner.pending.contains(&id) || executed()) {
            return AdmissionError::Duplicate(id);
        }
        refused
    }

    /// Sends what `due` takes out: to the own queue if this node leads, else to the leader. Without
    /// a leader it stays due.
    fn route(&self, due: impl FnOnce(&Pending, u64) -> Vec<(TransactionId, Vec<u8>)>) {
        let inner = &self.inner;
        let status = inner.raft.status();
        let Some(leader) = status.leader else { return };
        let transactions = due(&inner.pending, status.term);
        if leader == inner.node {
            for (id, bytes) in transactions {
                if inner.raft.outside(Input::Submit(bytes)).is_err() {
                    inner.pending.unsend([id]);
                }
            }
            return;
        }
        let inner = inner.clone();
        tokio::spawn(async move {
            // One after the other, so that they arrive in order.
            for batch in batches(transactions) {
                forward(&inner, leader, batch).await;
            }
        });
    }

    /// Serves a peer's forwarded transactions: checked again, because the leader answers for what
    /// it proposes.
    pub(super) fn take_forwarded(&self, transactions: Vec<ByteVec>) -> SubmitAnswer {
        if self.inner.raft.status().leader != Some(self.inner.node) {
            return SubmitAnswer::default();
        }
        let answers = self.submit(transactions.into_iter().map(Vec::from).collect());
        let put_off = |answer: &Result<_, _>| {
            matches!(answer, Err(SubmitError::OverBudget(_) | SubmitError::Busy))
        };
        SubmitAnswer {
            taken: answers.iter().filter(|answer| answer.is_ok()).count() as u64,
            put_off: (0..).zip(&answers).filter(|(_, it)| put_off(it)).map(|(at, _)| at).collect(),
        }
    }

    /// Sends unfinished transactions again until the node ends.
    pub(super) async fn resend(self) {
        let mut timer = tokio::time::interval(RESEND_EVERY);
        loop {
            timer.tick().await;
            self.route(Pending::take_due);
        }
    }
}

/// Id and author's member of an encoded transaction, if it has them.
fn author(
    admission: &mut Admission<'_>,
    bytes: &[u8],
) -> Result<Option<(TransactionId, MemberId)>, ViewError> {
    let Ok(transaction) = Transaction::decode(bytes) else { return Ok(None) };
    let member = admission.member(&transaction.statement.key_id())?;
    Ok(member.map(|member| (transaction.id(), member)))
}

/// Transactions for one request, with their ids.
type Batch = Vec<(TransactionId, Vec<u8>)>;

/// Splits into requests that the lane carries.
fn batches(transactions: Batch) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    for transaction in transactions {
        bytes += transaction.1.len();
        match batches.last_mut() {
            Some(batch) if bytes <= FORWARD_BYTES => batch.push(transaction),
            _ => {
                bytes = transaction.1.len();
                batches.push(vec![transaction]);
            }
        }
    }
    batches
}

async fn forward(parts: &SubmitterParts, leader: NodeId, batch: Batch) {
    let count = batch.len();
    let (ids, items): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let items = items.into_iter().map(ByteVec::from).collect();
    let body = cbor::encode(&PeerRequest::Submit(items));
    let answer = parts.network.request(leader, RequestLane::Request, body, FORWARD_WITHIN).await;
    match answer.map(|bytes| cbor::decode::<SubmitAnswer>(&bytes)) {
        Ok(Ok(answer)) if answer == SubmitAnswer::default() => parts.pending.unsend(ids),
        Ok(Ok(SubmitAnswer { taken, put_off })) => {
            tracing::trace!(leader, count, taken, put_off = put_off.len(), "forwarded");
            let at = |place: &u64| ids.get(usize::try_from(*place).ok()?).copied();
            parts.pending.put_off(put_off.iter().filter_map(at));
        }
        Ok(Err(error)) => tracing::warn!(leader, %error, "the leader's answer is malformed"),
        Err(error) => {
            // The outcome is unknown, never failed: they are sent again.
            tracing::debug!(leader, count, %error, "not forwarded yet");
            parts.pending.unsend(ids);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_order_and_fit_the_lane() {
        let transaction = |n| (TransactionId(Hash([n; 32])), vec![n; 200 * 1024]);
        let batches = batches((0..10).map(transaction).collect());
        assert_eq!(batches.len(), 5);
        let order: Vec<u8> = batches.iter().flatten().map(|(_, bytes)| bytes[0]).collect();
        assert_eq!(order, (0..10).collect::<Vec<u8>>());
    }
}
