//! One key after another.

use governance::code;
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    governance::{Revoke, Rotate},
    identity::Role,
    registry::Identity,
};

use crate::{
    BR, BR_ADMIN, DAY_MS, UY, UY_ADMIN, UY_NODE, admin, assert_refused, changes, enrol, history,
    identity, key_id, native_and_wasm, possession, public,
};

native_and_wasm![
    the_new_key_takes_over_the_roles_and_both_overlap,
    an_old_end_in_the_past_is_now,
    the_last_admin_can_rotate_its_own_key,
    a_rotation_that_makes_no_sense_is_refused,
    only_keys_of_the_member_in_force_are_rotated,
];

const OLD: u8 = 10;
const NEW: u8 = 11;

/// The old key ends in a day, the new one in 80 days.
fn rotate(ledger: &MockLedger, old: u8) -> Rotate {
    Rotate {
        old: key_id(old),
        public_key: public(NEW),
        possession: possession(ledger, UY, NEW),
        old_until_ms: ledger.time_ms + DAY_MS,
        valid_until_ms: ledger.time_ms + 80 * DAY_MS,
    }
}

fn with_old(mut ledger: MockLedger) -> MockLedger {
    let args = enrol(&ledger, UY, OLD, &[Role::Officer, Role::Analyst]);
    ledger.call(&admin(UY), "enrol", &args).expect("enrolled");
    ledger
}

fn the_new_key_takes_over_the_roles_and_both_overlap(ledger: MockLedger) {
    let mut ledger = with_old(ledger);
    let before = identity(&ledger, UY, OLD).expect("enrolled");
    let args = rotate(&ledger, OLD);
    let now = ledger.time_ms;
    ledger.call(&admin(UY), "rotate", &args).expect("rotated");

    let old = identity(&ledger, UY, OLD).expect("still there");
    assert_eq!(old, Identity { valid_until_ms: args.old_until_ms, ..before.clone() });
    let new = identity(&ledger, UY, NEW).expect("enrolled");
    let expected = Identity {
        public_key: public(NEW),
        valid_from_ms: now,
        valid_until_ms: args.valid_until_ms,
        ..before.clone()
    };
    assert_eq!(new, expected);
    let expected = [(key_id(OLD), "rotate".into()), (key_id(NEW), "enrol".into())];
    assert_eq!(changes(&ledger), expected);
    assert_eq!(history(&mut ledger, key_id(OLD)), [before, old]);
    assert_eq!(history(&mut ledger, key_id(NEW)), [new]);
}

fn an_old_end_in_the_past_is_now(ledger: MockLedger) {
    let mut ledger = with_old(ledger);
    let now = ledger.time_ms;
    let args = Rotate { old_until_ms: 0, ..rotate(&ledger, OLD) };
    ledger.call(&admin(UY), "rotate", &args).expect("rotated");
    assert_eq!(identity(&ledger, UY, OLD).map(|old| old.valid_until_ms), Some(now));
}

fn the_last_admin_can_rotate_its_own_key(mut ledger: MockLedger) {
    let args = Rotate { old_until_ms: 0, ..rotate(&ledger, UY_ADMIN) };
    ledger.call(&admin(UY), "rotate", &args).expect("rotated");
    assert_eq!(identity(&ledger, UY, NEW).map(|new| new.roles), Some(vec![Role::Admin]));
}

fn a_rotation_that_makes_no_sense_is_refused(ledger: MockLedger) {
    let mut ledger = with_old(ledger);
    let good = rotate(&ledger, OLD);
    let end = identity(&ledger, UY, OLD).expect("enrolled").valid_until_ms;
    let to = |key| Rotate {
        public_key: public(key),
        possession: possession(&ledger, UY, key),
        ..good.clone()
    };
    let cases = [
        (Rotate { public_key: public(OLD), ..good.clone() }, code::NO_POSSESSION, "public_key"),
        (Rotate { old_until_ms: end + 1, ..good.clone() }, "bad-arguments", "old_until_ms"),
        (
            Rotate { valid_until_ms: good.old_until_ms, ..good.clone() },
            "bad-arguments",
            "valid_until_ms",
        ),
        (Rotate { valid_until_ms: u64::MAX, ..good.clone() }, "bad-arguments", "valid_until_ms"),
        (to(OLD), code::ALREADY_ENROLLED, "public_key"),
        (to(BR_ADMIN), code::ALREADY_ENROLLED, "public_key"),
    ];
    let before = identity(&ledger, UY, OLD);
    for (args, code, field) in cases {
        assert_refused(ledger.call(&admin(UY), "rotate", &args), code, field);
    }
    assert_eq!(identity(&ledger, UY, OLD), before, "refused calls leave nothing");
}

fn only_keys_of_the_member_in_force_are_rotated(ledger: MockLedger) {
    let mut ledger = with_old(ledger);
    let args = rotate(&ledger, OLD);
    assert_refused(ledger.call(&admin(BR), "rotate", &args), code::UNKNOWN_IDENTITY, "");
    let args = rotate(&ledger, 77);
    assert_refused(ledger.call(&admin(UY), "rotate", &args), code::UNKNOWN_IDENTITY, "");
    let args = rotate(&ledger, UY_NODE);
    assert_refused(ledger.call(&admin(UY), "rotate", &args), code::NODE_IDENTITY, "old");

    let revoke = Revoke { key_id: key_id(OLD), reason: "lost".into() };
    ledger.call(&admin(UY), "revoke", &revoke).expect("revoked");
    let args = rotate(&ledger, OLD);
    assert_refused(ledger.call(&admin(UY), "rotate", &args), code::ALREADY_REVOKED, "");

    let short = 12;
    let args = enrol(&ledger, UY, short, &[Role::Officer]);
    ledger.call(&admin(UY), "enrol", &args).expect("enrolled");
    ledger.time_ms = args.valid_until_ms;
    let args = rotate(&ledger, short);
    assert_refused(ledger.call(&admin(UY), "rotate", &args), code::IDENTITY_EXPIRED, "old");
}
