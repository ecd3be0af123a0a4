//! What officers send about Authorized Economic Operators.

use precinto_protocol::transaction::TransactionId;
use serde::{Deserialize, Serialize};

use super::{ItemAnswer, text::as_text};
use crate::client::Consistency;

/// An authorization to grant.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CertifyRequest {
    /// Scheme of the operator's identifier (`uy-rut`).
    pub scheme: String,
    /// The operator's identifier; spaces, hyphens, dots and slashes do not matter.
    pub identifier: String,
    /// A number the member has never used: 1 to 24 capital letters, digits and hyphens.
    pub number: String,
    /// `AEOC`, `AEOS` or both.
    pub types: Vec<String>,
    /// What the operator does in the supply chain (`importer`); at least one.
    pub roles: Vec<String>,
    /// First day of validity.
    pub valid_from: String,
    /// Last day of validity; without one it is valid until it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// Whether the holder consents to benefits abroad.
    pub consent: bool,
    /// Whether the member's law publishes the identifier.
    pub publish: bool,
    /// Commitment of the private record, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// Other terms for an authorization: all of them, as they are to be.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AmendRequest {
    /// Scheme of the operator's identifier.
    pub scheme: String,
    /// The operator's identifier.
    pub identifier: String,
    /// Authorization number.
    pub number: String,
    /// `AEOC`, `AEOS` or both.
    pub types: Vec<String>,
    /// What the operator does in the supply chain; at least one.
    pub roles: Vec<String>,
    /// Last day of validity; without one it is valid until it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// Whether the holder consents to benefits abroad.
    pub consent: bool,
    /// Whether the member's law publishes the identifier.
    pub publish: bool,
    /// Commitment of the private record, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// When it takes effect: a date (its start in UTC), an RFC 3339 time or milliseconds since 1970;
    /// now if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<String>,
}

/// A change of an authorization's status.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// Scheme of the operator's identifier.
    pub scheme: String,
    /// The operator's identifier.
    pub identifier: String,
    /// Authorization number.
    pub number: String,
    /// Why: a class such as `examination`, `infringement` or `holder-request`.
    pub class: String,
    /// The member's own reference of its decision; may be empty.
    pub reference: String,
    /// When it takes effect: a date (its start in UTC), an RFC 3339 time or milliseconds since 1970;
    /// now if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<String>,
}

/// A decision about a proposal of another person of the member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DecideRequest {
    /// Authorization number.
    pub number: String,
    /// The proposing transaction.
    #[serde(with = "as_text")]
    pub proposal: TransactionId,
}

/// A row of a batch: what to do, and the request of doing that alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum BatchRow {
    /// Grants an authorization.
    Certify(CertifyRequest),
    /// Gives one other terms.
    Amend(AmendRequest),
    /// Suspends one.
    Suspend(ChangeRequest),
    /// Reinstates a suspended one.
    Reinstate(ChangeRequest),
    /// Ends one that its holder gave up.
    Withdraw(ChangeRequest),
    /// Proposes to revoke one.
    Revoke(ChangeRequest),
    /// Proposes to annul one.
    Annul(ChangeRequest),
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

/// An identifier as a person writes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WrittenIdentifier {
    /// Its scheme.
    pub scheme: String,
    /// The identifier; spaces, hyphens, dots and slashes do not matter.
    pub identifier: String,
}

/// A declaration that an identifier means an operator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AliasRequest {
    /// The other identifier.
    pub alias: WrittenIdentifier,
    /// The identifier under which the operator was authorized.
    pub operator: WrittenIdentifier,
    /// `receiver`, `sender`, `adopted` or `common`.
    pub mode: String,
    /// Whether the member's law publishes the alias.
    pub publish: bool,
}

/// A declaration to retire.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RetireRequest {
    /// The other identifier.
    pub alias: WrittenIdentifier,
    /// The identifier under which the operator was authorized.
    pub operator: WrittenIdentifier,
}

/// A mutual recognition arrangement: id and terms.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewMra {
    /// 1 to 32 lower-case letters, digits and hyphens.
    pub id: String,
    /// Two or more members' ids.
    pub parties: Vec<String>,
    /// Types that are recognized.
    pub types: Vec<String>,
    /// Roles that get benefits.
    pub roles: Vec<String>,
    /// Whether the holder's consent is needed.
    pub needs_consent: bool,
    /// First day.
    pub valid_from: String,
    /// Last day, if it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// Pairs that start later than the whole.
    #[serde(default)]
    pub activations: Vec<Activation>,
    /// SHA-256 of the legal text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// From when an arrangement of many is applied between two of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Activation {
    /// One party.
    pub a: String,
    /// The other.
    pub b: String,
    /// First day.
    pub from: String,
}

/// As of when a question is asked, and how fresh the answer must be. Times are a date (its last
/// millisecond in UTC), an RFC 3339 time or milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Asked {
    /// The time that is asked about. If absent, that of `known`; without either, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<String>,
    /// Only what the ledger had recorded by then counts; all of it if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
    /// How fresh the answer must be.
    pub consistency: Consistency,
}

/// The present, as fresh as this.
impl From<Consistency> for Asked {
    fn from(consistency: Consistency) -> Asked {
        Asked { consistency, ..Asked::default() }
    }
}

/// Which authorizations are listed: those that meet every condition that is present.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ListFilter {
    /// Granted by this member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Stood so: `valid`, `suspended`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<String>,
    /// Has this type: `AEOC` or `AEOS`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub aeo_type: Option<String>,
    /// Has this role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Of a kind that this arrangement recognizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mra: Option<String>,
    /// The last day of validity comes by this day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_by: Option<String>,
    /// The last day of validity is today, or comes within this many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_within_days: Option<u32>,
    /// As of when.
    #[serde(flatten)]
    pub asked: Asked,
}

/// Which benefit is asked about.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct BenefitQuestion {
    /// The arrangement.
    pub mra: String,
    /// Who authorized the operator.
    pub partner: String,
    /// Who would grant the benefit; the node's member if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Scheme of the identifier under which the operator appears.
    pub scheme: String,
    /// The identifier.
    pub identifier: String,
    /// What the operator does in this consignment.
    pub role: String,
    /// The type the benefit asks for: `AEOC` or `AEOS`.
    #[serde(rename = "type")]
    pub aeo_type: String,
    /// The time that is asked about, as [`Asked::effective`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// As [`Asked::known`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
    /// How fresh the answer must be.
    pub consistency: Consistency,
}
