//! What those who run a node see of it.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use precinto_cluster_tests::{Author, LEARNER, Load, NODES, Network, VOTERS, eventually};
use serde_json::Value;

/// Every crate of ours says all it has to say.
const EVERYTHING: &str = "debug,libp2p=info,precinto_server=trace,precinto_api=trace,\
                          precinto_network=trace,precinto_consensus=trace,\
                          precinto_execution=trace,precinto_storage=trace,precinto_vm=trace";

const WITHIN: Duration = Duration::from_secs(15);

/// An identifier of an operator, to be looked for.
const IDENTIFIER: &str = "214033020011";

/// Every text that must not be readable in a log: tokens, keys, seeds of accounts.
fn secrets(directory: &Path) -> Vec<String> {
    let mut secrets = Vec::new();
    for folder in ["tokens", "keys"] {
        for file in fs::read_dir(directory.join(folder)).unwrap() {
            secrets.push(fs::read_to_string(file.unwrap().path()).unwrap().trim().to_owned());
        }
    }
    let configuration = fs::read_to_string(directory.join("node.toml")).unwrap();
    let seeds = configuration.lines().filter_map(|line| line.strip_prefix("pseudonym_seed = "));
    secrets.extend(seeds.map(|seed| seed.trim_matches('"').to_owned()));
    secrets
}

#[tokio::test]
async fn logs_are_structured_and_hold_no_secret() {
    let mut network = Network::make().await;
    network.set_environment(&[("PRECINTO_LOG", EVERYTHING)]);
    network.node(1).configure("# format = \"text\"", "format = \"json\"");
    for id in NODES {
        network.boot(id);
    }
    network.ready(&NODES).await;
    let program = network.program();
    let network_directory = network.directory();
    for args in [
        &[
            "aeo",
            "certify",
            "rut",
            IDENTIFIER,
            "UY-1",
            "--from",
            "2026-01-01",
            "--until",
            "2028-01-01",
        ][..],
        &["aeo", "show", "rut", IDENTIFIER][..],
    ] {
        let mut command = program.command(["--at", "uy-dna", "--dir"]);
        let done = command.arg(&network_directory).args(args).output().unwrap();
        let says = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{args:?}: {says}");
    }
    let url = format!("{}/v1/status", network.node(1).url());
    let token = fs::read_to_string(network.node(1).directory().join("tokens/officer")).unwrap();
    let asked = reqwest::Client::new().get(&url).bearer_auth(token.trim());
    let answer = asked.header("x-request-id", "who-asked-7").send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "who-asked-7");
    let wrong = reqwest::Client::new().get(&url).bearer_auth("a-wrong-token-that-was-typed");
    assert_eq!(wrong.send().await.unwrap().status(), 401);

    eventually("the request is logged under its id", WITHIN, async || {
        network.node(1).log().contains("who-asked-7").then_some(())
    })
    .await;
    let mut planted: Vec<String> =
        NODES.iter().flat_map(|id| secrets(network.node(*id).directory())).collect();
    assert!(planted.len() >= 4 * 7 && planted.iter().all(|secret| secret.len() >= 32));
    planted.extend([IDENTIFIER.to_owned(), "a-wrong-token-that-was-typed".to_owned()]);
    for id in NODES {
        let log = network.node(id).log();
        assert!(log.lines().count() > 50, "node {id} logs next to nothing");
        for secret in &planted {
            assert!(!log.contains(secret.as_str()), "node {id} logs the secret {secret}");
        }
    }
    let log = network.node(1).log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["node"] == 1 && line["member"] == "uy-dna"));
    let executed = lines.iter().find(|line| line["fields"]["message"] == "executed");
    assert!(executed.unwrap()["fields"]["height"].is_u64());
    let answered = lines.iter().find(|line| line["span"]["id"] == "who-asked-7").unwrap();
    assert_eq!(answered["fields"]["status"], 200);
    let text = network.node(2).log();
    assert!(text.lines().all(|line| line.ends_with(" {node=2 member=br-rfb}")), "{text}");
}

/// Names of the families in docs/METRICS.md.
fn documented() -> BTreeSet<String> {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/METRICS.md");
    let text = fs::read_to_string(table).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(str::to_owned).collect()
}

#[tokio::test]
async fn nodes_export_what_the_table_of_metrics_says_and_nothing_else() {
    let network = Network::start().await;
    let author = Author::enrol(&network, VOTERS[0]).await;
    let mut load = Load::start(author, vec![network.client(VOTERS[0])]);
    load.goes_on(10).await;
    load.finish().await;
    let leader = network.leader_among(&VOTERS).await;
    let documented = documented();
    eventually("every documented metric is exported", WITHIN, async || {
        let mut exported = BTreeSet::new();
        for id in [VOTERS[0], leader, LEARNER] {
            exported.extend(network.node(id).metrics().await.families());
        }
        let surplus: Vec<_> = exported.difference(&documented).collect();
        assert!(surplus.is_empty(), "not in docs/METRICS.md: {surplus:?}");
        (exported == documented).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_configuration_in_force_is_explained() {
    let network = Network::make().await;
    let directory = network.node(1).directory();
    let mut command = network.program().command(["node", "config"]);
    let explained = command.arg(directory).output().unwrap();
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.status.success() && text.contains("node = 1  # node.toml"), "{text}");
    assert!(text.contains("reserve_mib = 256  # default"), "{text}");
    for secret in secrets(directory) {
        assert!(!text.contains(&secret));
    }
}
