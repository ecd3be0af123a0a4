//! The whole life of an authorization, as its officers lead it and every node sees it.

use std::time::Duration;

use precinto_client::{
    Client,
    types::{
        AmendRequest, Asked, CertifyRequest, ChangeRequest, DecideRequest, StandingAuthorization,
        TransactionAnswer,
    },
};
use precinto_cluster_tests::{NODES, Network, audit};

const WAIT: Option<Duration> = Some(Duration::from_secs(20));
const MEMBER: &str = "uy-dna";
const NUMBER: &str = "UY-OEC-0001";
const SCHEME: &str = "uy-rut";
const RUT: &str = "214033020011";

fn certification() -> CertifyRequest {
    CertifyRequest {
        scheme: SCHEME.into(),
        identifier: RUT.into(),
        number: NUMBER.into(),
        types: vec!["AEOC".into()],
        roles: vec!["importer".into()],
        valid_from: "2026-01-01".into(),
        consent: true,
        ..CertifyRequest::default()
    }
}

fn change(class: &str) -> ChangeRequest {
    ChangeRequest {
        scheme: SCHEME.into(),
        identifier: RUT.into(),
        number: NUMBER.into(),
        class: class.into(),
        ..ChangeRequest::default()
    }
}

fn decision(proposal: &TransactionAnswer) -> DecideRequest {
    DecideRequest { number: NUMBER.into(), proposal: proposal.id }
}

/// How the authorization stands at every node once all have executed `height`.
async fn everywhere(network: &Network, height: Option<u64>, expected: &str) {
    let height = height.expect("it was waited for");
    for id in NODES {
        network.reached(id, height).await;
        let found = network.client(id).aeo_find(SCHEME, RUT, Asked::default()).await.unwrap();
        let standings: Vec<_> = found.authorizations().map(|it| it.standing.as_str()).collect();
        assert_eq!(standings, [expected], "node {id} at {:?}", found.as_of);
    }
}

async fn asked(
    client: &Client,
    effective: Option<u64>,
    known: Option<u64>,
) -> StandingAuthorization {
    let text = |time: Option<u64>| time.map(|time| time.to_string());
    let asked = Asked { effective: text(effective), known: text(known), ..Asked::default() };
    client.aeo_number(MEMBER, NUMBER, asked).await.unwrap().authorization
}

#[tokio::test]
async fn an_authorization_lives_and_ends_by_two_persons() {
    let network = Network::start().await;
    let officer = network.client(1);
    let supervisor = network.node(1).client("supervisor");
    let certified = officer.aeo_certify(&certification(), WAIT).await.unwrap();
    everywhere(&network, certified.height, "valid").await;

    let amendment = AmendRequest {
        scheme: SCHEME.into(),
        identifier: RUT.into(),
        number: NUMBER.into(),
        types: vec!["AEOC".into(), "AEOS".into()],
        roles: vec!["importer".into(), "exporter".into()],
        consent: true,
        ..AmendRequest::default()
    };
    let amended = officer.aeo_amend(&amendment, WAIT).await.unwrap();
    everywhere(&network, amended.height, "valid").await;
    let again = officer.aeo_amend(&amendment, WAIT).await.unwrap_err();
    assert_eq!(again.code(), Some("nothing-to-amend"), "{again}");

    // Two officers at once: one suspends, the other is told that it is done.
    let suspend = change("examination");
    let (one, other) =
        tokio::join!(officer.aeo_suspend(&suspend, WAIT), officer.aeo_suspend(&suspend, WAIT));
    let (Ok(suspended), Err(late)) = (if one.is_ok() { (one, other) } else { (other, one) }) else {
        panic!("exactly one of two suspensions is made")
    };
    assert_eq!(late.code(), Some("already-suspended"), "{late}");
    everywhere(&network, suspended.height, "suspended").await;

    let reinstated = officer.aeo_reinstate(&change("correction"), WAIT).await.unwrap();
    everywhere(&network, reinstated.height, "valid").await;

    // What ends it for ever waits for another person.
    let proposed = officer.aeo_revoke(&change("infringement"), WAIT).await.unwrap();
    everywhere(&network, proposed.height, "valid").await;
    let twice = officer.aeo_annul(&change("correction"), WAIT).await.unwrap_err();
    assert_eq!(twice.code(), Some("pending-exists"), "{twice}");
    let alone = officer.aeo_approve(&decision(&proposed), WAIT).await.unwrap_err();
    assert_eq!(alone.code(), Some("role-required"), "{alone}");
    let pending = supervisor.aeo_pending(None, None).await.unwrap().pending;
    assert_eq!((pending.len(), pending[0].proposal), (1, proposed.id));
    let elsewhere = network.node(2).client("supervisor").aeo_pending(None, None).await.unwrap();
    assert!(elsewhere.pending.is_empty(), "{elsewhere:?}");
    let declined = supervisor.aeo_decline(&decision(&proposed), WAIT).await.unwrap();
    everywhere(&network, declined.height, "valid").await;
    let stale = supervisor.aeo_approve(&decision(&proposed), WAIT).await.unwrap_err();
    assert_eq!(stale.code(), Some("unknown-proposal"), "{stale}");

    let proposed = officer.aeo_revoke(&change("infringement"), WAIT).await.unwrap();
    let revoked = supervisor.aeo_approve(&decision(&proposed), WAIT).await.unwrap();
    everywhere(&network, revoked.height, "revoked").await;
    let reopened = officer.aeo_reinstate(&change("correction"), WAIT).await.unwrap_err();
    assert_eq!(reopened.code(), Some("terminal-status"), "{reopened}");
    let reused = officer.aeo_certify(&certification(), WAIT).await.unwrap_err();
    assert_eq!(reused.code(), Some("number-taken"), "{reused}");

    the_past_is_answered_as_it_was(&network, &suspended).await;
    audit::assert_agreement(&network, &NODES).await;
}

/// A partner asks about what was, and about what was known.
async fn the_past_is_answered_as_it_was(network: &Network, suspended: &TransactionAnswer) {
    let partner = network.client(3);
    let history = partner.aeo_history(MEMBER, NUMBER, 0, None).await.unwrap().entries;
    let actions: Vec<_> = history.iter().map(|entry| entry.transition.action.as_str()).collect();
    assert_eq!(actions, ["certify", "amend", "suspend", "reinstate", "revoke"]);
    let approved = &history[4].transition;
    assert_ne!(approved.proposed_by.as_ref(), Some(&approved.by), "two persons");
    let [certify, _, suspend, reinstate, revoke] = &history[..] else { panic!("{history:?}") };
    assert_eq!(suspend.transaction, suspended.id);

    let known = |time| asked(&partner, None, Some(time));
    assert_eq!(known(certify.recorded_ms).await.authorization.terms.types, ["AEOC"]);
    assert_eq!(known(suspend.recorded_ms).await.standing, "suspended");
    assert_eq!(known(revoke.recorded_ms - 1).await.standing, "valid");
    // Of the time of the suspension, as it is known today, and as it was known just before.
    let then = Some(suspend.transition.effective_ms);
    assert_eq!(asked(&partner, then, None).await.standing, "suspended");
    assert_eq!(asked(&partner, then, Some(suspend.recorded_ms - 1)).await.standing, "valid");
    let known = reinstate.recorded_ms.to_string();
    let before = partner.aeo_history(MEMBER, NUMBER, 0, Some(&known)).await.unwrap();
    assert_eq!(before.entries.len(), 4);
    let unborn = Asked { known: Some("1".into()), ..Asked::default() };
    let unborn = partner.aeo_number(MEMBER, NUMBER, unborn).await.unwrap_err();
    assert_eq!(unborn.code(), Some("unknown-authorization"), "{unborn}");
}
