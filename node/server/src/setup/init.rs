//! `precinto network init`: genesis, keys, accounts and a directory per node.
//!
//! ```text
//! <dir>/genesis.cbor            the channel's genesis
//!       code/<hash>.wasm        contract modules by code hash
//!       members/<id>/root.key   kept offline in a real network
//!       members/<id>/admin.key  enrols the member's identities
//!       nodes/<id>/node.toml    configuration, with keys/, data/ and tokens/ beside it
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use precinto_protocol::{
    cbor,
    genesis::{Genesis, Parameter},
    hash::sha256,
    identity::{KeyId, NodeId, Role},
    keys::SigningKey,
    registry::{ContractEntry, Identity, IdentityStatus, Member, Node},
};

use super::{
    genesis::GENESIS_FILE,
    network_config::{NetworkConfig, NodeEntry},
};
use crate::{fields::Problems, keyfile, node::boot, node_config::NODE_FILE};

/// Validity of the first identities: two years, in milliseconds.
const IDENTITY_VALIDITY_MS: u64 = 2 * 365 * 24 * 60 * 60 * 1000;

/// Accounts that every node gets: name and role. Each administration adds its own people.
const ACCOUNTS: [(&str, Role); 5] = [
    ("officer", Role::Officer),
    ("supervisor", Role::Supervisor),
    ("admin", Role::Admin),
    ("auditor", Role::Auditor),
    ("analyst", Role::Analyst),
];

/// Directory of a node.
pub fn node_dir(network: &Path, node: NodeId) -> PathBuf {
    network.join("nodes").join(node.to_string())
}

/// File with the bearer token of a node's account.
pub fn token_file(network: &Path, node: NodeId, account: &str) -> PathBuf {
    node_dir(network, node).join("tokens").join(account)
}

/// Makes the network of `config` in the new directory `dir`, with the modules
/// `<contract>.wasm` from `contracts`.
///
/// The directory is made beside its final place and renamed at the end, so that a network is
/// there whole or not at all.
pub fn init(config_file: &Path, contracts: &Path, dir: &Path) -> anyhow::Result<Genesis> {
    let config = NetworkConfig::read(config_file)?;
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
        boot::create_storage(&node_dir(dir, node.id).join("data"), &genesis, node)?;
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

fn new_key(path: &Path) -> anyhow::Result<SigningKey> {
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
    let mut text = format!(
        "# Node {id} of {member}. Paths are relative to this file.\n\
         node = {id}\n\
         genesis = \"../../{GENESIS_FILE}\"\n\
         data = \"data\"\n\
         code = \"../../code\"\n\
         keys = \"keys\"\n\
         p2p = \"{p2p}\"\n\
         api = \"{api}\"\n",
        id = entry.id,
        member = entry.member,
        p2p = entry.p2p,
        api = entry.api,
    );
    for (name, role) in ACCOUNTS {
        let token: [u8; 32] = keyfile::random();
        keyfile::create(&token_file(dir, entry.id, name), &token)?;
        let digest = precinto_api::token_digest(&hex::encode(token));
        let seed = hex::encode(keyfile::random::<32>());
        text += &format!(
            "\n[[accounts]]\nname = \"{name}\"\nroles = [\"{role}\"]\n\
             token_sha256 = \"{digest}\"\npseudonym_seed = \"{seed}\"\n"
        );
    }
    fs::write(place.join(NODE_FILE), text)?;
    let node = Node {
        id: entry.id,
        member: entry.member.clone(),
        role: entry.role,
        identity_key: identity.public().to_bytes(),
        network_key: network.public().to_bytes(),
        attestation_key: attestation.public().to_bytes(),
        addresses: vec![entry.p2p.to_string()],
        storage_id: keyfile::random(),
    };
    Ok((node, identity))
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
