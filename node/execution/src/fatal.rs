//! Why a node stops.

use precinto_protocol::hash::Hash;

use crate::view::ViewError;

/// Why a node cannot go on: never an outcome. What failed has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// The state could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The contract runtime failed.
    #[error("contract runtime: {0}")]
    Runtime(String),
    /// The code of an active contract is not here. It is to be fetched before the node goes on.
    #[error("the code {0} of an active contract is not here")]
    MissingCode(Hash),
    /// The block does not continue this ledger, although it was committed.
    #[error("a committed block does not continue the ledger: {0}")]
    Discontinuous(&'static str),
    /// The genesis is unsound, in words.
    #[error("unsound genesis: {}", .0.join("; "))]
    Genesis(Vec<String>),
    /// The persisted state does not have the root that was persisted with it.
    #[error("the persisted state has root {found}, not {expected}")]
    RootMismatch {
        /// What was persisted.
        expected: Hash,
        /// What the state gives.
        found: Hash,
    },
    /// The persisted keys are not in strictly ascending order.
    #[error("the persisted state is not in order")]
    NotAscending,
}
