//! Signatures of deliveries after the Standard Webhooks specification: header `webhook-signature`
//! is `v1,` and base64 of HMAC-SHA256(secret, `id.timestamp.body`), so that receivers can use the
//! libraries that exist.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret begins with in text.
const SECRET_PREFIX: &str = "whsec_";

/// Random bytes from the system.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a system without randomness cannot run a node");
    bytes
}

/// A new secret of 256 bits in its text form.
pub(super) fn new_secret() -> String {
    format!("{SECRET_PREFIX}{}", Base64::encode_string(&random::<32>()))
}

/// Whether a text is a secret.
pub(super) fn is_secret(text: &str) -> bool {
    key(text).is_some_and(|key| key.len() >= 24)
}

fn key(secret: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(secret.strip_prefix(SECRET_PREFIX)?).ok()
}

/// The header `webhook-signature`.
pub(super) fn sign(secret: &str, id: &str, timestamp_s: u64, body: &[u8]) -> String {
    let key = key(secret).expect("a stored secret was checked");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{timestamp_s}.").as_bytes());
    mac.update(body);
    format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_is_met() {
        // Of the specification's reference libraries.
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn new_secrets_are_secrets() {
        assert!(is_secret(&new_secret()));
        assert_ne!(new_secret(), new_secret());
        for bad in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_é"] {
            assert!(!is_secret(bad), "{bad}");
        }
    }
}
