//! What was the case at one time, as it was known at another.
//!
//! Status and terms are looked at apart: each is what the *last recorded* transition of its kind
//! says among those that were recorded by then and effective by then. So a transition recorded
//! later overrides earlier ones from its effective time on, a transition that takes effect in
//! the future changes nothing before, and what was known at an earlier time can be told for ever.

use minicbor::{Decode, Encode};

use super::{Action, AeoStatus, AsOf, Authorization, StandingAuthorization, Transition};
use crate::names::named;

named! {
    /// How an authorization stood at a time.
    pub enum Standing {
        /// Granted, but its first day had not come.
        NotYetValid = 0, "not-yet-valid";
        /// In force.
        Valid = 1, "valid";
        /// Suspended.
        Suspended = 2, "suspended";
        /// Its last day had passed.
        Expired = 3, "expired";
        /// Ended by the member.
        Revoked = 4, "revoked";
        /// Given up by its holder.
        Withdrawn = 5, "withdrawn";
        /// Void from the beginning.
        Annulled = 6, "annulled";
    }
}

/// A transition and the ledger time at which it was recorded.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Recorded {
    /// Ledger time, milliseconds since 1970.
    #[n(0)]
    pub recorded_ms: u64,
    /// What was recorded.
    #[n(1)]
    pub transition: Transition,
}

/// How an authorization stood, from its history, oldest first. `None` if nothing was recorded by
/// then.
pub fn standing(
    history: impl IntoIterator<Item = Recorded>,
    as_of: AsOf,
) -> Option<StandingAuthorization> {
    let mut known = history.into_iter().take_while(|it| it.recorded_ms <= as_of.recorded_ms);
    // The grant counts before it takes effect: it is known to be coming.
    let granted = known.next()?.transition;
    let mut authorization = granted.authorization;
    let mut status_ms = granted.effective_ms;
    let mut terms_ms = granted.effective_ms;
    for Recorded { transition, .. } in known {
        if transition.effective_ms > as_of.effective_ms {
            continue;
        }
        let Transition { action, effective_ms, authorization: recorded, .. } = transition;
        authorization.recorded_ms = recorded.recorded_ms;
        authorization.effective_ms = effective_ms.max(authorization.effective_ms);
        if action == Action::Amend {
            authorization.terms = recorded.terms;
            terms_ms = effective_ms;
        } else {
            authorization.status = recorded.status;
            status_ms = effective_ms;
        }
    }
    Some(stand(authorization, status_ms, terms_ms, as_of.effective_ms))
}

/// How it stands by status and validity. `status_ms` and `terms_ms`: when these took effect.
fn stand(
    authorization: Authorization,
    status_ms: u64,
    terms_ms: u64,
    at_ms: u64,
) -> StandingAuthorization {
    let starts_ms = authorization.valid_from.start_ms();
    let ends_ms = authorization.terms.valid_until.map(|last| last.end_ms());
    let (standing, since_ms) = match (authorization.status, ends_ms) {
        (AeoStatus::Revoked, _) => (Standing::Revoked, status_ms),
        (AeoStatus::Withdrawn, _) => (Standing::Withdrawn, status_ms),
        (AeoStatus::Annulled, _) => (Standing::Annulled, status_ms),
        (_, Some(ends_ms)) if at_ms >= ends_ms => (Standing::Expired, ends_ms),
        (AeoStatus::Suspended, _) => (Standing::Suspended, status_ms),
        (AeoStatus::Valid, _) if at_ms < starts_ms => (Standing::NotYetValid, status_ms),
        (AeoStatus::Valid, _) => (Standing::Valid, status_ms.max(starts_ms)),
    };
    StandingAuthorization { authorization, standing, since_ms, terms_ms }
}
