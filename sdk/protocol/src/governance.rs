//! Calls of the governance contract.

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Encode};

use crate::{
    cbor,
    hash::{Hash, tagged},
    identity::{KeyId, MemberId, NodeId, Role},
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
    /// The new key's signature over [`key_possession`].
    #[cbor(n(4), with = "minicbor::bytes")]
    pub possession: [u8; 64],
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
    /// The new key's signature over [`key_possession`].
    #[cbor(n(4), with = "minicbor::bytes")]
    pub possession: [u8; 64],
}

/// What a key signs to show that whoever enrols it for `member` holds it: nobody can enrol
/// another's key as his own.
pub fn key_possession(channel: &Hash, member: &str, public_key: &[u8; 32]) -> Hash {
    tagged(
        "precinto/key-possession",
        &[channel.as_bytes(), public_key.as_slice(), member.as_bytes()],
    )
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

/// A node that takes the place of another one of the same member.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Successor {
    /// Its Raft id: above every id the channel ever had.
    #[n(0)]
    pub id: NodeId,
    /// The node it replaces.
    #[n(1)]
    pub replaces: NodeId,
    /// Ed25519 key that signs blocks and vouches for officers.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub identity_key: [u8; 32],
    /// Ed25519 key of its peer-to-peer identity.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub network_key: [u8; 32],
    /// Ed25519 key that signs checkpoints.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub attestation_key: [u8; 32],
    /// Where peers reach it: `host:port`.
    #[n(5)]
    pub addresses: Vec<String>,
    /// Random id of its data directory.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub storage_id: [u8; 16],
}

impl Successor {
    /// What each of its three keys signs to show that whoever registers it holds them.
    pub fn possession(&self, channel: &Hash) -> Hash {
        tagged("precinto/node-possession", &[channel.as_bytes(), &cbor::encode(self)])
    }

    /// Its keys, in the order of their proofs.
    pub fn keys(&self) -> [&[u8; 32]; 3] {
        [&self.identity_key, &self.network_key, &self.attestation_key]
    }
}

/// Method `replace-node`: the caller's member retires a node of its own and registers another one
/// in its place, which starts as a learner.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ReplaceNode {
    /// The new node.
    #[n(0)]
    pub successor: Successor,
    /// Signature of its identity key over [`Successor::possession`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub identity_possession: [u8; 64],
    /// The same by its network key.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub network_possession: [u8; 64],
    /// The same by its attestation key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub attestation_possession: [u8; 64],
    /// Ledger time until which its identity key may sign, milliseconds since 1970.
    #[n(4)]
    pub valid_until_ms: u64,
}

impl ReplaceNode {
    /// The proofs, in the order of [`Successor::keys`].
    pub fn possessions(&self) -> [&[u8; 64]; 3] {
        [&self.identity_possession, &self.network_possession, &self.attestation_possession]
    }
}

/// Method `promote-node`: a node of the caller's member that holds a voter's seat becomes a voter.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PromoteNode {
    /// The node.
    #[n(0)]
    pub node: NodeId,
}

/// Event `governance.node`: a node was retired, registered or promoted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct NodeEvent {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// Its member.
    #[n(1)]
    pub member: MemberId,
    /// `retire`, `register` or `promote`.
    #[n(2)]
    pub change: String,
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
