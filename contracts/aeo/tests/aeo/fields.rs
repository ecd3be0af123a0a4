//! What is refused because of a field, at its limits.

use aeo::{MAX_EFFECTIVE_DISTANCE_MS, MAX_PER_OPERATOR, code};
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    aeo::{
        AeoType, Amend, Certify, ChangeStatus, DAY_MS, Date, PublicIdentifier, SupplyChainRole,
        Terms,
    },
    cbor,
    hash::Hash,
};

use crate::{
    Raw, amend, authorizations, certify, change, code_of, date, native_and_wasm, officer, operator,
    terms,
};

native_and_wasm![
    every_bad_field_of_a_grant_is_named,
    every_bad_field_of_a_change_is_named,
    arguments_are_deterministic_cbor,
    effective_times_are_within_a_year_and_not_before_the_grant,
    the_largest_authorization_fits,
    one_member_grants_an_operator_only_so_many,
];

fn identified(scheme: &str, value: &str) -> impl Fn(&mut Certify) + use<> {
    let identifier = PublicIdentifier { scheme: scheme.into(), value: value.into() };
    move |args| args.terms.identifier = Some(identifier.clone())
}

fn every_bad_field_of_a_grant_is_named(mut ledger: MockLedger) {
    let too_late = Date::of_ms(ledger.time_ms + 368 * DAY_MS);
    type Spoil = Box<dyn Fn(&mut Certify)>;
    let cases: Vec<(&str, Spoil)> = vec![
        ("number", Box::new(|args| args.number = String::new())),
        ("number", Box::new(|args| args.number = "uy-1".into())),
        ("number", Box::new(|args| args.number = "9".repeat(25))),
        ("types", Box::new(|args| args.terms.types = vec![])),
        ("types", Box::new(|args| args.terms.types = vec![AeoType::S, AeoType::C])),
        ("types", Box::new(|args| args.terms.types = vec![AeoType::C, AeoType::C])),
        ("roles", Box::new(|args| args.terms.roles = vec![])),
        ("roles", Box::new(|args| args.terms.roles.reverse())),
        (
            "valid_from",
            Box::new(move |args| (args.valid_from, args.terms.valid_until) = (too_late, None)),
        ),
        ("valid_from", Box::new(|args| args.valid_from = Date(u32::MAX))),
        ("valid_until", Box::new(|args| args.terms.valid_until = Some(date("2025-02-28")))),
        ("valid_until", Box::new(|args| args.terms.valid_until = Some(Date(2_932_897)))),
        ("valid_until", Box::new(|args| args.terms.valid_until = Some(Date(u32::MAX)))),
        ("identifier.scheme", Box::new(identified("", "1"))),
        ("identifier.scheme", Box::new(identified("UY-RUT", "214033020011"))),
        ("identifier.scheme", Box::new(identified(&"r".repeat(17), "1"))),
        ("identifier.value", Box::new(identified("uy-rut", ""))),
        ("identifier.value", Box::new(identified("uy-rut", "21-4033020011"))),
        ("identifier.value", Box::new(identified("uy-rut", "214033020012"))),
        ("identifier.value", Box::new(identified("eori", "de1234567"))),
        ("identifier.value", Box::new(identified("aeo", &"9".repeat(36)))),
    ];
    for (field, spoil) in cases {
        let mut args = certify(operator(1), "UY-1");
        spoil(&mut args);
        let failure = ledger.call(&officer("uy-dna"), "certify", &args).expect_err(field);
        assert_eq!(failure.code, "bad-arguments", "{args:?}");
        assert!(failure.message.starts_with(&format!("{field}: ")), "{}", failure.message);
    }
    assert!(authorizations(&ledger, operator(1)).is_empty());
}

fn every_bad_field_of_a_change_is_named(mut ledger: MockLedger) {
    let uy = officer("uy-dna");
    ledger.call(&uy, "certify", &certify(operator(1), "UY-1")).expect("granted");
    let good = change(&ledger, operator(1), "UY-1");
    let cases = [
        ("number", ChangeStatus { number: "UY_1".into(), ..good.clone() }),
        ("reference", ChangeStatus { reference: "José".into(), ..good.clone() }),
        ("reference", ChangeStatus { reference: "r".repeat(65), ..good }),
    ];
    for method in ["suspend", "withdraw", "revoke"] {
        for (field, args) in &cases {
            let failure = ledger.call(&uy, method, args).expect_err(field);
            assert_eq!(failure.code, "bad-arguments", "{args:?}");
            assert!(failure.message.starts_with(&format!("{field}: ")), "{}", failure.message);
        }
    }
    let with = |terms| Amend { terms, ..amend(&ledger, operator(1), "UY-1") };
    let bad = [
        ("types", with(Terms { types: vec![], ..terms() })),
        ("valid_until", with(Terms { valid_until: Some(date("2025-02-28")), ..terms() })),
    ];
    for (field, args) in bad {
        let failure = ledger.call(&uy, "amend", &args).expect_err(field);
        assert!(failure.message.starts_with(&format!("{field}: ")), "{}", failure.message);
    }
}

fn arguments_are_deterministic_cbor(mut ledger: MockLedger) {
    let good = cbor::encode(&certify(operator(1), "UY-1"));
    let mut trailing = good.clone();
    trailing.push(0);
    // The array of four, its length in two bytes instead of one.
    assert_eq!(good[0], 0x84);
    let longer = [&[0x98, 0x04], &good[1..]].concat();
    for args in [vec![], vec![0xff], trailing, longer, good[..good.len() - 1].to_vec()] {
        let result = ledger.call(&officer("uy-dna"), "certify", &Raw(args));
        assert_eq!(code_of(result), "bad-arguments");
    }
    ledger.call(&officer("uy-dna"), "certify", &Raw(good)).expect("the good ones");
}

fn effective_times_are_within_a_year_and_not_before_the_grant(mut ledger: MockLedger) {
    let uy = officer("uy-dna");
    ledger.time_ms = date("2027-01-01").start_ms();
    ledger.call(&uy, "certify", &certify(operator(1), "UY-1")).expect("granted");
    let at = |ledger: &MockLedger, effective_ms| ChangeStatus {
        effective_ms: Some(effective_ms),
        ..change(ledger, operator(1), "UY-1")
    };
    let far = MAX_EFFECTIVE_DISTANCE_MS;
    let starts_ms = date("2025-03-01").start_ms();
    let cases = [
        (ledger.time_ms + far + 10_000, code::EFFECTIVE_TIME_OUT_OF_RANGE),
        (ledger.time_ms - far - 1, code::EFFECTIVE_TIME_OUT_OF_RANGE),
        (u64::MAX, code::EFFECTIVE_TIME_OUT_OF_RANGE),
        (starts_ms, code::EFFECTIVE_TIME_OUT_OF_RANGE),
        (starts_ms - 1, code::EFFECTIVE_BEFORE_GRANT),
        (0, code::EFFECTIVE_BEFORE_GRANT),
    ];
    for (effective_ms, expected) in cases {
        for method in ["suspend", "withdraw", "revoke"] {
            let result = ledger.call(&uy, method, &at(&ledger, effective_ms));
            assert_eq!(code_of(result), expected, "{method} {effective_ms}");
            ledger.time_ms -= 1_000;
        }
        let args =
            Amend { effective_ms: Some(effective_ms), ..amend(&ledger, operator(1), "UY-1") };
        assert_eq!(code_of(ledger.call(&uy, "amend", &args)), expected);
        ledger.time_ms -= 1_000;
    }
    let last_ms = ledger.time_ms + far;
    ledger.call(&uy, "suspend", &at(&ledger, last_ms)).expect("a year ahead");
    let first_ms = ledger.time_ms - far;
    ledger.call(&uy, "reinstate", &at(&ledger, first_ms)).expect("a year back");
}

/// Every part of the key at its longest: a tag of zeros doubles when it is escaped.
fn the_largest_authorization_fits(mut ledger: MockLedger) {
    let member = "m".repeat(16);
    let number = "N".repeat(24);
    let mut args = certify(Hash([0; 32]), &number);
    args.terms.valid_until = Some(Date::LAST);
    args.terms.roles = SupplyChainRole::ALL.to_vec();
    identified("aeo", &"V".repeat(35))(&mut args);
    ledger.call(&officer(&member), "certify", &args).expect("fits");
    for method in ["suspend", "revoke"] {
        let args =
            ChangeStatus { reference: "r".repeat(64), ..change(&ledger, Hash([0; 32]), &number) };
        ledger.call(&officer(&member), method, &args).expect("fits");
    }
    assert_eq!(authorizations(&ledger, Hash([0; 32])).len(), 1);
}

fn one_member_grants_an_operator_only_so_many(mut ledger: MockLedger) {
    let uy = officer("uy-dna");
    for number in 0..MAX_PER_OPERATOR {
        let args = certify(operator(1), &format!("UY-{number}"));
        ledger.call(&uy, "certify", &args).expect("granted");
    }
    let surplus = certify(operator(1), "UY-SURPLUS");
    assert_eq!(code_of(ledger.call(&uy, "certify", &surplus)), code::TOO_MANY_AUTHORIZATIONS);
    ledger.call(&officer("br-rfb"), "certify", &surplus).expect("each member has its own count");
    ledger.call(&uy, "certify", &certify(operator(2), "UY-SURPLUS")).expect("each operator, too");
    assert_eq!(authorizations(&ledger, operator(1)).len(), MAX_PER_OPERATOR as usize + 1);
}
