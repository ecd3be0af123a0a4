//! A node that takes the place of another one: made from a backup, registered by its member.
//!
//! ```text
//! <dir>/node.toml             as the old one's, with the new id and addresses
//!       keys/                 new keys; the channel's lookup key
//!       data/                 an empty ledger under a new storage id
//!       genesis.cbor  code/   the directory stands by itself
//!       replace-node.cbor     what the member's admin signs to register it
//!       nodes.cbor            written then: whom it may connect to
//! ```

use std::{fs, net::SocketAddr, path::Path, time::SystemTime};

use anyhow::{Context, bail};
use precinto_protocol::{
    cbor,
    governance::{ReplaceNode, Successor},
    identity::NodeId,
    keys::SigningKey,
};
use precinto_storage::StorageIdentity;
use toml::{Table, Value};

use super::{
    backup::{Backup, private_directory},
    genesis::GENESIS_FILE,
    init::{IDENTITY_VALIDITY_MS, new_key},
};
use crate::{
    keyfile,
    node::boot,
    node_config::{NODE_FILE, NodeConfig},
};

/// The registration of a new node, in its directory: CBOR of [`ReplaceNode`].
pub const REQUEST_FILE: &str = "replace-node.cbor";

/// A node to be made.
#[derive(Debug, clap::Args)]
pub struct NewNode {
    /// Its number: above every number that the channel ever had
    #[arg(long)]
    pub node: NodeId,
    /// Where it listens for peers; as the old one's if left out
    #[arg(long)]
    pub p2p: Option<SocketAddr>,
    /// Where it listens for clients; as the old one's if left out
    #[arg(long)]
    pub api: Option<SocketAddr>,
    /// Where peers reach it, if not where it listens (host:port); may be repeated
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Vec<String>,
}

/// Makes the node in the new directory `dir`, in place of the one the backup is of.
///
/// The directory is made beside its final place and renamed at the end.
pub fn make(backup: &Backup, new: &NewNode, dir: &Path) -> anyhow::Result<()> {
    if dir.exists() {
        bail!("{} exists already: a new node needs a directory of its own", dir.display());
    }
    if new.node <= backup.node {
        bail!("--node {}: ids rise, node {} had one as high before", new.node, backup.node);
    }
    let unfinished = dir.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    private_directory(&unfinished)?;
    backup.unpack(&unfinished)?;
    fs::write(unfinished.join(NODE_FILE), configuration(backup, new)?)?;
    let config = NodeConfig::read(&unfinished.join(NODE_FILE))?;
    let request = request(backup, new, &config)?;
    let identity = StorageIdentity {
        storage_id: request.successor.storage_id,
        node: new.node,
        genesis: backup.genesis.hash(),
    };
    boot::create_storage(&config.data, identity)?;
    fs::write(unfinished.join(REQUEST_FILE), cbor::encode(&request))?;
    fs::rename(&unfinished, dir)?;
    Ok(())
}

/// The old `node.toml` with what is new.
fn configuration(backup: &Backup, new: &NewNode) -> anyhow::Result<String> {
    let mut table: Table = backup.configuration.parse().context("node.toml in the backup")?;
    let node = i64::try_from(new.node).context("--node: too large")?;
    table.insert("node".into(), Value::Integer(node));
    for (name, value) in
        [("genesis", GENESIS_FILE), ("code", "code"), ("data", "data"), ("keys", "keys")]
    {
        table.insert(name.into(), Value::String(value.into()));
    }
    for (name, address) in [("p2p", new.p2p), ("api", new.api)] {
        if let Some(address) = address {
            table.insert(name.into(), Value::String(address.to_string()));
        }
    }
    Ok(table.to_string())
}

/// Makes the node's keys and what registers them.
fn request(backup: &Backup, new: &NewNode, config: &NodeConfig) -> anyhow::Result<ReplaceNode> {
    let [identity, network, attestation] = ["identity.key", "network.key", "attestation.key"]
        .map(|name| new_key(&config.keys.join(name)));
    let (identity, network, attestation) = (identity?, network?, attestation?);
    let successor = Successor {
        id: new.node,
        replaces: backup.node,
        identity_key: identity.public().to_bytes(),
        network_key: network.public().to_bytes(),
        attestation_key: attestation.public().to_bytes(),
        addresses: match new.address.is_empty() {
            true => vec![config.p2p.to_string()],
            false => new.address.clone(),
        },
        storage_id: keyfile::random(),
    };
    let message = successor.possession(&backup.genesis.hash());
    let sign = |key: &SigningKey| key.sign(message.as_bytes());
    let now_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis() as u64;
    Ok(ReplaceNode {
        identity_possession: sign(&identity),
        network_possession: sign(&network),
        attestation_possession: sign(&attestation),
        valid_until_ms: now_ms + IDENTITY_VALIDITY_MS,
        successor,
    })
}

#[cfg(test)]
mod tests {
    use precinto_protocol::{keys::PublicKey, registry::NodeRole};

    use super::*;
    use crate::setup::init::{self, node_dir};

    /// The development network, with empty modules for its contracts.
    fn network(root: &Path) -> std::path::PathBuf {
        let contracts = root.join("contracts");
        fs::create_dir(&contracts).unwrap();
        for name in ["aeo", "governance"] {
            fs::write(contracts.join(format!("{name}.wasm")), name).unwrap();
            let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts").join(name);
            fs::copy(manifest.join("manifest.toml"), contracts.join(format!("{name}.toml")))
                .unwrap();
        }
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../network-configs/dev.toml");
        let dir = root.join("network");
        init::init(&config, &contracts, &dir).unwrap();
        node_dir(&dir, 1)
    }

    fn new_node(node: NodeId) -> NewNode {
        let p2p = Some("127.0.0.1:7705".parse().unwrap());
        NewNode { node, p2p, api: None, address: Vec::new() }
    }

    #[test]
    fn a_node_from_a_backup_is_a_new_one_with_the_old_ones_accounts() {
        let root = tempfile::tempdir().unwrap();
        let old = network(root.path());
        fs::create_dir(old.join("records")).unwrap();
        fs::create_dir(old.join("audit")).unwrap();
        fs::write(old.join("audit/trail-1.jsonl"), "{}").unwrap();
        fs::write(old.join("records/audit.log"), "who did what").unwrap();
        let file = root.path().join("node-1.backup");
        Backup::take(&old).unwrap().write(&file).unwrap();
        fs::remove_dir_all(&old).unwrap();

        let backup = Backup::read(&file).unwrap();
        let dir = root.path().join("new");
        make(&backup, &new_node(5), &dir).unwrap();
        let config = NodeConfig::read(&dir.join(NODE_FILE)).unwrap();
        assert_eq!((config.node, config.p2p.port(), config.api.port()), (5, 7705, 8701));
        assert_eq!(fs::read_to_string(dir.join("records/audit.log")).unwrap(), "who did what");
        assert!(!dir.join("audit").exists());
        let token = keyfile::read(&dir.join("tokens/officer")).unwrap();
        let digest = precinto_api::token_digest(&hex::encode(*token)).to_hex();
        assert!(fs::read_to_string(&config.users).unwrap().contains(&digest));

        let request: ReplaceNode =
            cbor::decode(&fs::read(dir.join(REQUEST_FILE)).unwrap()).unwrap();
        let genesis = &backup.genesis;
        let before = genesis.nodes.iter().find(|node| node.id == 1).unwrap();
        assert_eq!(before.role, NodeRole::Voter);
        let message = request.successor.possession(&genesis.hash());
        for (key, signature) in request.successor.keys().into_iter().zip(request.possessions()) {
            assert!(PublicKey::from_bytes(key).unwrap().verify(message.as_bytes(), signature));
            let old = [before.identity_key, before.network_key, before.attestation_key];
            assert!(!old.contains(key));
        }
        assert_ne!(request.successor.storage_id, before.storage_id);
        assert!(make(&backup, &new_node(6), &dir).is_err(), "the directory is taken");
        assert!(make(&backup, &new_node(1), &root.path().join("x")).is_err(), "ids rise");
    }

    #[test]
    fn a_damaged_backup_is_refused_and_none_is_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let old = network(root.path());
        let file = root.path().join("node-1.backup");
        let backup = Backup::take(&old).unwrap();
        backup.write(&file).unwrap();
        assert!(backup.write(&file).is_err());
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert!(Backup::read(&file).is_err());
        fs::write(&file, &bytes[..middle]).unwrap();
        assert!(Backup::read(&file).is_err());
    }
}
