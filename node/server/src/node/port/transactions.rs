//! What became of transactions.

use std::time::Duration;

use precinto_api::{BoxFuture, NodeError, TransactionView, codes};
use precinto_protocol::{
    block::Block,
    cbor,
    outcome::{Outcome, OutcomeRecord, Status},
    transaction::{Transaction, TransactionId},
};
use precinto_storage::{LedgerView, StoredOutcome};
use tokio::{sync::oneshot, time::timeout};

use super::{Port, SharedPort};

impl SharedPort {
    /// What is known of one.
    pub(super) fn read_transaction(
        &self,
        id: TransactionId,
    ) -> BoxFuture<'static, Result<TransactionView, NodeError>> {
        self.read(move |port, _| Ok(views(port, &[id])?.remove(0)))
    }

    /// What is known of each once all are final, or after `within`.
    pub(super) async fn wait_for(
        &self,
        ids: Vec<TransactionId>,
        within: Duration,
    ) -> Result<Vec<TransactionView>, NodeError> {
        let busy = |_| NodeError::new(codes::OVERLOADED, "too many clients wait").retryable();
        // First the subscriptions, then the look: nothing can happen unseen in between.
        let subscribe = |id: &TransactionId| self.0.pending.wait(*id).map_err(busy);
        let finished: Vec<_> = ids.iter().map(subscribe).collect::<Result<_, _>>()?;
        let unfinished = self.unfinished(&ids).await?;
        let finished = finished.into_iter().zip(unfinished).filter(|(_, unfinished)| *unfinished);
        // Too late or not: the status by then is the answer.
        let _ = timeout(within, all(finished.map(|(finished, _)| finished).collect())).await;
        self.read(move |port, _| views(port, &ids)).await
    }

    /// Which of them may still be finished. One that is noted as pending will be; only of others
    /// the ledger may know more.
    async fn unfinished(&self, ids: &[TransactionId]) -> Result<Vec<bool>, NodeError> {
        let pending: Vec<bool> = ids.iter().map(|id| self.0.pending.contains(id)).collect();
        if pending.iter().all(|pending| *pending) {
            return Ok(pending);
        }
        let ids = ids.to_vec();
        self.read(move |port, _| {
            let statuses = ids.iter().map(|id| port.status_without_ledger(id));
            let statuses: Vec<_> = statuses.collect();
            let view = port.ledger.view();
            let unfinished = ids.iter().zip(statuses).map(|(id, status)| {
                let open = matches!(status, Status::Pending | Status::Unknown);
                Ok(open && view.outcome(&id.0)?.is_none())
            });
            unfinished.collect()
        })
        .await
    }
}

/// Completes when all have.
async fn all(finished: Vec<oneshot::Receiver<()>>) {
    for one in finished {
        // Whoever would tell is gone: then it is the time that ends the wait.
        let _ = one.await;
    }
}

impl Port {
    /// The status of a transaction that is not on the ledger.
    fn status_without_ledger(&self, id: &TransactionId) -> Status {
        if self.pending.contains(id) {
            Status::Pending
        } else if self.pending.is_expired(id) {
            Status::Expired
        } else {
            Status::Unknown
        }
    }
}

fn views(port: &Port, ids: &[TransactionId]) -> anyhow::Result<Vec<TransactionView>> {
    // Before the ledger is looked at: a transaction that finishes in between is found there.
    let unfinished: Vec<_> = ids.iter().map(|id| port.status_without_ledger(id)).collect();
    let view = port.ledger.view();
    let mut blocks = Blocks { view: &view, newest: None };
    let views = ids.iter().zip(unfinished).map(|(&id, status)| match view.outcome(&id.0)? {
        Some(stored) => finished_view(&mut blocks, id, &stored),
        None => Ok(TransactionView { id, status, outcome: None, transaction: None }),
    });
    views.collect()
}

fn finished_view(
    blocks: &mut Blocks<'_>,
    id: TransactionId,
    stored: &StoredOutcome,
) -> anyhow::Result<TransactionView> {
    let record: OutcomeRecord = cbor::decode(&stored.bytes)?;
    let status = match record.outcome {
        Outcome::Committed => Status::Committed,
        Outcome::Rejected { .. } => Status::Rejected,
    };
    let item = blocks.item(record.height, record.index)?;
    let transaction = item.and_then(|item| Transaction::decode(item).ok());
    Ok(TransactionView { id, status, outcome: Some(record), transaction })
}

/// Encoded blocks of a ledger. What was submitted together mostly stands in one, which is read once.
struct Blocks<'v> {
    view: &'v LedgerView,
    newest: Option<(u64, Vec<u8>)>,
}

impl Blocks<'_> {
    /// An item of a block, where the ledger has it.
    fn item(&mut self, height: u64, index: u32) -> anyhow::Result<Option<&[u8]>> {
        if self.newest.as_ref().is_none_or(|(newest, _)| *newest != height) {
            self.newest = self.view.block(height)?.map(|block| (height, block));
        }
        Ok(self.newest.as_ref().and_then(|(_, block)| Block::item_of(block, index)))
    }
}
