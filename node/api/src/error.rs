//! One error type for every handler; it leaves as a problem document (RFC 9457).

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use precinto_protocol::{
    identity::Role,
    outcome::{Outcome, Status},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    accounts::AccountError,
    audit::Unavailable,
    codes,
    port::{NodeError, TransactionView},
};

/// Media type of problem documents.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ApiError {
    code: String,
    detail: String,
    hint: Option<String>,
    retryable: bool,
    /// What `Retry-After` says of a retryable one, seconds.
    retry_after_s: u64,
    transaction: Option<String>,
}

impl ApiError {
    /// An error with the status, title and hint of `code`.
    pub(crate) fn new(code: impl Into<String>, detail: impl Into<String>) -> ApiError {
        ApiError {
            code: code.into(),
            detail: detail.into(),
            hint: None,
            retryable: false,
            retry_after_s: 1,
            transaction: None,
        }
    }

    /// A field of the body that is not what it must be.
    pub(crate) fn field(name: &str, rule: impl std::fmt::Display) -> ApiError {
        ApiError::new(codes::INVALID_FIELD, format!("{name}: {rule}"))
    }

    /// A parameter of path or query that is not what it must be.
    pub(crate) fn parameter(name: &str, rule: impl std::fmt::Display) -> ApiError {
        ApiError::new(codes::INVALID_PARAMETER, format!("{name}: {rule}"))
    }

    /// The account lacks `role`.
    pub(crate) fn role(account: &str, role: Role) -> ApiError {
        let detail = format!("account {account:?} does not have the role `{role}`");
        ApiError::new(codes::ROLE_REQUIRED, detail)
    }

    /// The same, of the kind that passes.
    pub(crate) fn retryable(self) -> ApiError {
        ApiError { retryable: true, ..self }
    }

    /// The same, of the kind that passes after `wait`.
    pub(crate) fn retryable_after(self, wait: Duration) -> ApiError {
        ApiError { retryable: true, retry_after_s: wait.as_secs() + 1, ..self }
    }

    /// What an answer of the node's contracts could not be decoded as: a defect, not the client's.
    pub(crate) fn undecodable(what: &str, error: impl std::fmt::Display) -> ApiError {
        tracing::error!(%error, "the contract's answer is not {what}");
        ApiError::new(codes::INTERNAL, format!("the contract's answer is not {what}"))
    }

    /// The problem of a transaction that was executed and refused, or expired; `None` while it may
    /// still commit.
    pub(crate) fn of_transaction(view: &TransactionView) -> Option<ApiError> {
        let error = match (view.status, &view.outcome) {
            (Status::Expired, _) => ApiError::new("expired", "the transaction expired unexecuted"),
            (Status::Rejected, Some(record)) => match &record.outcome {
                Outcome::Rejected { code } => ApiError::new(code.clone(), record.message.clone()),
                Outcome::Committed => return None,
            },
            _ => return None,
        };
        Some(ApiError { transaction: Some(view.id.to_string()), ..error })
    }

    fn status(&self) -> StatusCode {
        let status = codes::lookup(&self.code).status;
        StatusCode::from_u16(status).expect("the table of codes holds valid statuses")
    }

    /// The document.
    pub(crate) fn problem(&self) -> Problem {
        let info = codes::lookup(&self.code);
        Problem {
            kind: format!("urn:precinto:error:{}", self.code),
            title: info.title.into(),
            status: info.status,
            detail: self.detail.clone(),
            code: self.code.clone(),
            hint: self.hint.clone().unwrap_or_else(|| info.hint.into()),
            retryable: self.retryable,
            transaction: self.transaction.clone(),
        }
    }
}

impl From<NodeError> for ApiError {
    fn from(error: NodeError) -> ApiError {
        ApiError {
            code: error.code,
            detail: error.message,
            hint: error.hint,
            retryable: error.retryable,
            retry_after_s: 1,
            transaction: None,
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> ApiError {
        let detail = error.to_string();
        match error {
            AccountError::Unknown(_) => ApiError::new(codes::UNKNOWN_USER, detail),
            AccountError::Exists(_) => ApiError::new(codes::USER_EXISTS, detail),
            AccountError::UnknownToken(_) => ApiError::new(codes::UNKNOWN_TOKEN, detail),
            AccountError::LastAdmin(_) => ApiError::new(codes::LAST_ADMIN_ACCOUNT, detail),
            AccountError::Invalid(_) => ApiError::new(codes::INVALID_FIELD, detail),
            AccountError::WeakPassword(_) => ApiError::new(codes::WEAK_PASSWORD, detail),
            AccountError::WrongPassword => ApiError::new(codes::WRONG_PASSWORD, detail),
            AccountError::Throttled(wait) => {
                ApiError::new(codes::TOO_MANY_ATTEMPTS, detail).retryable_after(wait)
            }
            AccountError::Busy => ApiError::new(codes::OVERLOADED, detail).retryable(),
            AccountError::File(error) => {
                tracing::error!(%error, "the accounts file could not be written");
                let detail = "the accounts file could not be written; the node's log says why";
                ApiError::new(codes::INTERNAL, detail)
            }
        }
    }
}

impl From<Unavailable> for ApiError {
    fn from(unavailable: Unavailable) -> ApiError {
        ApiError::new(codes::AUDIT_UNAVAILABLE, unavailable.to_string()).retryable()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_string(&self.problem()).expect("a problem has only plain fields");
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"precinto\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if self.retryable {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after_s));
        }
        response
    }
}

/// A problem document (RFC 9457).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:precinto:error:<code>`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The kind of problem.
    pub(crate) title: String,
    /// HTTP status.
    pub(crate) status: u16,
    /// What went wrong here.
    pub(crate) detail: String,
    /// Stable kebab-case code.
    #[schema(example = "number-taken")]
    pub(crate) code: String,
    /// What to do about it.
    pub(crate) hint: String,
    /// Whether the same request may succeed later unchanged.
    pub(crate) retryable: bool,
    /// Id of the transaction that was executed and refused, or expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transaction: Option<String>,
}
