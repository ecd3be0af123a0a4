//! Whatever members do, the registry stays consistent and nobody is locked out.

use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    governance::{Revoke, Rotate},
    identity::{KeyId, Role},
    registry::IdentityStatus,
};
use proptest::prelude::*;

use crate::{
    BR, DAY_MS, UY, admin, enrol, history, key_id, native, page, possession, public, wasm,
};

#[derive(Debug, Clone)]
enum Step {
    Enrol(u8, Role),
    Rotate(u8, u8, u64),
    Revoke(u8),
}

/// Keys 1 to 4 are those of genesis.
fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let key = || 1u8..12;
    let role = prop::sample::select(vec![Role::Admin, Role::Officer]);
    let step = prop_oneof![
        (key(), role).prop_map(|(key, role)| Step::Enrol(key, role)),
        (key(), key(), 0u64..60).prop_map(|(old, new, days)| Step::Rotate(old, new, days)),
        key().prop_map(Step::Revoke),
    ];
    prop::collection::vec((any::<bool>(), step), 0..40)
}

/// Runs a step; whether it was refused does not matter.
fn run(ledger: &mut MockLedger, member: &str, step: &Step) {
    let by = admin(member);
    let _ = match *step {
        Step::Enrol(key, role) => ledger.call(&by, "enrol", &enrol(ledger, member, key, &[role])),
        Step::Rotate(old, new, days) => {
            let args = Rotate {
                old: key_id(old),
                public_key: public(new),
                possession: possession(ledger, member, new),
                old_until_ms: ledger.time_ms + days * DAY_MS / 10,
                valid_until_ms: ledger.time_ms + days * DAY_MS,
            };
            ledger.call(&by, "rotate", &args)
        }
        Step::Revoke(key) => {
            let args = Revoke { key_id: key_id(key), reason: "left".into() };
            ledger.call(&by, "revoke", &args)
        }
    };
}

fn check(mut ledger: MockLedger, steps: Vec<(bool, Step)>) -> Result<(), TestCaseError> {
    for (uy, step) in steps {
        let before = [UY, BR].map(|member| page(&ledger, member, None, 100).items);
        let (author, other) = if uy { (UY, 1) } else { (BR, 0) };
        run(&mut ledger, author, &step);
        let after = [UY, BR].map(|member| page(&ledger, member, None, 100).items);
        prop_assert_eq!(&before[other], &after[other], "another member's identities changed");

        let now = ledger.time_ms;
        for (member, identities) in [UY, BR].into_iter().zip(&after) {
            prop_assert!(
                identities.iter().any(|identity| identity.roles.contains(&Role::Admin)
                    && identity.status == IdentityStatus::Active
                    && identity.valid_until_ms > now),
                "{} has no admin",
                member
            );
            for identity in identities {
                prop_assert_eq!(identity.member.as_str(), member);
                let history = history(&mut ledger, KeyId::of(&identity.public_key));
                // Genesis leaves no history.
                prop_assert_eq!(history.last().unwrap_or(identity), identity);
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_native_contract_stays_consistent(steps in steps()) {
        check(native(), steps)?;
    }
}

proptest! {
    // Each call is an instance of its own: fewer cases keep the test short.
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_module_stays_consistent(steps in steps()) {
        check(wasm(), steps)?;
    }
}
