//! Why a request failed.

use std::time::Duration;

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
    /// How long to pause before that, where the node says so.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
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

/// Pause before a repetition where the node names none: an election takes about as long.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What to do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// The same request will fail again.
    Never,
    /// The request had no effect; after this pause it may succeed.
    After(Duration),
    /// The request may have taken effect. Questions and signed transactions can be repeated after this
    /// pause as they are; before an officer's command is, ask whether it is done.
    AskFirst(Duration),
}

impl ClientError {
    /// What to do about it: whether to send the same request again, and when.
    pub fn retry(&self) -> Retry {
        match self {
            ClientError::Transport(error) if error.is_builder() => Retry::Never,
            // Nothing was sent.
            ClientError::Transport(error) if error.is_connect() => Retry::After(RETRY_PAUSE),
            // A body that breaks off is a "decode" error to reqwest, which decodes nothing else here.
            ClientError::Transport(_) => Retry::AskFirst(RETRY_PAUSE),
            ClientError::Problem(problem) => {
                let pause = problem.retry_after.unwrap_or(RETRY_PAUSE);
                match problem.code.as_str() {
                    "outcome-unknown" | "request-timeout" => Retry::AskFirst(pause),
                    _ if problem.retryable => Retry::After(pause),
                    _ => Retry::Never,
                }
            }
            ClientError::StreamEnded => Retry::After(RETRY_PAUSE),
            // A proxy between client and node answers so while the node is away.
            ClientError::Unexpected { status: 502..=504, .. } => Retry::AskFirst(RETRY_PAUSE),
            ClientError::Unexpected { .. }
            | ClientError::BaseUrl(_)
            | ClientError::Token
            | ClientError::MessageTooLarge => Retry::Never,
        }
    }

    /// Whether the same request may succeed later, with care or without.
    pub fn retryable(&self) -> bool {
        self.retry() != Retry::Never
    }

    /// The node's code, if it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            ClientError::Problem(problem) => Some(&problem.code),
            _ => None,
        }
    }
}
