//! Calls of the governance contract.

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Encode};

use crate::{
    identity::{KeyId, MemberId, Role},
    registry::Identity,
};

/// Name of the contract.
pub const CONTRACT: &str = "governance";

/// Method `enrol`: the caller's member enrols a key of its own. Arguments of `enrol`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Enrol {
    /// The new Ed25519 public key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub public_key: [u8; 32],
    /// Sorted, unique, not empty; never `node`.
    #[n(1)]
    pub roles: Vec<Role>,
    /// First ledger time at which it may sign, milliseconds since 1970.
    #[n(2)]
    pub valid_from_ms: u64,
    /// Ledger time from which it may no longer sign.
    #[n(3)]
    pub valid_until_ms: u64,
}

/// Method `rotate`: a new key takes over the roles of an old one of the same member; both are
/// valid until the overlap ends.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Rotate {
    /// The key to be replaced.
    #[n(0)]
    pub old: KeyId,
    /// The new Ed25519 public key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub public_key: [u8; 32],
    /// Ledger time from which the old key may no longer sign; not later than its present end.
    #[n(2)]
    pub old_until_ms: u64,
    /// Ledger time from which the new key may no longer sign.
    #[n(3)]
    pub valid_until_ms: u64,
}

/// Method `revoke`: a key of the caller's member may not sign from this block on.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Revoke {
    /// The key.
    #[n(0)]
    pub key_id: KeyId,
    /// Why, a short code: `[a-z0-9-]{1,64}`.
    #[n(1)]
    pub reason: String,
}

/// Event `governance.identity`: an identity was enrolled, rotated or revoked.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct IdentityEvent {
    /// The key.
    #[n(0)]
    pub key_id: KeyId,
    /// Its member.
    #[n(1)]
    pub member: String,
    /// `enrol`, `rotate` or `revoke`.
    #[n(2)]
    pub change: String,
}

/// Query `identities`: identities of one member, in order of key id, after a cursor. The result is
/// [`IdentityPage`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct IdentitiesQuery {
    /// The member.
    #[n(0)]
    pub member: MemberId,
    /// Key id of the last identity of the page before; absent for the first page.
    #[n(1)]
    pub after: Option<KeyId>,
    /// At most this many, 1 to 100.
    #[n(2)]
    pub limit: u32,
}

/// A page of identities.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct IdentityPage {
    /// In order of key id.
    #[n(0)]
    pub items: Vec<Identity>,
    /// Cursor of the next page; absent when this is the last.
    #[n(1)]
    pub next: Option<KeyId>,
}
