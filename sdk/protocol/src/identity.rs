//! Who signs: members, roles, key ids.

use alloc::string::String;
use core::{fmt, str::FromStr};

use minicbor::{Decode, Encode};

use crate::hash::{Hash, tagged};

/// Id of an Ed25519 public key: SHA-256(tag "precinto/key-id", 32 key bytes).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct KeyId(#[n(0)] pub Hash);

impl KeyId {
    /// The id of a public key.
    pub fn of(public_key: &[u8; 32]) -> KeyId {
        KeyId(tagged("precinto/key-id", &[public_key]))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for KeyId {
    type Err = crate::hash::ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(KeyId)
    }
}

/// Id of a member within a channel: lower-case letters, digits and hyphens (`uy-dna`).
pub type MemberId = String;

/// Raft id of a node within a channel; never 0, never reused.
pub type NodeId = u64;

/// What an identity may do for its member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// A node's own key: orders blocks and vouches for officers logged in at it.
    #[n(0)]
    Node,
    /// Enrols, rotates and revokes the member's identities; votes.
    #[n(1)]
    Admin,
    /// Certifies operators, looks them up.
    #[n(2)]
    Officer,
    /// The second pair of eyes (maker/checker).
    #[n(3)]
    Supervisor,
    /// Records what an inspection found.
    #[n(4)]
    Inspector,
    /// Annotates reference images.
    #[n(5)]
    Annotator,
    /// Works with pooled control results.
    #[n(6)]
    Analyst,
    /// Reads and verifies, writes nothing.
    #[n(7)]
    Auditor,
}

impl Role {
    /// Every role, in encoding order.
    pub const ALL: [Role; 8] = [
        Role::Node,
        Role::Admin,
        Role::Officer,
        Role::Supervisor,
        Role::Inspector,
        Role::Annotator,
        Role::Analyst,
        Role::Auditor,
    ];

    /// The role's name as it is written in policies and files.
    pub fn name(self) -> &'static str {
        match self {
            Role::Node => "node",
            Role::Admin => "admin",
            Role::Officer => "officer",
            Role::Supervisor => "supervisor",
            Role::Inspector => "inspector",
            Role::Annotator => "annotator",
            Role::Analyst => "analyst",
            Role::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown role {0:?}: expected node, admin, officer, supervisor, inspector, annotator, analyst or auditor"
)]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Role::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| UnknownRole(text.into()))
    }
}
