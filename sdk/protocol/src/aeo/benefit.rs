//! Is a benefit due? The answer of mutual recognition, with its reason.

use alloc::string::String;

use minicbor::{Decode, Encode};

use super::{AeoType, AsOf, Mra, Standing, StandingAuthorization, SupplyChainRole};
use crate::{hash::Hash, identity::MemberId, names::named};

/// Query `benefit`: whether `member` owes a benefit to an operator that `partner` authorized. The
/// result is [`BenefitAnswer`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BenefitQuery {
    /// The arrangement.
    #[n(0)]
    pub mra: String,
    /// Who would grant the benefit: the administration at whose border the operator appears.
    #[n(1)]
    pub member: MemberId,
    /// Who authorized the operator.
    #[n(2)]
    pub partner: MemberId,
    /// Lookup tag of the identifier under which the operator appears.
    #[n(3)]
    pub tag: Hash,
    /// What the operator does in this consignment.
    #[n(4)]
    pub role: SupplyChainRole,
    /// The type the benefit asks for.
    #[n(5)]
    pub aeo_type: AeoType,
    /// As of when.
    #[n(6)]
    pub as_of: Option<AsOf>,
}

named! {
    /// Why a benefit is due or not. Of several authorizations the one that comes closest decides;
    /// of several reasons the first in this order.
    #[derive(PartialOrd, Ord)]
    pub enum BenefitReason {
        /// No arrangement of this id.
        UnknownMra = 0, "unknown-mra";
        /// The administration that asks is no party.
        MemberNotParty = 1, "member-not-party";
        /// The partner is no party.
        PartnerNotParty = 2, "partner-not-party";
        /// One of the two has not accepted it.
        MraNotAccepted = 3, "mra-not-accepted";
        /// Not yet applied between the two.
        MraNotYetInForce = 4, "mra-not-yet-in-force";
        /// No longer applied between the two.
        MraEnded = 5, "mra-ended";
        /// The arrangement does not recognize the type.
        TypeNotRecognized = 6, "type-not-recognized";
        /// The arrangement gives this role no benefit.
        RoleNotRecognized = 7, "role-not-recognized";
        /// The partner authorized no operator with this identifier.
        UnknownOperator = 8, "unknown-operator";
        /// Annulled: void from the beginning.
        Annulled = 9, "annulled";
        /// Revoked.
        Revoked = 10, "revoked";
        /// Given up by its holder.
        Withdrawn = 11, "withdrawn";
        /// Expired.
        Expired = 12, "expired";
        /// Its first day has not come.
        NotYetValid = 13, "not-yet-valid";
        /// The authorization is not of this type.
        TypeNotHeld = 14, "type-not-held";
        /// The authorization does not cover this role.
        RoleNotHeld = 15, "role-not-held";
        /// The holder did not consent.
        NoConsent = 16, "no-consent";
        /// Suspended.
        Suspended = 17, "suspended";
        /// Due.
        Due = 18, "due";
    }
}

/// Whether a benefit is due, and why.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BenefitAnswer {
    /// Why; due if [`BenefitReason::Due`].
    #[n(0)]
    pub reason: BenefitReason,
    /// Since when that has been so, where that is known, milliseconds since 1970.
    #[n(1)]
    pub since_ms: Option<u64>,
    /// The authorization that decided, if any.
    #[n(2)]
    pub authorization: Option<StandingAuthorization>,
    /// The times it is true for.
    #[n(3)]
    pub as_of: AsOf,
}

impl BenefitAnswer {
    /// Whether a benefit is due.
    pub fn is_due(&self) -> bool {
        self.reason == BenefitReason::Due
    }
}

type Reasoned = (BenefitReason, Option<u64>);

/// The answer, from the arrangement and the operator's authorizations as they stood.
pub fn benefit(
    query: &BenefitQuery,
    as_of: AsOf,
    mra: Option<&Mra>,
    authorizations: &[StandingAuthorization],
) -> BenefitAnswer {
    let answer = |(reason, since_ms), authorization| BenefitAnswer {
        reason,
        since_ms,
        authorization,
        as_of,
    };
    let in_force_ms = match arrangement(query, as_of, mra) {
        Ok(since_ms) => since_ms,
        Err(refused) => return answer(refused, None),
    };
    let judged = authorizations
        .iter()
        .filter(|it| it.authorization.member == query.partner)
        .map(|it| (judge(query, mra, it, in_force_ms), it))
        .max_by_key(|((reason, _), _)| *reason);
    match judged {
        Some((reasoned, decided)) => answer(reasoned, Some(decided.clone())),
        None => answer((BenefitReason::UnknownOperator, None), None),
    }
}

/// Since when the arrangement is applied between the two, or why it is not.
fn arrangement(query: &BenefitQuery, as_of: AsOf, mra: Option<&Mra>) -> Result<u64, Reasoned> {
    use BenefitReason::{
        MemberNotParty, MraEnded, MraNotAccepted, MraNotYetInForce, PartnerNotParty,
        RoleNotRecognized, TypeNotRecognized, UnknownMra,
    };
    let accepted = |member: &str| {
        let mra = mra?;
        let found = mra.acceptances.iter().find(|it| it.member == member)?;
        (found.accepted_ms <= as_of.recorded_ms).then_some(found.accepted_ms)
    };
    // The proposal was its first acceptance: before it, nothing was known.
    let mra = mra.filter(|mra| accepted(&mra.proposed_by).is_some());
    let mra = mra.ok_or((UnknownMra, None))?;
    let terms = &mra.terms;
    for (party, reason) in [(&query.member, MemberNotParty), (&query.partner, PartnerNotParty)] {
        if !terms.parties.contains(party) {
            return Err((reason, None));
        }
    }
    let both = accepted(&query.member).zip(accepted(&query.partner));
    let (one_ms, other_ms) = both.ok_or((MraNotAccepted, None))?;
    let since_ms = applied_ms(query, mra).max(one_ms).max(other_ms);
    if as_of.effective_ms < since_ms {
        return Err((MraNotYetInForce, None));
    }
    let departed = mra.departures.iter().filter(|it| {
        (it.member == query.member || it.member == query.partner)
            && it.recorded_ms <= as_of.recorded_ms
    });
    let ends = departed.map(|it| it.effective_ms).chain(terms.valid_until.map(|it| it.end_ms()));
    if let Some(ended_ms) = ends.min().filter(|&end| end <= as_of.effective_ms) {
        return Err((MraEnded, Some(ended_ms)));
    }
    if !terms.types.contains(&query.aeo_type) {
        return Err((TypeNotRecognized, Some(since_ms)));
    }
    if !terms.roles.contains(&query.role) {
        return Err((RoleNotRecognized, Some(since_ms)));
    }
    Ok(since_ms)
}

/// When the terms let the arrangement begin between the two.
fn applied_ms(query: &BenefitQuery, mra: &Mra) -> u64 {
    let mut pair = [&query.member, &query.partner];
    pair.sort();
    let activations = &mra.terms.activations;
    let own = activations.iter().find(|it| [&it.a, &it.b] == pair).map(|it| it.from);
    own.unwrap_or(mra.terms.valid_from).max(mra.terms.valid_from).start_ms()
}

/// What one authorization gives, under an arrangement applied since `in_force_ms`.
fn judge(
    query: &BenefitQuery,
    mra: Option<&Mra>,
    standing: &StandingAuthorization,
    in_force_ms: u64,
) -> Reasoned {
    let ended = |reason| (reason, Some(standing.since_ms));
    let terms_ms = Some(standing.terms_ms);
    let terms = &standing.authorization.terms;
    let needs_consent = mra.is_some_and(|mra| mra.terms.needs_consent);
    match standing.standing {
        Standing::Annulled => ended(BenefitReason::Annulled),
        Standing::Revoked => ended(BenefitReason::Revoked),
        Standing::Withdrawn => ended(BenefitReason::Withdrawn),
        Standing::Expired => ended(BenefitReason::Expired),
        Standing::NotYetValid => (BenefitReason::NotYetValid, None),
        _ if !terms.types.contains(&query.aeo_type) => (BenefitReason::TypeNotHeld, terms_ms),
        _ if !terms.roles.contains(&query.role) => (BenefitReason::RoleNotHeld, terms_ms),
        _ if needs_consent && !terms.consent => (BenefitReason::NoConsent, terms_ms),
        Standing::Suspended => ended(BenefitReason::Suspended),
        Standing::Valid => {
            let since_ms = in_force_ms.max(standing.since_ms).max(standing.terms_ms);
            (BenefitReason::Due, Some(since_ms))
        }
    }
}
