//! Is a benefit due? Each reason, and the two times.

use precinto_contract::testing::MockLedger;
use precinto_protocol::aeo::{
    AeoType, AliasMode, AsOf, BenefitAnswer, BenefitQuery, Certify, ChangeStatus, DeclareAlias,
    MraTerms, PairActivation, SupplyChainRole, Terms, benefit::BenefitReason as Reason,
};

use crate::{
    amend, ask, certify, change, code_of, date,
    lifecycle::act,
    mra::{accept, leave, mra_terms, propose},
    native_and_wasm, officer, operator, terms,
};

native_and_wasm![
    each_reason_is_reached,
    a_suspension_is_seen_from_when_it_counts_and_not_before_it_was_recorded,
    a_past_date_does_not_see_later_changes,
    the_authorization_that_comes_closest_decides,
    an_alias_leads_to_a_benefit,
    bad_queries_are_refused,
];

/// Uruguay asks for an importer that Brazil authorized for security.
fn query() -> BenefitQuery {
    BenefitQuery {
        mra: "mra".into(),
        member: "uy-dna".into(),
        partner: "br-rfb".into(),
        tag: operator(1),
        role: SupplyChainRole::Importer,
        aeo_type: AeoType::S,
        as_of: None,
    }
}

fn answer(ledger: &MockLedger, query: &BenefitQuery) -> BenefitAnswer {
    let answer: BenefitAnswer = ask(ledger, "benefit", query);
    assert_eq!(answer.is_due(), answer.reason == Reason::Due);
    answer
}

fn reason(ledger: &MockLedger, change: impl FnOnce(&mut BenefitQuery)) -> Reason {
    let mut query = query();
    change(&mut query);
    answer(ledger, &query).reason
}

fn grant(ledger: &mut MockLedger, number: u8, change: impl FnOnce(&mut Certify)) {
    let mut args = certify(operator(number), &format!("BR-{number}"));
    change(&mut args);
    ledger.call(&officer("br-rfb"), "certify", &args).expect("granted");
}

/// The arrangement, accepted by both.
fn arranged(mut ledger: MockLedger, terms: MraTerms) -> MockLedger {
    propose(&mut ledger, "mra", terms);
    accept(&mut ledger, "mra", "uy-dna");
    ledger
}

fn each_reason_is_reached(ledger: MockLedger) {
    let mut ledger = ledger;
    assert_eq!(reason(&ledger, |_| ()), Reason::UnknownMra);
    let parties = ["br-rfb", "cl-sna", "pe-sunat", "uy-dna"];
    let activation =
        PairActivation { a: "cl-sna".into(), b: "uy-dna".into(), from: date("2027-01-01") };
    let terms_of = MraTerms { activations: vec![activation], ..mra_terms(&parties) };
    propose(&mut ledger, "mra", MraTerms { types: vec![AeoType::S], ..terms_of });
    assert_eq!(reason(&ledger, |it| it.member = "ar-arca".into()), Reason::MemberNotParty);
    assert_eq!(reason(&ledger, |it| it.partner = "ar-arca".into()), Reason::PartnerNotParty);
    assert_eq!(reason(&ledger, |_| ()), Reason::MraNotAccepted);
    accept(&mut ledger, "mra", "uy-dna");
    accept(&mut ledger, "mra", "cl-sna");
    assert_eq!(reason(&ledger, |it| it.partner = "cl-sna".into()), Reason::MraNotYetInForce);
    assert_eq!(reason(&ledger, |it| it.aeo_type = AeoType::C), Reason::TypeNotRecognized);
    let broker = |it: &mut BenefitQuery| it.role = SupplyChainRole::Broker;
    assert_eq!(reason(&ledger, broker), Reason::RoleNotRecognized);
    assert_eq!(reason(&ledger, |_| ()), Reason::UnknownOperator);

    let suspend = |ledger: &mut MockLedger, method: &str, number: u8| {
        let args = change(ledger, operator(number), &format!("BR-{number}"));
        ledger.call(&officer("br-rfb"), method, &args).expect(method);
    };
    grant(&mut ledger, 1, |_| ());
    grant(&mut ledger, 2, |_| ());
    suspend(&mut ledger, "suspend", 2);
    grant(&mut ledger, 3, |_| ());
    suspend(&mut ledger, "withdraw", 3);
    grant(&mut ledger, 4, |it| it.terms.valid_until = Some(date("2025-03-02")));
    grant(&mut ledger, 5, |it| it.valid_from = date("2026-12-01"));
    grant(&mut ledger, 6, |it| it.terms.types = vec![AeoType::C]);
    grant(&mut ledger, 7, |it| it.terms.roles = vec![SupplyChainRole::Exporter]);
    grant(&mut ledger, 8, |it| it.terms.consent = false);
    for (number, method) in [(9, "revoke"), (10, "annul")] {
        grant(&mut ledger, number, |_| ());
        suspend(&mut ledger, method, number);
        let proposal = crate::pending::proposal(&ledger);
        let number = format!("BR-{number}");
        let approve = precinto_protocol::aeo::Decide { number, proposal };
        ledger.call(&crate::supervisor("br-rfb"), "approve", &approve).expect("approved");
    }
    let expected = [
        (1, Reason::Due),
        (2, Reason::Suspended),
        (3, Reason::Withdrawn),
        (4, Reason::Expired),
        (5, Reason::NotYetValid),
        (6, Reason::TypeNotHeld),
        (7, Reason::RoleNotHeld),
        (8, Reason::NoConsent),
        (9, Reason::Revoked),
        (10, Reason::Annulled),
    ];
    for (number, expected) in expected {
        assert_eq!(reason(&ledger, |it| it.tag = operator(number)), expected, "{number}");
    }
    let now_ms = ledger.time_ms;
    leave(&mut ledger, "mra", "br-rfb", now_ms);
    assert_eq!(reason(&ledger, |_| ()), Reason::MraEnded);
}

fn a_suspension_is_seen_from_when_it_counts_and_not_before_it_was_recorded(ledger: MockLedger) {
    let mut ledger = arranged(ledger, mra_terms(&["br-rfb", "uy-dna"]));
    grant(&mut ledger, 1, |_| ());
    let due_ms = ledger.time_ms + 20_000;
    ledger.time_ms += 60_000;
    let recorded_ms = ledger.time_ms;
    let args = ChangeStatus { effective_ms: Some(due_ms), ..change(&ledger, operator(1), "BR-1") };
    ledger.call(&officer("br-rfb"), "suspend", &args).expect("in retrospect");
    let at = |effective_ms, recorded_ms| {
        let as_of = Some(AsOf { effective_ms, recorded_ms });
        let answer = answer(&ledger, &BenefitQuery { as_of, ..query() });
        (answer.reason, answer.since_ms)
    };
    assert_eq!(at(due_ms, recorded_ms), (Reason::Suspended, Some(due_ms)));
    assert_eq!(at(due_ms - 1, recorded_ms).0, Reason::Due, "before it counts");
    assert_eq!(at(due_ms, recorded_ms - 1).0, Reason::Due, "as it was known then");
    assert_eq!(reason(&ledger, |_| ()), Reason::Suspended);
}

fn a_past_date_does_not_see_later_changes(ledger: MockLedger) {
    let mut ledger = arranged(ledger, mra_terms(&["br-rfb", "uy-dna"]));
    grant(&mut ledger, 1, |_| ());
    let then_ms = ledger.time_ms;
    let since_ms = answer(&ledger, &query()).since_ms;
    ledger.time_ms += 1_000;
    let args = amend(&ledger, operator(1), "BR-1");
    ledger.call(&officer("br-rfb"), "amend", &args).expect("consent withdrawn");
    let end_ms = ledger.time_ms;
    leave(&mut ledger, "mra", "uy-dna", end_ms);
    assert_eq!(reason(&ledger, |_| ()), Reason::MraEnded);
    let as_of = Some(AsOf { effective_ms: then_ms, recorded_ms: then_ms });
    let then = answer(&ledger, &BenefitQuery { as_of, ..query() });
    assert_eq!((then.reason, then.since_ms), (Reason::Due, since_ms));
    assert!(then.authorization.expect("it decided").authorization.terms.consent);
    let as_of = Some(AsOf { effective_ms: end_ms - 1, recorded_ms: end_ms });
    assert_eq!(reason(&ledger, |it| it.as_of = as_of), Reason::NoConsent);
}

fn the_authorization_that_comes_closest_decides(ledger: MockLedger) {
    let mut ledger = arranged(ledger, mra_terms(&["br-rfb", "uy-dna"]));
    let numbered = |number: &str, terms: Terms| Certify { terms, ..certify(operator(1), number) };
    let narrow = Terms { types: vec![AeoType::C], ..terms() };
    let br = officer("br-rfb");
    ledger.call(&br, "certify", &numbered("BR-C", narrow)).expect("granted");
    assert_eq!(reason(&ledger, |_| ()), Reason::TypeNotHeld);
    ledger.call(&br, "certify", &numbered("BR-S", terms())).expect("granted");
    let answer = answer(&ledger, &query());
    assert_eq!(answer.reason, Reason::Due);
    assert_eq!(answer.authorization.expect("it decided").authorization.number, "BR-S");
    act(&mut ledger, "certify", operator(2), "UY-2").expect("granted by another");
    let result = reason(&ledger, |it| it.tag = operator(2));
    assert_eq!(result, Reason::UnknownOperator, "only what the partner granted");
}

fn an_alias_leads_to_a_benefit(ledger: MockLedger) {
    let mut ledger = arranged(ledger, mra_terms(&["br-rfb", "uy-dna"]));
    grant(&mut ledger, 1, |_| ());
    let alias = |it: &mut BenefitQuery| it.tag = operator(77);
    assert_eq!(reason(&ledger, alias), Reason::UnknownOperator);
    let declared = DeclareAlias {
        alias: operator(77),
        operator: operator(1),
        mode: AliasMode::Receiver,
        identifier: None,
    };
    ledger.call(&officer("cl-sna"), "declare-alias", &declared).expect("declared");
    assert_eq!(reason(&ledger, alias), Reason::UnknownOperator, "another's translation");
    ledger.call(&officer("uy-dna"), "declare-alias", &declared).expect("declared");
    assert_eq!(reason(&ledger, alias), Reason::Due);
}

fn bad_queries_are_refused(ledger: MockLedger) {
    for query in [
        BenefitQuery { mra: "MRA".into(), ..query() },
        BenefitQuery { member: "m".repeat(17), ..query() },
        BenefitQuery { partner: String::new(), ..query() },
    ] {
        assert_eq!(code_of(ledger.query("benefit", &query)), "bad-arguments");
    }
}
