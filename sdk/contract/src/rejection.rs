//! How a contract refuses a call.

use alloc::{format, string::String};

/// A refused call. Only the code is part of the outcome; the message never enters a hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// Stable code, 1 to 64 characters of `a-z`, `0-9` and `-`: clients branch on it.
    pub code: &'static str,
    /// What went wrong and what would help, for people.
    pub message: String,
}

impl Rejection {
    /// The arguments are not what the method takes.
    pub const BAD_ARGUMENTS: &'static str = "bad-arguments";
    /// The contract has no method of this name.
    pub const UNKNOWN_METHOD: &'static str = "unknown-method";
    /// What the contract stored earlier no longer decodes: an error in the contract.
    pub const CORRUPT_STATE: &'static str = "corrupt-state";

    /// A rejection with a code of the contract's own.
    pub fn new(code: &'static str, message: impl Into<String>) -> Rejection {
        Rejection { code, message: message.into() }
    }

    /// What [`Contract`](crate::Contract) answers to a method it does not have.
    pub fn unknown_method(method: &str) -> Rejection {
        Rejection::new(Rejection::UNKNOWN_METHOD, format!("there is no method {method:?}"))
    }
}

/// The result of a contract's functions.
pub type Result<T> = core::result::Result<T, Rejection>;
