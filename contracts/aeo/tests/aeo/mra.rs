//! Arrangements: proposed, accepted, left.

use aeo::{MAX_ACTIVATIONS, MAX_EFFECTIVE_DISTANCE_MS, MAX_PARTIES, code};
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    aeo::{
        AcceptMra, AeoType, Date, LeaveMra, Mra, MraTerms, PairActivation, ProposeMra,
        SupplyChainRole,
        query::{MraPage, MraQuery, MrasQuery},
    },
    cbor,
    hash::Hash,
};

use crate::{ask, code_of, date, native_and_wasm, supervisor};

native_and_wasm![
    an_arrangement_is_proposed_accepted_and_left,
    who_may_do_what,
    every_bad_term_is_named,
    leaving_is_not_before_it_is_recorded,
    the_largest_arrangement_fits,
    arrangements_come_in_pages,
];

pub(crate) fn mra_terms(parties: &[&str]) -> MraTerms {
    MraTerms {
        parties: parties.iter().map(|party| (*party).into()).collect(),
        types: vec![AeoType::C, AeoType::S],
        roles: vec![SupplyChainRole::Importer, SupplyChainRole::Exporter],
        needs_consent: true,
        valid_from: date("2025-06-01"),
        valid_until: Some(date("2030-05-31")),
        activations: vec![],
        text: Some(Hash([7; 32])),
    }
}

pub(crate) fn propose(ledger: &mut MockLedger, id: &str, terms: MraTerms) {
    let proposer = supervisor(&terms.parties[0].clone());
    ledger.call(&proposer, "propose-mra", &ProposeMra { id: id.into(), terms }).expect("proposed");
}

pub(crate) fn accept(ledger: &mut MockLedger, id: &str, member: &str) {
    let args = AcceptMra { id: id.into() };
    ledger.call(&supervisor(member), "accept-mra", &args).expect("accepted");
}

pub(crate) fn leave(ledger: &mut MockLedger, id: &str, member: &str, effective_ms: u64) {
    let args = LeaveMra { id: id.into(), effective_ms };
    ledger.call(&supervisor(member), "leave-mra", &args).expect("left");
}

fn mra(ledger: &MockLedger, id: &str) -> Option<Mra> {
    ask(ledger, "mra", &MraQuery { id: id.into() })
}

/// An arrangement with as much in it as there can be, that everybody accepted and left.
pub(crate) fn largest_mra(mut ledger: MockLedger, id: &str) -> MockLedger {
    let parties: Vec<String> = (0..MAX_PARTIES).map(|n| format!("member-of-net-{n:02}")).collect();
    let pairs = (0..MAX_PARTIES).flat_map(|a| (a + 1..MAX_PARTIES).map(move |b| (a, b)));
    let activations = pairs.take(MAX_ACTIVATIONS).map(|(a, b)| PairActivation {
        a: parties[a].clone(),
        b: parties[b].clone(),
        from: date("2099-01-01"),
    });
    let mut terms = MraTerms {
        types: AeoType::ALL.to_vec(),
        roles: SupplyChainRole::ALL.to_vec(),
        valid_until: Some(Date::LAST),
        activations: activations.collect(),
        ..mra_terms(&[])
    };
    terms.parties.clone_from(&parties);
    propose(&mut ledger, id, terms);
    for party in &parties[1..] {
        accept(&mut ledger, id, party);
    }
    for party in &parties {
        leave(&mut ledger, id, party, 0);
    }
    ledger
}

fn an_arrangement_is_proposed_accepted_and_left(mut ledger: MockLedger) {
    assert_eq!(mra(&ledger, "mercosur"), None);
    let proposed_ms = ledger.time_ms;
    propose(&mut ledger, "mercosur", mra_terms(&["br-rfb", "uy-dna"]));
    let found = mra(&ledger, "mercosur").expect("proposed");
    assert_eq!((found.proposed_by.as_str(), found.acceptances.len()), ("br-rfb", 1));
    assert_eq!(found.acceptances[0].accepted_ms, proposed_ms);
    assert_eq!(ledger.events(), [("aeo.mra-proposed".into(), cbor::encode(&found))]);
    accept(&mut ledger, "mercosur", "uy-dna");
    let found = mra(&ledger, "mercosur").expect("accepted");
    assert_eq!(found.acceptances[1].accepted_ms, proposed_ms + 1_000);
    assert_eq!(ledger.events(), [("aeo.mra-accepted".into(), cbor::encode(&found))]);
    let end_ms = ledger.time_ms + 5;
    leave(&mut ledger, "mercosur", "uy-dna", end_ms);
    let found = mra(&ledger, "mercosur").expect("left");
    assert_eq!(ledger.events(), [("aeo.mra-left".into(), cbor::encode(&found))]);
    let [departure] = &found.departures[..] else { panic!("one left") };
    assert_eq!((departure.member.as_str(), departure.effective_ms), ("uy-dna", end_ms));
}

fn who_may_do_what(mut ledger: MockLedger) {
    let accept_args = AcceptMra { id: "mra".into() };
    let leave_args = LeaveMra { id: "mra".into(), effective_ms: 0 };
    let by = |member: &str| supervisor(member);
    let result = ledger.call(&by("br-rfb"), "accept-mra", &accept_args);
    assert_eq!(code_of(result), code::UNKNOWN_MRA);
    let args = ProposeMra { id: "mra".into(), terms: mra_terms(&["br-rfb", "uy-dna"]) };
    let result = ledger.call(&by("cl-sna"), "propose-mra", &args);
    assert_eq!(code_of(result), code::NOT_A_PARTY);
    ledger.call(&by("br-rfb"), "propose-mra", &args).expect("proposed");
    let result = ledger.call(&by("uy-dna"), "propose-mra", &args);
    assert_eq!(code_of(result), code::MRA_EXISTS);
    for member in ["cl-sna", "br"] {
        let result = ledger.call(&by(member), "accept-mra", &accept_args);
        assert_eq!(code_of(result), code::NOT_A_PARTY);
        assert_eq!(code_of(ledger.call(&by(member), "leave-mra", &leave_args)), code::NOT_A_PARTY);
    }
    let result = ledger.call(&by("br-rfb"), "accept-mra", &accept_args);
    assert_eq!(code_of(result), code::ALREADY_ACCEPTED);
    assert_eq!(code_of(ledger.call(&by("uy-dna"), "leave-mra", &leave_args)), code::NOT_ACCEPTED);
    ledger.call(&by("br-rfb"), "leave-mra", &leave_args).expect("left");
    assert_eq!(code_of(ledger.call(&by("br-rfb"), "leave-mra", &leave_args)), code::ALREADY_LEFT);
    let result = ledger.call(&by("br-rfb"), "accept-mra", &accept_args);
    assert_eq!(code_of(result), code::ALREADY_ACCEPTED, "never again");
    assert_eq!(code_of(ledger.call(&[], "accept-mra", &accept_args)), code::NO_AUTHOR);
}

fn activation(a: &str, b: &str, from: &str) -> PairActivation {
    PairActivation { a: a.into(), b: b.into(), from: date(from) }
}

fn every_bad_term_is_named(mut ledger: MockLedger) {
    let ok = || activation("br-rfb", "uy-dna", "2026-01-01");
    type Spoil = Box<dyn Fn(&mut MraTerms)>;
    let cases: Vec<(&str, Spoil)> = vec![
        ("parties", Box::new(|it| it.parties.truncate(1))),
        ("parties", Box::new(|it| it.parties.swap(0, 1))),
        ("parties", Box::new(|it| it.parties[1] = "br-rfb".into())),
        ("parties", Box::new(|it| it.parties[1] = "zz Z".into())),
        ("parties", Box::new(|it| it.parties = (0..17).map(|n| format!("m{n:02}")).collect())),
        ("types", Box::new(|it| it.types.clear())),
        ("types", Box::new(|it| it.types.reverse())),
        ("roles", Box::new(|it| it.roles.clear())),
        ("roles", Box::new(|it| it.roles.reverse())),
        ("valid_from", Box::new(|it| it.valid_from = Date(Date::LAST.0 + 1))),
        ("valid_until", Box::new(|it| it.valid_until = Some(date("2025-05-31")))),
        ("valid_until", Box::new(|it| it.valid_until = Some(Date(u32::MAX)))),
        ("activations", Box::new(move |it| it.activations = vec![ok(), ok()])),
        (
            "activations",
            Box::new(move |it| it.activations = vec![activation("uy-dna", "br-rfb", "2026-01-01")]),
        ),
        (
            "activations",
            Box::new(move |it| {
                it.activations = vec![activation("ar-arca", "uy-dna", "2026-01-01")]
            }),
        ),
        (
            "activations",
            Box::new(move |it| it.activations = vec![activation("br-rfb", "uy-dna", "2025-06-01")]),
        ),
        (
            "activations",
            Box::new(move |it| it.activations = vec![activation("br-rfb", "uy-dna", "2030-06-01")]),
        ),
        ("activations", Box::new(move |it| it.activations = vec![ok(); MAX_ACTIVATIONS + 1])),
    ];
    for (field, spoil) in cases {
        let mut terms = mra_terms(&["br-rfb", "uy-dna"]);
        spoil(&mut terms);
        let args = ProposeMra { id: "mra".into(), terms };
        let failure = ledger.call(&supervisor("br-rfb"), "propose-mra", &args).expect_err(field);
        assert_eq!(failure.code, "bad-arguments", "{args:?}");
        assert!(failure.message.starts_with(&format!("{field}: ")), "{}", failure.message);
    }
    for id in ["", "MRA", "a b", "a_b", &"m".repeat(33)] {
        let args = ProposeMra { id: id.into(), terms: mra_terms(&["br-rfb", "uy-dna"]) };
        let result = ledger.call(&supervisor("br-rfb"), "propose-mra", &args);
        assert_eq!(code_of(result), "bad-arguments", "{id}");
    }
}

fn leaving_is_not_before_it_is_recorded(mut ledger: MockLedger) {
    propose(&mut ledger, "mra", mra_terms(&["br-rfb", "uy-dna"]));
    accept(&mut ledger, "mra", "uy-dna");
    let effective_ms = ledger.time_ms + MAX_EFFECTIVE_DISTANCE_MS + 1;
    let too_far = LeaveMra { id: "mra".into(), effective_ms };
    let result = ledger.call(&supervisor("uy-dna"), "leave-mra", &too_far);
    assert_eq!(code_of(result), code::EFFECTIVE_TIME_OUT_OF_RANGE);
    let now_ms = ledger.time_ms;
    leave(&mut ledger, "mra", "uy-dna", now_ms - 1);
    let departure = mra(&ledger, "mra").expect("left").departures.remove(0);
    assert_eq!((departure.effective_ms, departure.recorded_ms), (now_ms, now_ms));
}

fn the_largest_arrangement_fits(ledger: MockLedger) {
    let id = "m".repeat(32);
    let ledger = largest_mra(ledger, &id);
    let found = mra(&ledger, &id).expect("proposed");
    assert_eq!((found.acceptances.len(), found.departures.len()), (MAX_PARTIES, MAX_PARTIES));
    assert_eq!(found.terms.activations.len(), MAX_ACTIVATIONS);
}

fn arrangements_come_in_pages(mut ledger: MockLedger) {
    for id in ["c", "a", "e", "b", "d"] {
        propose(&mut ledger, id, mra_terms(&["br-rfb", "uy-dna"]));
    }
    let page = |after: &str, limit| -> (Vec<String>, bool) {
        let page: MraPage = ask(&ledger, "mras", &MrasQuery { after: after.into(), limit });
        (page.items.into_iter().map(|mra| mra.id).collect(), page.more)
    };
    let ids = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
    assert_eq!(page("", 2), (ids("ab"), true));
    assert_eq!(page("b", 2), (ids("cd"), true));
    assert_eq!(page("d", 2), (ids("e"), false));
    assert_eq!(page("", 5), (ids("abcde"), false));
    assert_eq!(page("bb", 1), (ids("c"), true), "an id that is not there");
    for (after, limit) in [("", 0), ("", 101), ("A", 1)] {
        let query = MrasQuery { after: after.into(), limit };
        assert_eq!(code_of(ledger.query("mras", &query)), "bad-arguments");
    }
    assert_eq!(code_of(ledger.query("mra", &MraQuery { id: "A".into() })), "bad-arguments");
}
