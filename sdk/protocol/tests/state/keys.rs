//! Keys: their order, their parts, prefixes.

use precinto_protocol::{
    cbor,
    limits::MAX_STATE_KEY_BYTES,
    state::{StateKey, StateKeyError},
};
use proptest::{collection::vec, prelude::*};

use crate::{components, key_of};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn byte_order_is_the_order_of_components(a in components(), b in components()) {
        prop_assert_eq!(key_of(&a).cmp(&key_of(&b)), a.cmp(&b));
    }

    #[test]
    fn a_key_gives_back_its_parts(parts in components()) {
        let key = key_of(&parts);
        prop_assert_eq!(key.contract(), parts.0);
        prop_assert_eq!(key.components().collect::<Vec<_>>(), parts.1);
        prop_assert_eq!(StateKey::from_bytes(key.as_bytes()), Ok(key.clone()));
        prop_assert_eq!(StateKey::from_suffix(key.contract(), key.suffix()), Ok(key.clone()));
        prop_assert_eq!(cbor::decode(&cbor::encode(&key)), Ok(key));
    }

    #[test]
    fn bytes_are_a_key_only_if_escaping_their_parts_gives_them_back(
        bytes in vec(prop_oneof![Just(0_u8), Just(1), Just(0xff), any::<u8>()], 0..16),
    ) {
        if let Ok(key) = StateKey::from_bytes(&bytes) {
            let parts = (key.contract(), key.components().collect());
            prop_assert_eq!(key_of(&parts).as_bytes().to_vec(), bytes);
        }
    }

    #[test]
    fn a_prefix_and_its_end_enclose_exactly_its_keys(a in components(), b in components()) {
        let (prefix, key) = (key_of(&a), key_of(&b));
        let shares = a.0 == b.0 && b.1.starts_with(&a.1);
        prop_assert_eq!(prefix.is_prefix_of(&key), shares);
        let below_end = prefix.prefix_end().is_none_or(|end| key.as_bytes() < &end[..]);
        prop_assert_eq!(prefix <= key && below_end, shares);
    }
}

#[test]
fn keys_end_at_their_limit() {
    let room = MAX_STATE_KEY_BYTES - 4 - 2;
    assert!(StateKey::new(1).component(&vec![b'x'; room]).is_ok());
    let long = vec![b'x'; room + 1];
    assert_eq!(StateKey::new(1).component(&long), Err(StateKeyError::TooLong));
    assert_eq!(StateKey::from_suffix(1, &[b'x'; 125]), Err(StateKeyError::TooLong));
    assert_eq!(StateKey::from_suffix(1, b"x"), Err(StateKeyError::Unterminated));
}
