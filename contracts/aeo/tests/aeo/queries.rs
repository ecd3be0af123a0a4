//! Pages and cursors.

use aeo::MAX_PAGE;
use precinto_contract::{decode_stored, testing::MockLedger};
use precinto_protocol::aeo::{AuthorizationPage, HistoryQuery, ListQuery};

use crate::{
    authorizations, certify, change, code_of, history, native_and_wasm, officer, operator,
};

native_and_wasm![
    an_operator_has_only_its_own,
    pages_are_complete_in_order_and_end,
    a_page_may_start_at_a_key_that_is_not_there,
    bad_cursors_and_limits_are_refused,
    a_long_history_comes_in_parts,
    bad_history_queries_are_refused,
];

fn page(ledger: &MockLedger, after: Vec<u8>, limit: u32) -> AuthorizationPage {
    let result = ledger.query("list", &ListQuery { after, limit }).expect("a page");
    decode_stored(&result).expect("a page")
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
    let keys: Vec<_> = found.iter().map(|a| (a.member.as_str(), a.number.as_str())).collect();
    let expected = ["br-rfb", "cl-sna", "uy-dna"].map(|m| [(m, "N-3"), (m, "N-7")]).concat();
    assert_eq!(keys, expected);
    assert!(found.iter().all(|authorization| authorization.operator == operator(3)));
    assert!(authorizations(&ledger, operator(200)).is_empty());
}

fn pages_are_complete_in_order_and_end(ledger: MockLedger) {
    let empty = page(&ledger, vec![], 100);
    assert_eq!(empty, AuthorizationPage { items: vec![], next: vec![] });

    let ledger = filled(ledger);
    let all: Vec<_> = (0..4).flat_map(|number| authorizations(&ledger, operator(number))).collect();
    assert_eq!(all.len(), 30);
    for limit in [1, 7, 10, 29, 30, 31, 100] {
        let mut seen = Vec::new();
        let mut after = Vec::new();
        loop {
            let page = page(&ledger, after, limit);
            assert!(!page.items.is_empty() && page.items.len() <= limit as usize);
            seen.extend(page.items);
            after = page.next;
            if after.is_empty() {
                break;
            }
        }
        assert_eq!(seen, all, "limit {limit}");
    }
}

fn a_page_may_start_at_a_key_that_is_not_there(ledger: MockLedger) {
    let ledger = filled(ledger);
    let all = page(&ledger, vec![], 100).items;
    let before_all = b"0\x00\x01".to_vec();
    assert_eq!(page(&ledger, before_all, 100).items, all);
    let after_all = b"z\x00\x01".to_vec();
    assert_eq!(page(&ledger, after_all, 100).items, []);
}

fn bad_cursors_and_limits_are_refused(ledger: MockLedger) {
    for (after, limit, field) in [
        (b"a".to_vec(), 1, "after"),
        (b"a\x00".to_vec(), 1, "after"),
        (b"a\x00\x02".to_vec(), 1, "after"),
        (vec![b'a'; 200], 1, "after"),
        (vec![], 0, "limit"),
        (vec![], MAX_PAGE + 1, "limit"),
        (vec![], u32::MAX, "limit"),
    ] {
        let failure = ledger.query("list", &ListQuery { after, limit }).expect_err(field);
        assert_eq!(failure.code, "bad-arguments");
        assert!(failure.message.starts_with(&format!("{field}: ")), "{}", failure.message);
    }
}

fn a_long_history_comes_in_parts(mut ledger: MockLedger) {
    let uy = officer("uy-dna");
    ledger.call(&uy, "certify", &certify(operator(1), "UY-1")).expect("granted");
    for round in 1..=u64::from(MAX_PAGE) {
        let method = if round % 2 == 1 { "suspend" } else { "reinstate" };
        ledger.call(&uy, method, &change(&ledger, operator(1), "UY-1")).expect(method);
    }
    let part = |from| history(&ledger, operator(1), "uy-dna", "UY-1", from);
    let heights = |from| part(from).iter().map(|(entry, _)| entry.height).collect::<Vec<_>>();
    assert_eq!(heights(0), (1..=100).collect::<Vec<_>>());
    assert_eq!(heights(100), [101]);
    assert_eq!(heights(98), [99, 100, 101]);
    assert!(part(101).is_empty() && part(u64::MAX).is_empty());
    assert!(history(&ledger, operator(1), "br-rfb", "UY-1", 0).is_empty());
}

fn bad_history_queries_are_refused(ledger: MockLedger) {
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
    }
}
