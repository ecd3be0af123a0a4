//! Accounts, sessions and the audit trail of one node.

use serde::{Deserialize, Serialize};

/// Whose credentials these are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WhoAnswer {
    /// Name of the account.
    pub name: String,
    /// What may be done with these credentials.
    pub roles: Vec<String>,
    /// `session`, or `token` for one that a program keeps.
    pub by: String,
    /// When a session ends at the latest.
    pub expires_ms: Option<u64>,
    /// After how many milliseconds without a request a session ends.
    pub idle_ms: Option<u64>,
}

/// A session that has begun.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAnswer {
    /// Its bearer token.
    pub token: String,
    /// Whose it is.
    #[serde(flatten)]
    pub who: WhoAnswer,
}

/// An account of the node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// Unique at the node.
    pub name: String,
    /// What it may do.
    pub roles: Vec<String>,
    /// Whether it cannot be used.
    pub disabled: bool,
    /// Whether it can log in with a password.
    pub has_password: bool,
    /// Tokens that programs keep.
    pub tokens: Vec<UserToken>,
}

/// All accounts of the node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UsersAnswer {
    /// By name.
    pub users: Vec<User>,
}

/// A token that a program keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserToken {
    /// Unique within the account.
    pub name: String,
    /// What it may do, as long as the account may.
    pub roles: Vec<String>,
    /// When it was made.
    pub created_ms: u64,
    /// When it ends, if it does.
    pub expires_ms: Option<u64>,
}

/// A new token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTokenAnswer {
    /// The bearer token, told this once.
    pub token: String,
    /// What the node keeps of it.
    #[serde(flatten)]
    pub kept: UserToken,
}

/// Which lines of the audit trail.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct AuditFilter {
    /// Only of this account.
    pub account: Option<String>,
    /// Not before this time.
    pub from_ms: Option<u64>,
    /// Before this time.
    pub to_ms: Option<u64>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// Up to 100.
    pub limit: Option<u32>,
}

/// A page of the audit trail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AuditAnswer {
    /// Oldest first; a page may be short before the end.
    pub entries: Vec<AuditEntry>,
    /// `after` of the next page; absent at the end.
    pub next: Option<String>,
    /// Number of the newest line.
    pub head_seq: u64,
    /// Its hash.
    pub head_hash: String,
}

/// A line of the audit trail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Number of the line.
    pub seq: u64,
    /// When, by the node's clock.
    pub time_ms: u64,
    /// Id of the request.
    pub request: String,
    /// The account; empty for an attempt under a name that is nobody's.
    pub account: String,
    /// The roles it was used with.
    pub roles: Vec<String>,
    /// Method and path template.
    pub route: String,
    /// What was asked.
    pub asked: serde_json::Value,
    /// Height of the state that was read.
    pub height: Option<u64>,
    /// How many records the answer had.
    pub results: Option<u64>,
}
