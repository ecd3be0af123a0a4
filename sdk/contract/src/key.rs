//! Keys of a contract's state.

use alloc::vec::Vec;
use core::iter::from_fn;

use precinto_protocol::state::{StateKey, escape_component};

/// A key of the contract's own state, or a prefix of keys: a sequence of components.
///
/// Components are arbitrary bytes; order of keys is the order of their sequences of components, so
/// a prefix of components is a prefix of keys. With the contract's id the encoded key has at most
/// 128 bytes; each component costs its length, one byte per zero byte in it, and two. The host
/// refuses a longer key.
///
/// ```
/// use precinto_contract::Key;
/// let operators = Key::new("operator");
/// let operator = operators.with("uy-dna").with_u64(17);
/// assert_eq!(operator.components().count(), 3);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Key(Vec<u8>);

impl Key {
    /// The prefix of every key: no components. No value can be stored under it.
    pub const ALL: Key = Key(Vec::new());

    /// A key of one component.
    pub fn new(component: impl AsRef<[u8]>) -> Key {
        Key::ALL.with(component)
    }

    /// This key with one more component.
    #[must_use]
    pub fn with(&self, component: impl AsRef<[u8]>) -> Key {
        let mut bytes = self.0.clone();
        escape_component(component.as_ref(), &mut bytes);
        Key(bytes)
    }

    /// This key with a number as one more component: eight bytes, big-endian, so that numbers are
    /// in order.
    #[must_use]
    pub fn with_u64(&self, number: u64) -> Key {
        self.with(number.to_be_bytes())
    }

    /// The components, unescaped.
    pub fn components(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let mut rest = self.0.iter();
        from_fn(move || {
            let mut component = Vec::new();
            loop {
                match rest.next()? {
                    // The byte after a zero says whether the zero is the component's or ends it.
                    0x00 if rest.next() == Some(&0x01) => return Some(component),
                    byte => component.push(*byte),
                }
            }
        })
    }

    /// The encoded components, without the contract's id: what the host takes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key from encoded components the host gave.
    #[cfg(any(target_arch = "wasm32", feature = "testing"))]
    pub(crate) fn from_encoded(bytes: Vec<u8>) -> Key {
        Key(bytes)
    }
}

/// The same components, without the contract's id.
impl From<&StateKey> for Key {
    fn from(key: &StateKey) -> Key {
        Key(key.suffix().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(components: &[Vec<u8>]) -> Key {
        components.iter().fold(Key::ALL, |key, component| key.with(component))
    }

    fn components() -> impl Strategy<Value = Vec<Vec<u8>>> {
        // Few byte values, so that zeros, escapes and common prefixes are frequent.
        let byte = prop::sample::select(alloc::vec![0u8, 1, 2, 0xff]);
        prop::collection::vec(prop::collection::vec(byte, 0..4), 0..4)
    }

    proptest! {
        #[test]
        fn components_round_trip(components in components()) {
            let key = key(&components);
            let back: Vec<Vec<u8>> = key.components().collect();
            prop_assert_eq!(back, components);
        }

        #[test]
        fn keys_order_as_their_components(a in components(), b in components()) {
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
        }
    }
}
