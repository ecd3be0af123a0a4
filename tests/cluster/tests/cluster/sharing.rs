//! What one administration asserts, all others see.

use std::time::Duration;

use precinto_client::{
    Client, Consistency,
    types::{CertifyRequest, ChangeRequest, HistoryAnswer},
};
use precinto_cluster_tests::{NODES, Network, audit, now_ms};

const WAIT: Duration = Duration::from_secs(10);
const RUT: (&str, &str) = ("uy-rut", "214033020011");
const NUMBER: &str = "UY-OEC-0001";

fn certification() -> CertifyRequest {
    CertifyRequest {
        scheme: RUT.0.into(),
        // As a person writes it.
        identifier: "21.403302/0011".into(),
        number: NUMBER.into(),
        types: vec!["AEOC".into(), "AEOS".into()],
        roles: vec!["importer".into()],
        valid_from: "2026-01-01".into(),
        publish: true,
        ..CertifyRequest::default()
    }
}

fn suspension() -> ChangeRequest {
    ChangeRequest {
        scheme: RUT.0.into(),
        identifier: RUT.1.into(),
        number: NUMBER.into(),
        class: "examination".into(),
        ..ChangeRequest::default()
    }
}

async fn history(client: &Client) -> HistoryAnswer {
    client.aeo_history("uy-dna", NUMBER, 0, None).await.unwrap()
}

#[tokio::test]
async fn what_one_member_certifies_all_others_see_and_cannot_change() {
    let network = Network::start().await;
    let before_ms = now_ms();
    let uruguay = network.client(1);
    let certified = uruguay.aeo_certify(&certification(), Some(WAIT)).await.unwrap();
    let height = certified.height.expect("it was waited for");

    for id in NODES {
        network.reached(id, height).await;
        let client = network.client(id);
        let found = client.aeo_find(RUT.0, RUT.1, Consistency::Local).await.unwrap();
        let [standing] = &found.authorizations().collect::<Vec<_>>()[..] else {
            panic!("node {id}: {found:?}")
        };
        assert!(standing.in_force, "node {id}: {standing:?}");
        assert_eq!(standing.authorization.member, "uy-dna");
        let entries = history(&client).await.entries;
        let [entry] = &entries[..] else { panic!("node {id}: {entries:?}") };
        assert_eq!(
            (entry.transition.action.as_str(), entry.member.as_str()),
            ("certify", "uy-dna")
        );
        assert_eq!((entry.transaction, entry.recorded_height), (certified.id, height));
        assert!((before_ms..=now_ms()).contains(&entry.recorded_ms), "{entry:?}");
    }

    // A number belongs to the member that gave it: for Brazil there is nothing to suspend.
    let brazil = network.client(2);
    let refused = brazil.aeo_suspend(&suspension(), Some(WAIT)).await.unwrap_err();
    assert_eq!(refused.code(), Some("unknown-authorization"), "{refused}");
    let auditor = network.node(1).client("auditor");
    let refused = auditor.aeo_suspend(&suspension(), Some(WAIT)).await.unwrap_err();
    assert_eq!(refused.code(), Some("role-required"), "{refused}");

    let suspended = uruguay.aeo_suspend(&suspension(), Some(WAIT)).await.unwrap();
    // Not older than the question, wherever it is asked: no waiting for the height here.
    let peru = network.client(3);
    let found = peru.aeo_find(RUT.0, RUT.1, Consistency::Linearizable).await.unwrap();
    assert_eq!(found.authorizations().next().unwrap().standing, "suspended");
    let entries = history(&peru).await.entries;
    assert_eq!(entries.len(), 2, "a refused change leaves no history: {entries:?}");
    assert_eq!(entries[1].transition.class.as_deref(), Some("examination"));
    assert_eq!(entries[1].transaction, suspended.id);

    audit::assert_agreement(&network, &NODES).await;
}
