//! A node whose ledger was damaged on disk: it is found, named, repaired, and the node goes on.

use std::{fs, path::Path, process::Output};

use precinto_cluster_tests::{Author, LEARNER, Load, NODES, Network, VOTERS, audit};
use serde_json::Value;

/// Enough that blocks are in files of their own kind, and nothing is compacted.
const WRITTEN: usize = 30;

/// Within the first values of a file.
const AT: usize = 16;

fn fsck(network: &Network, id: u64, options: &[&str]) -> Output {
    let directory = network.node(id).directory().to_owned();
    network.program().command(["fsck"]).arg(directory).args(options).output().unwrap()
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{errors}"))
}

/// Flips a bit at the beginning of every file of a table, which names the table near its end.
fn damage(ledger: &Path, table: &str) -> usize {
    let files = fs::read_dir(ledger).unwrap().map(|file| file.unwrap().path());
    let named = ["name", table].concat();
    let mut damaged = 0;
    for file in files.filter(|path| path.extension().is_some_and(|kind| kind == "sst")) {
        let mut bytes = fs::read(&file).unwrap();
        if bytes.windows(named.len()).any(|window| window == named.as_bytes()) {
            bytes[AT] ^= 1;
            fs::write(&file, bytes).unwrap();
            damaged += 1;
        }
    }
    damaged
}

#[tokio::test]
async fn a_damaged_ledger_is_found_repaired_and_goes_on() {
    let mut network = Network::start().await;
    let [leader, voter, _] = VOTERS;
    let author = Author::enrol(&network, leader).await;
    let mut load = Load::start(author, vec![network.client(leader), network.client(LEARNER)]);
    load.goes_on(WRITTEN).await;
    let running = fsck(&network, voter, &["--json"]);
    assert_eq!(running.status.code(), Some(2), "{running:?}");
    assert!(String::from_utf8_lossy(&running.stderr).contains("node-running"));

    network.terminate(voter);
    assert!(network.ended(voter).await.success());
    let whole = fsck(&network, voter, &["--json", "--replay"]);
    let checked = report(&whole);
    assert_eq!((whole.status.code(), &checked["clean"]), (Some(0), &Value::Bool(true)));
    let replay = checked["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(replay["name"], "replay");
    assert!(replay["rows"].as_u64().unwrap() > WRITTEN as u64 && replay["unchecked"].is_null());

    let ledger = network.node(voter).directory().join("data/ledger-0");
    assert!(damage(&ledger, "blocks") > 0);
    let found = fsck(&network, voter, &["--json"]);
    let finding = report(&found)["findings"][0].clone();
    assert_eq!(found.status.code(), Some(1));
    assert_eq!(
        (&finding["code"], &finding["table"]),
        (&"table-unreadable".into(), &"blocks".into())
    );
    assert_eq!(finding["severity"], "ledger");
    let unasked = fsck(&network, voter, &["--repair"]);
    assert!(String::from_utf8_lossy(&unasked.stderr).contains("not-agreed"), "{unasked:?}");

    let repaired = fsck(&network, voter, &["--json", "--repair", "--yes"]);
    let checked = report(&repaired);
    assert_eq!((repaired.status.code(), &checked["clean"]), (Some(0), &Value::Bool(true)));
    assert!(Path::new(checked["set_aside"].as_str().unwrap()).exists());

    network.boot(voter);
    network.ready(&[voter]).await;
    load.goes_on(WRITTEN).await;
    let acknowledged = load.finish().await;
    audit::assert_nothing_lost(&network, &NODES, &acknowledged).await;
    audit::assert_agreement(&network, &NODES).await;
    network.terminate(voter);
    assert!(network.ended(voter).await.success());
    let clean = fsck(&network, voter, &["--replay"]);
    assert!(clean.status.success(), "{}", String::from_utf8_lossy(&clean.stdout));
}

#[tokio::test]
async fn what_a_node_promised_is_not_repaired() {
    let network = Network::make().await;
    let voter = VOTERS[1];
    let raft = network.node(voter).directory().join("data/raft");
    fs::remove_file(raft.join("CURRENT")).unwrap();
    let refused = fsck(&network, voter, &["--repair", "--yes"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("not-repairable") && said.contains("precinto node replace"), "{said}");
}
