//! Typed reads of the registry.

use precinto_execution::Registry;
use precinto_protocol::{
    identity::{KeyId, Role},
    membership::{Membership, MembershipChange},
    registry::{RegistryKey, SignerSet, SystemKey, parameter},
};

use crate::chain::*;

#[test]
fn the_registry_has_what_genesis_says() {
    let (chain, genesis) = (Chain::new(), genesis());
    let registry = Registry::new(&chain.view);
    assert_eq!(registry.members(), Ok(genesis.members.clone()));
    assert_eq!(registry.member("uy"), Ok(Some(genesis.members[1].clone())));
    assert_eq!(registry.member("xx"), Ok(None));
    assert_eq!(registry.nodes(), Ok(genesis.nodes.clone()));
    assert_eq!(registry.node(1), Ok(Some(genesis.nodes[0].clone())));
    assert_eq!(registry.contracts(), Ok(genesis.contracts.clone()));
    assert_eq!(registry.contract("probe"), Ok(Some(probe_entry())));
    assert_eq!(registry.parameter(parameter::MAX_EXPIRY_MS), Ok(Some(MAX_EXPIRY_MS)));
    assert_eq!(registry.parameter("none"), Ok(None));
}

#[test]
fn identities_are_listed_in_pages() {
    let mut chain = Chain::new();
    let mut expected = genesis().identities;
    // More than one page of whatever size the reader uses within.
    for seed in 100..=250 {
        let identity = identity(seed, "pe", Role::Auditor);
        let key = RegistryKey::identity(&KeyId::of(&identity.public_key));
        chain.view.plain.insert(key, encoded(&identity));
        expected.push(identity);
    }
    expected.sort_by_key(|identity| KeyId::of(&identity.public_key));
    let registry = Registry::new(&chain.view);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = registry.identities(after.as_ref(), 50).expect("readable");
        let Some(last) = page.last() else { break };
        after = Some(KeyId::of(&last.public_key));
        found.extend(page);
    }
    assert_eq!(found, expected);
}

#[test]
fn long_lists_are_complete() {
    let mut chain = Chain::new();
    for id in 2..=600_u64 {
        chain.view.plain.insert(RegistryKey::node(id), encoded(&node(id, "pe", 0)));
    }
    let nodes = Registry::new(&chain.view).nodes().expect("readable");
    let ids: Vec<u64> = nodes.iter().map(|node| node.id).collect();
    assert_eq!(ids, (1..=600).collect::<Vec<_>>());
}

#[test]
fn the_raft_group_follows_the_registry_and_the_next_block_says_so() {
    let mut chain = Chain::new();
    let key = RegistryKey::membership();
    let first = Membership::wanted(&genesis().nodes);
    assert_eq!(chain.view.plain[&key], encoded(&first));
    let add = MembershipChange::AddLearner(2);
    assert_eq!(chain.ledger.change_members(add, &chain.view), Ok(false), "nobody asked for it");

    let mut joining = node(2, "uy", 50);
    joining.role = precinto_protocol::registry::NodeRole::Joining;
    let register = chain.govern(&RegistryKey::node(2), &encoded(&joining));
    chain.block(&[register]);
    assert_eq!(chain.ledger.change_members(add, &chain.view), Ok(true));
    let promote = MembershipChange::Promote(2);
    assert_eq!(chain.ledger.change_members(promote, &chain.view), Ok(false), "not promoted yet");
    assert_eq!(chain.view.plain[&key], encoded(&first), "no block since");

    // A node that starts anew between the two writes the same block.
    let mut other = chain.restored();
    let block = chain.make(chain.time_ms() + STEP_MS, vec![]);
    let effects = chain.execute(block.clone());
    assert_eq!(other.execute(block), effects);
    let now = Membership { learners: [2].into(), ..first };
    assert_eq!(chain.view.plain[&key], encoded(&now));
    assert_eq!(chain.ledger.membership(), &now);
}

#[test]
fn a_retired_nodes_signature_no_longer_counts() {
    let mut chain = Chain::new();
    let signer_set = |chain: &Chain| chain.view.plain[&SystemKey::signer_set()].clone();
    let first: SignerSet = precinto_protocol::cbor::decode(&signer_set(&chain)).expect("a set");
    let mut other = node(2, "uy", 50);
    let register = chain.govern(&RegistryKey::node(2), &encoded(&other));
    chain.block(&[register]);
    other.retired_ms = Some(chain.time_ms());
    let retire = chain.govern(&RegistryKey::node(2), &encoded(&other));
    chain.block(&[retire]);
    let third = SignerSet { version: 3, ..first };
    assert_eq!(signer_set(&chain), encoded(&third), "the same signers as at first");
}
