//! Signing for officers who are logged in at this node.

use precinto_api::{NodeError, OfficerCall};
use precinto_execution::{Registry, StateView};
use precinto_protocol::{
    hash::Hash,
    keys::SigningKey,
    outcome::code,
    statement::{Call, OnBehalf, Statement},
    transaction::Transaction,
};

use super::raft::wall_clock_ms;
use crate::keyfile;

/// How long an officer's call may take until it is executed: half of what the channel allows at
/// least, so that a node whose clock is ahead is not refused.
const EXPIRES_AFTER_MS: u64 = 5 * 60 * 1000;

/// The node's identity key in the service of its member's officers.
pub(super) struct OfficerSigner {
    channel: Hash,
    key: SigningKey,
}

impl OfficerSigner {
    /// Signs with the node's identity `key` on `channel`.
    pub(super) fn new(channel: Hash, key: SigningKey) -> OfficerSigner {
        OfficerSigner { channel, key }
    }

    /// An encoded transaction with `call`, for the active version of its contract.
    pub(super) fn sign(
        &self,
        officer: OnBehalf,
        call: OfficerCall,
        state: &dyn StateView,
    ) -> Result<Vec<u8>, NodeError> {
        let contract = Registry::new(state).contract(&call.contract);
        let contract = contract
            .map_err(|error| NodeError::new(precinto_api::codes::INTERNAL, error.to_string()))?;
        let Some(contract) = contract else {
            let message = format!("no contract {:?} is active", call.contract);
            return Err(NodeError::new(code::UNKNOWN_CONTRACT, message));
        };
        let call = Call {
            channel: self.channel,
            contract: call.contract,
            contract_version: contract.version,
            method: call.method,
            args: call.args,
            nonce: keyfile::random(),
            expires_ms: wall_clock_ms() + EXPIRES_AFTER_MS,
            on_behalf: Some(officer),
        };
        Ok(Transaction::new(Statement::sign(call, &self.key)).encode())
    }
}
