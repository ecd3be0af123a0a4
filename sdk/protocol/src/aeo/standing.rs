//! What was the case at one time, as it was known at another.
//!
//! Status and terms are looked at apart: each is what the *last recorded* transition of its kind
//! says among those that were recorded by then and effective by then. So a transition recorded
//! later overrides earlier ones from its effective time on, a transition that takes effect in
//! the future changes nothing before, and what was known at an earlier time can be told for ever.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::{Action, AeoStatus, AsOf, Authorization, Date, StandingAuthorization, Transition};
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

/// What of a transition decides how an authorization stood: an entry of its time line, which is the
/// concatenation of all of them, 17 bytes each: a past of many changes is looked through at a
/// fraction of what its transitions would cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// When it was recorded: ledger time, milliseconds since 1970. Encoding: u64, big-endian.
    pub recorded_ms: u64,
    /// When it takes effect, milliseconds since 1970. Encoding: u64, big-endian.
    pub effective_ms: u64,
    /// The status it gave; none if it gave other terms. Encoding: a byte, the status's index in CBOR;
    /// FF for none.
    pub status: Option<AeoStatus>,
}

/// A moment in a time line, in bytes.
const MOMENT_BYTES: usize = 17;

/// In the place of a status: other terms.
const NO_STATUS: u8 = 0xff;

impl Moment {
    /// The time line of these.
    pub fn encode_line(moments: &[Moment]) -> Vec<u8> {
        let mut line = Vec::with_capacity(moments.len() * MOMENT_BYTES);
        for Moment { recorded_ms, effective_ms, status } in moments {
            line.extend_from_slice(&recorded_ms.to_be_bytes());
            line.extend_from_slice(&effective_ms.to_be_bytes());
            line.push(status.map_or(NO_STATUS, |status| status as u8));
        }
        line
    }

    /// The moments of a time line; `None` if it is none.
    pub fn decode_line(line: &[u8]) -> Option<Vec<Moment>> {
        let (moments, rest) = line.as_chunks::<MOMENT_BYTES>();
        rest.is_empty().then(|| moments.iter().map(Moment::decode).collect())?
    }

    fn decode(bytes: &[u8; MOMENT_BYTES]) -> Option<Moment> {
        let number = |at: usize| Some(u64::from_be_bytes(bytes[at..at + 8].try_into().ok()?));
        let status = match bytes[16] {
            NO_STATUS => None,
            index => Some(*AeoStatus::ALL.get(usize::from(index))?),
        };
        Some(Moment { recorded_ms: number(0)?, effective_ms: number(8)?, status })
    }

    /// The moment of a recorded transition.
    pub fn of(recorded: &Recorded) -> Moment {
        let Transition { action, effective_ms, authorization, .. } = &recorded.transition;
        Moment {
            recorded_ms: recorded.recorded_ms,
            effective_ms: *effective_ms,
            status: (*action != Action::Amend).then_some(authorization.status),
        }
    }
}

/// Which transitions of a history decide, by index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deciding {
    /// The one whose status counts.
    pub status: usize,
    /// The one whose terms count.
    pub terms: usize,
}

impl Deciding {
    /// Those that decide at `as_of`, from the moments of the whole history, oldest first. `None` if
    /// nothing was recorded by then.
    pub fn of(moments: &[Moment], as_of: AsOf) -> Option<Deciding> {
        // The grant counts before it takes effect: it is known to be coming.
        let mut deciding = Deciding { status: 0, terms: 0 };
        let known = moments.partition_point(|it| it.recorded_ms <= as_of.recorded_ms);
        let (_, later) = moments[..known].split_first()?;
        for (index, moment) in (1..).zip(later) {
            if moment.effective_ms > as_of.effective_ms {
                continue;
            }
            match moment.status {
                Some(_) => deciding.status = index,
                None => deciding.terms = index,
            }
        }
        Some(deciding)
    }

    /// The authorization of which `terms` was recorded with the transition whose terms count, with
    /// the status that counts.
    pub fn authorization(self, moments: &[Moment], terms: Authorization) -> Option<Authorization> {
        let status = moments.get(self.status)?;
        Some(Authorization {
            status: status.status?,
            effective_ms: status.effective_ms,
            recorded_ms: moments.get(self.status.max(self.terms))?.recorded_ms,
            ..terms
        })
    }
}

/// How an authorization stood, from its history, oldest first. `None` if nothing was recorded by
/// then.
pub fn standing(history: &[Recorded], as_of: AsOf) -> Option<StandingAuthorization> {
    let moments: Vec<Moment> = history.iter().map(Moment::of).collect();
    let deciding = Deciding::of(&moments, as_of)?;
    let terms = history[deciding.terms].transition.authorization.clone();
    Some(deciding.authorization(&moments, terms)?.stand(as_of.effective_ms))
}

impl Authorization {
    /// Whether it stands at `as_of` as recorded here: nothing was recorded after, and all of it had
    /// taken effect. What came before does not matter then.
    pub fn is_settled(&self, as_of: AsOf) -> bool {
        self.recorded_ms <= as_of.recorded_ms
            && self.effective_ms.max(self.terms_ms) <= as_of.effective_ms
    }

    /// How it stands at a time by its status and validity, which decide then.
    pub fn stand(self, at_ms: u64) -> StandingAuthorization {
        let Authorization { effective_ms, terms_ms, .. } = self;
        let starts_ms = self.valid_from.start_ms();
        let ends_ms = self.terms.valid_until.map(Date::end_ms);
        let (standing, since_ms) = match (self.status, ends_ms) {
            (AeoStatus::Revoked, _) => (Standing::Revoked, effective_ms),
            (AeoStatus::Withdrawn, _) => (Standing::Withdrawn, effective_ms),
            (AeoStatus::Annulled, _) => (Standing::Annulled, effective_ms),
            (_, Some(ends_ms)) if at_ms >= ends_ms => (Standing::Expired, ends_ms),
            (AeoStatus::Suspended, _) => (Standing::Suspended, effective_ms),
            (AeoStatus::Valid, _) if at_ms < starts_ms => (Standing::NotYetValid, self.recorded_ms),
            (AeoStatus::Valid, _) => (Standing::Valid, effective_ms.max(starts_ms)),
        };
        StandingAuthorization { authorization: self, standing, since_ms, terms_ms }
    }
}
