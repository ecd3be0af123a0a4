//! A national system is told what happens, by the receiver that the documentation shows.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use precinto_client::types::{CertifyRequest, ChangeRequest};
use precinto_cluster_tests::{Network, eventually};

const WAIT: Option<Duration> = Some(Duration::from_secs(10));

/// Where the receiver is told: Brazil's node; and who acts: Uruguay's.
const TOLD: u64 = 2;
const ACTS: u64 = 1;

/// An event may take the longest pause between two deliveries, and then some.
const WITHIN: Duration = Duration::from_secs(90);

const RECEIVER: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/webhook-receiver/receiver.py");

/// The example receiver; ends with the test.
struct Receiver {
    process: Child,
    output: PathBuf,
}

impl Receiver {
    fn start(port: u16, secret: &str, output: &Path) -> Receiver {
        let file = std::fs::File::options().create(true).append(true).open(output).unwrap();
        let process = Command::new("python3")
            .args([RECEIVER, &port.to_string(), secret])
            .stdout(Stdio::from(file))
            .spawn()
            .expect("python3 is installed by the set-up script");
        Receiver { process, output: output.into() }
    }

    /// Topic and number of every event it took.
    fn events(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(&self.output).unwrap_or_default();
        let event = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).ok()?;
            let number = event["transition"]["authorization"]["number"].as_str()?;
            Some((event["topic"].as_str()?.to_owned(), number.to_owned()))
        };
        text.lines().filter_map(event).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn certify(network: &Network) {
    let request = CertifyRequest {
        scheme: "uy-rut".into(),
        identifier: "214033020011".into(),
        number: "UY-1".into(),
        types: vec!["AEOC".into()],
        roles: vec!["importer".into()],
        valid_from: "2026-01-01".into(),
        ..CertifyRequest::default()
    };
    network.client(ACTS).aeo_certify(&request, WAIT).await.unwrap();
}

async fn change(network: &Network, suspend: bool) {
    let request = ChangeRequest {
        scheme: "uy-rut".into(),
        identifier: "214033020011".into(),
        number: "UY-1".into(),
        class: "examination".into(),
        ..ChangeRequest::default()
    };
    let client = network.client(ACTS);
    match suspend {
        true => client.aeo_suspend(&request, WAIT).await.unwrap(),
        false => client.aeo_reinstate(&request, WAIT).await.unwrap(),
    };
}

#[tokio::test]
async fn a_national_system_is_told_what_happened_while_it_and_the_node_were_down() {
    let mut network = Network::start().await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let admin = network.node(TOLD).client("admin");
    let topics = ["aeo.suspended".to_owned(), "aeo.reinstated".to_owned()];
    let webhook = admin.add_webhook(&url, &topics, None).await.unwrap();
    let output = network.root().join("received");

    certify(&network).await;
    change(&network, true).await;
    let failing = || async { admin.webhooks().await.ok()?.webhooks[0].problem.clone() };
    eventually("the receiver that is down is noticed", WITHIN, failing).await;
    network.kill(TOLD);
    change(&network, false).await;
    network.boot(TOLD);
    network.ready(&[TOLD]).await;

    let receiver = Receiver::start(port, &webhook.secret, &output);
    let both = ["aeo.suspended", "aeo.reinstated"].map(|topic| (topic.into(), "UY-1".into()));
    eventually("what it missed arrives", WITHIN, async || {
        (receiver.events() == both).then_some(())
    })
    .await;
    drop(receiver);

    // A receiver that knows another secret takes nothing.
    let stranger = network.root().join("stranger");
    let wrong = Receiver::start(port, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &stranger);
    change(&network, true).await;
    let refused = || async {
        let problem = admin.webhooks().await.ok()?.webhooks[0].problem.clone()?;
        problem.contains("401").then_some(())
    };
    eventually("the refusal is told", WITHIN, refused).await;
    assert!(wrong.events().is_empty());
}
