//! From grant to end, and who may do what.

use aeo::{MAX_TRANSITIONS, code};
use precinto_contract::testing::{Failure, MockLedger};
use precinto_protocol::{
    aeo::{
        Action, AeoStatus, Amend, Certify, ChangeStatus, Decide, Person, ReasonClass, Standing,
        Terms, Transition,
    },
    cbor,
    hash::Hash,
};

use crate::{
    amend, authorizations, by_number, certify, change, code_of, date, history, native_and_wasm,
    officer, operator, pending::proposal, status, supervisor, terms,
};

native_and_wasm![
    a_grant_is_seen_with_its_history_and_event,
    a_whole_life,
    every_action_on_every_status,
    an_expired_authorization_can_only_be_annulled,
    a_number_is_used_once_per_member,
    a_refused_call_leaves_nothing,
    members_write_only_what_they_granted,
    a_call_needs_an_author,
    methods_are_not_queries_and_queries_are_not_methods,
    a_full_history_takes_what_suspends_or_ends_only,
];

const NUMBER: &str = "UY-OEC-0001";

/// An action of the officer, approved by the supervisor where that is needed.
pub(crate) fn act(
    ledger: &mut MockLedger,
    method: &str,
    operator: Hash,
    number: &str,
) -> Result<Vec<u8>, Failure> {
    let uy = officer("uy-dna");
    match method {
        "certify" => ledger.call(&uy, method, &certify(operator, number)),
        "amend" => ledger.call(&uy, method, &amend(ledger, operator, number)),
        "revoke" | "annul" => {
            ledger.call(&uy, method, &change(ledger, operator, number))?;
            let approve = Decide { number: number.into(), proposal: proposal(ledger) };
            ledger.call(&supervisor("uy-dna"), "approve", &approve)
        }
        _ => ledger.call(&uy, method, &change(ledger, operator, number)),
    }
}

fn a_grant_is_seen_with_its_history_and_event(mut ledger: MockLedger) {
    let granted = certify(operator(1), NUMBER);
    let recorded_ms = ledger.time_ms;
    ledger.call(&officer("uy-dna"), "certify", &granted).expect("granted");

    let [seen] = &authorizations(&ledger, operator(1))[..] else { panic!("one authorization") };
    assert_eq!((seen.standing, seen.since_ms), (Standing::Valid, granted.valid_from.start_ms()));
    let seen = &seen.authorization;
    assert_eq!((seen.member.as_str(), seen.number.as_str()), ("uy-dna", NUMBER));
    assert_eq!((seen.valid_from, &seen.terms), (granted.valid_from, &granted.terms));
    assert_eq!((seen.status, seen.recorded_ms), (AeoStatus::Valid, recorded_ms));
    assert_eq!(
        (seen.effective_ms, seen.terms_ms),
        (granted.valid_from.start_ms(), granted.valid_from.start_ms())
    );

    let [(entry, transition)] = &history(&ledger, operator(1), "uy-dna", NUMBER, 0)[..] else {
        panic!("one entry");
    };
    assert_eq!((entry.member.as_str(), entry.time_ms, entry.height), ("uy-dna", recorded_ms, 1));
    let expected = Transition {
        action: Action::Certify,
        effective_ms: granted.valid_from.start_ms(),
        class: None,
        reference: String::new(),
        proposed_by: None,
        by: Person::of(&officer("uy-dna")[0]),
        authorization: seen.clone(),
    };
    assert_eq!(transition, &expected);
    assert_eq!(ledger.events(), [("aeo.certified".into(), cbor::encode(&expected))]);
}

fn a_whole_life(mut ledger: MockLedger) {
    use AeoStatus::{Revoked, Suspended, Valid};
    act(&mut ledger, "certify", operator(1), NUMBER).expect("granted");
    let steps = [
        ("suspend", Suspended, "aeo.suspended"),
        ("amend", Suspended, "aeo.amended"),
        ("reinstate", Valid, "aeo.reinstated"),
        ("suspend", Suspended, "aeo.suspended"),
        ("revoke", Revoked, "aeo.revoked"),
    ];
    for (method, expected, topic) in steps {
        act(&mut ledger, method, operator(1), NUMBER).expect(method);
        assert_eq!(status(&ledger, "uy-dna", NUMBER), Some(expected));
        assert_eq!(ledger.events()[0].0, topic);
    }
    assert!(!authorizations(&ledger, operator(1))[0].authorization.terms.consent, "amended");

    let history = history(&ledger, operator(1), "uy-dna", NUMBER, 0);
    let actions: Vec<_> = history.iter().map(|(_, transition)| transition.action.name()).collect();
    assert_eq!(actions, ["certify", "suspend", "amend", "reinstate", "suspend", "revoke"]);
    let statuses: Vec<_> = history.iter().map(|(_, t)| t.authorization.status).collect();
    assert_eq!(statuses, [Valid, Suspended, Suspended, Valid, Suspended, Revoked]);
    assert!(history.is_sorted_by_key(|(entry, _)| entry.time_ms));
    for (entry, transition) in &history {
        assert_eq!(transition.authorization.recorded_ms, entry.time_ms);
        let explained = !matches!(transition.action, Action::Certify | Action::Amend);
        assert_eq!(transition.class, explained.then_some(ReasonClass::Solvency));
        assert_eq!(transition.reference, if explained { "RG-12/2026" } else { "" });
    }
    let revoked = &history[5].1;
    assert_eq!(revoked.proposed_by, Some(Person::of(&officer("uy-dna")[0])));
    assert_eq!(revoked.by, Person::of(&supervisor("uy-dna")[0]));
}

/// The whole state machine as a table: what brings about the status, then what each action gives.
fn every_action_on_every_status(mut ledger: MockLedger) {
    let actions = ["certify", "amend", "suspend", "reinstate", "withdraw", "revoke", "annul"];
    let (taken, unknown) = (code::NUMBER_TAKEN, code::UNKNOWN_AUTHORIZATION);
    let (suspended, valid) = (code::ALREADY_SUSPENDED, code::NOT_SUSPENDED);
    let end = [code::TERMINAL_STATUS; 6];
    let after = |first: &'static str, rest: [&'static str; 6]| [&[first][..], &rest[..]].concat();
    let rows: [(&[&str], Vec<&str>); 6] = [
        (&[], after("ok", [unknown; 6])),
        (&["certify"], after(taken, ["ok", "ok", valid, "ok", "ok", "ok"])),
        (&["certify", "suspend"], after(taken, ["ok", suspended, "ok", "ok", "ok", "ok"])),
        (&["certify", "withdraw"], after(taken, end)),
        (&["certify", "suspend", "revoke"], after(taken, end)),
        (&["certify", "annul"], after(taken, end)),
    ];
    let mut fresh = 0;
    for (before, results) in rows {
        for (action, expected) in actions.into_iter().zip(results) {
            fresh += 1;
            let (operator, number) = (operator(fresh), format!("UY-{fresh}"));
            for step in before {
                act(&mut ledger, step, operator, &number).expect(step);
            }
            let result = act(&mut ledger, action, operator, &number);
            let code = result.map_or_else(|failure| failure.code, |_| "ok".into());
            assert_eq!(code, expected, "{action} after {before:?}");
        }
    }
}

fn an_expired_authorization_can_only_be_annulled(mut ledger: MockLedger) {
    act(&mut ledger, "certify", operator(1), NUMBER).expect("granted");
    let end_ms = date("2028-02-29").end_ms();
    ledger.time_ms = end_ms - 1;
    act(&mut ledger, "suspend", operator(1), NUMBER).expect("in its last millisecond");
    ledger.time_ms = end_ms;
    for action in ["amend", "suspend", "reinstate", "withdraw", "revoke"] {
        assert_eq!(
            code_of(act(&mut ledger, action, operator(1), NUMBER)),
            code::EXPIRED,
            "{action}"
        );
    }
    let stands = by_number(&ledger, "uy-dna", NUMBER, None).expect("never deleted");
    assert_eq!((stands.standing, stands.since_ms), (Standing::Expired, end_ms));
    act(&mut ledger, "annul", operator(1), NUMBER).expect("void from the beginning");
    let stands = by_number(&ledger, "uy-dna", NUMBER, None).expect("never deleted");
    assert_eq!(stands.standing, Standing::Annulled);
    assert_eq!(stands.since_ms, date("2025-03-01").start_ms(), "whatever time was stated");

    let endless = Certify {
        terms: Terms { valid_until: None, ..terms() },
        ..certify(operator(1), "UY-ENDLESS")
    };
    ledger.call(&officer("uy-dna"), "certify", &endless).expect("granted");
    ledger.time_ms = date("9999-12-31").end_ms();
    act(&mut ledger, "suspend", operator(1), "UY-ENDLESS").expect("does not expire");
}

fn a_number_is_used_once_per_member(mut ledger: MockLedger) {
    let (uy, br) = (officer("uy-dna"), officer("br-rfb"));
    ledger.call(&uy, "certify", &certify(operator(1), NUMBER)).expect("granted");
    let other = certify(operator(2), NUMBER);
    assert_eq!(code_of(ledger.call(&uy, "certify", &other)), code::NUMBER_TAKEN);
    ledger.call(&br, "certify", &other).expect("each member has its own numbers");
    act(&mut ledger, "withdraw", operator(1), NUMBER).expect("withdrawn");
    assert_eq!(code_of(ledger.call(&uy, "certify", &other)), code::NUMBER_TAKEN);
    ledger.call(&uy, "certify", &certify(operator(1), "UY-2")).expect("a new one");
}

fn a_refused_call_leaves_nothing(mut ledger: MockLedger) {
    act(&mut ledger, "certify", operator(1), NUMBER).expect("granted");
    let seen = |ledger: &MockLedger| {
        (
            authorizations(ledger, operator(1)),
            history(ledger, operator(1), "uy-dna", NUMBER, 0).len(),
        )
    };
    let before = seen(&ledger);
    assert_eq!(code_of(act(&mut ledger, "certify", operator(1), NUMBER)), code::NUMBER_TAKEN);
    assert_eq!(code_of(act(&mut ledger, "reinstate", operator(1), NUMBER)), code::NOT_SUSPENDED);
    let same = Amend { terms: terms(), ..amend(&ledger, operator(1), NUMBER) };
    let result = ledger.call(&officer("uy-dna"), "amend", &same);
    assert_eq!(code_of(result), code::NOTHING_TO_AMEND);
    let mut after = seen(&ledger);
    after.0[0].authorization.recorded_ms = before.0[0].authorization.recorded_ms;
    assert_eq!(before, after);
}

fn members_write_only_what_they_granted(mut ledger: MockLedger) {
    let (uy, br) = (officer("uy-dna"), officer("br-rfb"));
    ledger.call(&uy, "certify", &certify(operator(1), NUMBER)).expect("granted");
    for method in ["suspend", "reinstate", "withdraw", "revoke", "annul"] {
        let others = change(&ledger, operator(1), NUMBER);
        assert_eq!(code_of(ledger.call(&br, method, &others)), code::UNKNOWN_AUTHORIZATION);
    }
    let others = amend(&ledger, operator(1), NUMBER);
    assert_eq!(code_of(ledger.call(&br, "amend", &others)), code::UNKNOWN_AUTHORIZATION);
    assert_eq!(status(&ledger, "uy-dna", NUMBER), Some(AeoStatus::Valid));

    ledger.call(&br, "certify", &certify(operator(1), NUMBER)).expect("a number is the member's");
    ledger.call(&br, "withdraw", &change(&ledger, operator(1), NUMBER)).expect("its own");
    assert_eq!(status(&ledger, "br-rfb", NUMBER), Some(AeoStatus::Withdrawn));
    assert_eq!(status(&ledger, "uy-dna", NUMBER), Some(AeoStatus::Valid));
}

fn a_call_needs_an_author(mut ledger: MockLedger) {
    let args = certify(operator(1), NUMBER);
    assert_eq!(code_of(ledger.call(&[], "certify", &args)), code::NO_AUTHOR);
    let args = change(&ledger, operator(1), NUMBER);
    for method in ["suspend", "withdraw", "revoke"] {
        assert_eq!(code_of(ledger.call(&[], method, &args)), code::NO_AUTHOR);
    }
}

fn methods_are_not_queries_and_queries_are_not_methods(mut ledger: MockLedger) {
    let args = certify(operator(1), NUMBER);
    for method in ["find", "list", "", "Certify", "certify "] {
        assert_eq!(code_of(ledger.call(&officer("uy-dna"), method, &args)), "unknown-method");
    }
    for method in ["certify", "revoke", "operator", ""] {
        assert_eq!(code_of(ledger.query(method, &args)), "unknown-method");
    }
}

fn a_full_history_takes_what_suspends_or_ends_only(mut ledger: MockLedger) {
    act(&mut ledger, "certify", operator(1), NUMBER).expect("granted");
    for round in 1..MAX_TRANSITIONS {
        let method = if round % 2 == 1 { "suspend" } else { "reinstate" };
        act(&mut ledger, method, operator(1), NUMBER).expect(method);
    }
    for action in ["amend", "reinstate"] {
        assert_eq!(code_of(act(&mut ledger, action, operator(1), NUMBER)), code::HISTORY_FULL);
    }
    let later = ChangeStatus {
        effective_ms: Some(ledger.time_ms + 1),
        ..change(&ledger, operator(1), NUMBER)
    };
    ledger.call(&officer("uy-dna"), "withdraw", &later).expect("what ends it");
    assert_eq!(history(&ledger, operator(1), "uy-dna", NUMBER, 100).len(), MAX_TRANSITIONS - 99);
}
