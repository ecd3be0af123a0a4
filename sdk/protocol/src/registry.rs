//! Who and what a channel consists of: entries of the governance contract's state, read by
//! execution, admission and clients, written by genesis and the governance contract alone.

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Encode, bytes::ByteSlice};

use crate::{
    cbor,
    hash::{Hash, tagged},
    identity::{KeyId, MemberId, NodeId, Role},
    state::{StateKey, StateKeyError},
};

/// Contract id under which execution keeps its own inputs: replay entries, last time.
pub const SYSTEM_CONTRACT: u32 = 0;
/// Contract id of `governance`.
pub const GOVERNANCE_CONTRACT: u32 = 1;

/// An administration.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Member {
    /// Id within the channel.
    #[n(0)]
    pub id: MemberId,
    /// Official name.
    #[n(1)]
    pub name: String,
    /// ISO 3166-1 alpha-2 code.
    #[n(2)]
    pub country: String,
    /// Ed25519 public key kept offline; signs recovery statements only.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub root_key: [u8; 32],
}

/// What a node is to be in the Raft quorum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum NodeRole {
    /// Takes part in the quorum.
    #[n(0)]
    Voter,
    /// Replicates and executes.
    #[n(1)]
    Learner,
    /// A learner that holds a voter's seat until its member promotes it.
    #[n(2)]
    Joining,
}

impl core::fmt::Display for NodeRole {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            NodeRole::Voter => "voter",
            NodeRole::Learner => "learner",
            NodeRole::Joining => "joining",
        })
    }
}

/// A process of a member.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Node {
    /// Raft id; never 0, never reused.
    #[n(0)]
    pub id: NodeId,
    /// The member that runs it.
    #[n(1)]
    pub member: MemberId,
    /// Voter, learner or joining.
    #[n(2)]
    pub role: NodeRole,
    /// Ed25519 key that signs blocks and vouches for officers; also enrolled as an identity.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub identity_key: [u8; 32],
    /// Ed25519 key of its peer-to-peer identity.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub network_key: [u8; 32],
    /// Ed25519 key that signs checkpoints.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub attestation_key: [u8; 32],
    /// Where peers reach it: `host:port`.
    #[n(6)]
    pub addresses: Vec<String>,
    /// Random id of its data directory: a wiped or copied disk is another node.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub storage_id: [u8; 16],
    /// Ledger time at which its member retired it, milliseconds since 1970; absent while it is
    /// active. A retired node stays listed and never comes back.
    #[n(8)]
    pub retired_ms: Option<u64>,
}

impl Node {
    /// Whether it takes part in the channel.
    pub fn is_active(&self) -> bool {
        self.retired_ms.is_none()
    }
}

/// Whether an identity may sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum IdentityStatus {
    /// May sign within its validity.
    #[n(0)]
    Active,
    /// Revoked by its member; never active again.
    #[n(1)]
    Revoked {
        /// Ledger time of the revocation, milliseconds since 1970.
        #[n(0)]
        at_ms: u64,
    },
}

/// A key bound to a member and roles.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Identity {
    /// Ed25519 public key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub public_key: [u8; 32],
    /// Its member.
    #[n(1)]
    pub member: MemberId,
    /// Sorted, unique, not empty.
    #[n(2)]
    pub roles: Vec<Role>,
    /// First ledger time at which it may sign.
    #[n(3)]
    pub valid_from_ms: u64,
    /// Ledger time from which it may no longer sign.
    #[n(4)]
    pub valid_until_ms: u64,
    /// Active or revoked.
    #[n(5)]
    pub status: IdentityStatus,
}

/// A contract's active version.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ContractEntry {
    /// Id that prefixes its state keys; never reused.
    #[n(0)]
    pub id: u32,
    /// Name used in calls.
    #[n(1)]
    pub name: String,
    /// Version, from 1.
    #[n(2)]
    pub version: u32,
    /// SHA-256 of the WASM module.
    #[n(3)]
    pub code_hash: Hash,
    /// Endorsement policy per method, sorted by method. A method without one cannot be called.
    #[n(4)]
    pub policies: Vec<MethodPolicy>,
}

/// The policy of one method.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MethodPolicy {
    /// The method's name.
    #[n(0)]
    pub method: String,
    /// Text form of a [`crate::policy::Policy`].
    #[n(1)]
    pub policy: String,
}

impl ContractEntry {
    /// The policy text of `method`.
    pub fn policy(&self, method: &str) -> Option<&str> {
        self.policies.iter().find(|p| p.method == method).map(|p| p.policy.as_str())
    }
}

/// Channel parameters by name; all are unsigned integers.
pub mod parameter {
    /// How far ahead of ledger time a transaction may expire, milliseconds.
    pub const MAX_EXPIRY_MS: &str = "max-expiry-ms";
    /// How many members' checkpoints make a transaction attested.
    pub const ATTEST_MEMBERS: &str = "attest-members";
    /// Protocol version in force.
    pub const PROTOCOL_VERSION: &str = "protocol-version";
    /// Fuel of one call.
    pub const CALL_FUEL: &str = "call-fuel";
    /// Transactions that a node takes of one member per second. Not part of execution.
    pub const MEMBER_TX_PER_SECOND: &str = "member-tx-per-second";
    /// Bytes of transactions that a node takes of one member per second. Not part of execution.
    pub const MEMBER_BYTES_PER_SECOND: &str = "member-bytes-per-second";
    /// Transactions of one member that may be unfinished at a node. Not part of execution.
    pub const MEMBER_PENDING_MAX: &str = "member-pending-max";
    /// Longest WCO Trader Identification Number that nodes take, in characters: 35 if absent, and at
    /// most. Not part of execution.
    pub const TIN_MAX_LENGTH: &str = "tin-max-length";
}

/// Whose checkpoints count, as block leaves name it: changes whenever a node's attestation key or
/// the parameter [`parameter::ATTEST_MEMBERS`] does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SignerSet {
    /// Number of its changes; 1 at genesis.
    #[n(0)]
    pub version: u64,
    /// [`signer_set_digest`].
    #[n(1)]
    pub digest: Hash,
}

/// SHA-256(tag "precinto/signer-set", CBOR [parameter `attest-members` or null, [[node id, member,
/// attestation key], ...]]), active nodes in order of their ids.
pub fn signer_set_digest(attest_members: Option<u64>, nodes: &[Node]) -> Hash {
    let signers: Vec<(NodeId, &str, &ByteSlice)> = nodes
        .iter()
        .filter(|node| node.is_active())
        .map(|node| (node.id, node.member.as_str(), (&node.attestation_key[..]).into()))
        .collect();
    tagged("precinto/signer-set", &[&cbor::encode(&(attest_members, signers))])
}

const MEMBER: &[u8] = b"member";
const NODE: &[u8] = b"node";
const IDENTITY: &[u8] = b"identity";
const MEMBER_IDENTITY: &[u8] = b"member-identity";
const IDENTITY_HISTORY: &[u8] = b"identity-history";
const CONTRACT: &[u8] = b"contract";
const PARAMETER: &[u8] = b"parameter";
const MEMBERSHIP: &[u8] = b"membership";

/// Keys of the registry. Each value is the CBOR of the named type.
pub struct RegistryKey;

impl RegistryKey {
    /// Prefix of all [`Member`]s.
    pub fn members() -> StateKey {
        Self::fixed(MEMBER)
    }

    /// Prefix of all [`Node`]s.
    pub fn nodes() -> StateKey {
        Self::fixed(NODE)
    }

    /// Prefix of all [`Identity`] entries.
    pub fn identities() -> StateKey {
        Self::fixed(IDENTITY)
    }

    /// Prefix of all [`ContractEntry`]s.
    pub fn contracts() -> StateKey {
        Self::fixed(CONTRACT)
    }

    /// Prefix of all parameters.
    pub fn parameters() -> StateKey {
        Self::fixed(PARAMETER)
    }

    /// A [`Member`].
    ///
    /// # Errors
    /// If the id is too long for a key.
    pub fn member(id: &str) -> Result<StateKey, StateKeyError> {
        Self::members().component(id.as_bytes())
    }

    /// A [`Node`]: the id as eight big-endian bytes.
    pub fn node(id: NodeId) -> StateKey {
        Self::nodes().component(&id.to_be_bytes()).expect("eight bytes fit a key")
    }

    /// An [`Identity`].
    pub fn identity(id: &KeyId) -> StateKey {
        Self::identities().component(id.0.as_bytes()).expect("a hash fits a key")
    }

    /// Record log of an identity: entries are the [`Identity`] after each change.
    pub fn identity_history(id: &KeyId) -> StateKey {
        Self::fixed(IDENTITY_HISTORY).component(id.0.as_bytes()).expect("a hash fits a key")
    }

    /// Prefix of the index of a member's identities: one entry per key that was ever enrolled.
    ///
    /// # Errors
    /// If the id is too long for a key.
    pub fn member_identities(member: &str) -> Result<StateKey, StateKeyError> {
        Self::fixed(MEMBER_IDENTITY).component(member.as_bytes())
    }

    /// An entry of the index of a member's identities. Its value is the CBOR of the roles
    /// (`Vec<Role>`), which never change for a key.
    ///
    /// # Errors
    /// If the id is too long for a key.
    pub fn member_identity(member: &str, id: &KeyId) -> Result<StateKey, StateKeyError> {
        Self::member_identities(member)?.component(id.0.as_bytes())
    }

    /// A [`ContractEntry`].
    ///
    /// # Errors
    /// If the name is too long for a key.
    pub fn contract(name: &str) -> Result<StateKey, StateKeyError> {
        Self::contracts().component(name.as_bytes())
    }

    /// A parameter (CBOR unsigned integer).
    ///
    /// # Errors
    /// If the name is too long for a key.
    pub fn parameter(name: &str) -> Result<StateKey, StateKeyError> {
        Self::parameters().component(name.as_bytes())
    }

    /// The [`Membership`](crate::membership::Membership) in force. The one entry of the registry
    /// that execution writes: what consensus did, not what members want.
    pub fn membership() -> StateKey {
        Self::fixed(MEMBERSHIP)
    }

    fn fixed(component: &[u8]) -> StateKey {
        StateKey::new(GOVERNANCE_CONTRACT).component(component).expect("a short name fits a key")
    }
}

/// Keys of execution's own state.
pub struct SystemKey;

impl SystemKey {
    /// Prefix of the replay entries.
    pub fn replays() -> StateKey {
        StateKey::new(SYSTEM_CONTRACT).component(b"replay").expect("a short name fits a key")
    }

    /// Replay entry of an executed transaction: exists at least until ledger time passes `expires_ms`.
    /// Value: CBOR unsigned integer, the height.
    pub fn replay(expires_ms: u64, id: &crate::transaction::TransactionId) -> StateKey {
        Self::replays()
            .component(&expires_ms.to_be_bytes())
            .and_then(|key| key.component(id.0.as_bytes()))
            .expect("a time and a hash fit a key")
    }

    /// Time of the last block (CBOR unsigned integer, milliseconds since 1970).
    pub fn time() -> StateKey {
        StateKey::new(SYSTEM_CONTRACT).component(b"time").expect("a short name fits a key")
    }

    /// The [`SignerSet`] in force.
    pub fn signer_set() -> StateKey {
        StateKey::new(SYSTEM_CONTRACT).component(b"signer-set").expect("a short name fits a key")
    }
}
