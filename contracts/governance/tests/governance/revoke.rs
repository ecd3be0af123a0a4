//! Keys that may no longer sign.

use governance::code;
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    governance::{Enrol, Revoke},
    identity::Role,
    registry::IdentityStatus,
};

use crate::{
    BR, DAY_MS, UY, UY_ADMIN, UY_NODE, admin, assert_refused, changes, enrol, history, identity,
    key_id, native_and_wasm,
};

native_and_wasm![
    a_revoked_key_has_the_ledgers_time,
    only_keys_of_the_member_are_revoked_and_once,
    a_reason_is_a_code,
    a_nodes_key_can_be_revoked,
    the_last_admin_stays,
    an_admin_who_cannot_sign_does_not_count,
];

const KEY: u8 = 10;

fn revoke(key: u8) -> Revoke {
    Revoke { key_id: key_id(key), reason: "key-lost".into() }
}

fn with_key(mut ledger: MockLedger, role: Role) -> MockLedger {
    let args = enrol(&ledger, UY, KEY, &[role]);
    ledger.call(&admin(UY), "enrol", &args).expect("enrolled");
    ledger
}

fn a_revoked_key_has_the_ledgers_time(ledger: MockLedger) {
    let mut ledger = with_key(ledger, Role::Officer);
    let at_ms = ledger.time_ms;
    ledger.call(&admin(UY), "revoke", &revoke(KEY)).expect("revoked");
    let revoked = identity(&ledger, UY, KEY).expect("still there");
    assert_eq!(revoked.status, IdentityStatus::Revoked { at_ms });
    assert_eq!(changes(&ledger), [(key_id(KEY), "revoke".into())]);
    assert_eq!(history(&mut ledger, key_id(KEY)).last(), Some(&revoked));
}

fn only_keys_of_the_member_are_revoked_and_once(ledger: MockLedger) {
    let mut ledger = with_key(ledger, Role::Officer);
    assert_refused(ledger.call(&admin(BR), "revoke", &revoke(KEY)), code::UNKNOWN_IDENTITY, "");
    let unknown = revoke(77);
    assert_refused(ledger.call(&admin(UY), "revoke", &unknown), code::UNKNOWN_IDENTITY, "");
    ledger.call(&admin(UY), "revoke", &revoke(KEY)).expect("revoked");
    let first = identity(&ledger, UY, KEY);
    assert_refused(ledger.call(&admin(UY), "revoke", &revoke(KEY)), code::ALREADY_REVOKED, "");
    assert_eq!(identity(&ledger, UY, KEY), first);
}

fn a_reason_is_a_code(ledger: MockLedger) {
    let mut ledger = with_key(ledger, Role::Officer);
    for reason in ["", "Key lost", &"r".repeat(65)] {
        let args = Revoke { reason: reason.into(), ..revoke(KEY) };
        assert_refused(ledger.call(&admin(UY), "revoke", &args), "bad-arguments", "reason");
    }
}

fn a_nodes_key_can_be_revoked(mut ledger: MockLedger) {
    ledger.call(&admin(UY), "revoke", &revoke(UY_NODE)).expect("revoked");
}

fn the_last_admin_stays(ledger: MockLedger) {
    let mut ledger = with_key(ledger, Role::Officer);
    assert_refused(ledger.call(&admin(UY), "revoke", &revoke(UY_ADMIN)), code::LAST_ADMIN, "");
    assert_eq!(
        identity(&ledger, UY, UY_ADMIN).map(|identity| identity.status),
        Some(IdentityStatus::Active)
    );
    let second = enrol(&ledger, UY, 11, &[Role::Admin, Role::Officer]);
    ledger.call(&admin(UY), "enrol", &second).expect("enrolled");
    ledger.call(&admin(UY), "revoke", &revoke(UY_ADMIN)).expect("another admin is there");
    let last = revoke(11);
    assert_refused(ledger.call(&admin(UY), "revoke", &last), code::LAST_ADMIN, "");
}

fn an_admin_who_cannot_sign_does_not_count(mut ledger: MockLedger) {
    let now = ledger.time_ms;
    let ended = Enrol { valid_until_ms: now + 1, ..enrol(&ledger, UY, 11, &[Role::Admin]) };
    ledger.call(&admin(UY), "enrol", &ended).expect("enrolled");
    let later = Enrol { valid_from_ms: now + DAY_MS, ..enrol(&ledger, UY, 12, &[Role::Admin]) };
    ledger.call(&admin(UY), "enrol", &later).expect("enrolled");
    assert_refused(ledger.call(&admin(UY), "revoke", &revoke(UY_ADMIN)), code::LAST_ADMIN, "");
    ledger.time_ms = now + DAY_MS;
    ledger.call(&admin(UY), "revoke", &revoke(UY_ADMIN)).expect("the later one can sign now");
}
