//! Authorized Economic Operators.

use precinto_protocol::transaction::TransactionId;
use serde::{Deserialize, Serialize};

use super::{AsOf, ItemAnswer, text::as_text};

/// An authorization to grant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertifyRequest {
    /// Scheme of the operator's identifier (`rut`).
    pub scheme: String,
    /// The operator's identifier; spaces, hyphens, dots and slashes do not matter.
    pub identifier: String,
    /// Authorization number: 1 to 24 capital letters, digits and hyphens.
    pub number: String,
    /// `AEOC`, `AEOS` or both.
    pub types: Vec<String>,
    /// First day of validity.
    pub valid_from: String,
    /// Last day of validity.
    pub valid_until: String,
    /// Whether the member's law publishes the identifier.
    pub publish: bool,
}

/// A change of an authorization's status.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// Scheme of the operator's identifier.
    pub scheme: String,
    /// The operator's identifier.
    pub identifier: String,
    /// Authorization number.
    pub number: String,
    /// Why: a code of 1 to 64 lower-case letters, digits and hyphens.
    pub reason: String,
    /// When it takes effect; now if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_ms: Option<u64>,
}

/// What to do about bad rows of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchMode {
    /// Submit nothing, only report bad rows.
    Check,
    /// Submit nothing unless every row is good.
    #[default]
    Strict,
    /// Submit the good rows.
    SkipBad,
}

/// What became of each row of a batch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BatchAnswer {
    /// Rows whose transaction was accepted (and, if waited for, not refused).
    pub accepted: usize,
    /// Rows that were refused before or after submission.
    pub refused: usize,
    /// In the order of the request; absent for a good row that was not to be submitted.
    pub results: Vec<Option<ItemAnswer>>,
}

/// The public part of an authorization.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Authorization {
    /// The operator's lookup tag.
    pub operator: String,
    /// The member that granted it.
    pub member: String,
    /// The member's authorization number.
    pub number: String,
    /// `AEOC` and `AEOS`.
    pub types: Vec<String>,
    /// First day of validity.
    pub valid_from: String,
    /// Last day of validity.
    pub valid_until: String,
    /// `valid`, `suspended` or `revoked`.
    pub status: String,
    /// Present where the member's law publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
}

/// A published identifier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identifier {
    /// Lower-case scheme.
    pub scheme: String,
    /// Normalized identifier.
    pub value: String,
}

/// An authorization as it stands, with whether it is in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StandingAuthorization {
    /// The authorization.
    #[serde(flatten)]
    pub authorization: Authorization,
    /// Status `valid` and the ledger's day within the validity.
    pub in_force: bool,
}

/// An operator's authorizations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OperatorAnswer {
    /// Lower-case scheme.
    pub scheme: String,
    /// Normalized identifier.
    pub identifier: String,
    /// Lookup tag under the channel's lookup key.
    pub operator: String,
    /// Of all members; empty means that it has none as of the height.
    pub authorizations: Vec<StandingAuthorization>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// A page of an authorization's history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HistoryAnswer {
    /// Oldest first.
    pub entries: Vec<HistoryEntry>,
    /// Index of the first entry of the next page.
    pub next: u64,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// Who asserted what, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Place in the authorization's history, from 0.
    pub index: u64,
    /// `certify`, `suspend`, `reinstate` or `revoke`.
    pub action: String,
    /// When it takes effect, as the member asserted.
    pub effective_ms: u64,
    /// Why; empty for `certify`.
    pub reason: String,
    /// Ledger time at which it was recorded.
    pub recorded_ms: u64,
    /// Height of the block that recorded it.
    pub recorded_height: u64,
    /// The member that asserted it.
    pub member: String,
    /// The transaction that recorded it.
    #[serde(with = "as_text")]
    pub transaction: TransactionId,
    /// The authorization after it.
    pub authorization: Authorization,
}

/// A page of authorizations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListAnswer {
    /// Of all members, by operator, member and number.
    pub authorizations: Vec<StandingAuthorization>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// What happened to an authorization.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Transition {
    /// `certify`, `suspend`, `reinstate` or `revoke`.
    pub action: String,
    /// When it takes effect.
    pub effective_ms: u64,
    /// Why; empty for `certify`.
    pub reason: String,
    /// The authorization after it.
    pub authorization: Authorization,
}
