//! Deterministic CBOR (RFC 8949 section 4.2.1): one encoding per value.

use alloc::vec::Vec;
use core::convert::Infallible;

use minicbor::{Decode, Encode};

/// Why bytes were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Not CBOR, or not of the expected shape.
    #[error("not CBOR of the expected shape")]
    Malformed,
    /// Well-formed, but another encoding of the same value is the deterministic one, or bytes
    /// follow the value.
    #[error("not the deterministic encoding (RFC 8949 section 4.2)")]
    NotCanonical,
}

/// The deterministic encoding of `value`.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let result: Result<(), minicbor::encode::Error<Infallible>> =
        minicbor::encode(value, &mut bytes);
    result.expect("encoding into a vector fails only on a broken Encode implementation");
    bytes
}

/// Decodes `bytes` and refuses them unless they are exactly what [`encode`] gives for the value.
///
/// # Errors
/// [`CborError::Malformed`] and [`CborError::NotCanonical`].
pub fn decode<'b, T: Decode<'b, ()> + Encode<()>>(bytes: &'b [u8]) -> Result<T, CborError> {
    let value = minicbor::decode(bytes).map_err(|_| CborError::Malformed)?;
    if encode(&value) == bytes { Ok(value) } else { Err(CborError::NotCanonical) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_forms_and_trailing_bytes_are_refused() {
        assert_eq!(decode::<u64>(&[0x05]), Ok(5));
        assert_eq!(decode::<u64>(&[0x18, 0x05]), Err(CborError::NotCanonical));
        assert_eq!(decode::<u64>(&[0x05, 0x00]), Err(CborError::NotCanonical));
        assert_eq!(decode::<u64>(&[0x60]), Err(CborError::Malformed));
        assert_eq!(decode::<u64>(&[]), Err(CborError::Malformed));
    }
}
