//! Lists, pages and cursors.

use aeo::{MAX_PAGE, code};
use precinto_contract::testing::MockLedger;
use precinto_protocol::aeo::{
    AeoType, AsOf, Certify, Standing, SupplyChainRole, Terms,
    query::{FindQuery, HistoryQuery, ListFilter, ListPage, ListQuery, NumberQuery},
};

use crate::{
    ask, authorizations, by_number, certify, change, code_of, date, history,
    lifecycle::act,
    mra::{mra_terms, propose},
    native_and_wasm, officer, operator, terms,
};

native_and_wasm![
    an_operator_has_only_its_own,
    pages_are_complete_in_order_and_end,
    pages_of_one_time_fit_together_whatever_is_recorded_meanwhile,
    each_filter_narrows_the_list,
    a_page_may_hold_nothing_although_more_follow,
    bad_cursors_and_limits_are_refused,
    what_will_be_recorded_is_not_asked_for,
    a_long_history_comes_in_parts,
    bad_queries_are_refused,
];

fn list(filter: ListFilter, as_of: Option<AsOf>, after: Vec<u8>, limit: u32) -> ListQuery {
    ListQuery { filter, as_of, after, limit }
}

/// All pages of a list, as (member, number).
fn listed(ledger: &MockLedger, filter: &ListFilter, limit: u32) -> Vec<(String, String)> {
    let (mut seen, mut after, mut as_of) = (Vec::new(), Vec::new(), None);
    loop {
        let query = list(filter.clone(), as_of, after, limit);
        let page: ListPage = ask(ledger, "list", &query);
        assert!(page.items.len() <= limit as usize);
        seen.extend(page.items.into_iter().map(|it| {
            let authorization = it.authorization;
            (authorization.member, authorization.number)
        }));
        (after, as_of) = (page.next, Some(page.as_of));
        if after.is_empty() {
            return seen;
        }
    }
}

/// Several members, operators and numbers, 30 in all.
fn filled(mut ledger: MockLedger) -> MockLedger {
    for member in ["uy-dna", "br-rfb", "cl-sna"] {
        for number in 0..10 {
            let args = certify(operator(number % 4), &format!("N-{number}"));
            ledger.call(&officer(member), "certify", &args).expect("granted");
        }
    }
    ledger
}

fn an_operator_has_only_its_own(ledger: MockLedger) {
    let ledger = filled(ledger);
    let found = authorizations(&ledger, operator(3));
    let keys: Vec<_> = found
        .iter()
        .map(|it| (it.authorization.member.as_str(), it.authorization.number.as_str()))
        .collect();
    let expected = ["br-rfb", "cl-sna", "uy-dna"].map(|m| [(m, "N-3"), (m, "N-7")]).concat();
    assert_eq!(keys, expected);
    assert!(found.iter().all(|it| it.authorization.operator == operator(3)));
    assert!(authorizations(&ledger, operator(200)).is_empty());
}

fn pages_are_complete_in_order_and_end(ledger: MockLedger) {
    assert_eq!(listed(&ledger, &ListFilter::default(), 100), []);
    let ledger = filled(ledger);
    let all: Vec<_> = (0..4)
        .flat_map(|number| authorizations(&ledger, operator(number)))
        .map(|it| (it.authorization.member, it.authorization.number))
        .collect();
    assert_eq!(all.len(), 30);
    let brazil = ListFilter { member: Some("br-rfb".into()), ..ListFilter::default() };
    let of_brazil: Vec<_> = (0..10).map(|n| ("br-rfb".into(), format!("N-{n}"))).collect();
    for limit in [1, 7, 10, 29, 30, 31, 100] {
        assert_eq!(listed(&ledger, &ListFilter::default(), limit), all, "limit {limit}");
        assert_eq!(listed(&ledger, &brazil, limit), of_brazil, "limit {limit}");
    }
}

fn pages_of_one_time_fit_together_whatever_is_recorded_meanwhile(ledger: MockLedger) {
    let mut ledger = filled(ledger);
    let valid = ListFilter { standing: Some(Standing::Valid), ..ListFilter::default() };
    let first: ListPage = ask(&ledger, "list", &list(valid.clone(), None, vec![], 10));
    ledger.time_ms += 1;
    act(&mut ledger, "certify", operator(200), "LATER").expect("granted");
    act(&mut ledger, "suspend", operator(3), "N-3").expect("suspended");
    act(&mut ledger, "withdraw", operator(3), "N-7").expect("withdrawn");
    let rest: ListPage =
        ask(&ledger, "list", &list(valid.clone(), Some(first.as_of), first.next.clone(), 100));
    assert_eq!((first.items.len(), rest.items.len(), rest.next), (10, 20, vec![]));
    let now: ListPage = ask(&ledger, "list", &list(valid, None, first.next, 100));
    assert_eq!(now.items.len(), 19, "one is new, two are not valid now");
}

fn each_filter_narrows_the_list(mut ledger: MockLedger) {
    let uy = officer("uy-dna");
    let terms_of = |types: &[AeoType], roles: &[SupplyChainRole], until: Option<&str>| Terms {
        types: types.to_vec(),
        roles: roles.to_vec(),
        valid_until: until.map(date),
        ..terms()
    };
    use SupplyChainRole::{Broker, Importer};
    let rows = [
        ("A", terms_of(&[AeoType::C], &[Importer], Some("2026-02-01"))),
        ("B", terms_of(&[AeoType::S], &[Broker], Some("2026-02-02"))),
        ("C", terms_of(&[AeoType::C, AeoType::S], &[Importer, Broker], None)),
        ("D", terms_of(&[AeoType::S], &[Importer], Some("2025-12-31"))),
    ];
    for (number, terms) in rows {
        let args = Certify { terms, ..certify(operator(1), number) };
        ledger.call(&uy, "certify", &args).expect("granted");
    }
    let args = certify(operator(1), "E");
    ledger.call(&officer("br-rfb"), "certify", &args).expect("granted");
    ledger.call(&uy, "suspend", &change(&ledger, operator(1), "C")).expect("suspended");
    let mra = mra_terms(&["cl-sna", "uy-dna"]);
    propose(
        &mut ledger,
        "security",
        precinto_protocol::aeo::MraTerms { types: vec![AeoType::S], ..mra },
    );
    let filter = ListFilter::default;
    let cases = [
        (ListFilter { member: Some("uy-dna".into()), ..filter() }, "ABCD"),
        (ListFilter { member: Some("uy".into()), ..filter() }, ""),
        (ListFilter { standing: Some(Standing::Suspended), ..filter() }, "C"),
        (ListFilter { standing: Some(Standing::Expired), ..filter() }, "D"),
        (ListFilter { aeo_type: Some(AeoType::C), ..filter() }, "EAC"),
        (ListFilter { role: Some(Broker), ..filter() }, "BC"),
        (ListFilter { ends_by: Some(date("2026-02-01")), ..filter() }, "AD"),
        (ListFilter { mra: Some("security".into()), ..filter() }, "CD"),
        (
            ListFilter {
                mra: Some("security".into()),
                standing: Some(Standing::Expired),
                ..filter()
            },
            "D",
        ),
        (ListFilter { aeo_type: Some(AeoType::S), member: Some("br-rfb".into()), ..filter() }, "E"),
    ];
    for (filter, expected) in cases {
        let numbers: String = listed(&ledger, &filter, 100).into_iter().map(|it| it.1).collect();
        assert_eq!(numbers, expected, "{filter:?}");
    }
    let unknown = list(ListFilter { mra: Some("x".into()), ..filter() }, None, vec![], 1);
    assert_eq!(code_of(ledger.query("list", &unknown)), code::UNKNOWN_MRA);
}

fn a_page_may_hold_nothing_although_more_follow(mut ledger: MockLedger) {
    for number in 0..=MAX_PAGE {
        let operator = operator((number % 20) as u8);
        let args = certify(operator, &format!("N-{number:04}"));
        ledger.call(&officer("uy-dna"), "certify", &args).expect("granted");
    }
    let last = format!("N-{MAX_PAGE:04}");
    act(&mut ledger, "suspend", operator(0), &last).expect("suspended");
    let filter = ListFilter {
        member: Some("uy-dna".into()),
        standing: Some(Standing::Suspended),
        ..ListFilter::default()
    };
    let page: ListPage = ask(&ledger, "list", &list(filter.clone(), None, vec![], 100));
    assert!(page.items.is_empty() && !page.next.is_empty());
    assert_eq!(listed(&ledger, &filter, 100), [("uy-dna".to_owned(), last)]);
}

fn bad_cursors_and_limits_are_refused(ledger: MockLedger) {
    let cases = [
        (b"a".to_vec(), 1, "after"),
        (b"a\x00".to_vec(), 1, "after"),
        (b"a\x00\x02".to_vec(), 1, "after"),
        (b"n\x00\x01".to_vec(), 1, "after"),
        (vec![b'a'; 200], 1, "after"),
        (vec![], 0, "limit"),
        (vec![], MAX_PAGE + 1, "limit"),
        (vec![], u32::MAX, "limit"),
    ];
    for (after, limit, field) in cases {
        let query = list(ListFilter::default(), None, after, limit);
        let failure = ledger.query("list", &query).expect_err(field);
        assert_eq!(failure.code, "bad-arguments");
        assert!(failure.message.starts_with(&format!("{field}: ")), "{}", failure.message);
    }
    let ledger = filled(ledger);
    let page: ListPage = ask(&ledger, "list", &list(ListFilter::default(), None, vec![], 1));
    let brazil = ListFilter { member: Some("br-rfb".into()), ..ListFilter::default() };
    let other = list(brazil, None, page.next, 1);
    assert_eq!(code_of(ledger.query("list", &other)), "bad-arguments", "another list's cursor");
}

fn what_will_be_recorded_is_not_asked_for(ledger: MockLedger) {
    let ledger = filled(ledger);
    let as_of = Some(AsOf { effective_ms: u64::MAX, recorded_ms: u64::MAX });
    let page: ListPage = ask(&ledger, "list", &list(ListFilter::default(), as_of, vec![], 1));
    assert_eq!(page.as_of, AsOf { effective_ms: u64::MAX, recorded_ms: ledger.time_ms });
    assert_eq!(page.items[0].standing, Standing::Expired, "as it will be, by what is known");
    let before = Some(AsOf { effective_ms: u64::MAX, recorded_ms: 0 });
    assert_eq!(by_number(&ledger, "uy-dna", "N-1", before), None, "nothing was recorded");
}

fn a_long_history_comes_in_parts(mut ledger: MockLedger) {
    act(&mut ledger, "certify", operator(1), "UY-1").expect("granted");
    for round in 1..=u64::from(MAX_PAGE) {
        let method = if round % 2 == 1 { "suspend" } else { "reinstate" };
        act(&mut ledger, method, operator(1), "UY-1").expect(method);
    }
    let part = |from| history(&ledger, operator(1), "uy-dna", "UY-1", from);
    let heights = |from| part(from).iter().map(|(entry, _)| entry.height).collect::<Vec<_>>();
    assert_eq!(heights(0), (1..=100).collect::<Vec<_>>());
    assert_eq!(heights(100), [101]);
    assert_eq!(heights(98), [99, 100, 101]);
    assert!(part(101).is_empty() && part(u64::MAX).is_empty());
    assert!(history(&ledger, operator(1), "br-rfb", "UY-1", 0).is_empty());
}

fn bad_queries_are_refused(ledger: MockLedger) {
    let query = HistoryQuery {
        operator: operator(1),
        member: "uy-dna".into(),
        number: "UY-1".into(),
        from: 0,
    };
    let cases = [
        HistoryQuery { member: "m".repeat(17), ..query.clone() },
        HistoryQuery { number: "N".repeat(25), ..query.clone() },
        HistoryQuery { number: String::new(), ..query },
    ];
    for query in cases {
        assert_eq!(code_of(ledger.query("history", &query)), "bad-arguments");
        let query = NumberQuery { member: query.member, number: query.number, as_of: None };
        assert_eq!(code_of(ledger.query("number", &query)), "bad-arguments");
    }
    let query = FindQuery { tag: operator(1), viewer: Some("UY".into()), as_of: None };
    assert_eq!(code_of(ledger.query("find", &query)), "bad-arguments");
}
