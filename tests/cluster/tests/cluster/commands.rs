//! The command line as people and scripts meet it.

use std::process::Output;

use precinto_cluster_tests::Network;
use serde_json::Value;

const RUT: &str = "214033020011";
const CERTIFY: [&str; 12] = [
    "aeo",
    "certify",
    "uy-rut",
    RUT,
    "UY-1",
    "--types",
    "AEOC+AEOS",
    "--roles",
    "importer",
    "--from",
    "2026-01-01",
    "--consent",
];

/// Runs a command at the node of `uy-dna`.
fn run(network: &Network, args: &[&str]) -> Output {
    let mut command = network.program().command(["--dir"]);
    command.arg(network.directory()).args(args);
    if !args.contains(&"--at") {
        command.args(["--at", "uy-dna"]);
    }
    command.output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that succeeds: the JSON that it prints.
fn json(network: &Network, args: &[&str]) -> Value {
    let output = run(network, &[&["--json"], args].concat());
    assert!(output.status.success(), "{args:?}: {}", errors(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn assert_fails(network: &Network, args: &[&str], exit: i32, says: &[&str]) {
    let output = run(network, args);
    let errors = errors(&output);
    assert_eq!(output.status.code(), Some(exit), "{args:?}: {errors}");
    for text in says {
        assert!(errors.contains(text), "{args:?} does not say {text:?}: {errors}");
    }
}

#[tokio::test]
async fn mistakes_are_answered_with_what_was_meant_and_an_exit_code() {
    let network = Network::make().await;
    assert_fails(&network, &["aeo", "shwo"], 2, &["'show'"]);
    assert_fails(&network, &["aeo", "show", "rut", "1"], 2, &["'cl-rut' or 'uy-rut'"]);
    assert_fails(&network, &["--at", "uy-dn", "status"], 2, &["did you mean \"uy-dna\"?"]);
    assert_fails(&network, &["--at", "9", "status"], 2, &["[unknown-node]"]);
    let account = ["--account", "oficer", "status"];
    assert_fails(&network, &account, 2, &["did you mean \"officer\"?", "[unknown-account]"]);
    assert_fails(&network, &["status"], 3, &["[no-answer]", "hint: is the node running"]);

    for shell in ["bash", "zsh", "fish"] {
        let script = run(&network, &["completions", shell]);
        let text = String::from_utf8(script.stdout).unwrap();
        assert!(script.status.success() && text.contains("false-information"), "{shell}: {text}");
    }
}

#[tokio::test]
async fn the_life_of_an_authorization_by_commands() {
    let network = Network::start().await;
    let certified = json(&network, &CERTIFY);
    assert_eq!(certified["status"], "committed");
    let id = certified["id"].as_str().unwrap();
    assert_eq!(json(&network, &["tx", "show", id])["call"]["method"], "certify");
    let height = certified["height"].to_string();
    assert_eq!(json(&network, &["block", "show", &height])["transactions"][0]["id"], id);

    assert_fails(&network, &CERTIFY, 1, &["[number-taken]", "hint: "]);
    let denied = [&CERTIFY[..], &["--account", "auditor"]].concat();
    assert_fails(&network, &denied, 4, &["[role-required]"]);

    json(&network, &["aeo", "amend", "uy-rut", RUT, "UY-1", "--until", "2030-01-01"]);
    let found = json(&network, &["aeo", "show", "uy-rut", RUT, "--linearizable", "--check"]);
    let authorization = &found["operators"][0]["authorizations"][0];
    assert_eq!(authorization["valid_until"], "2030-01-01");
    assert_eq!(authorization["types"].as_array().unwrap().len(), 2, "what was not named stays");

    let change = ["uy-rut", RUT, "UY-1", "--reason", "infringement"];
    json(&network, &[&["aeo", "suspend"], &change[..]].concat());
    assert_fails(&network, &["aeo", "show", "uy-rut", RUT, "--check"], 5, &[]);
    assert_fails(&network, &["aeo", "list", "--member", "uy-dn"], 2, &["\"uy-dna\""]);
    let list = json(&network, &["aeo", "list", "--standing", "suspended"]);
    assert_eq!(list["authorizations"][0]["number"], "UY-1");

    let proposal = json(&network, &[&["aeo", "revoke"], &change[..]].concat());
    let proposal = proposal["id"].as_str().unwrap();
    assert_eq!(json(&network, &["aeo", "pending"])["pending"][0]["proposal"], proposal);
    let approve = ["aeo", "approve", "UY-1", "--proposal", proposal];
    json(&network, &[&["--account", "supervisor"], &approve[..]].concat());
    let history = json(&network, &["aeo", "history", "uy-rut", RUT]);
    let actions: Vec<_> =
        history["entries"].as_array().unwrap().iter().map(|it| it["action"].clone()).collect();
    assert_eq!(actions, ["certify", "amend", "suspend", "revoke"]);
    let refused = run(&network, &[&["--json", "aeo", "reinstate"], &change[..]].concat());
    let told: Value = serde_json::from_str(errors(&refused).trim()).unwrap();
    assert_eq!(
        (&told["error"]["code"], told["error"]["exit"].as_u64()),
        (&"terminal-status".into(), Some(1))
    );
}

#[tokio::test]
async fn arrangements_aliases_and_benefits_by_commands() {
    let network = Network::start().await;
    json(&network, &CERTIFY);
    let propose = [
        "--account",
        "supervisor",
        "aeo",
        "mra",
        "propose",
        "uy-br",
        "--party",
        "uy-dna",
        "--party",
        "br-rfb",
        "--types",
        "AEOS",
        "--roles",
        "importer",
        "--from",
        "2026-01-01",
    ];
    json(&network, &propose);
    json(&network, &["--account", "supervisor", "--at", "br-rfb", "aeo", "mra", "accept", "uy-br"]);
    assert_eq!(json(&network, &["aeo", "mra", "show", "uy-br"])["mra"]["proposed_by"], "uy-dna");
    assert_eq!(json(&network, &["aeo", "mra", "list"])["mras"][0]["id"], "uy-br");

    let alias = ["aeo", "alias", "declare", "uy-rut", RUT, "duns", "150483782", "--mode", "common"];
    json(&network, &alias);
    let question = |role| {
        [
            "--at",
            "br-rfb",
            "aeo",
            "benefit",
            "uy-br",
            "uy-dna",
            "duns",
            "150483782",
            "--role",
            role,
            "--type",
            "AEOS",
            "--linearizable",
            "--check",
        ]
    };
    assert_eq!(json(&network, &question("importer"))["reason"], "due");
    assert_fails(&network, &question("carrier"), 5, &[]);
    let aliases = json(&network, &["aeo", "alias", "list", "uy-rut", RUT]);
    assert_eq!(aliases["aliases"][0]["in_force"], true);
}

#[tokio::test]
async fn keys_are_enrolled_rotated_and_revoked_by_commands() {
    let network = Network::start().await;
    let file = |name: &str| network.root().join(name).to_str().unwrap().to_owned();
    let (one, two) = (file("one.key"), file("two.key"));
    json(&network, &["identity", "enrol", "--role", "officer", "--new-key", &one]);
    let officers = |network: &Network| {
        let all = json(network, &["identity", "list"]);
        let all = all["identities"].as_array().unwrap().clone();
        let officers = all.into_iter().filter(|it| it["roles"][0] == "officer");
        officers.collect::<Vec<_>>()
    };
    let enrolled = officers(&network);
    let key = enrolled[0]["key_id"].as_str().unwrap();
    json(&network, &["identity", "rotate", &key[..12], "--new-key", &two, "--overlap-days", "1"]);
    assert_eq!(officers(&network).len(), 2);
    json(&network, &["identity", "revoke", &key[..12], "--reason", "lost"]);
    assert_eq!(json(&network, &["identity", "show", key])["status"], "revoked");
    assert_fails(&network, &["identity", "show", "00000000"], 1, &["[unknown-identity]"]);
    assert_fails(&network, &["identity", "list", "--member", "br-rf"], 2, &["\"br-rfb\""]);
}
