//! Statements: one signed contract call, as COSE_Sign1 (RFC 9052, EdDSA).

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Decoder, Encode, Encoder, data::Tag};

use crate::{
    cbor::{self, CborError},
    hash::{Hash, tagged},
    identity::{KeyId, Role},
    limits::{MAX_NAME_BYTES, MAX_STATEMENT_BYTES},
    transaction::TransactionId,
};

/// Content type in the protected header.
pub const CONTENT_TYPE: &str = "application/precinto-call+cbor";

const COSE_SIGN1_TAG: u64 = 18;
const HEADER_ALGORITHM: i64 = 1;
const HEADER_CONTENT_TYPE: i64 = 3;
const HEADER_KEY_ID: i64 = 4;
const ALGORITHM_EDDSA: i64 = -8;

/// An officer for whom a member's node signs: vouched for by that member, binding it alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct OnBehalf {
    /// Random pseudonym that only the member can resolve.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub pseudonym: [u8; 16],
    /// The role in which the officer acts.
    #[n(1)]
    pub role: Role,
}

/// A contract call. Encoding: CBOR array in the order of the fields; the last is left out when
/// absent.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Call {
    /// Genesis hash of the channel, so that no statement is valid in two.
    #[n(0)]
    pub channel: Hash,
    /// Name of the contract.
    #[n(1)]
    pub contract: String,
    /// The contract version the author expects; another active one rejects the call.
    #[n(2)]
    pub contract_version: u32,
    /// Name of the method.
    #[n(3)]
    pub method: String,
    /// Encoded arguments, defined by the method.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub args: Vec<u8>,
    /// Makes two otherwise equal calls different transactions.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// Ledger time, milliseconds since 1970, after which the call must not be executed.
    #[n(6)]
    pub expires_ms: u64,
    /// Set when a node signs for an officer logged in at it.
    #[n(7)]
    pub on_behalf: Option<OnBehalf>,
}

/// Why bytes are no statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Larger than [`MAX_STATEMENT_BYTES`].
    #[error("statement larger than {MAX_STATEMENT_BYTES} bytes")]
    TooLarge,
    /// Not the deterministic encoding of a COSE_Sign1 with a call.
    #[error("statement: {0}")]
    Encoding(#[from] CborError),
    /// The protected header is not {alg: EdDSA, content type, key id}.
    #[error("statement header must be EdDSA, {CONTENT_TYPE:?} and a 32-byte key id")]
    Header,
    /// A contract or method name that is empty or longer than [`MAX_NAME_BYTES`].
    #[error("contract and method names have 1 to {MAX_NAME_BYTES} bytes")]
    Name,
}

/// A signed call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    call: Call,
    payload: Vec<u8>,
    key_id: KeyId,
    signature: [u8; 64],
}

impl Statement {
    /// Signs `call` as its author.
    #[cfg(feature = "signatures")]
    pub fn sign(call: Call, key: &crate::keys::SigningKey) -> Statement {
        let payload = cbor::encode(&call);
        let key_id = key.key_id();
        let signature = key.sign(&sig_structure(&key_id, &payload));
        Statement { call, payload, key_id, signature }
    }

    /// Whether the author's `key` signed the statement.
    #[cfg(feature = "signatures")]
    pub fn verify(&self, key: &crate::keys::PublicKey) -> bool {
        key.verify(&sig_structure(&self.key_id, &self.payload), &self.signature)
    }

    /// The signed call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The author's key id.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The transaction id.
    pub fn id(&self) -> TransactionId {
        TransactionId(tagged(
            "precinto/transaction",
            &[&sig_structure(&self.key_id, &self.payload)],
        ))
    }

    /// COSE_Sign1 with tag 18 and an empty unprotected header: the wire form and the statement
    /// leaf.
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::with_capacity(self.payload.len() + 192));
        let result = e.tag(Tag::new(COSE_SIGN1_TAG)).and_then(|e| {
            e.array(4)?
                .bytes(&protected_header(&self.key_id))?
                .map(0)?
                .bytes(&self.payload)?
                .bytes(&self.signature)
        });
        result.expect("encoding into a vector cannot fail");
        e.into_writer()
    }

    /// Decodes a statement: canonical, within limits, with exactly our header. The signature is
    /// the caller's to check ([`Statement::verify`]).
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn decode(bytes: &[u8]) -> Result<Statement, StatementError> {
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(StatementError::TooLarge);
        }
        let (protected, payload, signature) =
            decode_sign1(bytes).map_err(|_| CborError::Malformed)?;
        let key_id = decode_protected(protected).map_err(|_| StatementError::Header)?;
        let call: Call = cbor::decode(payload)?;
        for name in [&call.contract, &call.method] {
            if name.is_empty() || name.len() > MAX_NAME_BYTES {
                return Err(StatementError::Name);
            }
        }
        let statement = Statement { call, payload: payload.to_vec(), key_id, signature };
        if protected != protected_header(&key_id) {
            return Err(StatementError::Header);
        }
        if statement.encode() != bytes {
            return Err(CborError::NotCanonical.into());
        }
        Ok(statement)
    }
}

type Sign1<'b> = (&'b [u8], &'b [u8], [u8; 64]);

fn decode_sign1(bytes: &[u8]) -> Result<Sign1<'_>, minicbor::decode::Error> {
    let malformed = minicbor::decode::Error::message;
    let mut d = Decoder::new(bytes);
    if d.tag()? != Tag::new(COSE_SIGN1_TAG) || d.array()? != Some(4) {
        return Err(malformed("not a COSE_Sign1"));
    }
    let protected = d.bytes()?;
    if d.map()? != Some(0) {
        return Err(malformed("the unprotected header must be empty"));
    }
    let payload = d.bytes()?;
    let signature = d.bytes()?.try_into().map_err(|_| malformed("a signature has 64 bytes"))?;
    Ok((protected, payload, signature))
}

fn decode_protected(bytes: &[u8]) -> Result<KeyId, minicbor::decode::Error> {
    let mut d = Decoder::new(bytes);
    let expected = d.map()? == Some(3)
        && d.i64()? == HEADER_ALGORITHM
        && d.i64()? == ALGORITHM_EDDSA
        && d.i64()? == HEADER_CONTENT_TYPE
        && d.str()? == CONTENT_TYPE
        && d.i64()? == HEADER_KEY_ID;
    if !expected {
        return Err(minicbor::decode::Error::message("unexpected header"));
    }
    d.decode()
}

fn protected_header(key_id: &KeyId) -> Vec<u8> {
    let mut e = Encoder::new(Vec::with_capacity(72));
    let result = e.map(3).and_then(|e| {
        e.i64(HEADER_ALGORITHM)?
            .i64(ALGORITHM_EDDSA)?
            .i64(HEADER_CONTENT_TYPE)?
            .str(CONTENT_TYPE)?
            .i64(HEADER_KEY_ID)?
            .encode(key_id)
    });
    result.expect("encoding into a vector cannot fail");
    e.into_writer()
}

/// RFC 9052 section 4.4, with empty external data.
fn sig_structure(key_id: &KeyId, payload: &[u8]) -> Vec<u8> {
    let mut e = Encoder::new(Vec::with_capacity(payload.len() + 104));
    let result = e.array(4).and_then(|e| {
        e.str("Signature1")?.bytes(&protected_header(key_id))?.bytes(&[])?.bytes(payload)
    });
    result.expect("encoding into a vector cannot fail");
    e.into_writer()
}

#[cfg(all(test, feature = "signatures"))]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use alloc::vec;

    fn call() -> Call {
        Call {
            channel: Hash([1; 32]),
            contract: "aeo".into(),
            contract_version: 1,
            method: "certify".into(),
            args: vec![0x80],
            nonce: [2; 16],
            expires_ms: 1000,
            on_behalf: None,
        }
    }

    #[test]
    fn a_statement_round_trips_and_verifies() {
        let key = SigningKey::from_seed(&[1; 32]);
        for on_behalf in [None, Some(OnBehalf { pseudonym: [9; 16], role: Role::Officer })] {
            let statement = Statement::sign(Call { on_behalf, ..call() }, &key);
            let decoded = Statement::decode(&statement.encode()).expect("valid");
            assert_eq!(decoded, statement);
            assert!(decoded.verify(&key.public()));
            assert!(!decoded.verify(&SigningKey::from_seed(&[2; 32]).public()));
        }
    }

    #[test]
    fn the_id_covers_the_author() {
        let one = Statement::sign(call(), &SigningKey::from_seed(&[1; 32]));
        let other = Statement::sign(call(), &SigningKey::from_seed(&[2; 32]));
        assert_ne!(one.id(), other.id());
    }

    #[test]
    fn every_changed_byte_is_refused_or_breaks_the_signature() {
        let key = SigningKey::from_seed(&[1; 32]);
        let statement = Statement::sign(call(), &key);
        let bytes = statement.encode();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            if let Ok(decoded) = Statement::decode(&changed) {
                assert!(!decoded.verify(&key.public()), "byte {position}");
            }
        }
    }

    #[test]
    fn non_canonical_forms_are_refused() {
        let statement = Statement::sign(call(), &SigningKey::from_seed(&[1; 32]));
        let mut trailing = statement.encode();
        trailing.push(0);
        assert_eq!(
            Statement::decode(&trailing),
            Err(StatementError::Encoding(CborError::NotCanonical))
        );
        assert_eq!(
            Statement::decode(&vec![0; MAX_STATEMENT_BYTES + 1]),
            Err(StatementError::TooLarge)
        );
    }
}
