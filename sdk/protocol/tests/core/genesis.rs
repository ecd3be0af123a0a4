//! Genesis and the first state.

use precinto_protocol::{
    cbor,
    genesis::Genesis,
    governance::{Successor, key_possession},
    hash::Hash,
    keys::PublicKey,
    registry::{Identity, IdentityStatus, Node, SignerSet, SystemKey, signer_set_digest},
    state::{Entry, Trie},
    transaction::TransactionId,
};

use serde_json::Value;

use crate::{bytes, hash, list, number, vectors};

#[test]
fn genesis_names_the_channel_and_gives_the_first_state() {
    let vectors = vectors!("genesis");
    let encoded = bytes(&vectors["encoded"]);
    let genesis: Genesis = cbor::decode(&encoded).unwrap();
    assert_eq!(genesis.problems(), [""; 0]);
    assert_eq!(genesis.hash().to_hex(), vectors["hash"]);

    for vector in list(&vectors["signer_sets"]) {
        let digest = signer_set_digest(vector["attest_members"].as_u64(), &genesis.nodes);
        assert_eq!(digest.to_hex(), vector["digest"]);
    }
    // What execution adds of its own.
    let digest = hash(&vectors["signer_sets"][0]["digest"]);
    let mut entries = genesis.entries();
    entries.insert(SystemKey::time(), cbor::encode(&genesis.created_ms));
    entries.insert(SystemKey::signer_set(), cbor::encode(&SignerSet { version: 1, digest }));

    let expected: Vec<_> = list(&vectors["entries"])
        .iter()
        .map(|entry| (bytes(&entry["key"]), bytes(&entry["value"])))
        .collect();
    let found: Vec<_> =
        entries.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.clone())).collect();
    assert_eq!(found, expected);
    let entries = entries.iter().map(|(key, value)| (key, Entry::plain(value)));
    assert_eq!(Trie::from_sorted(entries).unwrap().root().to_hex(), vectors["state_root"]);
}

#[test]
fn a_retired_node_says_when_and_its_signature_no_longer_counts() {
    let vectors = vectors!("genesis");
    let vector = &vectors["retired_node"];
    let genesis: Genesis = cbor::decode(&bytes(&vectors["encoded"])).unwrap();
    let node: Node = cbor::decode(&bytes(&vector["encoded"])).unwrap();
    assert_eq!(node.retired_ms, Some(number(&vector["retired_ms"])));
    let mut nodes = genesis.nodes;
    nodes[0] = node;
    assert_eq!(signer_set_digest(Some(2), &nodes).to_hex(), vector["signer_set"]);
}

#[test]
fn who_enrols_a_key_shows_that_he_holds_it() {
    let vectors = vectors!("genesis");
    let vector = &vectors["possession"];
    let verify = |key: &[u8; 32], message: &Hash, signature: &Value| {
        let signature = bytes(signature).try_into().unwrap();
        PublicKey::from_bytes(key).unwrap().verify(message.as_bytes(), &signature)
    };
    let (channel, member) = (hash(&vector["channel"]), vector["member"].as_str().unwrap());
    let key = hash(&vector["public_key"]).0;
    let message = key_possession(&channel, member, &key);
    assert_eq!(message.to_hex(), vector["key_possession"]);
    assert!(verify(&key, &message, &vector["key_signature"]));

    let successor: Successor = cbor::decode(&bytes(&vector["successor"])).unwrap();
    let message = successor.possession(&channel);
    assert_eq!(message.to_hex(), vector["node_possession"]);
    for (key, signature) in successor.keys().into_iter().zip(list(&vector["node_signatures"])) {
        assert!(verify(key, &message, signature));
    }
}

#[test]
fn a_revoked_identity_says_when() {
    let vectors = vectors!("genesis");
    let vector = &vectors["revoked_identity"];
    let identity: Identity = cbor::decode(&bytes(&vector["encoded"])).unwrap();
    assert_eq!(identity.status, IdentityStatus::Revoked { at_ms: number(&vector["at_ms"]) });
}

#[test]
fn a_replay_entry_is_keyed_by_expiry_and_id() {
    let vectors = vectors!("genesis");
    let vector = &vectors["replay"];
    let id = TransactionId(hash(&vector["transaction"]));
    let key = SystemKey::replay(number(&vector["expires_ms"]), &id);
    assert_eq!(hex::encode(key.as_bytes()), vector["key"]);
}
