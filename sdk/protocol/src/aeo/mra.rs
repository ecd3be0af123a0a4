//! Mutual recognition arrangements (MRA), as far as the question "is a benefit due?" needs them.

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Encode};

use super::{AeoType, Authorization, Date, SupplyChainRole};
use crate::{hash::Hash, identity::MemberId};

/// An arrangement's id `[a-z0-9-]`, at most this many bytes.
pub const MAX_MRA_ID_BYTES: usize = 32;

/// From when an arrangement of many is applied between two of them.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PairActivation {
    /// One party; before the other in order.
    #[n(0)]
    pub a: MemberId,
    /// The other.
    #[n(1)]
    pub b: MemberId,
    /// First day.
    #[n(2)]
    pub from: Date,
}

/// What was agreed. Never changes: other terms are another arrangement.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MraTerms {
    /// Two or more members, sorted, unique.
    #[n(0)]
    pub parties: Vec<MemberId>,
    /// Types that are recognized: sorted, unique, not empty.
    #[n(1)]
    pub types: Vec<AeoType>,
    /// Roles that get benefits: sorted, unique, not empty.
    #[n(2)]
    pub roles: Vec<SupplyChainRole>,
    /// Whether the holder's consent is needed.
    #[n(3)]
    pub needs_consent: bool,
    /// First day.
    #[n(4)]
    pub valid_from: Date,
    /// Last day, if it ends by itself.
    #[n(5)]
    pub valid_until: Option<Date>,
    /// Pairs that start later than the whole: sorted by (a, b), unique.
    #[n(6)]
    pub activations: Vec<PairActivation>,
    /// SHA-256 of the legal text.
    #[n(7)]
    pub text: Option<Hash>,
}

/// A party's acceptance.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Acceptance {
    /// The party.
    #[n(0)]
    pub member: MemberId,
    /// Ledger time, milliseconds since 1970.
    #[n(1)]
    pub accepted_ms: u64,
}

/// A party's leaving.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Departure {
    /// The party.
    #[n(0)]
    pub member: MemberId,
    /// When it takes effect, milliseconds since 1970; not before it is recorded.
    #[n(1)]
    pub effective_ms: u64,
    /// Ledger time, milliseconds since 1970.
    #[n(2)]
    pub recorded_ms: u64,
}

/// An arrangement with all that happened to it. Also the payload of the events
/// `aeo.mra-proposed`, `aeo.mra-accepted` and `aeo.mra-left`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Mra {
    /// Its id.
    #[n(0)]
    pub id: String,
    /// What was agreed.
    #[n(1)]
    pub terms: MraTerms,
    /// Who proposed it, and by that accepted it.
    #[n(2)]
    pub proposed_by: MemberId,
    /// In order of time.
    #[n(3)]
    pub acceptances: Vec<Acceptance>,
    /// In order of time.
    #[n(4)]
    pub departures: Vec<Departure>,
}

impl MraTerms {
    /// Whether an authorization is of a kind that is recognized: granted by a party, with a type
    /// and a role in common.
    pub fn covers(&self, authorization: &Authorization) -> bool {
        let terms = &authorization.terms;
        self.parties.contains(&authorization.member)
            && terms.types.iter().any(|it| self.types.contains(it))
            && terms.roles.iter().any(|it| self.roles.contains(it))
    }
}

/// Method `propose-mra`: arguments. The caller's member is a party.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ProposeMra {
    /// A new id.
    #[n(0)]
    pub id: String,
    /// What is proposed.
    #[n(1)]
    pub terms: MraTerms,
}

/// Method `accept-mra`: arguments.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct AcceptMra {
    /// Its id.
    #[n(0)]
    pub id: String,
}

/// Method `leave-mra`: arguments.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct LeaveMra {
    /// Its id.
    #[n(0)]
    pub id: String,
    /// When it takes effect, milliseconds since 1970; the time of recording if earlier.
    #[n(1)]
    pub effective_ms: u64,
}
