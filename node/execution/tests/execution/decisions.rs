//! Every row of the decision table.

use precinto_execution::{BlockEffects, ItemFate};
use precinto_protocol::{
    identity::{KeyId, Role},
    leaf::OutcomeLeaf,
    outcome::{Outcome, VoidReason},
    registry::{Identity, IdentityStatus, RegistryKey},
    transaction::endorsements_digest,
};

use crate::chain::*;

/// The item is void for this reason, nothing is left of it, and the leader is blamed or not.
fn assert_void(effects: &BlockEffects, reason: VoidReason) {
    assert_eq!(nothing_left(effects), ItemFate::Void(reason));
    let blamed: Vec<_> = effects.blamed().collect();
    assert_eq!(blamed.len(), usize::from(reason.blames_leader()));
}

fn assert_committed(effects: &BlockEffects) {
    assert_eq!(outcome(effects).outcome, Outcome::Committed, "{}", outcome(effects).message);
}

fn outcome_leaf(effects: &BlockEffects) -> OutcomeLeaf {
    let leaf = &effects.leaves[(outcome(effects).leaf - effects.first_leaf) as usize];
    precinto_protocol::cbor::decode(leaf).expect("an outcome leaf")
}

#[test]
fn malformed_items_are_void() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"v");
    let mut trailing = draft.encode();
    trailing.push(0);
    for item in [vec![], vec![0xff; 100], trailing] {
        assert_void(&chain.item(item), VoidReason::Malformed);
    }
}

#[test]
fn a_statement_for_another_channel_is_void() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"v").with(|call| call.channel.0[0] ^= 1);
    assert_void(&chain.block(&[draft]), VoidReason::WrongChannel);
}

#[test]
fn an_author_who_is_not_enrolled_is_void() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"v").by(STRANGER);
    assert_void(&chain.block(&[draft]), VoidReason::UnknownIdentity);
}

#[test]
fn a_forged_signature_is_void_and_does_not_burn_the_id() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"v");
    let mut forged = draft.encode();
    // The statement's signature is directly before the empty list of endorsements.
    let last = forged.len() - 2;
    forged[last] ^= 1;
    for _ in ["key not cached", "key cached"] {
        assert_void(&chain.item(forged.clone()), VoidReason::BadSignature);
    }
    assert_committed(&chain.block(&[draft]));
}

#[test]
fn anothers_statement_under_ones_own_key_does_not_burn_the_id() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"hers");
    let stolen = draft.clone().by(OFFICER_PE);
    assert_ne!(stolen.id(), draft.id());
    assert_committed(&chain.block(&[stolen]));
    assert_committed(&chain.block(&[draft]));
    assert_eq!(chain.value("k"), Some(&b"hers"[..]));
}

#[test]
fn a_transaction_is_executed_until_its_expiry_and_not_after() {
    let mut chain = Chain::new();
    let time_ms = chain.time_ms() + STEP_MS;
    let late = chain.draft("w", "k", b"v").with(|call| call.expires_ms = time_ms - 1);
    let effects = chain.block_at(time_ms, std::slice::from_ref(&late));
    assert_eq!(nothing_left(&effects), ItemFate::Expired(late.id()));
    let time_ms = time_ms + 1;
    let timely = chain.draft("w", "k", b"v").with(|call| call.expires_ms = time_ms);
    assert_committed(&chain.block_at(time_ms, &[timely]));
}

#[test]
fn an_expiry_too_far_ahead_is_void() {
    let mut chain = Chain::new();
    let time_ms = chain.time_ms() + STEP_MS;
    let far = time_ms + MAX_EXPIRY_MS;
    let draft = chain.draft("w", "k", b"v").with(|call| call.expires_ms = far + 1);
    assert_void(&chain.block_at(time_ms, &[draft]), VoidReason::ExpiryTooFar);
    let draft = chain.draft("w", "k", b"v").with(|call| call.expires_ms = u64::MAX);
    assert_void(&chain.block_at(time_ms + 1, &[draft]), VoidReason::ExpiryTooFar);
    let draft = chain.draft("w", "k", b"v").with(|call| call.expires_ms = far + 2);
    assert_committed(&chain.block_at(time_ms + 2, &[draft]));
}

#[test]
fn a_revoked_identity_is_rejected_from_the_next_item_on() {
    let mut chain = Chain::new();
    let revoked = Identity {
        status: IdentityStatus::Revoked { at_ms: START_MS },
        ..identity(OFFICER_UY, "uy", Role::Officer)
    };
    let id = key(OFFICER_UY).key_id();
    let before = chain.draft("w", "before", b"v");
    let revocation = chain.govern(&RegistryKey::identity(&id), &encoded(&revoked));
    let after = chain.draft("w", "after", b"v");
    let effects = chain.block(&[before, revocation, after]);
    let outcomes: Vec<_> = effects.outcomes.iter().map(|(_, record)| &record.outcome).collect();
    let refused = Outcome::Rejected { code: "identity-revoked".into() };
    assert_eq!(outcomes, [&Outcome::Committed, &Outcome::Committed, &refused]);
    assert_eq!(chain.value("after"), None);
}

#[test]
fn an_identity_outside_its_validity_is_rejected() {
    let mut chain = Chain::new();
    for author in [EXPIRED, FUTURE] {
        let draft = chain.draft("w", "k", b"v").by(author);
        assert_eq!(rejection(&chain.block(&[draft])), "identity-expired");
    }
}

#[test]
fn only_a_node_signs_on_behalf_of_an_officer() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"v").on_behalf(Role::Officer);
    let effects = chain.block(std::slice::from_ref(&draft));
    assert_committed(&effects);
    assert_eq!(outcome_leaf(&effects).roles, [Role::Officer]);
    // The stated role is all the node's signature carries.
    let auditor = chain.draft("w", "k", b"v").on_behalf(Role::Auditor);
    assert_void(&chain.block(&[auditor]), VoidReason::Endorsements);
    let officer = chain.draft("w", "k", b"v").on_behalf(Role::Admin).by(OFFICER_UY);
    let effects = chain.block(&[officer]);
    assert_eq!(rejection(&effects), "not-a-node");
    assert_eq!(outcome_leaf(&effects).roles, [Role::Officer]);
}

#[test]
fn calls_of_what_is_not_there_are_rejected() {
    let mut chain = Chain::new();
    let long = "\0".repeat(64);
    for (contract, version, method, code) in [
        ("nothing", 1, "w", "unknown-contract"),
        (long.as_str(), 1, "w", "unknown-contract"),
        ("probe", 2, "w", "contract-changed"),
        ("probe", 1, "g", "unknown-method"),
    ] {
        let draft = chain.draft(method, "k", b"v").with(|call| {
            call.contract = contract.into();
            call.contract_version = version;
        });
        assert_eq!(rejection(&chain.block(&[draft])), code);
    }
}

#[test]
fn a_role_the_policy_does_not_name_is_void() {
    let mut chain = Chain::new();
    let draft = chain.draft("w", "k", b"v").by(SUPERVISOR_UY);
    assert_void(&chain.block(&[draft]), VoidReason::Endorsements);
}

#[test]
fn endorsements_must_be_exactly_what_the_policy_asks_for() {
    let mut chain = Chain::new();
    for endorsers in
        [&[][..], &[SUPERVISOR_UY], &[OFFICER_PE, SUPERVISOR_UY], &[STRANGER], &[EXPIRED]]
    {
        let draft = chain.draft("m", "k", b"v").endorsed_by(endorsers);
        assert_void(&chain.block(&[draft]), VoidReason::Endorsements);
    }
    let surplus = chain.draft("w", "k", b"v").endorsed_by(&[OFFICER_PE]);
    assert_void(&chain.block(&[surplus]), VoidReason::Endorsements);
    let draft = chain.draft("m", "k", b"v").endorsed_by(&[OFFICER_PE]);
    let effects = chain.block(std::slice::from_ref(&draft));
    assert_committed(&effects);
    let digest = endorsements_digest(&draft.sign().endorsements);
    assert_eq!(outcome_leaf(&effects).endorsements, digest);
    let maker_checker = chain.draft("c", "k", b"v").endorsed_by(&[SUPERVISOR_UY]);
    assert_committed(&chain.block(&[maker_checker]));
}

#[test]
fn tampering_with_endorsements_does_not_burn_the_id() {
    let mut chain = Chain::new();
    let draft = chain.draft("m", "k", b"v").endorsed_by(&[OFFICER_PE]);
    let stripped = Draft { endorsers: vec![], ..draft.clone() };
    assert_eq!(stripped.id(), draft.id());
    assert_void(&chain.block(&[stripped]), VoidReason::Endorsements);
    let mut forged = draft.sign();
    forged.endorsements[0].signature[0] ^= 1;
    for _ in ["key not cached", "key cached"] {
        assert_void(&chain.item(forged.encode()), VoidReason::Endorsements);
    }
    // Valid, but for another version of the contract.
    let mut other = draft.sign();
    let digest = precinto_protocol::transaction::endorsement_digest(&draft.id(), 2);
    other.endorsements[0].signature = key(OFFICER_PE).sign(digest.as_bytes());
    assert_void(&chain.item(other.encode()), VoidReason::Endorsements);
    assert_committed(&chain.block(&[draft]));
}

#[test]
fn a_rejection_before_the_policy_ignores_and_does_not_name_endorsements() {
    let mut chain = Chain::new();
    let draft = chain.draft("g", "k", b"v").endorsed_by(&[STRANGER]);
    let effects = chain.block(&[draft]);
    assert_eq!(rejection(&effects), "unknown-method");
    assert_eq!(outcome_leaf(&effects).endorsements, endorsements_digest(&[]));
}

#[test]
fn failing_calls_leave_an_outcome_and_nothing_else() {
    let mut chain = Chain::new();
    for (method, code) in [("r", "refused"), ("t", "contract-trapped"), ("l", "out-of-fuel")] {
        let draft = chain.draft(method, "k", b"v");
        let effects = chain.block(std::slice::from_ref(&draft));
        assert_eq!(rejection(&effects), code);
        assert_eq!(chain.value("k"), None);
        assert!(effects.events.is_empty());
        assert!(outcome(&effects).fuel > 0);
        assert_eq!(effects.leaves.len(), 2, "no statement leaf");
        let again = chain.block(std::slice::from_ref(&draft));
        assert_eq!(nothing_left(&again), ItemFate::Duplicate(draft.id()));
    }
    let mut invalid = chain.draft("w", "k", b"v");
    invalid.call.args = args(b"not a key", b"v");
    assert_eq!(rejection(&chain.block(&[invalid])), "key-invalid");
}

#[test]
fn an_entry_that_is_not_what_its_key_says_counts_as_absent() {
    let mut chain = Chain::new();
    let id = KeyId::of(&key(OFFICER_PE).public().to_bytes());
    let mut bad_policy = probe_entry();
    bad_policy.policies.last_mut().expect("w").policy = "whoever".into();
    let name = RegistryKey::contract("probe").expect("short");
    let broken = [
        chain.govern(&RegistryKey::identity(&id), b"\xff"),
        chain.govern(&name, &encoded(&bad_policy)),
    ];
    chain.block(&broken);
    let draft = chain.draft("w", "k", b"v").by(OFFICER_PE);
    assert_void(&chain.block(&[draft]), VoidReason::UnknownIdentity);
    let draft = chain.draft("w", "k", b"v");
    assert_eq!(rejection(&chain.block(&[draft])), "unknown-method");
    let governance = chain.govern(&name, b"\xff");
    chain.block(&[governance]);
    let draft = chain.draft("w", "k", b"v");
    assert_eq!(rejection(&chain.block(&[draft])), "unknown-contract");
}

#[test]
fn an_identity_under_anothers_key_id_cannot_sign() {
    let mut chain = Chain::new();
    let stranger = identity(STRANGER, "uy", Role::Officer);
    let wrong = chain.govern(&RegistryKey::identity(&key(98).key_id()), &encoded(&stranger));
    chain.block(&[wrong]);
    let draft = chain.draft("w", "k", b"v").by(98);
    assert_void(&chain.block(&[draft]), VoidReason::BadSignature);
}

#[test]
fn a_block_of_many_fates_reports_them_in_order() {
    let mut chain = Chain::new();
    let good = chain.draft("w", "k", b"v");
    let refused = chain.draft("r", "k", b"v");
    let items = vec![vec![0], good.encode(), good.encode(), refused.encode()];
    let effects = chain.execute(chain.make(chain.time_ms() + STEP_MS, items));
    assert_eq!(
        effects.fates,
        [
            ItemFate::Void(VoidReason::Malformed),
            ItemFate::Executed(good.id()),
            ItemFate::Duplicate(good.id()),
            ItemFate::Executed(refused.id()),
        ]
    );
    let indices: Vec<u32> = effects.outcomes.iter().map(|(_, record)| record.index).collect();
    assert_eq!(indices, [1, 3]);
}
