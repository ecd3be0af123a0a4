//! From grant to revocation, and who may do what.

use aeo::code;
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    aeo::{Action, AeoStatus, DAY_MS, Transition},
    cbor,
};

use crate::{
    authorizations, certify, change, code_of, history, native_and_wasm, officer, operator, status,
};

native_and_wasm![
    a_grant_is_seen_with_its_history_and_event,
    a_whole_life,
    every_action_on_every_status,
    a_refused_call_leaves_nothing,
    members_write_only_what_they_granted,
    a_call_needs_an_author,
    methods_are_not_queries_and_queries_are_not_methods,
];

const NUMBER: &str = "UY-OEC-0001";

fn a_grant_is_seen_with_its_history_and_event(mut ledger: MockLedger) {
    let granted = certify(operator(1), NUMBER);
    let recorded_ms = ledger.time_ms;
    ledger.call(&officer("uy-dna"), "certify", &granted).expect("granted");

    let [seen] = &authorizations(&ledger, operator(1))[..] else { panic!("one authorization") };
    assert_eq!((seen.member.as_str(), seen.number.as_str()), ("uy-dna", NUMBER));
    assert_eq!((seen.valid_from, seen.valid_until), (granted.valid_from, granted.valid_until));
    assert_eq!((&seen.types, &seen.identifier), (&granted.types, &granted.identifier));
    assert_eq!(seen.status, AeoStatus::Valid);

    let [(entry, transition)] = &history(&ledger, operator(1), "uy-dna", NUMBER, 0)[..] else {
        panic!("one entry");
    };
    assert_eq!((entry.member.as_str(), entry.time_ms, entry.height), ("uy-dna", recorded_ms, 1));
    let expected = Transition {
        action: Action::Certify,
        effective_ms: u64::from(granted.valid_from.0) * DAY_MS,
        reason: String::new(),
        authorization: seen.clone(),
    };
    assert_eq!(transition, &expected);
    assert_eq!(ledger.events(), [("aeo.certified".into(), cbor::encode(&expected))]);
}

fn a_whole_life(mut ledger: MockLedger) {
    use AeoStatus::{Revoked, Suspended, Valid};
    let uy = officer("uy-dna");
    ledger.call(&uy, "certify", &certify(operator(1), NUMBER)).expect("granted");
    let steps = [
        ("suspend", Suspended, "aeo.suspended"),
        ("reinstate", Valid, "aeo.reinstated"),
        ("suspend", Suspended, "aeo.suspended"),
        ("revoke", Revoked, "aeo.revoked"),
    ];
    for (method, expected, topic) in steps {
        ledger.call(&uy, method, &change(&ledger, operator(1), NUMBER)).expect(method);
        assert_eq!(status(&ledger, operator(1), "uy-dna", NUMBER), Some(expected));
        assert_eq!(ledger.events()[0].0, topic);
    }

    let history = history(&ledger, operator(1), "uy-dna", NUMBER, 0);
    let actions: Vec<_> = history.iter().map(|(_, transition)| transition.action.name()).collect();
    assert_eq!(actions, ["certify", "suspend", "reinstate", "suspend", "revoke"]);
    let statuses: Vec<_> = history.iter().map(|(_, t)| t.authorization.status).collect();
    assert_eq!(statuses, [Valid, Suspended, Valid, Suspended, Revoked]);
    assert!(history.is_sorted_by_key(|(entry, _)| entry.time_ms));
    assert!(history[1..].iter().all(|(_, t)| t.reason == "financial-solvency"));
}

/// The whole state machine as a table: what brings about the status, then what each action gives.
fn every_action_on_every_status(ledger: MockLedger) {
    let actions = ["certify", "suspend", "reinstate", "revoke"];
    let unknown = code::UNKNOWN_AUTHORIZATION;
    let terminal = code::TERMINAL_STATUS;
    let rows: [(&[&str], [&str; 4]); 4] = [
        (&[], ["ok", unknown, unknown, unknown]),
        (&["certify"], [code::ALREADY_EXISTS, "ok", code::NOT_SUSPENDED, "ok"]),
        (&["certify", "suspend"], [code::ALREADY_EXISTS, code::ALREADY_SUSPENDED, "ok", "ok"]),
        (&["certify", "revoke"], [code::ALREADY_EXISTS, terminal, terminal, terminal]),
    ];
    let mut ledger = ledger;
    let mut fresh = 0;
    let act = |ledger: &mut MockLedger, method: &str, number: &str| match method {
        "certify" => ledger.call(&officer("uy-dna"), method, &certify(operator(1), number)),
        _ => ledger.call(&officer("uy-dna"), method, &change(ledger, operator(1), number)),
    };
    for (before, results) in rows {
        for (action, expected) in actions.into_iter().zip(results) {
            fresh += 1;
            let number = format!("UY-{fresh}");
            for step in before {
                act(&mut ledger, step, &number).expect(step);
            }
            let code = act(&mut ledger, action, &number).map_or_else(|f| f.code, |_| "ok".into());
            assert_eq!(code, expected, "{action} after {before:?}");
        }
    }
}

fn a_refused_call_leaves_nothing(mut ledger: MockLedger) {
    let uy = officer("uy-dna");
    ledger.call(&uy, "certify", &certify(operator(1), NUMBER)).expect("granted");
    let before = (
        authorizations(&ledger, operator(1)),
        history(&ledger, operator(1), "uy-dna", NUMBER, 0).len(),
    );
    let again = certify(operator(1), NUMBER);
    assert_eq!(code_of(ledger.call(&uy, "certify", &again)), code::ALREADY_EXISTS);
    let reinstate = change(&ledger, operator(1), NUMBER);
    assert_eq!(code_of(ledger.call(&uy, "reinstate", &reinstate)), code::NOT_SUSPENDED);
    let after = (
        authorizations(&ledger, operator(1)),
        history(&ledger, operator(1), "uy-dna", NUMBER, 0).len(),
    );
    assert_eq!(before, after);
}

fn members_write_only_what_they_granted(mut ledger: MockLedger) {
    let (uy, br) = (officer("uy-dna"), officer("br-rfb"));
    ledger.call(&uy, "certify", &certify(operator(1), NUMBER)).expect("granted");
    for method in ["suspend", "reinstate", "revoke"] {
        let others = change(&ledger, operator(1), NUMBER);
        assert_eq!(code_of(ledger.call(&br, method, &others)), code::UNKNOWN_AUTHORIZATION);
    }
    assert_eq!(status(&ledger, operator(1), "uy-dna", NUMBER), Some(AeoStatus::Valid));

    ledger.call(&br, "certify", &certify(operator(1), NUMBER)).expect("a number is the member's");
    ledger.call(&br, "revoke", &change(&ledger, operator(1), NUMBER)).expect("its own");
    assert_eq!(status(&ledger, operator(1), "br-rfb", NUMBER), Some(AeoStatus::Revoked));
    assert_eq!(status(&ledger, operator(1), "uy-dna", NUMBER), Some(AeoStatus::Valid));
}

fn a_call_needs_an_author(mut ledger: MockLedger) {
    let args = certify(operator(1), NUMBER);
    assert_eq!(code_of(ledger.call(&[], "certify", &args)), code::NO_AUTHOR);
    let args = change(&ledger, operator(1), NUMBER);
    assert_eq!(code_of(ledger.call(&[], "revoke", &args)), code::NO_AUTHOR);
}

fn methods_are_not_queries_and_queries_are_not_methods(mut ledger: MockLedger) {
    let args = certify(operator(1), NUMBER);
    for method in ["operator", "list", "", "Certify", "certify "] {
        assert_eq!(code_of(ledger.call(&officer("uy-dna"), method, &args)), "unknown-method");
    }
    for method in ["certify", "revoke", ""] {
        assert_eq!(code_of(ledger.query(method, &args)), "unknown-method");
    }
}
