//! Accounts and the audit trail of real nodes, as their people use them.

use std::{
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use precinto_client::{AuditKind, Client, Consistency, types::AuditFilter};
use precinto_cluster_tests::{Network, eventually};

const PASSWORD: &str = "four random words here";

/// Runs a command line at node 1 with `input` and a state directory of its own.
fn run(network: &Network, arguments: &[&str], input: &str) -> Output {
    let mut command = network.program().command(["--at", "1", "--dir"]);
    command.arg(network.directory()).args(arguments);
    command.env("XDG_STATE_HOME", network.root().join("state"));
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn works(network: &Network, arguments: &[&str], input: &str) -> String {
    let output = run(network, arguments, input);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn trail_files(node: &Path) -> Vec<String> {
    let files = std::fs::read_dir(node.join("audit")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path().display().to_string()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn an_officer_gets_an_account_works_with_it_and_loses_it() {
    let mut network = Network::start().await;
    let admin = ["--account", "admin", "user"];
    let as_admin = |network: &Network, arguments: &[&str], input: &str| {
        works(network, &[&admin[..], arguments].concat(), input)
    };
    let password = format!("{PASSWORD}\n");
    as_admin(
        &network,
        &["add", "ana.perez", "--roles", "officer,auditor", "--password-stdin"],
        &password,
    );
    let refused = run(&network, &["login", "ana.perez", "--password-stdin"], "wrong\n");
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("[wrong-password]"), "{error}");
    works(&network, &["login", "ana.perez", "--password-stdin"], &password);
    works(&network, &["aeo", "show", "uy-rut", "214033020011"], "");
    let reads = works(&network, &["audit", "reads", "--of", "ana.perez"], "");
    assert!(reads.contains("/v1/aeo/operators/") && !reads.contains("214033020011"), "{reads}");

    // Her sessions end with the process; account and trail do not.
    network.kill(1);
    network.boot(1);
    network.ready(&[1]).await;
    let ended = run(&network, &["aeo", "show", "uy-rut", "214033020011"], "");
    let error = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(error.contains("[unauthorized]") && error.contains("precinto login"), "{error}");
    works(&network, &["login", "ana.perez", "--password-stdin"], &password);
    works(&network, &["aeo", "show", "uy-rut", "214033020011"], "");
    let token = ["token", "add", "ana.perez", "risk-engine", "--roles", "officer", "--json"];
    let token = as_admin(&network, &token, "");
    assert!(token.contains("\"token\"") && token.contains("risk-engine"), "{token}");
    as_admin(&network, &["token", "revoke", "ana.perez", "risk-engine"], "");
    as_admin(&network, &["disable", "ana.perez"], "");
    let disabled = run(&network, &["aeo", "show", "uy-rut", "214033020011"], "");
    assert!(!disabled.status.success());
    let list = as_admin(&network, &["list"], "");
    assert!(list.contains("ana.perez") && list.contains("disabled"), "{list}");

    // What was written before and after the crash is one chain; a change of it is found.
    let auditor = network.node(1).client("auditor");
    eventually("her reads are written", std::time::Duration::from_secs(5), async || {
        let filter = AuditFilter { account: Some("ana.perez".into()), ..Default::default() };
        let reads = auditor.audit(AuditKind::Reads, &filter).await.unwrap();
        (reads.entries.len() >= 2).then_some(())
    })
    .await;
    let files = trail_files(network.node(1).directory());
    let verify: Vec<&str> =
        ["audit", "verify"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let whole = works(&network, &verify, "");
    assert!(whole.contains("lines are whole, from 1"), "{whole}");
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(!text.contains("214033020011") && !text.contains(PASSWORD));
    std::fs::write(&files[0], text.replacen("ana.perez", "eva.perez", 1)).unwrap();
    let changed = run(&network, &verify, "");
    let error = String::from_utf8_lossy(&changed.stderr).into_owned();
    assert!(!changed.status.success() && error.contains("the line was changed"), "{error}");
    let log = network.node(1).log();
    assert!(!log.contains(PASSWORD), "no password in the log");
}

/// Object level authorization: an officer acts for her own member alone, whatever she asks.
#[tokio::test]
async fn an_officer_cannot_act_on_another_members_authorizations() {
    let network = Network::start().await;
    let list = network.root().join("list.csv");
    std::fs::write(
        &list,
        "scheme,identifier,number,types,roles,valid_from,valid_until,consent,publish\n\
         uy-rut,214033020011,UY-1,AEOC,exporter,2026-01-01,2036-01-01,yes,no\n",
    )
    .unwrap();
    works(&network, &["aeo", "import", list.to_str().unwrap()], "");
    let theirs: Client = network.client(2);
    let height = network.status(1).await.as_of.height;
    network.reached(2, height).await;
    for (method, code) in [
        ("suspend", "unknown-authorization"),
        ("revoke", "unknown-authorization"),
        ("reinstate", "unknown-authorization"),
    ] {
        let request = precinto_client::types::ChangeRequest {
            scheme: "uy-rut".into(),
            identifier: "214033020011".into(),
            number: "UY-1".into(),
            class: "examination".into(),
            reference: String::new(),
            effective: None,
        };
        let wait = Some(std::time::Duration::from_secs(10));
        let answer = match method {
            "suspend" => theirs.aeo_suspend(&request, wait).await,
            "revoke" => theirs.aeo_revoke(&request, wait).await,
            _ => theirs.aeo_reinstate(&request, wait).await,
        };
        assert_eq!(answer.unwrap_err().code(), Some(code), "{method}");
    }
    // A token of one node is nobody's at another.
    let token = std::fs::read_to_string(network.node(1).directory().join("tokens/admin")).unwrap();
    let elsewhere = Client::new(network.node(2).url(), token.trim()).unwrap();
    assert_eq!(elsewhere.users().await.unwrap_err().code(), Some("unauthorized"));
    let shown = theirs.aeo_find("uy-rut", "214033020011", Consistency::Local).await.unwrap();
    assert!(shown.authorizations().all(|it| it.in_force) && shown.authorizations().count() == 1);
}
