//! `precinto network init`: genesis, keys, accounts and a directory per node.
//!
//! ```text
//! <dir>/genesis.cbor            the channel's genesis
//!       code/<hash>.wasm        contract modules by code hash
//!       members/<id>/root.key   kept offline in a real network
//!       members/<id>/admin.key  enrols the member's identities
//!       nodes/<id>/node.toml    configuration, with users.json, keys/, data/ and tokens/ beside it
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use precinto_api::{Account, Accounts, ApiToken};
use precinto_protocol::{
    cbor,
    genesis::{Genesis, Parameter},
    hash::sha256,
    identity::{KeyId, NodeId, Role},
    keys::SigningKey,
    registry::{ContractEntry, Identity, IdentityStatus, Member, Node},
};

use precinto_storage::StorageIdentity;

use super::{
    genesis::{GENESIS_FILE, read_genesis},
    network_config::{NetworkConfig, NodeEntry},
};
use crate::{
    fields::Problems,
    keyfile,
    node::boot,
    node_config::{CONTACTS_FILE, NODE_FILE, USERS_FILE},
    settings,
};

/// Validity of the first identities: two years, in milliseconds.
pub(super) const IDENTITY_VALIDITY_MS: u64 = 2 * 365 * 24 * 60 * 60 * 1000;

/// Accounts that every node gets: name and role, a token and no password. Each administration adds
/// its own people.
const ACCOUNTS: [(&str, Role); 5] = [
    ("admin", Role::Admin),
    ("officer", Role::Officer),
    ("supervisor", Role::Supervisor),
    ("auditor", Role::Auditor),
    ("analyst", Role::Analyst),
];

/// Name of the token in the file `tokens/<account>`.
const FIRST_TOKEN: &str = "first";

/// Directory of a node.
pub fn node_dir(network: &Path, node: NodeId) -> PathBuf {
    network.join("nodes").join(node.to_string())
}

/// The nodes whose directories are in `network`, by id: those of genesis, and those that replaced
/// one; not those that were retired, as far as the directories tell.
pub fn local_nodes(network: &Path) -> anyhow::Result<Vec<Node>> {
    let genesis = read_genesis(&network.join(GENESIS_FILE))?;
    let mut nodes: BTreeMap<NodeId, Node> =
        genesis.nodes.into_iter().map(|node| (node.id, node)).collect();
    for entry in fs::read_dir(network.join("nodes"))? {
        if let Ok(bytes) = fs::read(entry?.path().join(CONTACTS_FILE)) {
            let listed: Vec<Node> = cbor::decode(&bytes)?;
            for node in listed {
                let retired = nodes.get(&node.id).is_some_and(|known| !known.is_active());
                if !retired {
                    nodes.insert(node.id, node);
                }
            }
        }
    }
    let here = |node: &Node| node_dir(network, node.id).join(NODE_FILE).exists();
    Ok(nodes.into_values().filter(|node| node.is_active() && here(node)).collect())
}

/// File with the bearer token of a node's account.
pub fn token_file(network: &Path, node: NodeId, account: &str) -> PathBuf {
    node_dir(network, node).join("tokens").join(account)
}

/// Makes the network of `config_file` in the new directory `dir`, with the modules
/// `<contract>.wasm` and manifests `<contract>.toml` from `contracts`.
///
/// The directory is made beside its final place and renamed at the end, so that a network is
/// there whole or not at all.
pub fn init(config_file: &Path, contracts: &Path, dir: &Path) -> anyhow::Result<Genesis> {
    let config = NetworkConfig::read(config_file, contracts)?;
    if dir.exists() {
        bail!("{} exists already: remove it or choose another --dir", dir.display());
    }
    let unfinished = dir.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    let genesis = write_network(&config, config_file, contracts, &unfinished)?;
    fs::rename(&unfinished, dir)?;
    Ok(genesis)
}

fn write_network(
    config: &NetworkConfig,
    config_file: &Path,
    contracts: &Path,
    dir: &Path,
) -> anyhow::Result<Genesis> {
    let created_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let validity = (created_ms, created_ms + IDENTITY_VALIDITY_MS);
    let mut identities = Vec::new();
    let members = config
        .members
        .iter()
        .map(|member| {
            let keys = dir.join("members").join(&member.id);
            fs::create_dir_all(&keys)?;
            let admin = new_key(&keys.join("admin.key"))?;
            identities.push(identity(&admin, &member.id, Role::Admin, validity));
            Ok(Member {
                id: member.id.clone(),
                name: member.name.clone(),
                country: member.country.clone(),
                root_key: new_key(&keys.join("root.key"))?.public().to_bytes(),
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let lookup_key = keyfile::random();
    let mut nodes = Vec::new();
    for entry in &config.nodes {
        let (node, key) = write_node(entry, &lookup_key, dir)?;
        identities.push(identity(&key, &entry.member, Role::Node, validity));
        nodes.push(node);
    }
    let contracts = install_contracts(config, contracts, &dir.join("code"))?;
    let genesis = sorted(Genesis {
        version: precinto_protocol::limits::PROTOCOL_VERSION,
        name: config.name.clone(),
        created_ms,
        members,
        nodes,
        identities,
        contracts,
        parameters: config
            .parameters
            .iter()
            .map(|(name, value)| Parameter { name: name.clone(), value: *value })
            .collect(),
    });
    Problems::check(config_file, genesis.problems())?;
    fs::write(dir.join(GENESIS_FILE), cbor::encode(&genesis))?;
    for node in &genesis.nodes {
        let (storage_id, node) = (node.storage_id, node.id);
        let identity = StorageIdentity { storage_id, node, genesis: genesis.hash() };
        boot::create_storage(&node_dir(dir, node).join("data"), identity)?;
    }
    Ok(genesis)
}

fn sorted(mut genesis: Genesis) -> Genesis {
    genesis.members.sort_by(|a, b| a.id.cmp(&b.id));
    genesis.nodes.sort_by_key(|node| node.id);
    genesis.identities.sort_by_key(|identity| KeyId::of(&identity.public_key));
    genesis.contracts.sort_by(|a, b| a.name.cmp(&b.name));
    genesis.parameters.sort_by(|a, b| a.name.cmp(&b.name));
    genesis
}

fn identity(key: &SigningKey, member: &str, role: Role, validity: (u64, u64)) -> Identity {
    Identity {
        public_key: key.public().to_bytes(),
        member: member.into(),
        roles: vec![role],
        valid_from_ms: validity.0,
        valid_until_ms: validity.1,
        status: IdentityStatus::Active,
    }
}

pub(super) fn new_key(path: &Path) -> anyhow::Result<SigningKey> {
    let key = SigningKey::from_seed(&keyfile::random());
    keyfile::create(path, &key.seed())?;
    Ok(key)
}

fn write_node(
    entry: &NodeEntry,
    lookup_key: &[u8; 32],
    dir: &Path,
) -> anyhow::Result<(Node, SigningKey)> {
    let place = node_dir(dir, entry.id);
    let keys = place.join("keys");
    fs::create_dir_all(&keys)?;
    fs::create_dir_all(place.join("tokens"))?;
    let identity = new_key(&keys.join("identity.key"))?;
    let network = new_key(&keys.join("network.key"))?;
    let attestation = new_key(&keys.join("attestation.key"))?;
    keyfile::create(&keys.join("lookup.key"), lookup_key)?;
    let text = node_file(entry);
    fs::write(place.join(NODE_FILE), text)?;
    write_accounts(dir, entry.id)?;
    let node = Node {
        id: entry.id,
        member: entry.member.clone(),
        role: entry.role,
        identity_key: identity.public().to_bytes(),
        network_key: network.public().to_bytes(),
        attestation_key: attestation.public().to_bytes(),
        addresses: vec![entry.p2p.to_string()],
        storage_id: keyfile::random(),
        retired_ms: None,
    };
    Ok((node, identity))
}

/// The configuration of a node.
fn node_file(entry: &NodeEntry) -> String {
    let quoted = |text: &dyn std::fmt::Display| format!("\"{text}\"");
    let values = [
        ("node", entry.id.to_string()),
        ("genesis", quoted(&format_args!("../../{GENESIS_FILE}"))),
        ("data", quoted(&"data")),
        ("code", quoted(&"../../code")),
        ("keys", quoted(&"keys")),
        ("p2p", quoted(&entry.p2p)),
        ("api", quoted(&entry.api)),
    ];
    format!(
        "# Node {} of {}. Paths are relative to this file; `precinto node config` explains it.\n\n{}",
        entry.id,
        entry.member,
        settings::template(&values.into())
    )
}

/// Writes the accounts that every node gets, and their tokens.
fn write_accounts(dir: &Path, node: NodeId) -> anyhow::Result<()> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let mut accounts = Vec::new();
    for (name, role) in ACCOUNTS {
        let mut account = Account::new(name, BTreeSet::from([role]))?;
        let (text, token) = ApiToken::new(FIRST_TOKEN, BTreeSet::from([role]), now_ms, None);
        account.add_token(token)?;
        keyfile::write_new(&token_file(dir, node, name), &text)?;
        accounts.push(account);
    }
    Ok(Accounts::create(&node_dir(dir, node).join(USERS_FILE), accounts)?)
}

fn install_contracts(
    config: &NetworkConfig,
    from: &Path,
    to: &Path,
) -> anyhow::Result<Vec<ContractEntry>> {
    fs::create_dir_all(to)?;
    config
        .contracts
        .iter()
        .map(|contract| {
            let file = from.join(format!("{}.wasm", contract.name));
            let module = fs::read(&file).with_context(|| {
                format!("no module {}: build the contracts with `make contracts`", file.display())
            })?;
            let code_hash = sha256(&[&module]);
            fs::write(to.join(format!("{code_hash}.wasm")), &module)?;
            Ok(ContractEntry {
                id: contract.id,
                name: contract.name.clone(),
                version: 1,
                code_hash,
                policies: contract.policies.clone(),
            })
        })
        .collect()
}
