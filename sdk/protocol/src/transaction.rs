//! Transactions: a signed statement with the endorsements its policy needs.

use alloc::vec::Vec;
use core::{fmt, str::FromStr};

use minicbor::{Decode, Encode};

use crate::{
    cbor::{self, CborError},
    hash::{Hash, ParseHashError, tagged},
    identity::KeyId,
    limits::MAX_ENDORSEMENTS,
    statement::{Statement, StatementError},
};

/// Id of a transaction: SHA-256(tag "precinto/transaction", COSE Sig_structure of its statement).
/// It covers the author's key id, so nobody can burn another's id; a retry has the same id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct TransactionId(#[n(0)] pub Hash);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for TransactionId {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        text.parse().map(TransactionId)
    }
}

/// Another identity's agreement to one statement under one contract version.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Endorsement {
    /// The endorser's key.
    #[n(0)]
    pub key_id: KeyId,
    /// Ed25519 over [`endorsement_digest`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// What an endorser signs: SHA-256(tag "precinto/endorsement", id, contract version as u32
/// big-endian).
pub fn endorsement_digest(id: &TransactionId, contract_version: u32) -> Hash {
    tagged("precinto/endorsement", &[id.0.as_bytes(), &contract_version.to_be_bytes()])
}

/// SHA-256(tag "precinto/endorsements", encoded array of endorsements): binds them into the outcome
/// leaf.
pub fn endorsements_digest(endorsements: &[Endorsement]) -> Hash {
    tagged("precinto/endorsements", &[&cbor::encode(&endorsements)])
}

/// A statement and its endorsements. Encoding: CBOR array [statement as byte string, [[key id,
/// signature], ...]], endorsements strictly increasing by key id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    /// The author's signed call.
    pub statement: Statement,
    /// Sorted by key id, unique, none by the author.
    pub endorsements: Vec<Endorsement>,
}

#[derive(Encode, Decode)]
struct Wire {
    #[cbor(n(0), with = "minicbor::bytes")]
    statement: Vec<u8>,
    #[n(1)]
    endorsements: Vec<Endorsement>,
}

/// Why bytes are no transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Not the deterministic encoding.
    #[error("transaction: {0}")]
    Encoding(#[from] CborError),
    /// The statement inside is refused.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Endorsements out of order, repeated, by the author, or more than the limit.
    #[error(
        "endorsements must be at most {MAX_ENDORSEMENTS}, sorted by key id, unique and not by the author"
    )]
    Endorsements,
}

impl Transaction {
    /// A transaction without endorsements.
    pub fn new(statement: Statement) -> Transaction {
        Transaction { statement, endorsements: Vec::new() }
    }

    /// The statement's id.
    pub fn id(&self) -> TransactionId {
        self.statement.id()
    }

    /// The deterministic encoding.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&Wire {
            statement: self.statement.encode(),
            endorsements: self.endorsements.clone(),
        })
    }

    /// Decodes and checks form and order; signatures are the caller's to check.
    ///
    /// # Errors
    /// See [`TransactionError`].
    pub fn decode(bytes: &[u8]) -> Result<Transaction, TransactionError> {
        let wire: Wire = cbor::decode(bytes)?;
        let statement = Statement::decode(&wire.statement)?;
        let ordered = wire.endorsements.windows(2).all(|pair| pair[0].key_id < pair[1].key_id);
        let foreign = wire.endorsements.iter().all(|e| e.key_id != statement.key_id());
        if !ordered || !foreign || wire.endorsements.len() > MAX_ENDORSEMENTS {
            return Err(TransactionError::Endorsements);
        }
        Ok(Transaction { statement, endorsements: wire.endorsements })
    }

    /// [`endorsements_digest`] of its endorsements.
    pub fn endorsements_digest(&self) -> Hash {
        endorsements_digest(&self.endorsements)
    }
}
