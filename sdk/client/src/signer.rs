//! Signing transactions with a key of one's own.

use precinto_protocol::{
    hash::Hash,
    identity::KeyId,
    keys::SigningKey,
    statement::{Call, Statement},
    transaction::Transaction,
};

/// A key and the channel it signs for.
#[derive(Debug)]
pub struct Signer {
    key: SigningKey,
    channel: Hash,
}

/// A call to sign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCall {
    /// Name of the contract.
    pub contract: String,
    /// Its active version ([`crate::Client::contracts`]).
    pub contract_version: u32,
    /// Name of the method.
    pub method: String,
    /// Encoded arguments.
    pub args: Vec<u8>,
    /// Makes two otherwise equal calls different transactions: random, or a hash of what must
    /// happen only once.
    pub nonce: [u8; 16],
    /// Ledger time after which it must not be executed, milliseconds since 1970: the `time_ms` of
    /// [`crate::Client::status`] plus at most ten minutes (the channel's `max-expiry-ms`).
    pub expires_ms: u64,
}

impl Signer {
    /// Signs with `key` for the channel of this genesis hash ([`crate::Client::status`]).
    pub fn new(key: SigningKey, channel: Hash) -> Signer {
        Signer { key, channel }
    }

    /// Id of the key.
    pub fn key_id(&self) -> KeyId {
        self.key.key_id()
    }

    /// A signed transaction without endorsements.
    pub fn sign(&self, call: NewCall) -> Transaction {
        let call = Call {
            channel: self.channel,
            contract: call.contract,
            contract_version: call.contract_version,
            method: call.method,
            args: call.args,
            nonce: call.nonce,
            expires_ms: call.expires_ms,
            on_behalf: None,
        };
        Transaction::new(Statement::sign(call, &self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_transaction_decodes_and_verifies_for_its_channel() {
        let signer = Signer::new(SigningKey::from_seed(&[3; 32]), Hash([9; 32]));
        let transaction = signer.sign(NewCall {
            contract: "aeo".into(),
            contract_version: 1,
            method: "certify".into(),
            args: vec![0x80],
            nonce: [1; 16],
            expires_ms: 5,
        });
        let decoded = Transaction::decode(&transaction.encode()).unwrap();
        assert_eq!(decoded.statement.call().channel, Hash([9; 32]));
        assert!(decoded.statement.verify(&SigningKey::from_seed(&[3; 32]).public()));
    }
}
