//! A node that is lost is replaced by a new one, and the network is as strong as before.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use precinto_cluster_tests::{Author, LEARNER, Load, Network, VOTERS, audit, eventually};

/// The new node's number.
const NEW: u64 = 5;

/// A change of the Raft group takes a few round trips.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(20);

/// A command of the program at this network, through the node of br-rfb; must succeed.
fn precinto(network: &Network, args: &[OsString]) {
    let mut command = network.program().command(["--at", "br-rfb", "--dir"]);
    let output = command.arg(network.directory()).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(OsString::from).collect()
}

fn new_directory(network: &Network) -> PathBuf {
    network.directory().join("nodes").join(NEW.to_string())
}

/// The options of a new node with addresses of its own.
fn new_node(network: &Network) -> String {
    let address = network.address();
    format!("--node {NEW} --p2p {address}:{} --api {address}:{}", 7700 + NEW, 8700 + NEW)
}

/// Registers the new node, and runs it.
async fn replace(network: &mut Network, member: &str) {
    let directory = new_directory(network);
    let request = directory.join("replace-node.cbor");
    let admin = network.directory().join("members").join(member).join("admin.key");
    let text =
        format!("node replace --request {} --admin-key {}", request.display(), admin.display());
    precinto(network, &words(&text));
    network.adopt(NEW, directory);
    network.boot(NEW);
    network.ready(&[NEW]).await;
}

async fn write(network: &Network, author: Author, node: u64, count: usize) {
    let mut load = Load::start(author, vec![network.client(node)]);
    load.goes_on(count).await;
    load.finish().await;
}

/// Waits until these are the quorum, as node `at` sees it.
async fn quorum(network: &Network, at: u64, expected: &[u64]) {
    let client = network.client(at);
    eventually(&format!("{expected:?} are the quorum"), IN_FORCE_WITHIN, async || {
        let nodes = client.nodes().await.ok()?.nodes;
        let voters: Vec<u64> = nodes.iter().filter(|n| n.votes).map(|n| n.id).collect();
        (voters == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_voter_whose_disk_is_lost_is_replaced_from_its_backup() {
    let mut network = Network::start().await;
    let [lost, second, third] = VOTERS;
    let backup = network.root().join("node.backup");
    let directory = network.node(lost).directory().to_owned();
    let text = format!("node backup {} --to {}", directory.display(), backup.display());
    precinto(&network, &words(&text));
    let author = Author::enrol(&network, second).await;
    write(&network, author, second, 20).await;

    network.kill(lost);
    std::fs::remove_dir_all(directory.join("data")).unwrap();
    network.boot(lost);
    assert!(!network.ended(lost).await.success(), "it could vote twice");
    let log = network.node(lost).log();
    assert!(log.contains("joins as a new node"), "{log}");

    let to = new_directory(&network);
    let (backup, to) = (backup.display(), to.display());
    let text = format!("node restore {backup} --to {to} {}", new_node(&network));
    precinto(&network, &words(&text));
    replace(&mut network, "uy-dna").await;
    quorum(&network, second, &[second, third]).await;
    audit::assert_agreement(&network, &[second, third, LEARNER, NEW]).await;

    let admin = network.directory().join("members/uy-dna/admin.key");
    let text = format!("node promote {NEW} --admin-key {}", admin.display());
    precinto(&network, &words(&text));
    quorum(&network, second, &[second, third, NEW]).await;

    // Another voter fails: the new one carries the quorum, and its officers work as before.
    network.kill(third);
    network.leader_among(&[second, NEW]).await;
    let officer = network.client(NEW);
    assert_eq!(officer.status().await.unwrap().member, "uy-dna");
    let mut command = network.program().command(["--at", "5", "--dir"]);
    let certified = command.arg(network.directory()).args(words(
        "aeo certify aeo AB12 N-1 --types AEOC --roles exporter --from 2026-01-01 --until 2030-01-01",
    ));
    let certified = certified.output().unwrap();
    assert!(certified.status.success(), "{}", String::from_utf8_lossy(&certified.stderr));
    network.boot(third);
    network.ready(&[third]).await;
    audit::assert_agreement(&network, &[second, third, LEARNER, NEW]).await;
    for id in [second, third, LEARNER, NEW] {
        assert!(!network.node(id).log().contains("signed another history"), "node {id}");
    }
}

#[tokio::test]
async fn a_learner_is_replaced_and_the_old_one_ends() {
    let mut network = Network::start_with(&[("PRECINTO_KEEP_ENTRIES", "8")]).await;
    let author = Author::enrol(&network, VOTERS[0]).await;
    write(&network, author, VOTERS[0], 30).await;
    let (to, from) = (new_directory(&network), network.node(LEARNER).directory().to_owned());
    let (to, from) = (to.display(), from.display());
    let text = format!("node prepare {to} --from {from} {}", new_node(&network));
    precinto(&network, &words(&text));
    replace(&mut network, "cl-sna").await;
    assert!(network.ended(LEARNER).await.success(), "it ends in good order");
    network.boot(LEARNER);
    assert!(!network.ended(LEARNER).await.success());
    assert!(network.node(LEARNER).log().contains("never comes back"));
    let author = Author::enrol(&network, VOTERS[1]).await;
    write(&network, author, VOTERS[1], 5).await;
    audit::assert_agreement(&network, &[VOTERS[0], VOTERS[1], VOTERS[2], NEW]).await;
    quorum(&network, NEW, &VOTERS).await;
}
