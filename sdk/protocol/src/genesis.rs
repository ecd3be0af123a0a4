//! Genesis: what a channel starts with. Afterwards everything changes by transactions alone.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use minicbor::{Decode, Encode};

use crate::{
    cbor,
    hash::{Hash, tagged},
    identity::{KeyId, Role},
    limits::{MAX_NAME_BYTES, PROTOCOL_VERSION},
    membership::Membership,
    policy::Policy,
    registry::{
        ContractEntry, GOVERNANCE_CONTRACT, Identity, IdentityStatus, Member, Node, NodeRole,
        RegistryKey, SYSTEM_CONTRACT,
    },
    state::StateKey,
};

/// Member ids, at most this many bytes: they are part of state keys.
pub const MAX_MEMBER_ID_BYTES: usize = 16;

/// A channel parameter.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Parameter {
    /// See [`crate::registry::parameter`].
    #[n(0)]
    pub name: String,
    /// Its value.
    #[n(1)]
    pub value: u64,
}

/// The first state of a channel. Its hash names the channel for ever.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Genesis {
    /// Protocol version at the start.
    #[n(0)]
    pub version: u32,
    /// Name of network and channel, for people.
    #[n(1)]
    pub name: String,
    /// When it was made, milliseconds since 1970: the first block's time is later.
    #[n(2)]
    pub created_ms: u64,
    /// Sorted by id.
    #[n(3)]
    pub members: Vec<Member>,
    /// Sorted by id.
    #[n(4)]
    pub nodes: Vec<Node>,
    /// Sorted by key id; every node's identity key is among them with the role `node`.
    #[n(5)]
    pub identities: Vec<Identity>,
    /// Sorted by name.
    #[n(6)]
    pub contracts: Vec<ContractEntry>,
    /// Sorted by name.
    #[n(7)]
    pub parameters: Vec<Parameter>,
}

impl Genesis {
    /// SHA-256(tag "precinto/genesis", encoding): the channel's name in every signature.
    pub fn hash(&self) -> Hash {
        tagged("precinto/genesis", &[&cbor::encode(self)])
    }

    /// Everything that is wrong with it, in words; empty when it is sound.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.version != PROTOCOL_VERSION {
            problems.push(format!(
                "protocol version {} is not {PROTOCOL_VERSION}, the one this program executes",
                self.version
            ));
        }
        self.check_members(&mut problems);
        self.check_nodes(&mut problems);
        self.check_identities(&mut problems);
        self.check_contracts(&mut problems);
        if !sorted_by(&self.parameters, |p| &p.name) {
            problems.push("parameters must be sorted by name and unique".into());
        }
        problems
    }

    fn check_members(&self, problems: &mut Vec<String>) {
        if self.members.is_empty() {
            problems.push("a channel needs at least one member".into());
        }
        if !sorted_by(&self.members, |m| &m.id) {
            problems.push("members must be sorted by id and unique".into());
        }
        for member in &self.members {
            if !is_member_id(&member.id) {
                problems.push(format!(
                    "member {:?}: ids are 1 to {MAX_MEMBER_ID_BYTES} lower-case letters, digits and hyphens",
                    member.id
                ));
            }
            if member.country.len() != 2 || !member.country.bytes().all(|b| b.is_ascii_uppercase())
            {
                problems.push(format!(
                    "member {}: country {:?} is no ISO 3166-1 alpha-2 code",
                    member.id, member.country
                ));
            }
        }
    }

    fn check_nodes(&self, problems: &mut Vec<String>) {
        if !sorted_by(&self.nodes, |n| &n.id) || self.nodes.iter().any(|n| n.id == 0) {
            problems.push("nodes must be sorted by id, unique and not 0".into());
        }
        if !self.nodes.iter().any(|n| n.role == NodeRole::Voter) {
            problems.push("a channel needs at least one voter".into());
        }
        let members: BTreeSet<_> = self.members.iter().map(|m| &m.id).collect();
        let mut keys: BTreeMap<[u8; 32], u64> = BTreeMap::new();
        for node in &self.nodes {
            if !members.contains(&node.member) {
                problems.push(format!("node {}: unknown member {:?}", node.id, node.member));
            }
            if node.addresses.is_empty() {
                problems.push(format!("node {}: no address", node.id));
            }
            if !node.is_active() || node.role == NodeRole::Joining {
                problems.push(format!("node {}: retired or joining from the start", node.id));
            }
            for key in [node.identity_key, node.network_key, node.attestation_key] {
                if let Some(other) = keys.insert(key, node.id) {
                    problems.push(format!(
                        "node {}: a key is also node {other}'s or used twice",
                        node.id
                    ));
                }
            }
            let enrolled = self.identities.iter().any(|i| {
                i.public_key == node.identity_key
                    && i.member == node.member
                    && i.roles == [Role::Node]
            });
            if !enrolled {
                problems
                    .push(format!("node {}: its identity key is not enrolled as `node`", node.id));
            }
        }
    }

    fn check_identities(&self, problems: &mut Vec<String>) {
        if !self
            .identities
            .windows(2)
            .all(|pair| KeyId::of(&pair[0].public_key) < KeyId::of(&pair[1].public_key))
        {
            problems.push("identities must be sorted by key id and unique".into());
        }
        for identity in &self.identities {
            let id = KeyId::of(&identity.public_key);
            if !self.members.iter().any(|m| m.id == identity.member) {
                problems.push(format!("identity {id}: unknown member {:?}", identity.member));
            }
            if identity.roles.is_empty() || !sorted_by(&identity.roles, |r| r) {
                problems.push(format!("identity {id}: roles must be sorted, unique and not empty"));
            }
            if identity.valid_until_ms <= identity.valid_from_ms {
                problems.push(format!("identity {id}: its validity ends before it begins"));
            }
            if identity.status != IdentityStatus::Active {
                problems.push(format!("identity {id}: revoked from the start"));
            }
        }
    }

    fn check_contracts(&self, problems: &mut Vec<String>) {
        if !sorted_by(&self.contracts, |c| &c.name) {
            problems.push("contracts must be sorted by name and unique".into());
        }
        let ids: BTreeSet<_> = self.contracts.iter().map(|c| c.id).collect();
        if ids.len() != self.contracts.len() || ids.contains(&SYSTEM_CONTRACT) {
            problems.push(format!("contract ids must be unique and not {SYSTEM_CONTRACT}"));
        }
        let governance = crate::governance::CONTRACT;
        if !self.contracts.iter().any(|c| c.name == governance && c.id == GOVERNANCE_CONTRACT) {
            problems.push(format!("contract {governance} must have id {GOVERNANCE_CONTRACT}"));
        }
        for contract in &self.contracts {
            if contract.name.is_empty() || contract.name.len() > MAX_NAME_BYTES {
                problems.push(format!(
                    "contract {:?}: names have 1 to {MAX_NAME_BYTES} bytes",
                    contract.name
                ));
            }
            if !sorted_by(&contract.policies, |p| &p.method) {
                problems.push(format!(
                    "contract {}: policies must be sorted by method and unique",
                    contract.name
                ));
            }
            for method in &contract.policies {
                if let Err(error) = method.policy.parse::<Policy>() {
                    problems.push(format!(
                        "contract {}, method {}: {error}",
                        contract.name, method.method
                    ));
                }
            }
        }
    }

    /// The entries of the first state, sorted by key.
    ///
    /// # Panics
    /// If [`Genesis::problems`] is not empty.
    pub fn entries(&self) -> BTreeMap<StateKey, Vec<u8>> {
        assert!(self.problems().is_empty(), "only a sound genesis has a state");
        let fits = "a sound genesis has names that fit a key";
        let mut entries = BTreeMap::new();
        for member in &self.members {
            entries.insert(RegistryKey::member(&member.id).expect(fits), cbor::encode(member));
        }
        for node in &self.nodes {
            entries.insert(RegistryKey::node(node.id), cbor::encode(node));
        }
        let membership = Membership::wanted(&self.nodes);
        entries.insert(RegistryKey::membership(), cbor::encode(&membership));
        for identity in &self.identities {
            let id = KeyId::of(&identity.public_key);
            entries.insert(RegistryKey::identity(&id), cbor::encode(identity));
            let index = RegistryKey::member_identity(&identity.member, &id).expect(fits);
            entries.insert(index, cbor::encode(&identity.roles));
        }
        for contract in &self.contracts {
            entries
                .insert(RegistryKey::contract(&contract.name).expect(fits), cbor::encode(contract));
        }
        for parameter in &self.parameters {
            let key = RegistryKey::parameter(&parameter.name).expect(fits);
            entries.insert(key, cbor::encode(&parameter.value));
        }
        entries
    }
}

/// Whether `id` may be a member's: 1 to 16 lower-case letters, digits and hyphens.
pub fn is_member_id(id: &str) -> bool {
    (1..=MAX_MEMBER_ID_BYTES).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Strictly increasing by `key`.
fn sorted_by<'a, T, K: Ord + 'a>(items: &'a [T], key: impl Fn(&'a T) -> K) -> bool {
    items.windows(2).all(|pair| key(&pair[0]) < key(&pair[1]))
}
