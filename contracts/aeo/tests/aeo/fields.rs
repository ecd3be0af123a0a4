//! What is refused because of a field, at its limits.

use aeo::{MAX_EFFECTIVE_DISTANCE_MS, MAX_PER_OPERATOR, code};
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    aeo::{AeoType, Certify, ChangeStatus, Date, PublicIdentifier},
    cbor,
    hash::Hash,
};

use crate::{Raw, authorizations, certify, change, code_of, native_and_wasm, officer, operator};

native_and_wasm![
    every_bad_field_of_a_grant_is_named,
    every_bad_field_of_a_change_is_named,
    arguments_are_deterministic_cbor,
    effective_times_are_within_a_year,
    the_largest_authorization_fits,
    one_member_grants_an_operator_only_so_many,
];

fn identified(scheme: &str, value: &str) -> impl Fn(&mut Certify) + use<> {
    let identifier = PublicIdentifier { scheme: scheme.into(), value: value.into() };
    move |args| args.identifier = Some(identifier.clone())
}

fn every_bad_field_of_a_grant_is_named(mut ledger: MockLedger) {
    let first = certify(operator(1), "UY-1").valid_from;
    type Spoil = Box<dyn Fn(&mut Certify)>;
    let cases: Vec<(&str, Spoil)> = vec![
        ("number", Box::new(|args| args.number = String::new())),
        ("number", Box::new(|args| args.number = "uy-1".into())),
        ("number", Box::new(|args| args.number = "9".repeat(25))),
        ("types", Box::new(|args| args.types = vec![])),
        ("types", Box::new(|args| args.types = vec![AeoType::S, AeoType::C])),
        ("types", Box::new(|args| args.types = vec![AeoType::C, AeoType::C])),
        ("valid_until", Box::new(move |args| args.valid_until = Date(first.0 - 1))),
        ("valid_until", Box::new(|args| args.valid_until = Date(2_932_897))),
        ("valid_until", Box::new(|args| args.valid_until = Date(u32::MAX))),
        ("identifier.scheme", Box::new(identified("", "1"))),
        ("identifier.scheme", Box::new(identified("RUT", "1"))),
        ("identifier.scheme", Box::new(identified(&"r".repeat(17), "1"))),
        ("identifier.value", Box::new(identified("rut", ""))),
        ("identifier.value", Box::new(identified("rut", "21-4"))),
        ("identifier.value", Box::new(identified("rut", "ab1"))),
        ("identifier.value", Box::new(identified("rut", &"9".repeat(36)))),
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
    ledger.call(&officer("uy-dna"), "certify", &certify(operator(1), "UY-1")).expect("granted");
    let good = change(&ledger, operator(1), "UY-1");
    let cases = [
        ("number", ChangeStatus { number: "UY_1".into(), ..good.clone() }),
        ("reason", ChangeStatus { reason: String::new(), ..good.clone() }),
        ("reason", ChangeStatus { reason: "Fraud".into(), ..good.clone() }),
        ("reason", ChangeStatus { reason: "r".repeat(65), ..good }),
    ];
    for (field, args) in cases {
        let failure = ledger.call(&officer("uy-dna"), "suspend", &args).expect_err(field);
        assert_eq!(failure.code, "bad-arguments", "{args:?}");
        assert!(failure.message.starts_with(&format!("{field}: ")), "{}", failure.message);
    }
}

fn arguments_are_deterministic_cbor(mut ledger: MockLedger) {
    let good = cbor::encode(&certify(operator(1), "UY-1"));
    let mut trailing = good.clone();
    trailing.push(0);
    // The array of six, its length in two bytes instead of one.
    let longer = [&[0x98, 0x06], &good[1..]].concat();
    for args in [vec![], vec![0xff], trailing, longer, good[..good.len() - 1].to_vec()] {
        let result = ledger.call(&officer("uy-dna"), "certify", &Raw(args));
        assert_eq!(code_of(result), "bad-arguments");
    }
    ledger.call(&officer("uy-dna"), "certify", &Raw(good)).expect("the good ones");
}

fn effective_times_are_within_a_year(mut ledger: MockLedger) {
    let uy = officer("uy-dna");
    ledger.call(&uy, "certify", &certify(operator(1), "UY-1")).expect("granted");
    for too_far in [MAX_EFFECTIVE_DISTANCE_MS as i64 + 1, -(MAX_EFFECTIVE_DISTANCE_MS as i64) - 1] {
        let effective_ms = ledger.time_ms.checked_add_signed(too_far).expect("a time");
        let args = ChangeStatus { effective_ms, ..change(&ledger, operator(1), "UY-1") };
        let result = ledger.call(&uy, "suspend", &args);
        assert_eq!(code_of(result), code::EFFECTIVE_TIME_OUT_OF_RANGE);
    }
    for extreme in [0, u64::MAX] {
        let args = ChangeStatus { effective_ms: extreme, ..change(&ledger, operator(1), "UY-1") };
        let result = ledger.call(&uy, "suspend", &args);
        assert_eq!(code_of(result), code::EFFECTIVE_TIME_OUT_OF_RANGE);
    }
    let last = ledger.time_ms + MAX_EFFECTIVE_DISTANCE_MS;
    let args = ChangeStatus { effective_ms: last, ..change(&ledger, operator(1), "UY-1") };
    ledger.call(&uy, "suspend", &args).expect("a year ahead");
    let first = ledger.time_ms - MAX_EFFECTIVE_DISTANCE_MS;
    let args = ChangeStatus { effective_ms: first, ..change(&ledger, operator(1), "UY-1") };
    ledger.call(&uy, "reinstate", &args).expect("a year back");
}

/// Every part of the key at its longest: a tag of zeros doubles when it is escaped.
fn the_largest_authorization_fits(mut ledger: MockLedger) {
    let member = "m".repeat(16);
    let number = "N".repeat(24);
    let mut args = certify(Hash([0; 32]), &number);
    args.valid_until = Date(2_932_896);
    identified(&"s".repeat(16), &"V".repeat(35))(&mut args);
    ledger.call(&officer(&member), "certify", &args).expect("fits");
    let suspend =
        ChangeStatus { reason: "r".repeat(64), ..change(&ledger, Hash([0; 32]), &number) };
    ledger.call(&officer(&member), "suspend", &suspend).expect("fits");
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
    ledger.call(&uy, "certify", &certify(operator(2), "UY-0")).expect("each operator, too");
    assert_eq!(authorizations(&ledger, operator(1)).len(), MAX_PER_OPERATOR as usize + 1);
}
