//! What the largest questions cost the built module. Cost is linear in what is read, so it is measured
//! on small ledgers and multiplied.

use aeo::{
    MAX_ALIASES_PER_OPERATOR, MAX_MRA_PAGE, MAX_OPERATORS_PER_ALIAS, MAX_PAGE, MAX_PER_OPERATOR,
    MAX_PERIODS, MAX_TRANSITIONS,
};
use minicbor::Encode;
use precinto_contract::testing::MockLedger;
use precinto_contract_testing::Built;
use precinto_protocol::{
    aeo::{
        AliasMode, AsOf, DeclareAlias, RetireAlias,
        query::{AliasesQuery, FindQuery, HistoryQuery, ListFilter, ListQuery, MrasQuery},
    },
    call::ContractInput,
    cbor,
    hash::Hash,
    limits::CALL_FUEL,
};

use crate::{certify, change, mra::largest_mra, native, officer, operator};

/// Members of the largest network that the default fuel is meant for: twice the region's.
const MEMBERS: u64 = 16;

fn fuel<A: Encode<()>>(ledger: &mut MockLedger, method: &str, args: &A) -> u64 {
    let input = ContractInput { method: method.into(), args: cbor::encode(args) };
    Built("aeo").query_fuel(ledger, &input)
}

fn find(as_of: Option<AsOf>) -> FindQuery {
    FindQuery { tag: operator(1), viewer: Some("uy-dna".into()), as_of }
}

fn list(as_of: Option<AsOf>) -> ListQuery {
    let filter = ListFilter { member: Some("uy-dna".into()), ..ListFilter::default() };
    ListQuery { filter, as_of, after: vec![], limit: 100 }
}

/// Grants `count` authorizations of one operator.
fn granted(count: u32) -> MockLedger {
    let mut ledger = native();
    for number in 0..count {
        let args = certify(operator(1), &format!("UY-{number:021}"));
        ledger.call(&officer("uy-dna"), "certify", &args).expect("granted");
    }
    ledger
}

/// Changes an authorization as often as possible; returns a time of which it is not settled.
fn churn(ledger: &mut MockLedger, number: &str) -> AsOf {
    for round in 1..MAX_TRANSITIONS {
        let method = if round % 2 == 1 { "suspend" } else { "reinstate" };
        let args = change(ledger, operator(1), number);
        ledger.call(&officer("uy-dna"), method, &args).expect(method);
    }
    AsOf { effective_ms: ledger.time_ms - 10_000, recorded_ms: ledger.time_ms }
}

/// Declares an alias, and again as often as possible.
fn declare(ledger: &mut MockLedger, alias: Hash) {
    let declared =
        DeclareAlias { alias, operator: operator(1), mode: AliasMode::Common, identifier: None };
    for round in 0..MAX_PERIODS {
        ledger.call(&officer("uy-dna"), "declare-alias", &declared).expect("declared");
        if round + 1 < MAX_PERIODS {
            let retired = RetireAlias { alias, operator: operator(1) };
            ledger.call(&officer("uy-dna"), "retire-alias", &retired).expect("retired");
        }
    }
}

struct Costs {
    /// An authorization that stands as recorded.
    settled: u64,
    /// One with a full history that does not.
    unsettled: u64,
    /// A declaration with as many periods as possible, and the scan behind it.
    declaration: u64,
}

fn costs() -> Costs {
    let (mut one, mut nine) = (granted(1), granted(9));
    let base = fuel(&mut one, "find", &find(None));
    let settled = (fuel(&mut nine, "find", &find(None)) - base) / 8;
    let as_of = churn(&mut one, &format!("UY-{:021}", 0));
    let unsettled = fuel(&mut one, "find", &find(Some(as_of))) - base + settled;
    let before = fuel(&mut one, "find", &FindQuery { tag: operator(2), ..find(None) });
    declare(&mut one, operator(2));
    let after = fuel(&mut one, "find", &FindQuery { tag: operator(2), ..find(None) });
    Costs { settled, unsettled, declaration: after - before - settled }
}

#[test]
fn a_look_up_is_answered_whatever_a_few_members_do_to_an_identifier() {
    let Costs { settled, unsettled, declaration } = costs();
    let authorizations = u64::from(MAX_PER_OPERATOR * (1 + MAX_OPERATORS_PER_ALIAS));
    let declarations = u64::from(MAX_OPERATORS_PER_ALIAS) * declaration;
    // The others grant one and declare one each.
    let usual = |members: u64| (MEMBERS - members) * (2 * settled + declaration);
    let present = |members: u64| members * (authorizations * settled + declarations);
    assert!(present(5) + usual(5) < CALL_FUEL, "{settled} {declaration}");
    let past = |members: u64| members * (authorizations * unsettled + declarations);
    assert!(past(1) + usual(1) < CALL_FUEL, "{unsettled} {declaration}");
}

#[test]
fn the_largest_pages_fit() {
    let mut ledger = granted(MAX_PER_OPERATOR);
    let item = fuel(&mut ledger, "list", &list(None)) / u64::from(MAX_PER_OPERATOR);
    let Costs { settled, unsettled, .. } = costs();
    let page = u64::from(MAX_PAGE) * (item + unsettled - settled);
    assert!(page < CALL_FUEL, "a page of list in the past: {page}");

    let mut ledger = granted(1);
    for number in 0..MAX_ALIASES_PER_OPERATOR {
        declare(&mut ledger, operator(10 + number as u8));
    }
    let aliases = fuel(&mut ledger, "aliases", &AliasesQuery { operator: operator(1) });
    assert!(aliases * MEMBERS < CALL_FUEL, "aliases of one member: {aliases}");

    let mut ledger = largest_mra(native(), "m-1");
    let one = fuel(&mut ledger, "mras", &MrasQuery { after: String::new(), limit: MAX_PAGE });
    assert!(one * (MAX_MRA_PAGE as u64) < CALL_FUEL, "one arrangement of a page: {one}");

    let mut ledger = granted(1);
    let number = format!("UY-{:021}", 0);
    let history = HistoryQuery { operator: operator(1), member: "uy-dna".into(), number, from: 0 };
    churn(&mut ledger, &history.number);
    let page = fuel(&mut ledger, "history", &history);
    assert!(page < CALL_FUEL, "a page of history: {page}");
}
