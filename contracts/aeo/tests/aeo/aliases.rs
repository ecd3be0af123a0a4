//! Identifier equivalence: who may say that an identifier means an operator, and whom that leads.

use aeo::{MAX_ALIASES_PER_OPERATOR, MAX_OPERATORS_PER_ALIAS, MAX_PERIODS, code};
use precinto_contract::testing::{Failure, MockLedger};
use precinto_protocol::{
    aeo::{
        Alias, AliasMode, AsOf, DeclareAlias, PublicIdentifier, RetireAlias,
        query::{AliasesQuery, FoundOperator, Via},
    },
    cbor,
    hash::Hash,
};

use crate::{ask, certify, code_of, find, native_and_wasm, officer, operator};

native_and_wasm![
    a_granting_members_alias_leads_everybody_to_its_own_authorizations,
    a_receivers_alias_leads_itself_alone,
    nobody_borrows_the_name_of_anothers_operator,
    a_retired_declaration_leads_no_longer_but_did,
    a_declaration_in_another_mode_leaves_the_past_as_it_was,
    several_declarations_about_one_operator_are_all_named,
    what_is_refused,
    each_member_has_its_own_room,
];

const ALIAS: Hash = Hash([0xaa; 32]);

fn declaration(alias: Hash, operator: Hash, mode: AliasMode) -> DeclareAlias {
    DeclareAlias { alias, operator, mode, identifier: None }
}

fn declare(
    ledger: &mut MockLedger,
    member: &str,
    operator: Hash,
    mode: AliasMode,
) -> Result<Vec<u8>, Failure> {
    ledger.call(&officer(member), "declare-alias", &declaration(ALIAS, operator, mode))
}

fn retire(ledger: &mut MockLedger, member: &str, operator: Hash) -> Result<Vec<u8>, Failure> {
    ledger.call(&officer(member), "retire-alias", &RetireAlias { alias: ALIAS, operator })
}

fn declared(ledger: &MockLedger, operator: Hash) -> Vec<Alias> {
    ask(ledger, "aliases", &AliasesQuery { operator })
}

/// Operator 1, authorized by Uruguay and Brazil.
fn granted(mut ledger: MockLedger) -> MockLedger {
    for member in ["uy-dna", "br-rfb"] {
        ledger.call(&officer(member), "certify", &certify(operator(1), "N-1")).expect("granted");
    }
    ledger
}

/// Who granted what an identifier leads to.
fn granting(found: &[FoundOperator]) -> Vec<&str> {
    let all = found.iter().flat_map(|found| &found.authorizations);
    all.map(|it| it.authorization.member.as_str()).collect()
}

fn a_granting_members_alias_leads_everybody_to_its_own_authorizations(ledger: MockLedger) {
    let mut ledger = granted(ledger);
    let identifier = PublicIdentifier { scheme: "duns".into(), value: "150483782".into() };
    let args = DeclareAlias {
        identifier: Some(identifier.clone()),
        ..declaration(ALIAS, operator(1), AliasMode::Common)
    };
    ledger.call(&officer("uy-dna"), "declare-alias", &args).expect("declared");
    let [alias] = &declared(&ledger, operator(1))[..] else { panic!("one declaration") };
    assert_eq!((alias.member.as_str(), alias.identifier.as_ref()), ("uy-dna", Some(&identifier)));
    assert_eq!(ledger.events(), [("aeo.alias-declared".into(), cbor::encode(alias))]);
    for viewer in [None, Some("cl-sna"), Some("uy-dna")] {
        let [found] = &find(&ledger, ALIAS, viewer, None)[..] else { panic!("one operator") };
        assert_eq!(found.operator, operator(1));
        assert_eq!(found.via, [Via { member: "uy-dna".into(), mode: AliasMode::Common }]);
        assert_eq!(granting(std::slice::from_ref(found)), ["uy-dna"]);
    }
}

fn a_receivers_alias_leads_itself_alone(ledger: MockLedger) {
    let mut ledger = granted(ledger);
    declare(&mut ledger, "cl-sna", operator(1), AliasMode::Receiver).expect("grants nothing");
    assert_eq!(granting(&find(&ledger, ALIAS, Some("cl-sna"), None)), ["br-rfb", "uy-dna"]);
    for viewer in [None, Some("uy-dna"), Some("pe-sunat")] {
        assert_eq!(find(&ledger, ALIAS, viewer, None), []);
    }
}

fn nobody_borrows_the_name_of_anothers_operator(ledger: MockLedger) {
    let mut ledger = granted(ledger);
    for mode in [AliasMode::Sender, AliasMode::Adopted, AliasMode::Common] {
        let result = declare(&mut ledger, "cl-sna", operator(1), mode);
        assert_eq!(code_of(result), code::NOT_YOUR_OPERATOR, "{mode}");
    }
    // Even an authorization of its own leads to nothing but that.
    ledger.call(&officer("cl-sna"), "certify", &certify(operator(1), "CL-1")).expect("granted");
    declare(&mut ledger, "cl-sna", operator(1), AliasMode::Sender).expect("its operator, too");
    assert_eq!(granting(&find(&ledger, ALIAS, Some("pe-sunat"), None)), ["cl-sna"]);
    // Nor does it take anything away from the operator's own identifier.
    assert_eq!(granting(&find(&ledger, operator(1), None, None)), ["br-rfb", "cl-sna", "uy-dna"]);
}

fn a_retired_declaration_leads_no_longer_but_did(ledger: MockLedger) {
    let mut ledger = granted(ledger);
    let declared_ms = ledger.time_ms;
    declare(&mut ledger, "uy-dna", operator(1), AliasMode::Sender).expect("declared");
    let retired_ms = ledger.time_ms;
    retire(&mut ledger, "uy-dna", operator(1)).expect("retired");
    let now = declared(&ledger, operator(1)).remove(0);
    assert_eq!(ledger.events(), [("aeo.alias-retired".into(), cbor::encode(&now))]);
    assert_eq!(find(&ledger, ALIAS, None, None), []);
    let known_at = |recorded_ms| {
        let as_of = AsOf { effective_ms: ledger.time_ms, recorded_ms };
        find(&ledger, ALIAS, None, Some(as_of)).len()
    };
    assert_eq!(
        [declared_ms - 1, declared_ms, retired_ms - 1, retired_ms].map(known_at),
        [0, 1, 1, 0]
    );
}

fn a_declaration_in_another_mode_leaves_the_past_as_it_was(ledger: MockLedger) {
    let mut ledger = granted(ledger);
    declare(&mut ledger, "uy-dna", operator(1), AliasMode::Receiver).expect("by mistake");
    let mistaken = AsOf { effective_ms: ledger.time_ms - 1, recorded_ms: ledger.time_ms - 1 };
    retire(&mut ledger, "uy-dna", operator(1)).expect("retired");
    declare(&mut ledger, "uy-dna", operator(1), AliasMode::Sender).expect("declared again");
    assert_eq!(find(&ledger, ALIAS, None, Some(mistaken)), [], "led nobody else then");
    assert_eq!(granting(&find(&ledger, ALIAS, None, None)), ["uy-dna"]);
    let alias = declared(&ledger, operator(1)).remove(0);
    let modes: Vec<_> = alias.periods.iter().map(|period| period.mode).collect();
    assert_eq!(
        (alias.mode, modes),
        (AliasMode::Sender, vec![AliasMode::Receiver, AliasMode::Sender])
    );
}

fn several_declarations_about_one_operator_are_all_named(ledger: MockLedger) {
    let mut ledger = granted(ledger);
    declare(&mut ledger, "uy-dna", operator(1), AliasMode::Sender).expect("declared");
    declare(&mut ledger, "br-rfb", operator(1), AliasMode::Common).expect("declared");
    declare(&mut ledger, "cl-sna", operator(1), AliasMode::Receiver).expect("declared");
    ledger.call(&officer("uy-dna"), "certify", &certify(ALIAS, "N-2")).expect("its own, too");
    let found = find(&ledger, ALIAS, Some("pe-sunat"), None);
    assert_eq!(found[0].operator, ALIAS, "the tag's own operator first");
    assert_eq!(found[0].via, []);
    let via =
        |found: &FoundOperator| found.via.iter().map(|it| it.member.clone()).collect::<Vec<_>>();
    assert_eq!(via(&found[1]), ["br-rfb", "uy-dna"], "who leads the viewer");
    assert_eq!(granting(&found[1..]), ["br-rfb", "uy-dna"]);
    let found = find(&ledger, ALIAS, Some("cl-sna"), None);
    assert_eq!(via(&found[1]), ["br-rfb", "cl-sna", "uy-dna"]);
    assert_eq!(granting(&found[1..]), ["br-rfb", "uy-dna"], "each once");
}

fn what_is_refused(ledger: MockLedger) {
    let mut ledger = granted(ledger);
    let sender = AliasMode::Sender;
    let itself = declaration(operator(1), operator(1), sender);
    let result = ledger.call(&officer("uy-dna"), "declare-alias", &itself);
    assert_eq!(code_of(result), code::ALIAS_OF_ITSELF);
    for (scheme, value) in [("duns", "15-048-3782"), ("duns", "1"), ("DUNS", "150483782"), ("", "")]
    {
        let identifier = Some(PublicIdentifier { scheme: scheme.into(), value: value.into() });
        let args = DeclareAlias { identifier, ..declaration(ALIAS, operator(1), sender) };
        let result = ledger.call(&officer("uy-dna"), "declare-alias", &args);
        assert_eq!(code_of(result), "bad-arguments", "{scheme} {value}");
    }
    assert_eq!(code_of(retire(&mut ledger, "uy-dna", operator(1))), code::UNKNOWN_ALIAS);
    declare(&mut ledger, "uy-dna", operator(1), sender).expect("declared");
    for mode in [sender, AliasMode::Receiver] {
        let result = declare(&mut ledger, "uy-dna", operator(1), mode);
        assert_eq!(code_of(result), code::ALIAS_EXISTS);
    }
    assert_eq!(code_of(retire(&mut ledger, "br-rfb", operator(1))), code::UNKNOWN_ALIAS);
    retire(&mut ledger, "uy-dna", operator(1)).expect("its own");
    assert_eq!(code_of(retire(&mut ledger, "uy-dna", operator(1))), code::UNKNOWN_ALIAS);
    let args = declaration(ALIAS, operator(1), sender);
    assert_eq!(code_of(ledger.call(&[], "declare-alias", &args)), code::NO_AUTHOR);
}

fn each_member_has_its_own_room(ledger: MockLedger) {
    let mut ledger = granted(ledger);
    for number in 0..MAX_OPERATORS_PER_ALIAS {
        let meant = operator(100 + number as u8);
        declare(&mut ledger, "cl-sna", meant, AliasMode::Receiver).expect("declared");
    }
    let result = declare(&mut ledger, "cl-sna", operator(1), AliasMode::Receiver);
    assert_eq!(code_of(result), code::TOO_MANY_ALIASES);
    declare(&mut ledger, "uy-dna", operator(1), AliasMode::Sender).expect("others are unhindered");

    let by_cl = officer("cl-sna");
    for number in 0..MAX_ALIASES_PER_OPERATOR {
        let args = declaration(Hash([number as u8; 32]), operator(200), AliasMode::Receiver);
        ledger.call(&by_cl, "declare-alias", &args).expect("declared");
    }
    let surplus = declaration(Hash([99; 32]), operator(200), AliasMode::Receiver);
    let result = ledger.call(&by_cl, "declare-alias", &surplus);
    assert_eq!(code_of(result), code::TOO_MANY_ALIASES);

    for _ in 1..MAX_PERIODS {
        retire(&mut ledger, "uy-dna", operator(1)).expect("retired");
        declare(&mut ledger, "uy-dna", operator(1), AliasMode::Sender).expect("and again");
    }
    retire(&mut ledger, "uy-dna", operator(1)).expect("retired");
    let result = declare(&mut ledger, "uy-dna", operator(1), AliasMode::Sender);
    assert_eq!(code_of(result), code::TOO_MANY_ALIASES);
}
