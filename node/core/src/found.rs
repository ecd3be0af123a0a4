//! What a node knows of transactions.

use precinto_protocol::transaction::TransactionId;
use precinto_storage::{LedgerView, StorageError, StoredOutcome};

use crate::{LedgerCell, pending::Pending};

/// What a node knows of a transaction.
pub enum Found {
    /// Nothing. It may be on its way elsewhere.
    Unknown,
    /// Accepted here, its end not seen yet.
    Pending,
    /// Accepted here, and ledger time has passed its expiry without it.
    Expired,
    /// Executed, with this outcome.
    Finished(StoredOutcome),
}

/// What a node knows of several transactions at one moment.
pub struct Look {
    /// One answer per id, in their order.
    pub all: Vec<Found>,
    /// The ledger of that moment.
    pub view: LedgerView,
}

/// Looks transactions up.
///
/// # Errors
/// Those of storage.
pub fn find(
    pending: &Pending,
    ledger: &LedgerCell,
    ids: &[TransactionId],
) -> Result<Look, StorageError> {
    // Before the ledger is looked at: a transaction that finishes in between is found there.
    let unfinished = |id: &TransactionId| match pending.contains(id) {
        true => Found::Pending,
        false if pending.is_expired(id) => Found::Expired,
        false => Found::Unknown,
    };
    let unfinished: Vec<Found> = ids.iter().map(unfinished).collect();
    let view = ledger.view();
    let finished = |(id, unfinished): (&TransactionId, Found)| {
        let outcome = view.outcome(&id.0)?;
        Ok(outcome.map_or(unfinished, Found::Finished))
    };
    let all = ids.iter().zip(unfinished).map(finished).collect::<Result<_, StorageError>>()?;
    Ok(Look { all, view })
}
