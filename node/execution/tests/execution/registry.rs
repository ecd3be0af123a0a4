//! Typed reads of the registry.

use precinto_execution::Registry;
use precinto_protocol::{
    identity::{KeyId, Role},
    registry::{RegistryKey, parameter},
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
