//! What partners do with each other's authorizations: other identifiers, benefits, lists.

use std::{collections::BTreeSet, time::Duration};

use precinto_client::{
    Client,
    types::{
        AliasRequest, Asked, BatchMode, BatchRow, BenefitAnswer, BenefitQuestion, CertifyRequest,
        ChangeRequest, ListFilter, NewMra, WrittenIdentifier,
    },
};
use precinto_cluster_tests::{Author, Load, NODES, Network, audit};

const WAIT: Option<Duration> = Some(Duration::from_secs(20));
const RUT: (&str, &str) = ("uy-rut", "214033020011");
const DUNS: (&str, &str) = ("duns", "150483782");

/// Several pages of ten.
const LISTED: usize = 25;

fn certification(identifier: (&str, &str), number: String) -> CertifyRequest {
    CertifyRequest {
        scheme: identifier.0.into(),
        identifier: identifier.1.into(),
        number,
        types: vec!["AEOS".into()],
        roles: vec!["importer".into()],
        valid_from: "2026-01-01".into(),
        consent: true,
        ..CertifyRequest::default()
    }
}

fn written(identifier: (&str, &str)) -> WrittenIdentifier {
    WrittenIdentifier { scheme: identifier.0.into(), identifier: identifier.1.into() }
}

/// Whether Brazil owes a benefit to the operator that Uruguay authorized, under its DUNS number.
async fn benefit(brazil: &Client, date: Option<&str>) -> BenefitAnswer {
    let question = BenefitQuestion {
        mra: "uy-br".into(),
        partner: "uy-dna".into(),
        scheme: DUNS.0.into(),
        identifier: DUNS.1.into(),
        role: "importer".into(),
        aeo_type: "AEOS".into(),
        date: date.map(str::to_owned),
        ..BenefitQuestion::default()
    };
    brazil.aeo_benefit(&question).await.unwrap()
}

#[tokio::test]
async fn a_benefit_follows_arrangement_alias_and_suspension() {
    let network = Network::start().await;
    let (uruguay, brazil) = (network.client(1), network.client(2));
    uruguay.aeo_certify(&certification(RUT, "UY-1".into()), WAIT).await.unwrap();
    assert_eq!(benefit(&brazil, None).await.reason, "unknown-mra");

    let mra = NewMra {
        id: "uy-br".into(),
        parties: vec!["uy-dna".into(), "br-rfb".into()],
        types: vec!["AEOS".into()],
        roles: vec!["importer".into()],
        needs_consent: true,
        valid_from: "2026-01-01".into(),
        ..NewMra::default()
    };
    let chief = network.node(1).client("supervisor");
    let proposed = chief.aeo_propose_mra(&mra, WAIT).await.unwrap().height.unwrap();
    network.reached(2, proposed).await;
    assert_eq!(benefit(&brazil, None).await.reason, "mra-not-accepted");
    let partner = network.node(2).client("supervisor");
    partner.aeo_accept_mra("uy-br", WAIT).await.unwrap();
    let accepted = brazil.aeo_mra("uy-br").await.unwrap().mra.acceptances;
    assert_eq!(accepted.len(), 2);
    let stranger = network.node(3).client("supervisor").aeo_accept_mra("uy-br", WAIT).await;
    assert_eq!(stranger.unwrap_err().code(), Some("not-a-party"));

    // Brazil knows the operator by another identifier. Peru's translation would be its own alone.
    assert_eq!(benefit(&brazil, None).await.reason, "unknown-operator");
    let alias = |mode: &str| AliasRequest {
        alias: written(DUNS),
        operator: written(RUT),
        mode: mode.into(),
        publish: false,
    };
    let borrowed = network.client(3).aeo_declare_alias(&alias("common"), WAIT).await;
    assert_eq!(borrowed.unwrap_err().code(), Some("not-your-operator"));
    network.client(3).aeo_declare_alias(&alias("receiver"), WAIT).await.unwrap();
    assert_eq!(benefit(&brazil, None).await.reason, "unknown-operator");
    let declared = uruguay.aeo_declare_alias(&alias("common"), WAIT).await.unwrap();
    network.reached(2, declared.height.unwrap()).await;
    let due = benefit(&brazil, None).await;
    assert!(due.due, "{due:?}");
    let found = brazil.aeo_find(DUNS.0, DUNS.1, Asked::default()).await.unwrap();
    assert_eq!(found.operators[0].via[0].member, "uy-dna");

    let suspension = ChangeRequest {
        scheme: RUT.0.into(),
        identifier: RUT.1.into(),
        number: "UY-1".into(),
        class: "examination".into(),
        ..ChangeRequest::default()
    };
    let suspended = uruguay.aeo_suspend(&suspension, WAIT).await.unwrap();
    network.reached(2, suspended.height.unwrap()).await;
    let refused = benefit(&brazil, None).await;
    assert_eq!((refused.due, refused.reason.as_str()), (false, "suspended"));
    assert!(refused.explanation.contains("UY-1"), "{}", refused.explanation);
    // A consignment of before the suspension had its benefit lawfully.
    let before = (refused.since_ms.unwrap() - 1).to_string();
    let then = benefit(&brazil, Some(&before)).await;
    assert!(then.due, "{then:?}");
    audit::assert_agreement(&network, &NODES).await;
}

#[tokio::test]
async fn pages_of_a_list_fit_together_while_others_write_and_at_any_node() {
    let network = Network::start().await;
    let client = network.client(1);
    let row = |number: usize| {
        let identifier = format!("LISTED{number:03}");
        BatchRow::Certify(certification(("aeo", &identifier), format!("L-{number:03}")))
    };
    let rows: Vec<_> = (0..LISTED).map(row).collect();
    let granted = client.aeo_batch(&rows, BatchMode::Strict, WAIT).await.unwrap();
    assert_eq!((granted.accepted, granted.refused), (LISTED, 0), "{granted:?}");

    let author = Author::enrol(&network, 1).await;
    let filter = ListFilter {
        member: Some("uy-dna".into()),
        standing: Some("valid".into()),
        ..ListFilter::default()
    };
    let first = client.aeo_list(&filter, None, Some(10)).await.unwrap();
    let mut load = Load::start(author, vec![network.client(2)]);
    load.goes_on(5).await;
    let mut numbers = Vec::new();
    let mut page = first;
    let times = (page.as_of.effective_ms, page.as_of.known_ms);
    for id in [2, 3, 4, 1, 2, 3, 4].into_iter().cycle() {
        assert_eq!((page.as_of.effective_ms, page.as_of.known_ms), times);
        numbers.extend(page.authorizations.into_iter().map(|it| it.authorization.number));
        let Some(cursor) = page.next else { break };
        let place = network.client(id);
        network.reached(id, page.as_of.state.height).await;
        page = place.aeo_list(&ListFilter::default(), Some(&cursor), Some(10)).await.unwrap();
    }
    load.finish().await;
    let unique: BTreeSet<_> = numbers.iter().collect();
    assert_eq!((numbers.len(), unique.len()), (LISTED, LISTED), "{numbers:?}");
    assert!(numbers.is_sorted(), "{numbers:?}");
}
