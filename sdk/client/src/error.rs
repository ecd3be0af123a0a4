//! Why a request failed.

use serde::{Deserialize, Serialize};

use precinto_protocol::transaction::TransactionId;

use crate::types::text::as_optional_text;

/// The problem document (RFC 9457) of a node's answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{detail} [{code}] {hint}")]
pub struct Problem {
    /// The kind of problem.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong here.
    pub detail: String,
    /// Stable kebab-case code.
    pub code: String,
    /// What to do about it.
    pub hint: String,
    /// Whether the same request may succeed later unchanged.
    #[serde(default)]
    pub retryable: bool,
    /// The transaction that was executed and refused, or expired.
    #[serde(default, with = "as_optional_text", skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionId>,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node's address is not an absolute `http` URL.
    #[error("{0:?} is not an http URL of a node")]
    BaseUrl(String),
    /// The token has characters that a header cannot carry.
    #[error("the token has characters that no token has")]
    Token,
    /// The node could not be reached, or the connection broke.
    #[error("no answer from the node: {0}")]
    Transport(#[from] reqwest::Error),
    /// The node refused, with a reason.
    #[error(transparent)]
    Problem(#[from] Box<Problem>),
    /// The answer is not one of a Precinto node.
    #[error("unexpected answer with HTTP status {status}: {reason}")]
    Unexpected {
        /// HTTP status.
        status: u16,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The node ended an event stream.
    #[error("the node ended the event stream")]
    StreamEnded,
    /// An event stream sent a message larger than any event.
    #[error("a message of the event stream is too large")]
    MessageTooLarge,
}

impl ClientError {
    /// Whether the same request may succeed later.
    ///
    /// After a transport error or the code `outcome-unknown` the request may also have taken
    /// effect. Repeating a signed transaction is safe; an officer's command may then be refused as
    /// already done.
    pub fn retryable(&self) -> bool {
        match self {
            // A body that breaks off is a "decode" error to reqwest, which decodes nothing else here.
            ClientError::Transport(error) => !error.is_builder(),
            ClientError::Problem(problem) => problem.retryable,
            ClientError::StreamEnded => true,
            // A proxy between client and node answers so while the node is away.
            ClientError::Unexpected { status, .. } => matches!(status, 502..=504),
            ClientError::BaseUrl(_) | ClientError::Token | ClientError::MessageTooLarge => false,
        }
    }

    /// The node's code, if it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            ClientError::Problem(problem) => Some(&problem.code),
            _ => None,
        }
    }
}
