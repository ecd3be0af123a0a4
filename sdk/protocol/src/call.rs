//! What passes between host and contract in one call.

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Encode};

use crate::{
    hash::Hash,
    identity::{KeyId, MemberId, Role},
    transaction::TransactionId,
};

/// Input of the exports `call`, `query` and `migrate`: CBOR array [method, arguments].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ContractInput {
    /// The method's name.
    #[n(0)]
    pub method: String,
    /// Encoded arguments, defined by the method.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub args: Vec<u8>,
}

/// Output of the exports: CBOR array [0, [result]] or [1, [code, message]].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ContractOutput {
    /// The call succeeded with an encoded result.
    #[n(0)]
    Ok(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// The contract refused the call: its writes are dropped.
    #[n(1)]
    Rejected {
        /// Stable code, `[a-z0-9-]{1,64}`; part of the outcome.
        #[n(0)]
        code: String,
        /// For people; never hashed.
        #[n(1)]
        message: String,
    },
}

/// One who signed the transaction, as execution resolved it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Signer {
    /// The signing key.
    #[n(0)]
    pub key_id: KeyId,
    /// Its member.
    #[n(1)]
    pub member: MemberId,
    /// The roles in which it signs: the identity's, or the one role stated `on_behalf` of an
    /// officer by the member's node.
    #[n(2)]
    pub roles: Vec<Role>,
    /// Pseudonym of the officer for whom a member's node signed: two officers of one member share
    /// the key, not this.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub pseudonym: Option<[u8; 16]>,
}

/// What a contract may know about the call it serves. Same on every node.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct CallContext {
    /// Genesis hash of the channel.
    #[n(0)]
    pub channel: Hash,
    /// Height of the block, or of the state a query reads.
    #[n(1)]
    pub height: u64,
    /// Index of the transaction in its block; 0 in queries.
    #[n(2)]
    pub index: u32,
    /// Ledger time, milliseconds since 1970.
    #[n(3)]
    pub time_ms: u64,
    /// The transaction; `None` in queries.
    #[n(4)]
    pub transaction: Option<TransactionId>,
    /// Author first, then endorsers by key id; empty in queries.
    #[n(5)]
    pub signers: Vec<Signer>,
    /// The called contract's id.
    #[n(6)]
    pub contract: u32,
}

impl CallContext {
    /// The author, absent in queries.
    pub fn author(&self) -> Option<&Signer> {
        self.signers.first()
    }
}
