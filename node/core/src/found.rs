//! What a node knows of a transaction.

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
    /// Executed.
    Finished {
        /// What came of it.
        outcome: StoredOutcome,
        /// The ledger that says so.
        view: LedgerView,
    },
}

/// Looks a transaction up.
///
/// # Errors
/// Those of storage.
pub fn find(
    pending: &Pending,
    ledger: &LedgerCell,
    id: &TransactionId,
) -> Result<Found, StorageError> {
    // Before the ledger is looked at: a transaction that finishes in between is found there.
    let unfinished = if pending.contains(id) {
        Found::Pending
    } else if pending.is_expired(id) {
        Found::Expired
    } else {
        Found::Unknown
    };
    let view = ledger.view();
    let outcome = view.outcome(&id.0)?;
    Ok(outcome.map_or(unfinished, |outcome| Found::Finished { outcome, view }))
}
