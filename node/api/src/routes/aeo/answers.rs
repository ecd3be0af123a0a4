//! JSON shapes of authorizations and of what belongs to them, in answers and events alike.

use precinto_protocol::{
    aeo::{self, Alias, Authorization, Mra, PendingAction, Person, Standing, Terms, Transition},
    cbor,
    outcome::Event,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::AsOf;

/// When an answer was true, and for which times.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct AsKnown {
    #[serde(flatten)]
    as_of: AsOf,
    /// The time that is told about.
    effective_ms: u64,
    /// Only what the ledger had recorded by then counts.
    known_ms: u64,
}

impl AsKnown {
    /// A state of the ledger, asked as of two times. It has recorded nothing later than its own time.
    pub(super) fn new(as_of: AsOf, asked: aeo::AsOf) -> AsKnown {
        let known_ms = asked.recorded_ms.min(as_of.time_ms);
        AsKnown { as_of, effective_ms: asked.effective_ms, known_ms }
    }
}

/// The public part of an authorization as recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuthorizationAnswer {
    /// The operator's lookup tag.
    operator: String,
    /// The member that granted it.
    member: String,
    /// The member's authorization number.
    number: String,
    /// First day of validity.
    #[schema(format = Date)]
    valid_from: String,
    #[serde(flatten)]
    terms: TermsAnswer,
    /// `valid`, `suspended`, `revoked`, `withdrawn` or `annulled`, as last recorded.
    status: String,
    /// Ledger time of the last transition.
    recorded_ms: u64,
}

impl From<Authorization> for AuthorizationAnswer {
    fn from(authorization: Authorization) -> AuthorizationAnswer {
        AuthorizationAnswer {
            operator: authorization.operator.to_hex(),
            member: authorization.member,
            number: authorization.number,
            valid_from: authorization.valid_from.to_string(),
            terms: authorization.terms.into(),
            status: authorization.status.to_string(),
            recorded_ms: authorization.recorded_ms,
        }
    }
}

/// What is granted.
#[derive(Debug, Serialize, ToSchema)]
struct TermsAnswer {
    /// `AEOC` and `AEOS`.
    types: Vec<String>,
    /// What the operator does in the supply chain.
    roles: Vec<String>,
    /// Last day of validity; absent if it is valid until it is ended.
    #[schema(format = Date)]
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    /// Whether the holder consents to benefits abroad.
    consent: bool,
    /// Present where the member's law publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<IdentifierAnswer>,
    /// Commitment of the private record, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
}

impl From<Terms> for TermsAnswer {
    fn from(terms: Terms) -> TermsAnswer {
        TermsAnswer {
            types: names(&terms.types),
            roles: names(&terms.roles),
            valid_until: terms.valid_until.map(|date| date.to_string()),
            consent: terms.consent,
            identifier: terms.identifier.map(IdentifierAnswer::from),
            record: terms.record.map(|hash| hash.to_hex()),
        }
    }
}

/// A published identifier.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentifierAnswer {
    /// Its scheme.
    scheme: String,
    /// Normalized identifier.
    value: String,
}

impl From<aeo::PublicIdentifier> for IdentifierAnswer {
    fn from(identifier: aeo::PublicIdentifier) -> IdentifierAnswer {
        IdentifierAnswer { scheme: identifier.scheme, value: identifier.value }
    }
}

/// An authorization as it stood.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StandingAnswer {
    #[serde(flatten)]
    authorization: AuthorizationAnswer,
    /// How it stood: `not-yet-valid`, `valid`, `suspended`, `expired`, `revoked`, `withdrawn` or
    /// `annulled`.
    standing: String,
    /// Whether it was in force: standing `valid`.
    in_force: bool,
    /// Since when it stood so.
    since_ms: u64,
    /// Since when its terms were what they were.
    terms_since_ms: u64,
}

impl From<aeo::StandingAuthorization> for StandingAnswer {
    fn from(standing: aeo::StandingAuthorization) -> StandingAnswer {
        StandingAnswer {
            authorization: standing.authorization.into(),
            standing: standing.standing.to_string(),
            in_force: standing.standing == Standing::Valid,
            since_ms: standing.since_ms,
            terms_since_ms: standing.terms_ms,
        }
    }
}

/// Who acted, as the ledger sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonAnswer {
    /// Id of the signing key.
    key_id: String,
    /// Pseudonym of the officer for whom a node signed, which only the member can resolve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pseudonym: Option<String>,
}

impl From<Person> for PersonAnswer {
    fn from(person: Person) -> PersonAnswer {
        PersonAnswer {
            key_id: person.key_id.to_string(),
            pseudonym: person.pseudonym.map(hex::encode),
        }
    }
}

/// What happened to an authorization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransitionAnswer {
    /// `certify`, `amend`, `suspend`, `reinstate`, `revoke`, `withdraw` or `annul`.
    action: String,
    /// When it takes effect, as the member states.
    effective_ms: u64,
    /// Why; absent for `certify` and `amend`.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// The member's reference of its decision; may be empty.
    reference: String,
    /// Who proposed what a second person approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed_by: Option<PersonAnswer>,
    /// Who did it, or approved it.
    by: PersonAnswer,
    /// The authorization as recorded with it.
    authorization: AuthorizationAnswer,
}

impl From<Transition> for TransitionAnswer {
    fn from(transition: Transition) -> TransitionAnswer {
        TransitionAnswer {
            action: transition.action.to_string(),
            effective_ms: transition.effective_ms,
            class: transition.class.map(|class| class.to_string()),
            reference: transition.reference,
            proposed_by: transition.proposed_by.map(PersonAnswer::from),
            by: transition.by.into(),
            authorization: transition.authorization.into(),
        }
    }
}

/// A revocation or annulment that waits for a second person of the member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PendingAnswer {
    /// The operator's lookup tag.
    operator: String,
    /// The member.
    member: String,
    /// The authorization's number.
    number: String,
    /// `revoke` or `annul`.
    action: String,
    /// When it is to take effect; absent: when it is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_ms: Option<u64>,
    /// Why.
    class: String,
    /// The member's reference of its decision; may be empty.
    reference: String,
    /// Who proposed it: may decline it, but not approve it.
    proposed_by: PersonAnswer,
    /// The proposing transaction, by which it is approved or declined.
    proposal: String,
    /// Ledger time of the proposal.
    proposed_ms: u64,
    /// Last ledger time at which it can be approved.
    expires_ms: u64,
    /// Whether that time has passed.
    expired: bool,
}

impl PendingAnswer {
    /// As of ledger time `time_ms`.
    pub(crate) fn at(pending: PendingAction, time_ms: u64) -> PendingAnswer {
        PendingAnswer {
            operator: pending.operator.to_hex(),
            member: pending.member,
            number: pending.number,
            action: pending.action.to_string(),
            effective_ms: pending.effective_ms,
            class: pending.class.to_string(),
            reference: pending.reference,
            proposed_by: pending.proposed_by.into(),
            proposal: pending.proposal.to_string(),
            proposed_ms: pending.proposed_ms,
            expires_ms: pending.expires_ms,
            expired: pending.expires_ms < time_ms,
        }
    }
}

/// A declaration that an identifier means an operator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AliasAnswer {
    /// Lookup tag of the alias.
    alias: String,
    /// Lookup tag of the operator it means.
    operator: String,
    /// Who declared it.
    member: String,
    /// `receiver`, `sender`, `adopted` or `common`, as last declared.
    mode: String,
    /// The alias in clear where the member's law publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<IdentifierAnswer>,
    /// When it was in force, in ledger time, oldest first.
    periods: Vec<PeriodAnswer>,
    /// Whether it was in force.
    in_force: bool,
}

/// From when to when a declaration was in force.
#[derive(Debug, Serialize, ToSchema)]
struct PeriodAnswer {
    /// First.
    from_ms: u64,
    /// When it was retired; absent while it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
    /// `receiver`, `sender`, `adopted` or `common`.
    mode: String,
}

impl AliasAnswer {
    /// As known at a ledger time; `None` if it was not declared yet.
    pub(crate) fn as_known(alias: Alias, at_ms: u64) -> Option<AliasAnswer> {
        let in_force = alias.mode_at(at_ms).is_some();
        let known = alias.periods.into_iter().filter(|period| period.from_ms <= at_ms);
        let periods: Vec<_> = known
            .map(|period| PeriodAnswer {
                from_ms: period.from_ms,
                until_ms: period.until_ms.filter(|until| *until <= at_ms),
                mode: period.mode.to_string(),
            })
            .collect();
        let mode = periods.last()?.mode.clone();
        Some(AliasAnswer {
            alias: alias.alias.to_hex(),
            operator: alias.operator.to_hex(),
            member: alias.member,
            mode,
            identifier: alias.identifier.map(IdentifierAnswer::from),
            periods,
            in_force,
        })
    }
}

/// A mutual recognition arrangement with all that happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MraAnswer {
    /// Its id.
    id: String,
    /// Its parties: members' ids.
    parties: Vec<String>,
    /// Types that are recognized.
    types: Vec<String>,
    /// Roles that get benefits.
    roles: Vec<String>,
    /// Whether the holder's consent is needed.
    needs_consent: bool,
    /// First day.
    #[schema(format = Date)]
    valid_from: String,
    /// Last day; absent if it does not end by itself.
    #[schema(format = Date)]
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    /// Pairs that start later than the whole.
    activations: Vec<ActivationAnswer>,
    /// SHA-256 of the legal text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Who proposed it, and by that accepted it.
    proposed_by: String,
    /// Who accepted it, in order of time.
    acceptances: Vec<AcceptanceAnswer>,
    /// Who left it, in order of time.
    departures: Vec<DepartureAnswer>,
}

/// From when an arrangement of many is applied between two of them.
#[derive(Debug, Serialize, ToSchema)]
struct ActivationAnswer {
    /// One party.
    a: String,
    /// The other.
    b: String,
    /// First day.
    #[schema(format = Date)]
    from: String,
}

/// A party's acceptance.
#[derive(Debug, Serialize, ToSchema)]
struct AcceptanceAnswer {
    /// The party.
    member: String,
    /// Ledger time.
    accepted_ms: u64,
}

/// A party's leaving.
#[derive(Debug, Serialize, ToSchema)]
struct DepartureAnswer {
    /// The party.
    member: String,
    /// When it takes effect.
    effective_ms: u64,
    /// Ledger time at which it was recorded.
    recorded_ms: u64,
}

impl From<Mra> for MraAnswer {
    fn from(mra: Mra) -> MraAnswer {
        let terms = mra.terms;
        let activations = terms.activations.into_iter().map(|pair| ActivationAnswer {
            a: pair.a,
            b: pair.b,
            from: pair.from.to_string(),
        });
        let acceptances = mra
            .acceptances
            .into_iter()
            .map(|it| AcceptanceAnswer { member: it.member, accepted_ms: it.accepted_ms });
        let departures = mra.departures.into_iter().map(|it| DepartureAnswer {
            member: it.member,
            effective_ms: it.effective_ms,
            recorded_ms: it.recorded_ms,
        });
        MraAnswer {
            id: mra.id,
            parties: terms.parties,
            types: names(&terms.types),
            roles: names(&terms.roles),
            needs_consent: terms.needs_consent,
            valid_from: terms.valid_from.to_string(),
            valid_until: terms.valid_until.map(|date| date.to_string()),
            activations: activations.collect(),
            text: terms.text.map(|hash| hash.to_hex()),
            proposed_by: mra.proposed_by,
            acceptances: acceptances.collect(),
            departures: departures.collect(),
        }
    }
}

/// The decoded payload of an event of the contract `aeo`: one of these, by the event's topic.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct AeoPayload {
    /// Of `aeo.certified`, `aeo.amended`, `aeo.suspended`, `aeo.reinstated`, `aeo.revoked`,
    /// `aeo.withdrawn` and `aeo.annulled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    transition: Option<TransitionAnswer>,
    /// Of `aeo.proposed` and `aeo.declined`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingAnswer>,
    /// Of `aeo.alias-declared` and `aeo.alias-retired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<AliasAnswer>,
    /// Of `aeo.mra-proposed`, `aeo.mra-accepted` and `aeo.mra-left`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mra: Option<MraAnswer>,
}

impl AeoPayload {
    /// Of an event of a block with ledger time `time_ms`; empty for events of other contracts, and for
    /// those of versions that this node does not know.
    pub(crate) fn decode(event: &Event, time_ms: u64) -> AeoPayload {
        let mut payload = AeoPayload::default();
        if event.contract != aeo::CONTRACT {
            return payload;
        }
        let bytes = &event.payload;
        match event.topic.as_str() {
            "aeo.proposed" | "aeo.declined" => {
                let pending = cbor::decode(bytes).ok();
                payload.pending = pending.map(|pending| PendingAnswer::at(pending, time_ms));
            }
            "aeo.alias-declared" | "aeo.alias-retired" => {
                let alias = cbor::decode(bytes).ok();
                payload.alias = alias.and_then(|alias| AliasAnswer::as_known(alias, time_ms));
            }
            "aeo.mra-proposed" | "aeo.mra-accepted" | "aeo.mra-left" => {
                payload.mra = cbor::decode::<Mra>(bytes).ok().map(MraAnswer::from);
            }
            _ => {
                let transition = cbor::decode::<Transition>(bytes).ok();
                payload.transition = transition.map(TransitionAnswer::from);
            }
        }
        payload
    }
}

/// Texts of named values.
fn names<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}
