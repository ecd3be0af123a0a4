//! Every network that ships starts from its file and serves.

use std::time::Duration;

use precinto_client::{Consistency, types::CertifyRequest};
use precinto_cluster_tests::{Network, audit};
use precinto_protocol::registry::NodeRole;

const WAIT: Duration = Duration::from_secs(20);

fn certification(number: &str) -> CertifyRequest {
    CertifyRequest {
        scheme: "aeo".into(),
        identifier: "N1".into(),
        number: number.into(),
        types: vec!["AEOC".into()],
        roles: vec!["exporter".into()],
        valid_from: "2026-01-01".into(),
        valid_until: Some("2099-12-31".into()),
        consent: true,
        publish: true,
        record: None,
    }
}

/// Nodes of the network of this name, and voters among them.
async fn serves(name: &str, nodes: usize, voters: usize) -> Network {
    let mut network = Network::make_of(name).await;
    assert_eq!(network.ids().len(), nodes);
    let voters_there = network.genesis().nodes.iter().filter(|it| it.role == NodeRole::Voter);
    assert_eq!(voters_there.count(), voters);
    network.boot_all().await;
    // At the first and the last node: a voter, and where there is one a learner.
    let ids = network.ids();
    for (id, number) in [(ids[0], "N-1"), (ids[nodes - 1], "N-2")] {
        let answer = network.client(id).aeo_certify(&certification(number), Some(WAIT)).await;
        let answer = answer.unwrap_or_else(|error| panic!("node {id} of {name}: {error}"));
        let height = answer.height.expect("it was waited for");
        for other in network.ids() {
            network.reached(other, height).await;
            let client = network.client(other);
            let found = client.aeo_find("aeo", "N1", Consistency::Local).await.unwrap();
            let mut shown = found.authorizations().map(|shown| &shown.authorization);
            let shown = shown.find(|shown| shown.number == number);
            assert_eq!(shown.map(|it| it.member.as_str()), Some(network.member(id)), "{other}");
        }
    }
    audit::assert_agreement(&network, &ids).await;
    network
}

#[tokio::test]
async fn the_development_network_starts_from_its_file_and_serves() {
    serves("dev", 4, 3).await;
}

#[tokio::test]
async fn bconnect_starts_from_its_file_and_serves() {
    let network = serves("bconnect", 6, 3).await;
    let brazil = network.ids().into_iter().filter(|id| network.member(*id) == "br-rfb");
    assert_eq!((network.genesis().members.len(), brazil.count()), (5, 2));
}

#[tokio::test]
async fn cadena_starts_from_its_file_and_serves() {
    let network = serves("cadena", 8, 5).await;
    assert_eq!(network.genesis().members.len(), 8);
}
