use precinto_execution::Proposal;
use precinto_protocol::{
    hash::Hash,
    identity::Role,
    keys::SigningKey,
    statement::{Call, Statement},
};

use super::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn signer(seed: u8, member: &str) -> Signer {
    Signer {
        key_id: key(seed).key_id(),
        member: member.into(),
        roles: vec![Role::Node],
        pseudonym: None,
    }
}

/// Of an author of `uy` with key 0, to be endorsed by nodes 1, 2, ... of these members.
fn collection(policy: &str, members: &[&str]) -> Collection {
    let call = Call {
        channel: Hash::ZERO,
        contract: "aeo".into(),
        contract_version: 3,
        method: "certify".into(),
        args: Vec::new(),
        nonce: [0; 16],
        expires_ms: 1,
        on_behalf: None,
    };
    let proposal = Proposal {
        transaction: Transaction::new(Statement::sign(call, &key(0))),
        signers: vec![signer(0, "uy")],
        policy: policy.parse().unwrap(),
    };
    let candidate = |(node, member): (u8, &&str)| Candidate {
        node: node.into(),
        signer: signer(node, member),
        key: key(node).public(),
    };
    Collection::new(proposal, (1..).zip(members).map(candidate).collect())
}

impl Collection {
    fn endorsed_by(&mut self, node: u8) {
        let statement = &self.proposal.transaction.statement;
        let digest = endorsement_digest(&statement.id(), 3);
        let signature = key(node).sign(digest.as_bytes());
        let endorsement = Endorsement { key_id: key(node).key_id(), signature };
        self.answered(node.into(), Answer::Endorsed(endorsement));
    }

    fn refused_by(&mut self, node: NodeId) {
        let answer = Answer::Refused { code: "no".into(), message: "not by us".into() };
        self.answered(node, answer);
    }

    fn unanswered_by(&mut self, node: NodeId) {
        self.answered(node, Answer::Nothing("away".into()));
    }

    fn completed(&self) -> Vec<Endorsement> {
        match self.step() {
            Step::Complete(transaction) => transaction.endorsements,
            other => panic!("{other:?}"),
        }
    }

    fn failed(&self) -> EndorsementFailed {
        match self.step() {
            Step::Failed(failed) => failed,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn as_many_are_asked_as_the_policy_needs_and_no_member_twice() {
    let mut two = collection("2 of members", &["br", "br", "py"]);
    assert_eq!(two.step(), Step::Ask(vec![1]));
    two.endorsed_by(1);
    assert_eq!(two.completed().len(), 1);
    assert_eq!(collection("3 of members", &["br", "br", "py"]).step(), Step::Ask(vec![1, 3]));
}

#[test]
fn what_is_attached_is_sorted_signed_and_nothing_more() {
    let mut three = collection("3 of members", &["br", "py", "bo"]);
    assert_eq!(three.step(), Step::Ask(vec![1, 2]));
    three.endorsed_by(2);
    three.endorsed_by(1);
    let endorsements = three.completed();
    assert!(endorsements[0].key_id < endorsements[1].key_id);
    let complete = Transaction { endorsements, ..three.transaction().clone() };
    assert_eq!(Transaction::decode(&complete.encode()), Ok(complete));
}

#[test]
fn an_endorsement_that_became_surplus_is_left_out() {
    let mut either = collection("(2 of members and owner) or 3 of members", &["br", "py", "bo"]);
    assert_eq!(either.step(), Step::Ask(vec![1, 2]));
    either.endorsed_by(1);
    either.refused_by(2);
    assert_eq!(either.step(), Step::Ask(vec![3]));
    either.endorsed_by(3);
    assert_eq!(either.completed().len(), 2);

    let mut given = collection("2 of members", &["br", "py"]);
    given.endorsed_by(2);
    given.endorsed_by(1);
    assert_eq!(given.completed().len(), 1);
}

#[test]
fn a_silent_node_is_replaced_by_another_a_refusing_one_by_another_member() {
    let mut silent = collection("2 of members", &["br", "br"]);
    silent.unanswered_by(1);
    assert_eq!(silent.step(), Step::Ask(vec![2]));
    silent.endorsed_by(2);
    assert_eq!(silent.completed()[0].key_id, key(2).key_id());

    let mut refusing = collection("2 of members", &["br", "br", "py"]);
    refusing.refused_by(1);
    assert_eq!(refusing.step(), Step::Ask(vec![3]));
}

#[test]
fn a_failure_names_every_member_and_passes_only_if_one_was_silent() {
    let mut all = collection("3 of members", &["br", "br", "py", "bo"]);
    all.unanswered_by(1);
    all.unanswered_by(2);
    all.endorsed_by(4);
    assert_eq!(all.step(), Step::Ask(vec![3]));
    all.refused_by(3);
    let failed = all.failed();
    assert!(failed.retryable());
    assert_eq!(
        failed.to_string(),
        "the policy `3 of members` of aeo.certify is not met: br did not answer (away); \
         py refused [no] not by us"
    );

    let mut refused = collection("2 of members", &["br"]);
    refused.refused_by(1);
    assert!(!refused.failed().retryable());
}

#[test]
fn a_signature_that_does_not_verify_is_no_endorsement() {
    let mut forged = collection("2 of members", &["br", "py"]);
    let theirs = Endorsement { key_id: key(1).key_id(), signature: [7; 64] };
    forged.answered(1, Answer::Endorsed(theirs));
    assert_eq!(forged.step(), Step::Ask(vec![2]));
    // Another's key, though it signed well.
    let digest = endorsement_digest(&forged.transaction().id(), 3);
    let signature = key(9).sign(digest.as_bytes());
    let others = Endorsement { key_id: key(9).key_id(), signature };
    forged.answered(2, Answer::Endorsed(others));
    assert!(forged.failed().retryable());
}

#[test]
fn a_policy_that_no_node_can_meet_fails_at_once() {
    let failed = collection("owner and owner.supervisor", &["uy", "br"]).failed();
    assert!(failed.members.is_empty() && !failed.retryable());
}

#[test]
fn answers_nobody_asked_for_change_nothing() {
    let mut two = collection("2 of members", &["br"]);
    two.unanswered_by(8);
    assert_eq!(two.step(), Step::Ask(vec![1]));
}
