//! The registry as clients see it.

use governance::MAX_PAGE;
use precinto_contract::{decode_stored, testing::MockLedger};
use precinto_protocol::{
    genesis::Parameter,
    governance::{IdentitiesQuery, IdentityPage},
    identity::{KeyId, Role},
    registry::{ContractEntry, Member, Node},
};

use crate::{
    BR, BR_ADMIN, BR_NODE, UY, admin, assert_refused, enrol, genesis, native_and_wasm, page, public,
};

native_and_wasm![
    the_registry_is_what_genesis_wrote,
    queries_without_arguments_take_none,
    pages_of_identities_are_complete_in_order_and_end,
    unknown_members_have_no_identities,
    bad_pages_are_refused,
];

fn the_registry_is_what_genesis_wrote(ledger: MockLedger) {
    let genesis = genesis(ledger.time_ms);
    let query = |method| ledger.query(method, &()).expect(method);
    assert_eq!(decode_stored::<Vec<Member>>(&query("members")), Ok(genesis.members));
    assert_eq!(decode_stored::<Vec<Node>>(&query("nodes")), Ok(genesis.nodes));
    assert_eq!(decode_stored::<Vec<ContractEntry>>(&query("contracts")), Ok(genesis.contracts));
    assert_eq!(decode_stored::<Vec<Parameter>>(&query("parameters")), Ok(genesis.parameters));
}

fn queries_without_arguments_take_none(ledger: MockLedger) {
    for method in ["members", "nodes", "contracts", "parameters"] {
        assert_refused(ledger.query(method, &7u8), "bad-arguments", "arguments");
    }
}

fn pages_of_identities_are_complete_in_order_and_end(mut ledger: MockLedger) {
    let mut expected = vec![BR_ADMIN, BR_NODE];
    for key in 100..120 {
        let args = enrol(&ledger, BR, key, &[Role::Officer]);
        ledger.call(&admin(BR), "enrol", &args).expect("enrolled");
        expected.push(key);
        let other = enrol(&ledger, UY, key + 100, &[Role::Officer]);
        ledger.call(&admin(UY), "enrol", &other).expect("enrolled");
    }
    let mut expected: Vec<_> = expected.into_iter().map(public).collect();
    expected.sort_by_key(KeyId::of);
    for limit in [1, 5, 11, 22, 23, 100] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = page(&ledger, BR, after, limit);
            assert!(!page.items.is_empty() && page.items.len() <= limit as usize);
            seen.extend(page.items.iter().map(|identity| identity.public_key));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
}

fn unknown_members_have_no_identities(ledger: MockLedger) {
    let none = IdentityPage { items: vec![], next: None };
    assert_eq!(page(&ledger, "br", None, 100), none);
    assert_eq!(page(&ledger, "", None, 100), none);
}

fn bad_pages_are_refused(ledger: MockLedger) {
    for (member, limit, field) in [
        (UY.into(), 0, "limit"),
        (UY.into(), MAX_PAGE + 1, "limit"),
        ("m".repeat(200), 1, "member"),
    ] {
        let query = IdentitiesQuery { member, after: None, limit };
        assert_refused(ledger.query("identities", &query), "bad-arguments", field);
    }
}
