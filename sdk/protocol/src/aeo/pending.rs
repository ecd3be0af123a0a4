//! Maker and checker: what ends an authorization for ever needs two persons of its member.

use alloc::string::String;

use minicbor::{Decode, Encode};

use super::{Action, ReasonClass};
use crate::{
    call::Signer,
    hash::Hash,
    identity::{KeyId, MemberId},
    transaction::TransactionId,
};

/// How long a pending action can be approved: seven days of ledger time, so that a forgotten one
/// does not take effect long after its reason has gone.
pub const PENDING_FOR_MS: u64 = 7 * super::DAY_MS;

/// Who acted, as the ledger sees it: a key, and the pseudonym where a node signed for an officer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Person {
    /// The signing key.
    #[n(0)]
    pub key_id: KeyId,
    /// Pseudonym of the officer for whom a node signed.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub pseudonym: Option<[u8; 16]>,
}

impl Person {
    /// Who stands behind a signature.
    pub fn of(signer: &Signer) -> Person {
        Person { key_id: signer.key_id, pseudonym: signer.pseudonym }
    }

    /// Whether these are two persons as far as the ledger can tell: officers are told apart by their
    /// pseudonyms, whichever node signed for them; anyone else by the key.
    pub fn is_other_than(&self, other: &Person) -> bool {
        match (self.pseudonym, other.pseudonym) {
            (Some(one), Some(another)) => one != another,
            _ => self.key_id != other.key_id,
        }
    }
}

/// A revocation or annulment that waits for a second person of the member. Also the payload of
/// the events `aeo.proposed` and `aeo.declined`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PendingAction {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// The member.
    #[n(1)]
    pub member: MemberId,
    /// The authorization's number.
    #[n(2)]
    pub number: String,
    /// `Revoke` or `Annul`.
    #[n(3)]
    pub action: Action,
    /// When it is to take effect, milliseconds since 1970; absent: when it is approved.
    #[n(4)]
    pub effective_ms: Option<u64>,
    /// Why.
    #[n(5)]
    pub class: ReasonClass,
    /// The member's reference of its decision.
    #[n(6)]
    pub reference: String,
    /// Who proposed it: may decline it, but not approve it.
    #[n(7)]
    pub proposed_by: Person,
    /// The proposing transaction, by which it is approved or declined.
    #[n(8)]
    pub proposal: TransactionId,
    /// Ledger time of the proposal.
    #[n(9)]
    pub proposed_ms: u64,
    /// Last ledger time at which it can be approved.
    #[n(10)]
    pub expires_ms: u64,
}

/// Methods `approve` and `decline`: arguments. The authorization is found by its number, which the
/// member uses once.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Decide {
    /// The authorization's number.
    #[n(0)]
    pub number: String,
    /// The proposing transaction: what is approved is what was seen.
    #[n(1)]
    pub proposal: TransactionId,
}
