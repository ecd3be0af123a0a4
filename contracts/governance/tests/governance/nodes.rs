//! One node after another.

use governance::code;
use precinto_contract::{decode_stored, testing::MockLedger};
use precinto_protocol::{
    cbor,
    governance::{NodeEvent, PromoteNode, ReplaceNode, Successor},
    membership::Membership,
    registry::{IdentityStatus, Node, NodeRole, RegistryKey},
};

use crate::{
    BR, DAY_MS, UY, UY_NODE, admin, assert_refused, identity, native_and_wasm, public, secret,
};

native_and_wasm![
    a_successor_starts_as_a_learner_and_is_promoted_once,
    a_learners_successor_never_votes,
    the_successor_of_a_joining_node_keeps_the_seat,
    only_an_active_node_of_the_member_is_replaced,
    ids_storages_and_keys_are_never_used_twice,
    every_key_shows_its_possession,
    one_change_after_the_other,
    a_voter_is_replaced_only_if_the_others_are_a_majority,
];

/// A ledger with voters 1 (uy), 2 (br) and two more of br, as far as consensus goes; and a learner.
fn with_nodes(mut ledger: MockLedger, voters: u64) -> MockLedger {
    for id in 3..=voters {
        write(&mut ledger, &crate::node(id, BR, 40 + id as u8));
    }
    write(&mut ledger, &Node { role: NodeRole::Learner, ..crate::node(9, UY, 49) });
    settle(&mut ledger);
    ledger
}

fn write(ledger: &mut MockLedger, node: &Node) {
    let key = RegistryKey::node(node.id);
    ledger.host().state_set(key.suffix(), &cbor::encode(node)).expect("within the limits");
}

/// Consensus does what the registry wants, and execution writes it down.
fn settle(ledger: &mut MockLedger) {
    let membership = cbor::encode(&Membership::wanted(&nodes(ledger)));
    let key = RegistryKey::membership();
    ledger.host().state_set(key.suffix(), &membership).expect("within the limits");
}

fn nodes(ledger: &MockLedger) -> Vec<Node> {
    decode_stored(&ledger.query("nodes", &()).expect("nodes")).expect("nodes")
}

fn node(ledger: &MockLedger, id: u64) -> Node {
    nodes(ledger).into_iter().find(|node| node.id == id).expect("listed")
}

fn successor(id: u64, replaces: u64) -> Successor {
    let key = |n: u8| public(n + 3 * id as u8);
    Successor {
        id,
        replaces,
        identity_key: key(100),
        network_key: key(101),
        attestation_key: key(102),
        addresses: vec!["node.example:7700".into()],
        storage_id: [id as u8; 16],
    }
}

/// The call with good proofs, if the keys are those of [`successor`] `id`.
fn replace(ledger: &MockLedger, id: u64, successor: Successor) -> ReplaceNode {
    let message = successor.possession(&ledger.channel());
    let sign = |n: u8| secret(n + 3 * id as u8).sign(message.as_bytes());
    ReplaceNode {
        identity_possession: sign(100),
        network_possession: sign(101),
        attestation_possession: sign(102),
        valid_until_ms: ledger.time_ms + 50 * DAY_MS,
        successor,
    }
}

fn replaced(ledger: &mut MockLedger, id: u64, replaces: u64) {
    let args = replace(ledger, id, successor(id, replaces));
    ledger.call(&admin(UY), "replace-node", &args).expect("replaced");
}

fn changes(ledger: &MockLedger) -> Vec<(u64, String)> {
    let events = ledger.events().iter().filter(|(topic, _)| topic == "governance.node");
    let decode = |(_, payload): &(String, Vec<u8>)| decode_stored::<NodeEvent>(payload);
    events.map(|event| decode(event).expect("an event")).map(|e| (e.node, e.change)).collect()
}

fn a_successor_starts_as_a_learner_and_is_promoted_once(ledger: MockLedger) {
    let mut ledger = with_nodes(ledger, 3);
    let now = ledger.time_ms;
    replaced(&mut ledger, 10, 1);
    assert_eq!(changes(&ledger), [(1, "retire".into()), (10, "register".into())]);
    assert_eq!(node(&ledger, 1).retired_ms, Some(now));
    let new = node(&ledger, 10);
    assert_eq!((new.role, new.member.as_str(), new.retired_ms), (NodeRole::Joining, UY, None));
    let status = |key| identity(&ledger, UY, key).expect("enrolled").status;
    assert_eq!(status(UY_NODE), IdentityStatus::Revoked { at_ms: now });
    assert_eq!(status(130), IdentityStatus::Active);

    settle(&mut ledger);
    let promote = PromoteNode { node: 10 };
    assert_refused(ledger.call(&admin(BR), "promote-node", &promote), code::UNKNOWN_NODE, "");
    ledger.call(&admin(UY), "promote-node", &promote).expect("promoted");
    assert_eq!(changes(&ledger), [(10, "promote".into())]);
    assert_eq!(node(&ledger, 10).role, NodeRole::Voter);
    assert_refused(ledger.call(&admin(UY), "promote-node", &promote), code::NO_SEAT, "");
}

fn a_learners_successor_never_votes(ledger: MockLedger) {
    let mut ledger = with_nodes(ledger, 3);
    replaced(&mut ledger, 10, 9);
    settle(&mut ledger);
    assert_eq!(node(&ledger, 10).role, NodeRole::Learner);
    let promote = PromoteNode { node: 10 };
    assert_refused(ledger.call(&admin(UY), "promote-node", &promote), code::NO_SEAT, "");
}

fn the_successor_of_a_joining_node_keeps_the_seat(ledger: MockLedger) {
    let mut ledger = with_nodes(ledger, 3);
    replaced(&mut ledger, 10, 1);
    settle(&mut ledger);
    replaced(&mut ledger, 11, 10);
    settle(&mut ledger);
    ledger.call(&admin(UY), "promote-node", &PromoteNode { node: 11 }).expect("promoted");
}

fn only_an_active_node_of_the_member_is_replaced(ledger: MockLedger) {
    let mut ledger = with_nodes(ledger, 3);
    for other in [2, 77] {
        let args = replace(&ledger, 10, successor(10, other));
        let result = ledger.call(&admin(UY), "replace-node", &args);
        assert_refused(result, code::UNKNOWN_NODE, "");
    }
    replaced(&mut ledger, 10, 9);
    settle(&mut ledger);
    let args = replace(&ledger, 11, successor(11, 9));
    assert_refused(ledger.call(&admin(UY), "replace-node", &args), code::UNKNOWN_NODE, "");
}

fn ids_storages_and_keys_are_never_used_twice(ledger: MockLedger) {
    let mut ledger = with_nodes(ledger, 3);
    let good = successor(10, 9);
    let old = node(&ledger, 2);
    let cases = [
        (Successor { id: 9, ..good.clone() }, "id"),
        (Successor { id: 5, ..good.clone() }, "id"),
        (Successor { storage_id: old.storage_id, ..good.clone() }, "storage_id"),
        (Successor { identity_key: old.network_key, ..good.clone() }, "keys"),
        (Successor { attestation_key: old.attestation_key, ..good.clone() }, "keys"),
        (Successor { network_key: good.identity_key, ..good.clone() }, "keys"),
    ];
    for (successor, field) in cases {
        let args = replace(&ledger, 10, successor);
        let result = ledger.call(&admin(UY), "replace-node", &args);
        assert_refused(result, code::ALREADY_REGISTERED, field);
    }
    for addresses in [vec![], vec![":1".into()], vec!["host".into()], vec!["host:70000".into()]] {
        let args = replace(&ledger, 10, Successor { addresses, ..good.clone() });
        let result = ledger.call(&admin(UY), "replace-node", &args);
        assert_refused(result, "bad-arguments", "addresses");
    }
}

fn every_key_shows_its_possession(ledger: MockLedger) {
    let mut ledger = with_nodes(ledger, 3);
    let good = replace(&ledger, 10, successor(10, 9));
    let bad = [0; 64];
    // Made for another registration: nobody can take the proofs over.
    let other = Successor { replaces: 1, ..successor(10, 9) };
    let cases = [
        (ReplaceNode { identity_possession: bad, ..good.clone() }, "identity_key"),
        (ReplaceNode { network_possession: bad, ..good.clone() }, "network_key"),
        (ReplaceNode { attestation_possession: bad, ..good.clone() }, "attestation_key"),
        (ReplaceNode { successor: other, ..good.clone() }, "identity_key"),
    ];
    for (args, field) in cases {
        let result = ledger.call(&admin(UY), "replace-node", &args);
        assert_refused(result, code::NO_POSSESSION, field);
    }
    ledger.call(&admin(UY), "replace-node", &good).expect("replaced");
}

fn one_change_after_the_other(ledger: MockLedger) {
    let mut ledger = with_nodes(ledger, 3);
    replaced(&mut ledger, 10, 1);
    let next = replace(&ledger, 11, successor(11, 9));
    assert_refused(ledger.call(&admin(UY), "replace-node", &next), code::CHANGE_PENDING, "");
    let promote = PromoteNode { node: 10 };
    assert_refused(ledger.call(&admin(UY), "promote-node", &promote), code::CHANGE_PENDING, "");
    settle(&mut ledger);
    ledger.call(&admin(UY), "promote-node", &promote).expect("promoted");
    // A promotion that takes its time blocks nobody.
    ledger.call(&admin(UY), "replace-node", &next).expect("replaced");
}

fn a_voter_is_replaced_only_if_the_others_are_a_majority(ledger: MockLedger) {
    let mut two = with_nodes(ledger, 2);
    let args = replace(&two, 10, successor(10, 1));
    assert_refused(two.call(&admin(UY), "replace-node", &args), code::WOULD_LOSE_QUORUM, "");
    let mut three = with_nodes(two, 3);
    replaced(&mut three, 10, 1);
    settle(&mut three);
    let of_br = replace(&three, 11, successor(11, 2));
    assert_refused(three.call(&admin(BR), "replace-node", &of_br), code::WOULD_LOSE_QUORUM, "");
    three.call(&admin(UY), "promote-node", &PromoteNode { node: 10 }).expect("promoted");
    let result = three.call(&admin(BR), "replace-node", &of_br);
    assert_refused(result, code::WOULD_LOSE_QUORUM, "");
    settle(&mut three);
    three.call(&admin(BR), "replace-node", &of_br).expect("node 10 votes now");
}
