//! New keys.

use governance::{MAX_START_AHEAD_MS, MAX_VALIDITY_MS, code};
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    governance::{Enrol, Revoke, key_possession},
    hash::Hash,
    identity::Role,
    registry::IdentityStatus,
};

use crate::{
    BR, BR_NODE, UY, UY_ADMIN, admin, assert_refused, changes, enrol, history, identity, key_id,
    native_and_wasm, possession, public, secret,
};

native_and_wasm![
    an_enrolled_key_is_in_registry_history_and_event,
    roles_are_sorted_unique_and_never_node,
    a_validity_is_in_the_future_and_bounded,
    a_validity_never_begins_in_the_past,
    a_key_is_enrolled_once,
    a_key_is_enrolled_by_its_holder_alone,
    a_call_needs_an_author,
    methods_are_not_queries_and_queries_are_not_methods,
];

const KEY: u8 = 10;

fn an_enrolled_key_is_in_registry_history_and_event(mut ledger: MockLedger) {
    let args = enrol(&ledger, UY, KEY, &[Role::Officer, Role::Supervisor]);
    ledger.call(&admin(UY), "enrol", &args).expect("enrolled");
    let enrolled = identity(&ledger, UY, KEY).expect("in the registry");
    assert_eq!(enrolled.member, UY);
    assert_eq!(enrolled.roles, args.roles);
    assert_eq!(enrolled.status, IdentityStatus::Active);
    let validity = (enrolled.valid_from_ms, enrolled.valid_until_ms);
    assert_eq!(validity, (args.valid_from_ms, args.valid_until_ms));
    assert_eq!(changes(&ledger), [(key_id(KEY), "enrol".into())]);
    assert_eq!(history(&mut ledger, key_id(KEY)), [enrolled]);
    assert_eq!(identity(&ledger, BR, KEY), None);
}

fn roles_are_sorted_unique_and_never_node(mut ledger: MockLedger) {
    let cases: [(&[Role], &str); 5] = [
        (&[], "bad-arguments"),
        (&[Role::Supervisor, Role::Officer], "bad-arguments"),
        (&[Role::Officer, Role::Officer], "bad-arguments"),
        (&[Role::Node], code::NODE_IDENTITY),
        (&[Role::Node, Role::Admin], code::NODE_IDENTITY),
    ];
    for (roles, code) in cases {
        let args = enrol(&ledger, UY, KEY, roles);
        assert_refused(ledger.call(&admin(UY), "enrol", &args), code, "roles");
    }
    assert_eq!(identity(&ledger, UY, KEY), None);
}

fn a_validity_is_in_the_future_and_bounded(mut ledger: MockLedger) {
    let now = ledger.time_ms;
    let day = crate::DAY_MS;
    let cases = [
        (now - 2 * day, now - day, "valid_until_ms"),
        (now - day, now, "valid_until_ms"),
        (now + day, now + day, "valid_until_ms"),
        (now + 2 * day, now + day, "valid_until_ms"),
        (now + day, now + day + MAX_VALIDITY_MS + 1, "valid_until_ms"),
        (now + day, u64::MAX, "valid_until_ms"),
        (now + MAX_START_AHEAD_MS + day, now + MAX_START_AHEAD_MS + 2 * day, "valid_from_ms"),
        (u64::MAX, u64::MAX, "valid_from_ms"),
    ];
    for (valid_from_ms, valid_until_ms, field) in cases {
        let args =
            Enrol { valid_from_ms, valid_until_ms, ..enrol(&ledger, UY, KEY, &[Role::Officer]) };
        assert_refused(ledger.call(&admin(UY), "enrol", &args), "bad-arguments", field);
    }
    let longest = Enrol {
        valid_from_ms: now + day,
        valid_until_ms: now + day + MAX_VALIDITY_MS,
        ..enrol(&ledger, UY, KEY, &[Role::Officer])
    };
    ledger.call(&admin(UY), "enrol", &longest).expect("the longest");
}

fn a_validity_never_begins_in_the_past(mut ledger: MockLedger) {
    let now = ledger.time_ms;
    let args = Enrol { valid_from_ms: 0, ..enrol(&ledger, UY, KEY, &[Role::Officer]) };
    ledger.call(&admin(UY), "enrol", &args).expect("enrolled");
    assert_eq!(identity(&ledger, UY, KEY).map(|identity| identity.valid_from_ms), Some(now));
}

fn a_key_is_enrolled_once(mut ledger: MockLedger) {
    let args = enrol(&ledger, UY, KEY, &[Role::Officer]);
    ledger.call(&admin(UY), "enrol", &args).expect("enrolled");
    for member in [UY, BR] {
        for key in [KEY, UY_ADMIN, BR_NODE] {
            let args = enrol(&ledger, member, key, &[Role::Officer]);
            let result = ledger.call(&admin(member), "enrol", &args);
            assert_refused(result, code::ALREADY_ENROLLED, "public_key");
        }
    }
    let revoke = Revoke { key_id: key_id(KEY), reason: "left".into() };
    ledger.call(&admin(UY), "revoke", &revoke).expect("revoked");
    let args = enrol(&ledger, UY, KEY, &[Role::Officer]);
    assert_refused(ledger.call(&admin(UY), "enrol", &args), code::ALREADY_ENROLLED, "public_key");
}

fn a_key_is_enrolled_by_its_holder_alone(mut ledger: MockLedger) {
    let good = enrol(&ledger, UY, KEY, &[Role::Officer]);
    let elsewhere = key_possession(&Hash([1; 32]), UY, &public(KEY));
    for possession in [
        [0; 64],
        // By another key, for another member, on another channel.
        possession(&ledger, UY, 11),
        possession(&ledger, BR, KEY),
        secret(KEY).sign(elsewhere.as_bytes()),
    ] {
        let args = Enrol { possession, ..good.clone() };
        assert_refused(ledger.call(&admin(UY), "enrol", &args), code::NO_POSSESSION, "public_key");
    }
    let weak = Enrol { public_key: [0; 32], ..good.clone() };
    assert_refused(ledger.call(&admin(UY), "enrol", &weak), code::NO_POSSESSION, "public_key");
    ledger.call(&admin(UY), "enrol", &good).expect("enrolled");
}

fn a_call_needs_an_author(mut ledger: MockLedger) {
    let args = enrol(&ledger, UY, KEY, &[Role::Officer]);
    assert_refused(ledger.call(&[], "enrol", &args), code::NO_AUTHOR, "");
    let args = Revoke { key_id: key_id(UY_ADMIN), reason: "left".into() };
    assert_refused(ledger.call(&[], "revoke", &args), code::NO_AUTHOR, "");
}

fn methods_are_not_queries_and_queries_are_not_methods(mut ledger: MockLedger) {
    let args = enrol(&ledger, UY, KEY, &[Role::Officer]);
    for method in ["members", "identities", "", "Enrol"] {
        assert_refused(ledger.call(&admin(UY), method, &args), "unknown-method", "");
    }
    for method in ["enrol", "rotate", "revoke", "replace-node", ""] {
        assert_refused(ledger.query(method, &args), "unknown-method", "");
    }
}
