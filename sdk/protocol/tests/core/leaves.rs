//! Leaves of the log and the digests that they bind.

use precinto_protocol::{
    cbor,
    identity::Role,
    leaf::{
        BlockLeaf, LEAF_VERSION, LeafKind, OutcomeLeaf, events_digest, leader_signature_digest,
    },
    log::leaf_hash,
    outcome::{Event, Outcome},
    statement::Statement,
    transaction::TransactionId,
};
use serde_json::Value;

use crate::{all_refused, array, bytes, hash, key_id, list, number, text, vectors};

fn outcome_leaf(vector: &Value) -> OutcomeLeaf {
    let outcome = match vector["code"].as_str() {
        None => Outcome::Committed,
        Some(code) => Outcome::Rejected { code: code.into() },
    };
    OutcomeLeaf {
        version: LEAF_VERSION,
        kind: LeafKind::Outcome,
        channel: hash(&vector["channel"]),
        height: number(&vector["height"]),
        index: number(&vector["index"]),
        transaction: TransactionId(hash(&vector["transaction"])),
        author: key_id(&vector["author"]),
        member: text(&vector["member"]).into(),
        roles: list(&vector["roles"]).iter().map(|n| Role::ALL[number::<usize>(n)]).collect(),
        endorsements: hash(&vector["endorsements"]),
        outcome,
        events: hash(&vector["events"]),
    }
}

fn block_leaf(vector: &Value) -> BlockLeaf {
    BlockLeaf {
        version: LEAF_VERSION,
        kind: LeafKind::Block,
        channel: hash(&vector["channel"]),
        epoch: number(&vector["epoch"]),
        height: number(&vector["height"]),
        previous: hash(&vector["previous"]),
        content: hash(&vector["content"]),
        time_ms: number(&vector["time_ms"]),
        term: number(&vector["term"]),
        leader_signature: hash(&vector["leader_signature"]),
        state_root: hash(&vector["state_root"]),
        committed: number(&vector["committed"]),
        rejected: number(&vector["rejected"]),
        signer_set_version: number(&vector["signer_set_version"]),
        signer_set: hash(&vector["signer_set"]),
        protocol_version: number(&vector["protocol_version"]),
    }
}

#[test]
fn leaves_are_encoded_and_hashed_as_specified() {
    let vectors = vectors!("leaf");
    for vector in list(&vectors["outcomes"]) {
        let leaf = outcome_leaf(vector);
        assert_eq!(hex::encode(cbor::encode(&leaf)), vector["encoded"]);
        assert_eq!(cbor::decode(&bytes(&vector["encoded"])), Ok(leaf.clone()));
        assert_eq!(leaf_hash(&cbor::encode(&leaf)).to_hex(), vector["leaf_hash"]);
    }
    let vector = &vectors["block"];
    let leaf = block_leaf(vector);
    assert_eq!(hex::encode(cbor::encode(&leaf)), vector["encoded"]);
    assert_eq!(cbor::decode(&bytes(&vector["encoded"])), Ok(leaf.clone()));
    assert_eq!(leaf_hash(&cbor::encode(&leaf)).to_hex(), vector["leaf_hash"]);

    let statement = Statement::decode(&bytes(&vectors["statement"]["encoded"])).unwrap();
    assert_eq!(leaf_hash(&statement.encode()).to_hex(), vectors["statement"]["leaf_hash"]);
}

#[test]
fn events_and_the_leaders_signature_are_digested_as_specified() {
    let vectors = vectors!("leaf");
    for vector in list(&vectors["events"]) {
        let events = vector["events"].as_array().unwrap().iter();
        let events: Vec<_> = events
            .map(|event| Event {
                contract: text(&event["contract"]).into(),
                topic: text(&event["topic"]).into(),
                payload: bytes(&event["payload"]),
            })
            .collect();
        assert_eq!(events_digest(&events).to_hex(), vector["digest"]);
    }
    let signed = &vectors["leader_signature"];
    let digest = leader_signature_digest(&key_id(&signed["leader"]), &array(&signed["signature"]));
    assert_eq!(digest.to_hex(), signed["digest"]);
}

#[test]
fn leaves_of_another_version_kind_or_form_are_refused() {
    let vectors = vectors!("leaf");
    all_refused(&vectors["refused_outcomes"], |b| cbor::decode::<OutcomeLeaf>(b));
    all_refused(&vectors["refused_blocks"], |b| cbor::decode::<BlockLeaf>(b));
}
