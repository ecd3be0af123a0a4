//! Nodes that must not run as they are: each says why and what to do.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::Duration,
};

use precinto_cluster_tests::{LEARNER, NODES, Network, VOTERS, eventually};
use precinto_protocol::{cbor, genesis::Genesis};
use precinto_storage::{ChannelDirectory, StorageIdentity};

const REFUSED_WITHIN: Duration = Duration::from_secs(20);

/// Starts a node, which must end by itself in good order, and gives all that it said.
async fn refusal(network: &mut Network, id: u64) -> String {
    network.boot(id);
    let status = network.ended(id).await;
    let says = network.node(id).log();
    assert_eq!(status.code(), Some(1), "{says}");
    assert!(!says.contains("panicked"), "{says}");
    says
}

fn replace(file: &Path, changes: &[(&str, &str)]) {
    let mut text = fs::read_to_string(file).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} in {text}");
        text = text.replacen(from, to, 1);
    }
    fs::write(file, text).unwrap();
}

#[tokio::test]
async fn a_node_without_its_storage_or_with_anothers_does_not_start() {
    let mut network = Network::make().await;
    let nodes = network.directory().join("nodes");
    let data = |id: u64| nodes.join(id.to_string()).join("data");
    let away = network.root().join("away");

    fs::rename(data(1), &away).unwrap();
    let says = refusal(&mut network, 1).await;
    assert!(says.contains("no storage at"), "{says}");
    assert!(says.contains("joins as a new node"), "{says}");

    fs::remove_dir_all(data(1)).unwrap();
    fs::rename(data(2), data(1)).unwrap();
    let says = refusal(&mut network, 1).await;
    assert!(says.contains("belongs to another node: expected 1, found 2"), "{says}");

    // Half a disk: the ledger is there, the Raft log is not.
    fs::rename(&away, data(2)).unwrap();
    fs::remove_dir_all(data(3).join("raft")).unwrap();
    let says = refusal(&mut network, 3).await;
    assert!(says.contains("rejoin as a new node"), "{says}");
}

#[tokio::test]
async fn a_node_that_cannot_be_what_its_files_say_names_every_mistake() {
    let mut network = Network::make().await;

    let directory = network.node(1).directory().to_owned();
    let mistakes = [("node = 1", "node = \"one\""), ("api = ", "apy = "), ("\"data\"", "7")];
    replace(&directory.join("node.toml"), &mistakes);
    let says = refusal(&mut network, 1).await;
    assert!(says.contains("node.toml: 4 problems"), "{says}");
    for problem in ["- node: expected", "- data: expected", "- api: missing", "- apy: unknown"] {
        assert!(says.contains(problem), "{problem:?} in {says}");
    }

    let keys = network.node(2).directory().join("keys");
    fs::set_permissions(keys.join("identity.key"), Permissions::from_mode(0o640)).unwrap();
    let says = refusal(&mut network, 2).await;
    assert!(says.contains("may be read by others: run `chmod 600"), "{says}");

    let keys = network.node(3).directory().join("keys");
    fs::copy(keys.join("attestation.key"), keys.join("identity.key")).unwrap();
    let says = refusal(&mut network, 3).await;
    assert!(says.contains("identity.key is not the key registered for node 3"), "{says}");

    let url = network.node(LEARNER).url().to_owned();
    let _taken = TcpListener::bind(url.trim_start_matches("http://")).unwrap();
    let says = refusal(&mut network, LEARNER).await;
    assert!(says.contains("cannot listen on 127."), "{says}");
}

/// The learner's keys and address are right, its ledger is another one.
#[tokio::test]
async fn a_node_with_another_genesis_is_refused_by_its_peers() {
    let mut network = Network::make().await;
    let directory = network.node(LEARNER).directory().to_owned();
    let bytes = fs::read(network.directory().join("genesis.cbor")).unwrap();
    let genesis: Genesis = cbor::decode(&bytes).unwrap();
    let ours = genesis.hash().to_string();
    let other = Genesis { name: "other".into(), ..genesis };
    fs::write(directory.join("genesis.cbor"), cbor::encode(&other)).unwrap();
    replace(&directory.join("node.toml"), &[("\"../../genesis.cbor\"", "\"genesis.cbor\"")]);
    fs::remove_dir_all(directory.join("data")).unwrap();
    let node = other.nodes.iter().find(|node| node.id == LEARNER).unwrap();
    let identity =
        StorageIdentity { storage_id: node.storage_id, node: LEARNER, genesis: other.hash() };
    drop(ChannelDirectory::new(directory.join("data")).create(identity).unwrap());

    for id in NODES {
        network.boot(id);
    }
    network.ready(&VOTERS).await;
    for id in VOTERS {
        let client = network.client(id);
        let refused = eventually("the learner is refused", REFUSED_WITHIN, async || {
            let nodes = client.nodes().await.ok()?.nodes;
            nodes.into_iter().find(|node| node.id == LEARNER)?.refused
        })
        .await;
        assert!(refused.contains(&other.hash().to_string()), "node {id}: {refused}");
    }
    // It refuses them just as well, and says so.
    eventually("the learner tells why it is alone", REFUSED_WITHIN, async || {
        let log = network.node(LEARNER).log();
        (log.contains("peer refused") && log.contains(&ours)).then_some(())
    })
    .await;
    assert_eq!(network.status(LEARNER).await.leader, None, "it hears of no leader");
}
