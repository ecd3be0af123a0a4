//! Authorized Economic Operators: what is asked and answered about them.

use precinto_protocol::transaction::TransactionId;
use serde::{Deserialize, Serialize};

use super::{AsOf, text::as_text};

/// When an answer was true, and for which times.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AsKnown {
    /// The state that was read.
    #[serde(flatten)]
    pub state: AsOf,
    /// The time that is told about.
    pub effective_ms: u64,
    /// Only what the ledger had recorded by then counts.
    pub known_ms: u64,
}

/// The public part of an authorization as recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Authorization {
    /// The operator's lookup tag.
    pub operator: String,
    /// The member that granted it.
    pub member: String,
    /// The member's authorization number.
    pub number: String,
    /// First day of validity.
    pub valid_from: String,
    /// What is granted.
    #[serde(flatten)]
    pub terms: Terms,
    /// `valid`, `suspended`, `revoked`, `withdrawn` or `annulled`, as last recorded.
    pub status: String,
    /// Ledger time of the last transition.
    pub recorded_ms: u64,
}

/// What is granted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// `AEOC` and `AEOS`.
    pub types: Vec<String>,
    /// What the operator does in the supply chain.
    pub roles: Vec<String>,
    /// Last day of validity; absent if it is valid until it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// Whether the holder consents to benefits abroad.
    pub consent: bool,
    /// Present where the member's law publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    /// Commitment of the private record, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// A published identifier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identifier {
    /// Its scheme.
    pub scheme: String,
    /// Normalized identifier.
    pub value: String,
}

/// An authorization as it stood.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StandingAuthorization {
    /// The authorization.
    #[serde(flatten)]
    pub authorization: Authorization,
    /// `not-yet-valid`, `valid`, `suspended`, `expired`, `revoked`, `withdrawn` or `annulled`.
    pub standing: String,
    /// Whether it was in force: standing `valid`.
    pub in_force: bool,
    /// Since when it stood so.
    pub since_ms: u64,
    /// Since when its terms were what they were.
    pub terms_since_ms: u64,
}

/// What an identifier leads to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FoundAnswer {
    /// Scheme of the identifier.
    pub scheme: String,
    /// Normalized identifier.
    pub identifier: String,
    /// Lookup tag under the channel's lookup key.
    pub tag: String,
    /// The operator of the identifier itself first, then those that aliases lead the node's member to;
    /// empty means: no authorization by anyone.
    pub operators: Vec<FoundOperator>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsKnown,
}

impl FoundAnswer {
    /// The authorizations of all operators.
    pub fn authorizations(&self) -> impl Iterator<Item = &StandingAuthorization> {
        self.operators.iter().flat_map(|operator| &operator.authorizations)
    }
}

/// An operator and its authorizations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FoundOperator {
    /// Its lookup tag.
    pub operator: String,
    /// The declarations that led to it; none where the identifier is its own.
    pub via: Vec<Via>,
    /// By member and number.
    pub authorizations: Vec<StandingAuthorization>,
}

/// A declaration that led from an identifier to an operator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Via {
    /// Who declared it.
    pub member: String,
    /// `receiver`, `sender`, `adopted` or `common`.
    pub mode: String,
}

/// One authorization.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NumberAnswer {
    /// As it stood.
    pub authorization: StandingAuthorization,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsKnown,
}

/// A page of an authorization's history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HistoryAnswer {
    /// Oldest first.
    pub entries: Vec<HistoryEntry>,
    /// Index of the first entry of the next page; nothing is there yet if this page was empty.
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
    /// Ledger time at which it was recorded.
    pub recorded_ms: u64,
    /// Height of the block that recorded it.
    pub recorded_height: u64,
    /// The member that asserted it.
    pub member: String,
    /// The transaction that recorded it.
    #[serde(with = "as_text")]
    pub transaction: TransactionId,
    /// What was asserted.
    #[serde(flatten)]
    pub transition: Transition,
}

/// What happened to an authorization.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Transition {
    /// `certify`, `amend`, `suspend`, `reinstate`, `revoke`, `withdraw` or `annul`.
    pub action: String,
    /// When it takes effect, as the member states.
    pub effective_ms: u64,
    /// Why; absent for `certify` and `amend`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The member's reference of its decision; may be empty.
    pub reference: String,
    /// Who proposed what a second person approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed_by: Option<Person>,
    /// Who did it, or approved it.
    pub by: Person,
    /// The authorization as recorded with it.
    pub authorization: Authorization,
}

/// Who acted, as the ledger sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Person {
    /// Id of the signing key.
    pub key_id: String,
    /// Pseudonym of the officer for whom a node signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudonym: Option<String>,
}

/// A page of authorizations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListAnswer {
    /// By operator, member and number; of one member by number.
    pub authorizations: Vec<StandingAuthorization>,
    /// Cursor of the next page; absent on the last. Pages may be short, even empty, before that.
    pub next: Option<String>,
    /// When this was true: the same times on every page.
    #[serde(flatten)]
    pub as_of: AsKnown,
}

/// A page of what waits for a second person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingListAnswer {
    /// By operator and number.
    pub pending: Vec<PendingAction>,
    /// Cursor of the next page; absent on the last.
    pub next: Option<String>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// A revocation or annulment that waits for a second person of the member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingAction {
    /// The operator's lookup tag.
    pub operator: String,
    /// The member.
    pub member: String,
    /// The authorization's number.
    pub number: String,
    /// `revoke` or `annul`.
    pub action: String,
    /// When it is to take effect; absent: when it is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_ms: Option<u64>,
    /// Why.
    pub class: String,
    /// The member's reference of its decision; may be empty.
    pub reference: String,
    /// Who proposed it: may decline it, but not approve it.
    pub proposed_by: Person,
    /// The proposing transaction, by which it is approved or declined.
    #[serde(with = "as_text")]
    pub proposal: TransactionId,
    /// Ledger time of the proposal.
    pub proposed_ms: u64,
    /// Last ledger time at which it can be approved.
    pub expires_ms: u64,
    /// Whether that time has passed.
    pub expired: bool,
}

/// The declarations about an operator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AliasesAnswer {
    /// Lookup tag of the operator.
    pub operator: String,
    /// By member and alias, also retired ones.
    pub aliases: Vec<Alias>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// A declaration that an identifier means an operator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alias {
    /// Lookup tag of the alias.
    pub alias: String,
    /// Lookup tag of the operator it means.
    pub operator: String,
    /// Who declared it.
    pub member: String,
    /// `receiver`, `sender`, `adopted` or `common`, as last declared.
    pub mode: String,
    /// The alias in clear where the member's law publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    /// When it was in force, in ledger time, oldest first.
    pub periods: Vec<Period>,
    /// Whether it was in force.
    pub in_force: bool,
}

/// From when to when a declaration was in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Period {
    /// First.
    pub from_ms: u64,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// `receiver`, `sender`, `adopted` or `common`.
    pub mode: String,
}

/// A page of arrangements.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MrasAnswer {
    /// By id.
    pub mras: Vec<Mra>,
    /// Cursor of the next page; absent on the last.
    pub next: Option<String>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// One arrangement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MraAnswer {
    /// The arrangement.
    pub mra: Mra,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// A mutual recognition arrangement with all that happened to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mra {
    /// Id and terms.
    #[serde(flatten)]
    pub proposal: super::NewMra,
    /// Who proposed it, and by that accepted it.
    pub proposed_by: String,
    /// Who accepted it, in order of time.
    pub acceptances: Vec<Acceptance>,
    /// Who left it, in order of time.
    pub departures: Vec<Departure>,
}

/// A party's acceptance of an arrangement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Acceptance {
    /// The party.
    pub member: String,
    /// Ledger time.
    pub accepted_ms: u64,
}

/// A party's leaving of an arrangement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Departure {
    /// The party.
    pub member: String,
    /// When it takes effect.
    pub effective_ms: u64,
    /// Ledger time at which it was recorded.
    pub recorded_ms: u64,
}

/// Whether a benefit is due.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BenefitAnswer {
    /// Whether it is due.
    pub due: bool,
    /// Why: `due`, or the reason why not (`suspended`, `mra-ended`, ...).
    pub reason: String,
    /// The same in a sentence, for people.
    pub explanation: String,
    /// Since when that has been so, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// The authorization that decided, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<StandingAuthorization>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsKnown,
}
