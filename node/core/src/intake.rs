//! Taking transactions in and getting them to the leader.
//!
//! A node checks what it is given, notes it as [pending](crate::pending) and sends it to whoever
//! leads: with [`Intake::route`] at once, and again now and then until it is executed or expires.

use std::{sync::Arc, time::Duration};

use minicbor::{Decode, Encode};
use precinto_consensus::Status;
use precinto_execution::{Admission, AdmissionError, KeyCache, Registry, ViewError};
use precinto_protocol::{
    hash::Hash,
    identity::{MemberId, NodeId},
    limits::DEFAULT_MAX_EXPIRY_MS,
    registry::parameter,
    transaction::{Transaction, TransactionId},
};
use precinto_storage::{LedgerView, StorageError};

use crate::{
    LedgerCell, StatePort,
    budget::{Budgets, Shares},
    pending::{Accepted, Full, Pending},
};

/// Transactions in one forwarded request, in bytes: the request lane carries a mebibyte.
const FORWARD_BYTES: usize = 512 * 1024;

/// What time it is, as the caller tells.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Milliseconds since 1970: what expiry is judged by.
    pub wall_ms: u64,
    /// Since some moment in the past, never going back: what shares and patience are measured by.
    pub steady: Duration,
}

/// Why a transaction was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// It would not be executed.
    #[error(transparent)]
    Refused(#[from] AdmissionError),
    /// By this node's clock it has expired, which may be wrong; by ledger time it has not: another
    /// node may have taken it, and it may still be executed.
    #[error("the transaction has expired by this node's clock, but not yet by ledger time")]
    ExpiredByClock,
    /// It has expired, and may have been executed in a block that this node does not hold, because its
    /// ledger began with a snapshot.
    #[error("the transaction has expired; whether it was executed before, this node cannot tell")]
    BeforeSnapshot,
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

/// What the leader did with forwarded transactions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct ForwardAnswer {
    /// How many were taken into its queue; the others may be sent again.
    #[n(0)]
    pub taken: u64,
    /// Which ones were put off, by place in the request: there is no room for them now.
    #[n(1)]
    pub put_off: Vec<u64>,
}

/// Transactions on their way, with their ids, in order.
pub type Batch = Vec<(TransactionId, Vec<u8>)>;

/// Where transactions are to go.
pub enum Route {
    /// Nowhere yet: nobody leads, or none is due.
    Stay,
    /// To this node's replica. What it has no room for is reported with [`Intake::unsend`].
    Queue(Batch),
    /// To the leader, one request after the other, so that they arrive in order. Each is reported
    /// with [`Intake::forwarded`].
    Forward {
        /// The leader.
        leader: NodeId,
        /// What goes into each request.
        requests: Vec<Batch>,
    },
}

/// Which pending transactions are to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Those that just came.
    New,
    /// Also those that were sent under another leadership, or too long ago.
    All,
}

/// See the module.
pub struct Intake {
    node: NodeId,
    channel: Hash,
    ledger: LedgerCell,
    keys: Arc<KeyCache>,
    pending: Arc<Pending>,
    budgets: Budgets,
}

impl Intake {
    /// Of `node`, on the channel with this genesis hash.
    pub fn new(
        node: NodeId,
        channel: Hash,
        ledger: LedgerCell,
        keys: Arc<KeyCache>,
        pending: Arc<Pending>,
    ) -> Intake {
        Intake { node, channel, ledger, keys, pending, budgets: Budgets::default() }
    }

    /// Checks encoded transactions and notes the good ones. A retry of what is known is good. Takes
    /// as long as the signature checks.
    pub fn accept(
        &self,
        transactions: Vec<Vec<u8>>,
        now: Now,
    ) -> Vec<Result<TransactionId, IntakeError>> {
        let ledger = self.ledger.get();
        let last_ms = ledger.head().map_or(0, |head| head.block.time_ms);
        let time_ms = now.wall_ms.max(last_ms + 1);
        let state = StatePort(ledger.view());
        let admission = Admission::new(&state, &self.keys, self.channel, time_ms);
        let registry = Registry::new(&state);
        let opened = admission.and_then(|admission| Ok((admission, Shares::read(&registry)?)));
        let (admission, shares) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                return transactions.iter().map(|_| Err(error.clone().into())).collect();
            }
        };
        let mut desk = Desk { intake: self, admission, shares, last_ms, now: now.steady };
        let take = |bytes| match desk.accept(bytes) {
            // A retry: its status is the answer.
            Err(IntakeError::Refused(AdmissionError::Duplicate(id))) => Ok(id),
            answer => answer,
        };
        transactions.into_iter().map(take).collect()
    }

    /// Where `due` transactions are to go, as the replica's status tells. They count as sent now.
    pub fn route(&self, status: &Status, due: Due, now: Now) -> Route {
        let Some(leader) = status.leader else { return Route::Stay };
        let transactions = match due {
            Due::New => self.pending.take_unsent(status.term, now.steady),
            Due::All => self.pending.take_due(status.term, now.steady),
        };
        if transactions.is_empty() {
            Route::Stay
        } else if leader == self.node {
            Route::Queue(transactions)
        } else {
            Route::Forward { leader, requests: requests(transactions) }
        }
    }

    /// These did not get where they were sent: they are due at once.
    pub fn unsend(&self, ids: impl IntoIterator<Item = TransactionId>) {
        self.pending.unsend(ids);
    }

    /// What the leader said to a forwarded request; `None` if its answer did not arrive: the outcome
    /// is unknown then, never failed, and the transactions are sent again.
    pub fn forwarded(&self, ids: &[TransactionId], answer: Option<ForwardAnswer>, now: Now) {
        match answer {
            Some(answer) if answer != ForwardAnswer::default() => {
                let at = |place: &u64| ids.get(usize::try_from(*place).ok()?).copied();
                self.pending.put_off(answer.put_off.iter().filter_map(at), now.steady);
            }
            _ => self.pending.unsend(ids.iter().copied()),
        }
    }

    /// Takes in what another node forwarded, if this node leads: checked again, because the leader
    /// answers for what it proposes. To be routed afterwards.
    pub fn take_forwarded(
        &self,
        transactions: Vec<Vec<u8>>,
        status: &Status,
        now: Now,
    ) -> ForwardAnswer {
        if status.leader != Some(self.node) {
            return ForwardAnswer::default();
        }
        let answers = self.accept(transactions, now);
        let put_off = |answer: &Result<_, _>| {
            matches!(answer, Err(IntakeError::OverBudget(_) | IntakeError::Busy))
        };
        ForwardAnswer {
            taken: answers.iter().filter(|answer| answer.is_ok()).count() as u64,
            put_off: (0..).zip(&answers).filter(|(_, it)| put_off(it)).map(|(at, _)| at).collect(),
        }
    }
}

/// One request's way in.
struct Desk<'a> {
    intake: &'a Intake,
    admission: Admission<'a>,
    shares: Shares,
    /// Ledger time.
    last_ms: u64,
    now: Duration,
}

impl Desk<'_> {
    fn accept(&mut self, bytes: Vec<u8>) -> Result<TransactionId, IntakeError> {
        let Intake { pending, budgets, .. } = self.intake;
        // Before the signature is checked, which is what a flood would cost most. What is no
        // transaction, or nobody's, is admission's to explain.
        let author = self.author(&bytes)?;
        if let Some((id, member)) = &author
            && !pending.contains(id)
            && !budgets.allows(member, &self.shares, self.now)
        {
            return Err(IntakeError::OverBudget(member.clone()));
        }
        let admitted = self.admission.admit(&bytes);
        let transaction = admitted.map_err(|refused| self.unless_known(refused, &bytes))?;
        let id = transaction.id();
        let (_, member) = author.expect("an admitted transaction has an author");
        if pending.contains(&id) {
            return Ok(id);
        }
        // After it: nobody can use up another's share with signatures that are not good.
        if !budgets.charge(&member, &self.shares, bytes.len(), self.now) {
            return Err(IntakeError::OverBudget(member));
        }
        let expires_ms = transaction.statement.call().expires_ms;
        let accepted = Accepted { id, bytes, expires_ms, member: member.clone() };
        match pending.insert(accepted, self.shares.pending) {
            Ok(()) => Ok(id),
            Err(Full::Node) => Err(IntakeError::Busy),
            Err(Full::Member) => Err(IntakeError::OverBudget(member)),
        }
    }

    /// Id and author's member of an encoded transaction, if it has them.
    fn author(&mut self, bytes: &[u8]) -> Result<Option<(TransactionId, MemberId)>, ViewError> {
        let Ok(transaction) = Transaction::decode(bytes) else { return Ok(None) };
        let member = self.admission.member(&transaction.statement.key_id())?;
        Ok(member.map(|member| (transaction.id(), member)))
    }

    /// What has expired by now but is known here is a late retry: its status, which may be
    /// `committed`, is the answer. And `expired` is said only by ledger time, because whoever hears
    /// it may do the same again in another transaction.
    fn unless_known(&self, refused: AdmissionError, bytes: &[u8]) -> IntakeError {
        let Intake { pending, ledger, .. } = self.intake;
        let (AdmissionError::Expired, Ok(transaction)) = (&refused, Transaction::decode(bytes))
        else {
            return refused.into();
        };
        let id = transaction.id();
        let executed = || ledger.view().outcome(&id.0).is_ok_and(|outcome| outcome.is_some());
        if pending.contains(&id) || executed() {
            return AdmissionError::Duplicate(id).into();
        }
        let expires_ms = transaction.statement.call().expires_ms;
        if expires_ms >= self.last_ms {
            return IntakeError::ExpiredByClock;
        }
        match may_be_before_snapshot(ledger.view(), expires_ms) {
            Ok(true) => IntakeError::BeforeSnapshot,
            Ok(false) => refused.into(),
            Err(error) => error.into(),
        }
    }
}

/// Whether a transaction with this expiry may have been executed in a block that a snapshot stands for:
/// no block takes one whose expiry is further ahead than `max-expiry-ms`.
fn may_be_before_snapshot(view: LedgerView, expires_ms: u64) -> Result<bool, ViewError> {
    let unreadable = |error: StorageError| ViewError::Io(error.to_string());
    // A snapshot leaves the summary of its newest block, without the block.
    let Some(first) = view.summaries(1, 1).map_err(unreadable)?.pop() else { return Ok(false) };
    if view.block(first.height).map_err(unreadable)?.is_some() {
        return Ok(false);
    }
    let state = StatePort(view);
    let ahead_ms = Registry::new(&state).parameter(parameter::MAX_EXPIRY_MS)?;
    Ok(expires_ms <= first.time_ms.saturating_add(ahead_ms.unwrap_or(DEFAULT_MAX_EXPIRY_MS)))
}

/// Splits into requests that the lane carries.
fn requests(transactions: Batch) -> Vec<Batch> {
    let mut requests: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    for transaction in transactions {
        bytes += transaction.1.len();
        match requests.last_mut() {
            Some(request) if bytes <= FORWARD_BYTES => request.push(transaction),
            _ => {
                bytes = transaction.1.len();
                requests.push(vec![transaction]);
            }
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_keep_order_and_fit_the_lane() {
        let transaction = |n| (TransactionId(Hash([n; 32])), vec![n; 200 * 1024]);
        let requests = requests((0..10).map(transaction).collect());
        assert_eq!(requests.len(), 5);
        let order: Vec<u8> = requests.iter().flatten().map(|(_, bytes)| bytes[0]).collect();
        assert_eq!(order, (0..10).collect::<Vec<u8>>());
    }
}
