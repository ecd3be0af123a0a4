//! Ed25519 keys. Accepts a signature iff S, A and R are canonical, A and R are not of small order
//! and the cofactorless equation holds: `verify_strict`, in every language the same rule.

use ed25519_dalek::{Signer, SigningKey as DalekSigningKey, VerifyingKey};

use crate::identity::KeyId;

/// A 64-byte Ed25519 signature.
pub type Signature = [u8; 64];

/// A secret key. Never printed; zeroed when dropped.
pub struct SigningKey(DalekSigningKey);

impl SigningKey {
    /// The key of a 32-byte seed (RFC 8032 private key). Randomness comes from the caller.
    pub fn from_seed(seed: &[u8; 32]) -> SigningKey {
        SigningKey(DalekSigningKey::from_bytes(seed))
    }

    /// The seed, to store it in a key file.
    pub fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The public half's id.
    pub fn key_id(&self) -> KeyId {
        self.public().key_id()
    }

    /// Signs `message` (deterministic, RFC 8032).
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign(message).to_bytes()
    }
}

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SigningKey({})", self.key_id())
    }
}

/// A parsed, not weak public key. Parsing decompresses a curve point: keep parsed keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Parses 32 bytes.
    ///
    /// # Errors
    /// [`WeakKey`] if they are no canonical curve point or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<PublicKey, WeakKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| WeakKey)?;
        // `from_bytes` accepts non-canonical encodings of some points; the round trip refuses them.
        if key.is_weak() || key.to_edwards().compress().as_bytes() != bytes {
            return Err(WeakKey);
        }
        Ok(PublicKey(key))
    }

    /// The key's 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The key's id.
    pub fn key_id(&self) -> KeyId {
        KeyId::of(&self.0.to_bytes())
    }

    /// Whether `signature` over `message` is valid by the strict rule.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

/// Not a canonical Ed25519 public key, or one of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical Ed25519 public key of full order")]
pub struct WeakKey;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_binds_message_and_key() {
        let key = SigningKey::from_seed(&[7; 32]);
        let signature = key.sign(b"message");
        assert!(key.public().verify(b"message", &signature));
        assert!(!key.public().verify(b"another", &signature));
        assert!(!SigningKey::from_seed(&[8; 32]).public().verify(b"message", &signature));
    }

    #[test]
    fn small_order_and_non_canonical_keys_are_refused() {
        let mut identity_point = [0; 32];
        identity_point[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity_point), Err(WeakKey));
        // y = p + 1 encodes the identity point a second time.
        let mut non_canonical = [0xff; 32];
        non_canonical[0] = 0xee;
        non_canonical[31] = 0x7f;
        assert_eq!(PublicKey::from_bytes(&non_canonical), Err(WeakKey));
    }
}
