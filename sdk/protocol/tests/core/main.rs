//! The core formats: golden vectors written by another implementation, and properties that hold for
//! every value.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(feature = "signatures")]

mod aeo;
mod blocks;
mod genesis;
mod leaves;
mod operators;
mod properties;
mod signatures;
mod statements;
mod strategies;

use precinto_protocol::{hash::Hash, identity::KeyId, keys::SigningKey};
use serde_json::Value;

/// The vectors of one file.
macro_rules! vectors {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../schemas/vectors/",
            $name,
            ".json"
        )))
        .unwrap()
    };
}
pub(crate) use vectors;

/// A list that is not empty: a misspelt name checks nothing, and must not pass.
fn list(value: &Value) -> &[Value] {
    let list = value.as_array().unwrap();
    assert!(!list.is_empty());
    list
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number<T: TryFrom<u64, Error: std::fmt::Debug>>(value: &Value) -> T {
    value.as_u64().unwrap().try_into().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn hash(value: &Value) -> Hash {
    text(value).parse().unwrap()
}

fn key_id(value: &Value) -> KeyId {
    KeyId(hash(value))
}

fn key(value: &Value) -> SigningKey {
    SigningKey::from_seed(&array(value))
}

/// Every encoding of the list is refused by `decode`.
fn all_refused<T, E>(refused: &Value, decode: impl Fn(&[u8]) -> Result<T, E>) {
    for vector in list(refused) {
        assert!(decode(&bytes(&vector["encoded"])).is_err(), "accepted: {}", vector["why"]);
    }
}
