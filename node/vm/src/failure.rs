//! Why a call failed, on every node alike.

use precinto_protocol::{host::Refusal, outcome::code};

use crate::TrapCode;

/// Why a call left nothing behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The contract refused the call.
    #[error("{message}")]
    Rejected {
        /// The contract's own code, 1 to 64 characters of `a-z`, `0-9` and `-`.
        code: String,
        /// For people; never hashed.
        message: String,
    },
    /// The host refused something the contract asked for.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The contract trapped.
    #[error("the contract trapped: {0}")]
    Trapped(#[from] TrapCode),
    /// The call used up its fuel.
    #[error("the call used up its fuel")]
    OutOfFuel,
    /// Calls within the contract are nested too deeply.
    #[error("calls within the contract are nested too deeply")]
    DepthExceeded,
    /// What the contract returned is not the encoding of an output, or is too large.
    #[error("the contract's output is malformed or too large")]
    BadOutput,
    /// The contract took the bytes of a host call when there were none.
    #[error("the contract took the result of a host call that had none")]
    NothingToTake,
    /// The contract has no export `migrate`.
    #[error("the contract has no migration")]
    NoMigration,
}

impl Failure {
    /// The stable code of the outcome.
    pub fn code(&self) -> &str {
        match self {
            Failure::Rejected { code, .. } => code,
            Failure::Refused(refusal) => refusal.code(),
            Failure::Trapped(_) => code::CONTRACT_TRAPPED,
            Failure::OutOfFuel => code::OUT_OF_FUEL,
            Failure::DepthExceeded => "call-depth-exceeded",
            Failure::BadOutput => "bad-output",
            Failure::NothingToTake => "nothing-to-take",
            Failure::NoMigration => "no-migration",
        }
    }
}
