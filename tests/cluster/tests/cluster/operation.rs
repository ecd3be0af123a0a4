//! What those who run a node see of it.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use precinto_cluster_tests::{Author, LEARNER, Load, NODES, Network, Node, VOTERS, eventually};
use serde_json::{Value, json};

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
    let users: Value =
        serde_json::from_slice(&fs::read(directory.join("users.json")).unwrap()).unwrap();
    let accounts = users["accounts"].as_array().unwrap();
    secrets.extend(accounts.iter().map(|it| it["pseudonym_seed"].as_str().unwrap().to_owned()));
    secrets
}

/// Makes an account with this password, and logs in as it: the session's token.
async fn log_in(node: &Node, password: &str) -> String {
    let http = reqwest::Client::new();
    let admin = fs::read_to_string(node.directory().join("tokens/admin")).unwrap();
    let user = json!({ "name": "ana", "roles": ["officer"], "password": password });
    let made = http.post(format!("{}/v1/users", node.url())).bearer_auth(admin.trim()).json(&user);
    assert!(made.send().await.unwrap().status().is_success());
    let login = json!({ "name": "ana", "password": password });
    let session = http.post(format!("{}/v1/session", node.url())).json(&login).send().await;
    let session: Value = session.unwrap().json().await.unwrap();
    session["token"].as_str().unwrap().to_owned()
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
        format!(
            "aeo certify uy-rut {IDENTIFIER} UY-1 --types AEOC --roles importer --from 2026-01-01"
        ),
        format!("aeo show uy-rut {IDENTIFIER}"),
    ] {
        let mut command = program.command(["--at", "uy-dna", "--dir"]);
        let done = command.arg(&network_directory).args(args.split(' ')).output().unwrap();
        let says = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{args:?}: {says}");
    }
    let url = format!("{}/v1/status", network.node(1).url());
    let token = fs::read_to_string(network.node(1).directory().join("tokens/officer")).unwrap();
    let answer = reqwest::Client::new().get(&url).bearer_auth(token.trim()).send().await.unwrap();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let wrong = reqwest::Client::new().get(&url).bearer_auth("a-wrong-token-that-was-typed");
    assert_eq!(wrong.send().await.unwrap().status(), 401);

    let password = "four unlikely words together";
    let session = log_in(network.node(1), password).await;

    eventually("the request is logged under its id", WITHIN, async || {
        network.node(1).log().contains(&request_id).then_some(())
    })
    .await;
    let mut planted: Vec<String> =
        NODES.iter().flat_map(|id| secrets(network.node(*id).directory())).collect();
    assert!(planted.len() >= 4 * 7 && planted.iter().all(|secret| secret.len() >= 32));
    planted.extend([IDENTIFIER, "a-wrong-token-that-was-typed", password].map(str::to_owned));
    planted.push(session);
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
    let answered = lines.iter().find(|line| line["span"]["id"] == *request_id).unwrap();
    assert_eq!(answered["fields"]["status"], 200);
    let text = network.node(2).log();
    assert!(text.lines().all(|line| line.ends_with(" {node=2 member=br-rfb}")), "{text}");
    assert!(!text.contains('\u{1b}'), "colours are for terminals: {text}");
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
