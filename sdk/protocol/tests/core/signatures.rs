//! The strict rule: what lax verifiers accept is refused, what only over-strict ones refuse is not.

use precinto_protocol::keys::PublicKey;
use serde_json::Value;

use crate::{array, bytes, list, vectors};

fn verifies(vector: &Value) -> bool {
    PublicKey::from_bytes(&array(&vector["public_key"]))
        .is_ok_and(|key| key.verify(&bytes(&vector["message"]), &array(&vector["signature"])))
}

#[test]
fn signatures_are_accepted_by_the_strict_rule_alone() {
    let vectors = vectors!("signature");
    for vector in list(&vectors["valid"]) {
        assert!(verifies(vector), "refused: {}", vector["why"]);
    }
    for vector in list(&vectors["refused"]) {
        assert!(!verifies(vector), "accepted: {}", vector["why"]);
    }
}

#[test]
fn keys_that_are_not_canonical_or_of_small_order_are_refused() {
    for vector in list(&vectors!("signature")["refused_keys"]) {
        let key = PublicKey::from_bytes(&array(&vector["public_key"]));
        assert!(key.is_err(), "accepted: {}, {}", vector["why"], vector["public_key"]);
    }
}
