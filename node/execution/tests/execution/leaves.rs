//! The log: leaves, their order, nodes and roots; and the signer set in block leaves.

use std::collections::BTreeMap;

use precinto_execution::BlockEffects;
use precinto_protocol::{
    cbor,
    hash::Hash,
    leaf::{BlockLeaf, LeafKind, OutcomeLeaf, events_digest, leader_signature_digest},
    log::{Frontier, inclusion_proof, leaf_hash, verify_inclusion},
    outcome::Outcome,
    registry::{RegistryKey, parameter, signer_set_digest},
    state::StateKey,
    statement::Statement,
};

use crate::chain::*;

fn block_leaf(effects: &BlockEffects) -> BlockLeaf {
    cbor::decode(effects.leaves.last().expect("a block leaf")).expect("a block leaf")
}

#[test]
fn a_block_has_its_leaves_in_order() {
    let mut chain = Chain::new();
    let previous = chain.block(&[]);
    let (good, bad) = (chain.draft("w", "k", b"v"), chain.draft("r", "k", b"v"));
    let block = chain.make(chain.time_ms() + STEP_MS, vec![good.encode(), bad.encode()]);
    let effects = chain.execute(block.clone());
    let [statement, committed, rejected, last] = &effects.leaves[..] else {
        panic!("{} leaves", effects.leaves.len());
    };
    assert_eq!(Statement::decode(statement).as_ref(), Ok(&good.sign().statement));
    let committed: OutcomeLeaf = cbor::decode(committed).expect("an outcome leaf");
    assert_eq!((committed.transaction, committed.index), (good.id(), 0));
    assert_eq!(committed.outcome, Outcome::Committed);
    assert_eq!((committed.author, &*committed.member), (key(OFFICER_UY).key_id(), "uy"));
    let events: Vec<_> = effects.events.iter().map(|emitted| emitted.event.clone()).collect();
    assert_eq!((events.len(), events[0].topic.as_str()), (1, "probe.written"));
    assert_eq!(committed.events, events_digest(&events));
    let rejected: OutcomeLeaf = cbor::decode(rejected).expect("an outcome leaf");
    assert_eq!((rejected.transaction, rejected.index), (bad.id(), 1));
    assert_eq!(rejected.outcome, Outcome::Rejected { code: "refused".into() });
    assert_eq!(rejected.events, events_digest(&[]));
    let leaf: BlockLeaf = cbor::decode(last).expect("a block leaf");
    assert_eq!(leaf.kind, LeafKind::Block);
    assert_eq!((leaf.height, leaf.committed, leaf.rejected), (2, 1, 1));
    assert_eq!((leaf.previous, leaf.content), (previous.content, block.header.content));
    assert_eq!((leaf.time_ms, leaf.state_root), (effects.time_ms, chain.view.root()));
    let signature = leader_signature_digest(&block.header.leader, &block.signature);
    assert_eq!((leaf.term, leaf.leader_signature), (1, signature));
    let places: Vec<u64> = effects.outcomes.iter().map(|(_, record)| record.leaf).collect();
    assert_eq!(places, [effects.first_leaf + 1, effects.first_leaf + 2]);
}

#[test]
fn leaves_and_nodes_make_the_log() {
    let mut chain = Chain::new();
    let (mut naive, mut nodes) = (Frontier::new(), BTreeMap::new());
    let mut leaves = Vec::new();
    for count in [0, 3, 1, 0, 5] {
        let drafts: Vec<Draft> =
            (0..count).map(|n| chain.draft(["w", "r"][n % 2], "k", b"v")).collect();
        let effects = chain.block(&drafts);
        assert_eq!(effects.first_leaf, naive.size());
        for leaf in &effects.leaves {
            naive.append(leaf_hash(leaf));
            leaves.push(leaf_hash(leaf));
        }
        for node in &effects.log_nodes {
            let new = nodes.insert((node.level, node.index), node.hash).is_none();
            assert!(new, "each node is reported once");
        }
        assert_eq!((&effects.log, effects.log_root), (&naive, naive.root()));
        assert_eq!(chain.ledger.log(), &naive);
    }
    let look_up = |level, index| -> Option<Hash> { nodes.get(&(level, index)).copied() };
    for (index, leaf) in (0..).zip(&leaves) {
        let proof = inclusion_proof(index, naive.size(), look_up).expect("all nodes are there");
        let verified = verify_inclusion(leaf, index, naive.size(), &proof, &naive.root());
        assert_eq!(verified, Ok(()));
    }
}

#[test]
fn the_signer_set_changes_its_version_with_its_content() {
    let mut chain = Chain::new();
    let first = block_leaf(&chain.block(&[]));
    assert_eq!(first.signer_set_version, 1);
    assert_eq!(first.signer_set, signer_set_digest(Some(2), &genesis().nodes));
    let version = |chain: &mut Chain, key: &StateKey, value: &[u8]| {
        let draft = chain.govern(key, value);
        let leaf = block_leaf(&chain.block(&[draft]));
        (leaf.signer_set_version, leaf.signer_set)
    };
    let node_key = RegistryKey::node(1);
    let mut moved = node(1, "uy", NODE_UY);
    moved.addresses = vec!["10.0.0.1:7000".into()];
    let same = version(&mut chain, &node_key, &encoded(&moved));
    assert_eq!(same, (1, first.signer_set), "an address is no part of it");
    let mut renewed = moved.clone();
    renewed.attestation_key = [9; 32];
    let set = signer_set_digest(Some(2), std::slice::from_ref(&renewed));
    assert_eq!(version(&mut chain, &node_key, &encoded(&renewed)), (2, set));
    let attest = RegistryKey::parameter(parameter::ATTEST_MEMBERS).expect("short");
    let set = signer_set_digest(Some(1), &[renewed]);
    assert_eq!(version(&mut chain, &attest, &encoded(&1_u64)), (3, set));
    let unchanged = block_leaf(&chain.restored().block(&[]));
    assert_eq!((unchanged.signer_set_version, unchanged.signer_set), (3, set));
}
