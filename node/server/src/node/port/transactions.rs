//! What became of transactions.

use std::time::Duration;

use precinto_api::{BoxFuture, NodeError, TransactionView, codes};
use precinto_core::{Found, Look, find};
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
        let subscribe = |id: &TransactionId| self.0.waiters.wait(*id).map_err(busy);
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
            let found = find(&port.pending, &port.ledger, &ids)?;
            let open = |found: &Found| matches!(found, Found::Pending | Found::Unknown);
            Ok(found.all.iter().map(open).collect())
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

fn views(port: &Port, ids: &[TransactionId]) -> anyhow::Result<Vec<TransactionView>> {
    let Look { all, view } = find(&port.pending, &port.ledger, ids)?;
    let mut blocks = Blocks { view: &view, newest: None };
    let views = ids.iter().zip(all).map(|(&id, found)| {
        let status = match found {
            Found::Finished(stored) => return finished_view(&mut blocks, id, &stored),
            Found::Unknown => Status::Unknown,
            Found::Pending => Status::Pending,
            Found::Expired => Status::Expired,
        };
        Ok(TransactionView { id, status, outcome: None, transaction: None })
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
