//! The channel that all worlds simulate: members, keys, contracts, and the engine that runs them.

use std::{
    env, fs,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use precinto_core::open::Tools;
use precinto_execution::{CodeSource, KeyCache, Runtime};
use precinto_protocol::{
    block::Origin,
    genesis::Genesis,
    governance,
    hash::{Hash, sha256, tagged},
    identity::{KeyId, MemberId, NodeId, Role},
    keys::SigningKey,
    limits::PROTOCOL_VERSION,
    registry::{ContractEntry, Identity, IdentityStatus, Member, MethodPolicy, Node, NodeRole},
};
use precinto_storage::{StorageId, StorageIdentity};
use precinto_vm::{Engine, ModuleCache};

use crate::parameters::Parameters;

/// When the channel was made, milliseconds since 1970; virtual time begins here.
pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// End of every identity: within what governance allows.
pub(crate) const END_MS: u64 = START_MS + 365 * 24 * 3_600_000;

/// The contract that clients call.
pub(crate) const PROBE: &str = "probe";

/// What a key is for. Keys are derived, so that a world can be repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyUse {
    /// Signs blocks.
    Identity,
    /// Of the peer-to-peer identity, which simulated nodes do not use.
    Network,
    /// Signs checkpoints.
    Attestation,
    /// Of a member's admin.
    Admin,
    /// Of officers, counted over all members.
    Officer,
}

/// The key for `usage` of `number`.
pub(crate) fn key(usage: KeyUse, number: u64) -> SigningKey {
    let seed = tagged("precinto/simulation-key", &[&[usage as u8], &number.to_be_bytes()]);
    SigningKey::from_seed(&seed.0)
}

/// The storage id of a node.
pub(crate) fn storage_id(node: NodeId) -> StorageId {
    let hash = tagged("precinto/simulation-storage", &[&node.to_be_bytes()]);
    *hash.0.first_chunk().expect("a hash is longer than a storage id")
}

/// A member's id, by number from 1.
pub(crate) fn member_id(number: u64) -> MemberId {
    format!("m{number}")
}

/// What does not change while a world runs.
pub(crate) struct Channel {
    /// Its genesis.
    pub genesis: Genesis,
    /// Ledger and epoch.
    pub origin: Origin,
    /// Runs contracts.
    runtime: Arc<Runtime>,
}

impl Channel {
    /// With as many members and nodes as `parameters` say: the member of node n is the n-th,
    /// counted around.
    pub(crate) fn new(parameters: &Parameters) -> Channel {
        let genesis = genesis(parameters);
        let origin = Origin { channel: genesis.hash(), epoch: 0 };
        Channel { genesis, origin, runtime: runtime() }
    }

    /// What execution needs, for one process.
    pub(crate) fn tools(&self) -> Tools {
        Tools { runtime: self.runtime.clone(), keys: Arc::new(KeyCache::new()) }
    }

    /// Whose storage a node has.
    pub(crate) fn identity(&self, node: NodeId) -> StorageIdentity {
        StorageIdentity { storage_id: storage_id(node), node, genesis: self.origin.channel }
    }
}

fn genesis(parameters: &Parameters) -> Genesis {
    let numbers = 1..=parameters.members;
    let member = |number| Member {
        id: member_id(number),
        name: format!("Administration {number}"),
        country: "UY".into(),
        root_key: [0; 32],
    };
    let nodes: Vec<Node> = (1..=parameters.voters + parameters.learners)
        .map(|id| {
            let voter = id <= parameters.voters;
            let role = if voter { NodeRole::Voter } else { NodeRole::Learner };
            node(id, member_id((id - 1) % parameters.members + 1), role)
        })
        .collect();
    let mut identities: Vec<Identity> = numbers
        .clone()
        .flat_map(|number| {
            let member = member_id(number);
            [
                identity(&key(KeyUse::Admin, number), &member, Role::Admin),
                identity(&key(KeyUse::Officer, number), &member, Role::Officer),
            ]
        })
        .collect();
    identities.extend(
        nodes.iter().map(|it| identity(&key(KeyUse::Identity, it.id), &it.member, Role::Node)),
    );
    identities.sort_by_key(|identity| KeyId::of(&identity.public_key));
    let genesis = Genesis {
        version: PROTOCOL_VERSION,
        name: "simulation/main".into(),
        created_ms: START_MS,
        members: numbers.map(member).collect(),
        nodes,
        identities,
        contracts: contracts(),
        parameters: Vec::new(),
    };
    assert_eq!(genesis.problems(), Vec::<String>::new());
    genesis
}

/// A node as the registry lists it.
fn node(id: NodeId, member: MemberId, role: NodeRole) -> Node {
    let public = |usage| key(usage, id).public().to_bytes();
    Node {
        id,
        member,
        role,
        identity_key: public(KeyUse::Identity),
        network_key: public(KeyUse::Network),
        attestation_key: public(KeyUse::Attestation),
        addresses: vec![address(id)],
        storage_id: storage_id(id),
        retired_ms: None,
    }
}

/// Where a node would be reached.
pub(crate) fn address(node: NodeId) -> String {
    format!("n{node}:7000")
}

fn identity(key: &SigningKey, member: &str, role: Role) -> Identity {
    Identity {
        public_key: key.public().to_bytes(),
        member: member.into(),
        roles: vec![role],
        valid_from_ms: 0,
        valid_until_ms: END_MS,
        status: IdentityStatus::Active,
    }
}

fn contracts() -> Vec<ContractEntry> {
    let probe = ["append", "remove", "set", "set-then-reject"];
    let policy =
        |method: &str, policy: &str| MethodPolicy { method: method.into(), policy: policy.into() };
    let governance = ["enrol", "promote-node", "replace-node", "revoke"];
    vec![
        ContractEntry {
            id: precinto_protocol::registry::GOVERNANCE_CONTRACT,
            name: governance::CONTRACT.into(),
            version: 1,
            code_hash: sha256(&[&modules().0]),
            policies: governance.iter().map(|method| policy(method, "owner.admin")).collect(),
        },
        ContractEntry {
            id: 7,
            name: PROBE.into(),
            version: 1,
            code_hash: sha256(&[&modules().1]),
            policies: probe.iter().map(|method| policy(method, "owner.officer")).collect(),
        },
    ]
}

/// The built contracts: governance and probe.
fn modules() -> &'static (Vec<u8>, Vec<u8>) {
    static MODULES: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    MODULES.get_or_init(|| (module(governance::CONTRACT), module(PROBE)))
}

fn module(name: &str) -> Vec<u8> {
    let path = target().join("contracts").join(name).with_extension("wasm");
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run scripts/build-contracts.sh", path.display())
    })
}

/// Where builds go: given by the environment, or above the running program.
fn target() -> PathBuf {
    if let Some(dir) = env::var_os("CARGO_TARGET_DIR") {
        return dir.into();
    }
    let program = env::current_exe().expect("a program knows its own path");
    let mut above = program.ancestors();
    let built = above.find(|dir| dir.join("contracts").is_dir());
    built.expect("contracts are built beside the program: scripts/build-contracts.sh").into()
}

struct Modules;

impl CodeSource for Modules {
    fn code(&self, hash: &Hash) -> Result<Option<Vec<u8>>, String> {
        let (governance, probe) = modules();
        Ok([governance, probe].into_iter().find(|code| sha256(&[code]) == *hash).cloned())
    }
}

/// One engine with its compiled modules for all worlds of the process.
fn runtime() -> Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let engine = Arc::new(Engine::new().expect("this machine runs the engine"));
        let folder = target().join("simulation-modules");
        let modules = ModuleCache::open(engine, &folder).expect("a folder for compiled modules");
        Arc::new(Runtime::new(modules, Box::new(Modules)))
    });
    runtime.clone()
}
