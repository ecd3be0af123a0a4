//! Keys of the state tree: a contract id and escaped components.

use alloc::vec::Vec;
use core::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::limits::MAX_STATE_KEY_BYTES;

const CONTRACT_BYTES: usize = 4;

/// A key of the state tree: contract id (u32 big-endian), then components, each with `00` escaped
/// as `00 FF` and ended by `00 01`; at most [`MAX_STATE_KEY_BYTES`] in all. A CBOR byte string.
///
/// The byte order of keys is the order of their (contract, component, component, ...) tuples. A
/// *prefix* is itself such a key: it stands for all keys that begin with its components.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey(Vec<u8>);

/// Why bytes are no state key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateKeyError {
    /// More than [`MAX_STATE_KEY_BYTES`].
    #[error("a state key has at most {MAX_STATE_KEY_BYTES} bytes")]
    TooLong,
    /// Fewer than the four bytes of the contract id.
    #[error("a state key begins with the four bytes of its contract id")]
    NoContract,
    /// A `00` that is followed neither by `FF` nor by `01`.
    #[error("a zero byte in a state key is followed by FF or 01")]
    BadEscape,
    /// The last component is not ended by `00 01`.
    #[error("the last component of a state key is not ended by 00 01")]
    Unterminated,
}

impl StateKey {
    /// The key of a contract without components: as a prefix, all the contract's keys.
    pub fn new(contract: u32) -> StateKey {
        StateKey(contract.to_be_bytes().to_vec())
    }

    /// The key with one more component, which may be any bytes, or none.
    ///
    /// # Errors
    /// [`StateKeyError::TooLong`].
    pub fn component(mut self, component: &[u8]) -> Result<StateKey, StateKeyError> {
        escape_component(component, &mut self.0);
        if self.0.len() > MAX_STATE_KEY_BYTES {
            return Err(StateKeyError::TooLong);
        }
        Ok(self)
    }

    /// The key with these bytes.
    ///
    /// # Errors
    /// Every [`StateKeyError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<StateKey, StateKeyError> {
        validate(bytes)?;
        Ok(StateKey(bytes.to_vec()))
    }

    /// The key of `contract` whose escaped components are `suffix`, as contracts pass them.
    ///
    /// # Errors
    /// Every [`StateKeyError`] but [`StateKeyError::NoContract`].
    pub fn from_suffix(contract: u32, suffix: &[u8]) -> Result<StateKey, StateKeyError> {
        if suffix.len() > MAX_STATE_KEY_BYTES - CONTRACT_BYTES {
            return Err(StateKeyError::TooLong);
        }
        let mut bytes = Vec::with_capacity(CONTRACT_BYTES + suffix.len());
        bytes.extend_from_slice(&contract.to_be_bytes());
        bytes.extend_from_slice(suffix);
        validate(&bytes)?;
        Ok(StateKey(bytes))
    }

    /// The bytes of a key that was checked before.
    pub(super) fn trusted(bytes: &[u8]) -> StateKey {
        StateKey(bytes.to_vec())
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key's bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The contract whose key it is.
    pub fn contract(&self) -> u32 {
        let [a, b, c, d, ..] = self.0[..] else { unreachable!("a key has its contract's id") };
        u32::from_be_bytes([a, b, c, d])
    }

    /// The escaped components, without the contract id.
    pub fn suffix(&self) -> &[u8] {
        &self.0[CONTRACT_BYTES..]
    }

    /// The components, unescaped, in order.
    pub fn components(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let mut rest = self.suffix().iter();
        core::iter::from_fn(move || {
            let mut component = Vec::new();
            loop {
                match rest.next()? {
                    0x00 if rest.next() == Some(&0x01) => return Some(component),
                    byte => component.push(*byte),
                }
            }
        })
    }

    /// Whether `key` begins with this key's components (or equals it). Because a component's end
    /// cannot occur inside another component, comparing bytes compares components.
    pub fn is_prefix_of(&self, key: &StateKey) -> bool {
        key.0.starts_with(&self.0)
    }

    /// The least bytes above every key with this prefix: the exclusive end of a range scan. `None`
    /// if there are none (the whole contract 2^32 - 1).
    pub fn prefix_end(&self) -> Option<Vec<u8>> {
        let mut end = self.0.clone();
        while let Some(byte) = end.pop() {
            if let Some(next) = byte.checked_add(1) {
                end.push(next);
                return Some(end);
            }
        }
        None
    }
}

/// Appends a component to the bytes of a key: `00` becomes `00 FF`, the end is `00 01`.
pub fn escape_component(component: &[u8], key: &mut Vec<u8>) {
    for byte in component {
        key.push(*byte);
        if *byte == 0x00 {
            key.push(0xff);
        }
    }
    key.extend_from_slice(&[0x00, 0x01]);
}

fn validate(bytes: &[u8]) -> Result<(), StateKeyError> {
    if bytes.len() > MAX_STATE_KEY_BYTES {
        return Err(StateKeyError::TooLong);
    }
    let mut rest = bytes.get(CONTRACT_BYTES..).ok_or(StateKeyError::NoContract)?.iter();
    let mut ended = true;
    while let Some(byte) = rest.next() {
        ended = match byte {
            0x00 => match rest.next() {
                Some(0x01) => true,
                Some(0xff) => false,
                _ => return Err(StateKeyError::BadEscape),
            },
            _ => false,
        };
    }
    if ended { Ok(()) } else { Err(StateKeyError::Unterminated) }
}

/// Bit `index` of a key: bit 0 is the most significant of the first byte, bits past the end are 0.
pub(super) fn bit(key: &[u8], index: u16) -> usize {
    let byte = key.get(usize::from(index / 8)).copied().unwrap_or(0);
    usize::from(byte >> (7 - index % 8) & 1)
}

/// The first bit at which two keys differ; `None` if they are equal.
pub(super) fn first_difference(a: &[u8], b: &[u8]) -> Option<u16> {
    (0..a.len().max(b.len())).find_map(|at| {
        let byte = |key: &[u8]| key.get(at).copied().unwrap_or(0);
        let difference = byte(a) ^ byte(b);
        (difference != 0).then(|| at as u16 * 8 + difference.leading_zeros() as u16)
    })
}

/// Bits in a prefix: branches at or beyond this index separate keys that share it.
pub(super) fn bit_length(prefix: &StateKey) -> u16 {
    prefix.0.len() as u16 * 8
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl<C> Encode<C> for StateKey {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for StateKey {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        StateKey::from_bytes(d.bytes()?).map_err(|_| decode::Error::message("not a state key"))
    }
}
