//! The golden vectors, written by another implementation.

use precinto_protocol::{
    cbor,
    hash::Hash,
    log::Frontier,
    state::{
        Entry, EntryKind, PrefixProof, RecordLogEntry, StateKey, StateProof, record_log_digest,
    },
};
use serde_json::Value;

use crate::{Model, key_of, listed, trie_of, under};

#[test]
fn golden_vectors_of_keys_and_values() {
    let vectors = vectors();
    let mut previous = None;
    for vector in list(&vectors["keys"]) {
        let contract = vector["contract"].as_u64().unwrap() as u32;
        let components = list(&vector["components"]).iter().map(bytes).collect();
        let key = key_of(&(contract, components));
        assert_eq!(hex::encode(key.as_bytes()), vector["key"]);
        assert!(previous < Some(key.clone()), "the vectors are in order");
        previous = Some(key);
    }
    for vector in list(&vectors["bad_keys"]) {
        assert!(StateKey::from_bytes(&bytes(&vector["key"])).is_err(), "{}", vector["why"]);
    }
    for vector in list(&vectors["values"]) {
        assert_eq!(Entry::plain(&bytes(&vector["value"])).digest.to_hex(), vector["digest"]);
    }
}

#[test]
fn golden_vectors_of_record_logs() {
    let vectors = vectors();
    let mut log = Frontier::new();
    let digests = list(&vectors["record_log"]["digests"]);
    assert_eq!(record_log_digest(&log).to_hex(), digests[0]);
    for (vector, digest) in list(&vectors["record_log"]["entries"]).iter().zip(&digests[1..]) {
        let entry = RecordLogEntry {
            height: vector["height"].as_u64().unwrap(),
            index: vector["index"].as_u64().unwrap() as u32,
            time_ms: vector["time_ms"].as_u64().unwrap(),
            transaction: hash(&vector["transaction"]),
            member: vector["member"].as_str().unwrap().into(),
            payload: bytes(&vector["payload"]),
        };
        assert_eq!(hex::encode(cbor::encode(&entry)), vector["encoded"]);
        assert_eq!(cbor::decode(&bytes(&vector["encoded"])), Ok(entry.clone()));
        log.append(entry.leaf_hash());
        assert_eq!(Entry::record_log(&log).digest.to_hex(), *digest);
    }
}

#[test]
fn golden_vectors_of_trees() {
    for vector in list(&vectors()["trees"]) {
        let (name, root) = (&vector["name"], hash(&vector["root"]));
        let model: Model = list(&vector["entries"]).iter().map(entry_of).collect();
        let trie = trie_of(&model);
        assert_eq!(trie.root(), root, "{name}");
        for vector in list(&vector["keys"]) {
            let key = StateKey::from_bytes(&bytes(&vector["key"])).unwrap();
            assert_eq!(hex::encode(cbor::encode(&trie.prove(&key))), vector["proof"], "{name}");
            let proof: StateProof = cbor::decode(&bytes(&vector["proof"])).unwrap();
            let digest = proof.verify_key(&root, &key).unwrap().map(|entry| entry.digest.to_hex());
            assert_eq!(digest.as_deref(), vector["digest"].as_str(), "{name}");
        }
        for vector in list(&vector["prefixes"]) {
            let prefix = StateKey::from_bytes(&bytes(&vector["prefix"])).unwrap();
            let count_proof: StateProof = cbor::decode(&bytes(&vector["count_proof"])).unwrap();
            assert_eq!(count_proof, trie.prove(&prefix), "{name}");
            let count = count_proof.verify_count(&root, &prefix).unwrap();
            assert_eq!(Some(count), vector["count"].as_u64(), "{name}");
            let proof: PrefixProof = cbor::decode(&bytes(&vector["proof"])).unwrap();
            assert_eq!(proof, trie.prove_prefix(&prefix), "{name}");
            assert_eq!(listed(proof.verify(&root, &prefix).unwrap()), under(&model, &prefix));
        }
    }
}

#[test]
fn golden_vectors_of_refused_proofs() {
    let refused = &vectors()["refused"];
    let root = hash(&refused["root"]);
    for vector in list(&refused["keys"]) {
        let key = StateKey::from_bytes(&bytes(&vector["key"])).unwrap();
        let proof: StateProof = cbor::decode(&bytes(&vector["proof"])).unwrap();
        assert!(proof.verify_key(&root, &key).is_err(), "{}", vector["why"]);
        assert!(proof.verify_count(&root, &key).is_err(), "{}", vector["why"]);
    }
    for vector in list(&refused["prefixes"]) {
        let prefix = StateKey::from_bytes(&bytes(&vector["prefix"])).unwrap();
        let proof: PrefixProof = cbor::decode(&bytes(&vector["proof"])).unwrap();
        assert!(proof.verify(&root, &prefix).is_err(), "{}", vector["why"]);
    }
}

fn vectors() -> Value {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/vectors/state.json");
    serde_json::from_str(&std::fs::read_to_string(vectors).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn hash(value: &Value) -> Hash {
    value.as_str().unwrap().parse().unwrap()
}

fn entry_of(vector: &Value) -> (StateKey, Entry) {
    let kind = match vector["kind"].as_u64() {
        Some(0) => EntryKind::Plain,
        Some(1) => EntryKind::RecordLog,
        other => panic!("kind {other:?}"),
    };
    let key = StateKey::from_bytes(&bytes(&vector["key"])).unwrap();
    (key, Entry { kind, digest: hash(&vector["digest"]) })
}
