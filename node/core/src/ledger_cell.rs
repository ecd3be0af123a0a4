//! The ledger in use. A snapshot replaces it; readers who hold a view of the old one keep it.

use std::sync::{Arc, PoisonError, RwLock};

use precinto_storage::{Ledger, LedgerView};

/// Clones share the cell.
#[derive(Clone)]
pub struct LedgerCell(Arc<RwLock<Ledger>>);

impl LedgerCell {
    /// A cell with `ledger` in it.
    pub fn new(ledger: Ledger) -> LedgerCell {
        LedgerCell(Arc::new(RwLock::new(ledger)))
    }

    /// The ledger in use.
    pub fn get(&self) -> Ledger {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A consistent view of the ledger in use.
    pub fn view(&self) -> LedgerView {
        self.get().view()
    }

    /// Puts another ledger in.
    pub fn replace(&self, ledger: Ledger) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ledger;
    }
}
