//! Maker and checker: what ends an authorization for ever needs two persons.

use aeo::code;
use precinto_contract::testing::MockLedger;
use precinto_protocol::{
    aeo::{
        Action, AeoStatus, ChangeStatus, Decide, PendingAction, Person, Standing,
        pending::PENDING_FOR_MS,
        query::{PendingPage, PendingQuery},
    },
    call::Signer,
    cbor,
    hash::Hash,
    transaction::TransactionId,
};

use crate::{
    ask, by_number, certify, change, code_of, history, native_and_wasm, officer, on_behalf,
    operator, status, supervisor,
};

native_and_wasm![
    a_proposal_is_listed_announced_and_changes_nothing,
    who_may_approve_what_an_officer_proposed,
    who_may_approve_what_a_node_proposed_for_an_officer,
    only_what_was_seen_is_approved,
    one_proposal_waits_at_a_time,
    a_proposal_expires_and_is_replaced,
    a_revocation_without_a_stated_time_takes_effect_when_it_is_approved,
    who_declines_removes_it,
    what_became_impossible_is_not_approved,
    a_withdrawal_removes_what_waits,
    other_members_decide_nothing,
    what_waits_comes_in_pages,
];

const NUMBER: &str = "UY-1";

/// What the last call proposed.
pub(crate) fn proposal(ledger: &MockLedger) -> TransactionId {
    let (topic, payload) = &ledger.events()[0];
    assert_eq!(topic, "aeo.proposed");
    cbor::decode::<PendingAction>(payload).expect("a pending action").proposal
}

fn decide(proposal: TransactionId) -> Decide {
    Decide { number: NUMBER.into(), proposal }
}

fn page(ledger: &MockLedger, member: &str, after: Vec<u8>, limit: u32) -> PendingPage {
    ask(ledger, "pending", &PendingQuery { member: member.into(), after, limit })
}

fn waiting(ledger: &MockLedger) -> Vec<PendingAction> {
    page(ledger, "uy-dna", vec![], 100).items
}

/// A ledger with one authorization and a revocation of it, proposed by `maker`.
fn proposed(mut ledger: MockLedger, maker: &[Signer]) -> (MockLedger, TransactionId) {
    ledger.call(maker, "certify", &certify(operator(1), NUMBER)).expect("granted");
    ledger.call(maker, "revoke", &change(&ledger, operator(1), NUMBER)).expect("proposed");
    let proposal = proposal(&ledger);
    (ledger, proposal)
}

fn a_proposal_is_listed_announced_and_changes_nothing(ledger: MockLedger) {
    let (mut ledger, proposal) = proposed(ledger, &officer("uy-dna"));
    let [pending] = &waiting(&ledger)[..] else { panic!("one waits") };
    assert_eq!((pending.proposal, pending.action), (proposal, Action::Revoke));
    assert_eq!(pending.proposed_by, Person::of(&officer("uy-dna")[0]));
    assert_eq!(pending.expires_ms, pending.proposed_ms + PENDING_FOR_MS);
    assert_eq!(ledger.events(), [("aeo.proposed".into(), cbor::encode(pending))]);
    assert_eq!(status(&ledger, "uy-dna", NUMBER), Some(AeoStatus::Valid));
    assert_eq!(history(&ledger, operator(1), "uy-dna", NUMBER, 0).len(), 1);
    let suspend = change(&ledger, operator(1), NUMBER);
    ledger.call(&officer("uy-dna"), "suspend", &suspend).expect("meanwhile");

    ledger.call(&supervisor("uy-dna"), "approve", &decide(proposal)).expect("approved");
    assert_eq!(waiting(&ledger), []);
    let stands = by_number(&ledger, "uy-dna", NUMBER, None).expect("known");
    assert_eq!(
        (stands.standing, stands.since_ms),
        (Standing::Revoked, pending.effective_ms.expect("stated"))
    );
    let again = ledger.call(&supervisor("uy-dna"), "approve", &decide(proposal));
    assert_eq!(code_of(again), code::UNKNOWN_PROPOSAL);
}

fn a_revocation_without_a_stated_time_takes_effect_when_it_is_approved(mut ledger: MockLedger) {
    ledger.call(&officer("uy-dna"), "certify", &certify(operator(1), NUMBER)).expect("granted");
    let args = ChangeStatus { effective_ms: None, ..change(&ledger, operator(1), NUMBER) };
    ledger.call(&officer("uy-dna"), "revoke", &args).expect("proposed");
    let proposal = proposal(&ledger);
    ledger.time_ms += 86_400_000;
    let approved_ms = ledger.time_ms;
    ledger.call(&supervisor("uy-dna"), "approve", &decide(proposal)).expect("approved");
    let stands = by_number(&ledger, "uy-dna", NUMBER, None).expect("known");
    assert_eq!((stands.standing, stands.since_ms), (Standing::Revoked, approved_ms));
}

/// Whether each of these may approve what `maker` proposed.
fn check_approvers(ledger: &mut MockLedger, maker: &[Signer], rows: &[(&[Signer], bool)]) {
    for (row, (checker, accepted)) in (1..).zip(rows) {
        let (operator, number) = (operator(row), format!("UY-{row}"));
        ledger.call(maker, "certify", &certify(operator, &number)).expect("granted");
        ledger.call(maker, "revoke", &change(ledger, operator, &number)).expect("proposed");
        let approve = Decide { number, proposal: proposal(ledger) };
        let code = ledger.call(checker, "approve", &approve).err().map(|failure| failure.code);
        let expected = (!accepted).then(|| code::SAME_PERSON.into());
        assert_eq!(code, expected, "{checker:?} after {maker:?}");
    }
}

fn who_may_approve_what_an_officer_proposed(mut ledger: MockLedger) {
    let rows: [(&[Signer], bool); 3] = [
        (&officer("uy-dna"), false),
        (&supervisor("uy-dna"), true),
        (&on_behalf("uy-dna", 1), true),
    ];
    check_approvers(&mut ledger, &officer("uy-dna"), &rows);
}

fn who_may_approve_what_a_node_proposed_for_an_officer(mut ledger: MockLedger) {
    let maker = on_behalf("uy-dna", 1);
    // The node's own key might be anyone's; an officer is the same at another node.
    let node_itself = [Signer { pseudonym: None, ..maker[0].clone() }];
    let at_another_node = [Signer { pseudonym: Some([1; 16]), ..officer("uy-dna")[0].clone() }];
    let rows: [(&[Signer], bool); 5] = [
        (&maker, false),
        (&node_itself, false),
        (&at_another_node, false),
        (&on_behalf("uy-dna", 2), true),
        (&supervisor("uy-dna"), true),
    ];
    check_approvers(&mut ledger, &maker, &rows);
}

fn only_what_was_seen_is_approved(ledger: MockLedger) {
    let (mut ledger, proposal) = proposed(ledger, &officer("uy-dna"));
    let other = TransactionId(Hash([1; 32]));
    for method in ["approve", "decline"] {
        let result = ledger.call(&supervisor("uy-dna"), method, &decide(other));
        assert_eq!(code_of(result), code::UNKNOWN_PROPOSAL);
        let unknown = Decide { number: "UY-2".into(), ..decide(proposal) };
        let result = ledger.call(&supervisor("uy-dna"), method, &unknown);
        assert_eq!(code_of(result), code::UNKNOWN_AUTHORIZATION);
    }
    assert_eq!(waiting(&ledger).len(), 1);
}

fn one_proposal_waits_at_a_time(ledger: MockLedger) {
    let (mut ledger, proposal) = proposed(ledger, &officer("uy-dna"));
    for method in ["revoke", "annul"] {
        let args = change(&ledger, operator(1), NUMBER);
        let result = ledger.call(&supervisor("uy-dna"), method, &args);
        assert_eq!(code_of(result), code::PENDING_EXISTS);
    }
    assert_eq!(waiting(&ledger)[0].proposal, proposal);
}

fn a_proposal_expires_and_is_replaced(ledger: MockLedger) {
    let (mut ledger, first) = proposed(ledger, &officer("uy-dna"));
    let expires_ms = waiting(&ledger)[0].expires_ms;
    ledger.time_ms = expires_ms + 1;
    let late = ledger.call(&supervisor("uy-dna"), "approve", &decide(first));
    assert_eq!(code_of(late), code::PENDING_EXPIRED);
    assert_eq!(waiting(&ledger).len(), 1, "listed until it is replaced");

    let args = ChangeStatus { effective_ms: Some(0), ..change(&ledger, operator(1), NUMBER) };
    ledger.call(&supervisor("uy-dna"), "annul", &args).expect("replaces it");
    let second = proposal(&ledger);
    let late = ledger.call(&supervisor("uy-dna"), "approve", &decide(first));
    assert_eq!(code_of(late), code::UNKNOWN_PROPOSAL);
    ledger.time_ms = waiting(&ledger)[0].expires_ms;
    ledger.call(&officer("uy-dna"), "approve", &decide(second)).expect("in the last millisecond");
    assert_eq!(status(&ledger, "uy-dna", NUMBER), Some(AeoStatus::Annulled));
}

fn who_declines_removes_it(ledger: MockLedger) {
    let (mut ledger, proposal) = proposed(ledger, &officer("uy-dna"));
    let pending = waiting(&ledger).remove(0);
    ledger.time_ms = pending.expires_ms + 1;
    ledger.call(&officer("uy-dna"), "decline", &decide(proposal)).expect("also the proposer");
    assert_eq!(ledger.events(), [("aeo.declined".into(), cbor::encode(&pending))]);
    assert_eq!(waiting(&ledger), []);
    let late = ledger.call(&supervisor("uy-dna"), "approve", &decide(proposal));
    assert_eq!(code_of(late), code::UNKNOWN_PROPOSAL);
}

fn what_became_impossible_is_not_approved(ledger: MockLedger) {
    let (mut ledger, proposal) = proposed(ledger, &officer("uy-dna"));
    ledger.call(&officer("uy-dna"), "decline", &decide(proposal)).expect("declined");
    ledger.time_ms = crate::date("2028-02-29").end_ms() - 1;
    let args = change(&ledger, operator(1), NUMBER);
    ledger.call(&officer("uy-dna"), "revoke", &args).expect("on the last day");
    let proposal = self::proposal(&ledger);
    let late = ledger.call(&supervisor("uy-dna"), "approve", &decide(proposal));
    assert_eq!(code_of(late), code::EXPIRED);
}

fn a_withdrawal_removes_what_waits(ledger: MockLedger) {
    let (mut ledger, _) = proposed(ledger, &officer("uy-dna"));
    let args = change(&ledger, operator(1), NUMBER);
    ledger.call(&officer("uy-dna"), "withdraw", &args).expect("by its holder");
    assert_eq!(waiting(&ledger), []);
}

fn other_members_decide_nothing(ledger: MockLedger) {
    let (mut ledger, proposal) = proposed(ledger, &officer("uy-dna"));
    for method in ["approve", "decline"] {
        let result = ledger.call(&supervisor("br-rfb"), method, &decide(proposal));
        assert_eq!(code_of(result), code::UNKNOWN_AUTHORIZATION);
    }
    assert_eq!(page(&ledger, "br-rfb", vec![], 100).items, []);
}

fn what_waits_comes_in_pages(mut ledger: MockLedger) {
    let uy = officer("uy-dna");
    for number in 0..5 {
        let text = format!("UY-{number}");
        ledger.call(&uy, "certify", &certify(operator(number), &text)).expect("granted");
        let args = change(&ledger, operator(number), &text);
        ledger.call(&uy, "revoke", &args).expect("proposed");
    }
    let all = waiting(&ledger);
    let first = page(&ledger, "uy-dna", vec![], 3);
    let second = page(&ledger, "uy-dna", first.next.clone(), 3);
    assert_eq!([first.items, second.items].concat(), all);
    assert_eq!((all.len(), second.next), (5, vec![]));
    let query =
        |member: &str, after: Vec<u8>, limit| PendingQuery { member: member.into(), after, limit };
    for bad in [query("UY", vec![], 1), query("br-rfb", first.next, 1), query("uy-dna", vec![], 0)]
    {
        assert_eq!(code_of(ledger.query("pending", &bad)), "bad-arguments");
    }
}
