//! What needs a second administration's signature, on the network of bConnect.

use std::time::Duration;

use precinto_client::{
    ClientError,
    types::{BatchMode, BatchRow, CertifyRequest, Status},
};
use precinto_cluster_tests::{Author, Network, audit};

const WAIT: Duration = Duration::from_secs(20);

/// Nodes of bConnect. Brazil has two.
const BRAZIL: u64 = 1;
const ARGENTINA: u64 = 2;
const URUGUAY: u64 = 3;
const PARAGUAY: u64 = 4;
const BOLIVIA: u64 = 5;
const BRAZILS_SECOND: u64 = 6;

fn certification(identifier: &str) -> CertifyRequest {
    CertifyRequest {
        scheme: "aeo".into(),
        identifier: identifier.into(),
        number: format!("E-{identifier}"),
        types: vec!["AEOC".into()],
        roles: vec!["exporter".into()],
        valid_from: "2026-01-01".into(),
        valid_until: Some("2099-12-31".into()),
        consent: true,
        publish: true,
        record: None,
    }
}

fn code(refused: &ClientError) -> &str {
    refused.code().unwrap_or_else(|| panic!("{refused:?}"))
}

/// The member of the one node that endorsed a transaction.
fn endorser(network: &Network, endorsers: &[String]) -> String {
    let [key] = endorsers else { panic!("one endorsement is enough: {endorsers:?}") };
    let node = network.genesis().nodes.iter().find(|node| {
        precinto_protocol::identity::KeyId::of(&node.identity_key).to_string() == *key
    });
    node.expect("nodes endorse").member.clone()
}

#[tokio::test]
async fn a_second_member_signs_what_its_policy_asks_for() {
    let mut network = Network::make_of("bconnect").await;
    network.boot_all().await;
    let uruguay = network.client(URUGUAY);

    let answer = uruguay.aeo_certify(&certification("A1"), Some(WAIT)).await.unwrap();
    let endorsers = answer.call.expect("the node has it at hand").endorsers;
    assert_ne!(endorser(&network, &endorsers), "uy-dna");

    // What fails already is not asked around for, and leaves nothing on the ledger.
    let before = audit::assert_agreement(&network, &network.ids()).await;
    let again = uruguay.aeo_certify(&certification("A1"), Some(WAIT)).await.unwrap_err();
    assert_eq!(code(&again), "number-taken", "{again}");
    let after = audit::assert_agreement(&network, &network.ids()).await;
    let blocks = audit::blocks(&uruguay, before + 1, after).await;
    assert!(blocks.iter().all(|block| block.transactions.is_empty()), "{blocks:?}");

    // A statement that is signed elsewhere gets them on request.
    let author = Author::enrol(&network, PARAGUAY).await;
    let transaction = author.certify("A2");
    let paraguay = network.client(PARAGUAY);
    let bare = paraguay.submit(&transaction, Some(WAIT)).await.unwrap_err();
    assert_eq!(code(&bare), "endorsements-do-not-meet-policy", "{bare}");
    let first = paraguay.endorse_and_submit(&transaction, Some(WAIT)).await.unwrap();
    assert_eq!((first.id, first.status), (transaction.id(), Status::Committed), "{first:?}");
    assert_ne!(endorser(&network, &first.call.unwrap().endorsers), "py-dnit");
    // Again, also elsewhere, it is the same transaction.
    for id in [PARAGUAY, ARGENTINA] {
        network.reached(id, first.height.unwrap()).await;
        let again = network.client(id).endorse_and_submit(&transaction, Some(WAIT)).await.unwrap();
        assert_eq!((again.status, again.height), (Status::Committed, first.height));
    }

    // A list: more than one request to an endorser carries.
    let rows: Vec<_> =
        (0..150).map(|n| BatchRow::Certify(certification(&format!("L{n}")))).collect();
    let imported = uruguay.aeo_batch(&rows, BatchMode::Strict, Some(WAIT)).await.unwrap();
    assert_eq!((imported.accepted, imported.refused), (150, 0));
    audit::assert_agreement(&network, &network.ids()).await;
}

#[tokio::test]
async fn members_that_refuse_or_are_away_are_named() {
    let mut network = Network::make_of("bconnect").await;
    for id in [ARGENTINA, PARAGUAY, BOLIVIA] {
        network.node(id).configure("# refuse = []", "refuse = [\"aeo.certify of uy-dna\"]");
    }
    network.boot_all().await;
    network.kill(BRAZIL);
    network.kill(BRAZILS_SECOND);
    network.leader_among(&[ARGENTINA, URUGUAY]).await;

    let uruguay = network.client(URUGUAY);
    let refused = uruguay.aeo_certify(&certification("B1"), Some(WAIT)).await.unwrap_err();
    assert_eq!(code(&refused), "endorsement-failed", "{refused}");
    assert!(refused.retryable(), "Brazil may come back: {refused}");
    let text = refused.to_string();
    for member in ["ar-arca", "bo-an", "py-dnit"] {
        let said = format!("{member} refused [refused-by-rule]");
        assert!(text.contains(&said), "{said}: {text}");
    }
    assert!(text.contains("br-rfb did not answer"), "{text}");
    assert!(text.contains("`owner.officer and 1 of others` of aeo.certify"), "{text}");

    // The rule is about Uruguay's certifications alone.
    let paraguay = network.client(PARAGUAY);
    paraguay.aeo_certify(&certification("B2"), Some(WAIT)).await.unwrap();

    // One node of a member that endorses is enough, a learner as good as a voter.
    network.boot(BRAZILS_SECOND);
    network.ready(&[BRAZILS_SECOND]).await;
    network.connected(URUGUAY, &[BRAZILS_SECOND]).await;
    let answer = uruguay.aeo_certify(&certification("B1"), Some(WAIT)).await.unwrap();
    assert_eq!(endorser(&network, &answer.call.unwrap().endorsers), "br-rfb");
}

#[tokio::test]
async fn refusals_alone_do_not_pass() {
    let mut network = Network::make_of("bconnect").await;
    for id in network.ids() {
        network.node(id).configure("# refuse = []", "refuse = [\"aeo.*\"]");
    }
    network.boot_all().await;
    let uruguay = network.client(URUGUAY);
    let refused = uruguay.aeo_certify(&certification("C1"), Some(WAIT)).await.unwrap_err();
    assert_eq!(code(&refused), "endorsement-failed", "{refused}");
    assert!(!refused.retryable(), "{refused}");
    // A member is asked once: its second node would say the same.
    assert_eq!(refused.to_string().matches("br-rfb refused").count(), 1, "{refused}");
}
