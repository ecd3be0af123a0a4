//! A simulation says what the next block would, while endorsements may still be missing.

use precinto_execution::{
    AdmissionError, Proposal, QueryAt, Simulation, SimulationError, StateView,
};
use precinto_protocol::outcome::{Outcome, VoidReason};

use crate::chain::*;

fn with_simulation<T>(chain: &Chain, run: impl FnOnce(Simulation<'_>) -> T) -> T {
    let tip = chain.ledger.tip();
    let at = QueryAt { height: tip.height + 1, time_ms: tip.time_ms + STEP_MS };
    let runtime = runtime();
    run(Simulation::new(&chain.view, &chain.keys, &runtime, chain.channel, at).expect("a state"))
}

fn simulated(chain: &Chain, item: &[u8]) -> Result<Proposal, SimulationError> {
    with_simulation(chain, |mut simulation| simulation.run(item))
}

#[test]
fn what_lacks_endorsements_is_called_with_those_it_has_and_changes_nothing() {
    let mut chain = Chain::new();
    let before = chain.ledger.trie().root();
    let lacking = chain.draft("m", "k", b"v");
    let proposal = simulated(&chain, &lacking.encode()).expect("the call succeeds");
    assert_eq!(proposal.transaction, lacking.sign());
    assert_eq!(proposal.signers.len(), 1);
    assert_eq!(proposal.policy.to_string(), "2 of members");
    assert_eq!(chain.view.get(&at("k")), Ok(None));
    assert_eq!(chain.ledger.trie().root(), before);

    let endorsed = lacking.endorsed_by(&[OFFICER_PE]);
    let proposal = simulated(&chain, &endorsed.encode()).expect("the call succeeds");
    let members: Vec<&str> = proposal.signers.iter().map(|s| s.member.as_str()).collect();
    assert_eq!(members, ["uy", "pe"]);
    assert!(proposal.policy.is_met_by(&proposal.signers));
}

#[test]
fn a_call_that_a_block_would_reject_is_rejected_with_the_same_code() {
    let mut chain = Chain::new();
    for method in ["w", "r", "l", "t", "d"] {
        let draft = chain.draft(method, "k", b"v");
        let early = simulated(&chain, &draft.encode());
        let effects = chain.restored().block(std::slice::from_ref(&draft));
        match &outcome(&effects).outcome {
            Outcome::Committed => assert!(early.is_ok(), "{method}: {early:?}"),
            Outcome::Rejected { code } => {
                let refused = early.expect_err(method);
                assert!(matches!(refused, SimulationError::Rejected(_)), "{refused:?}");
                assert_eq!(refused.code(), code, "{method}");
            }
        }
    }
}

#[test]
fn what_admission_refuses_never_comes_to_the_call() {
    let mut chain = Chain::new();
    let stranger = chain.draft("m", "k", b"v").by(STRANGER).encode();
    let unknown = AdmissionError::Void(VoidReason::UnknownIdentity);
    assert_eq!(simulated(&chain, &stranger), Err(unknown.into()));
    // An endorsement that is no one's does not count as one that is merely missing.
    let forged = chain.draft("m", "k", b"v").endorsed_by(&[STRANGER]).encode();
    let void = AdmissionError::Void(VoidReason::Endorsements);
    assert_eq!(simulated(&chain, &forged), Err(void.into()));
    let expired = chain.draft("m", "k", b"v").endorsed_by(&[EXPIRED]).encode();
    let void = AdmissionError::Void(VoidReason::Endorsements);
    assert_eq!(simulated(&chain, &expired), Err(void.into()));
}

#[test]
fn only_identities_in_force_are_asked_to_sign() {
    let chain = Chain::new();
    let member = |seed| {
        let signer = with_simulation(&chain, |mut sim| sim.signer(&key(seed).key_id()));
        signer.expect("a state").map(|signer| signer.member)
    };
    assert_eq!(member(OFFICER_PE).as_deref(), Some("pe"));
    assert_eq!([EXPIRED, FUTURE, STRANGER].map(member), [None, None, None]);
}
