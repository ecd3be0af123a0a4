//! Simulation: what a transaction would do in the next block, before it has all its endorsements.
//!
//! An endorser signs what it has seen succeed. It promises no more than admission does: the state
//! may change before the transaction is executed.

use precinto_protocol::{
    call::{CallContext, ContractInput, Signer},
    hash::Hash,
    identity::KeyId,
    policy::Policy,
    transaction::Transaction,
};
use precinto_vm::Failure;

use crate::{
    AdmissionError, Fatal,
    admission::admitted,
    judge::{Admitted, Judge, Terms, signer},
    precheck::{KeyCache, precheck},
    query::QueryAt,
    runtime::{ContractCall, Runtime},
    view::{StateView, ViewError},
};

/// A transaction that may still lack endorsements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The statement and the endorsements so far, all valid.
    pub transaction: Transaction,
    /// Author first, then the endorsers so far by key id.
    pub signers: Vec<Signer>,
    /// What its method asks for.
    pub policy: Policy,
}

/// Why a transaction would not commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimulationError {
    /// It would not come to the call.
    #[error(transparent)]
    Refused(#[from] AdmissionError),
    /// The call fails.
    #[error(transparent)]
    Rejected(#[from] Failure),
    /// The node cannot read its state or run contracts.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl SimulationError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &str {
        match self {
            SimulationError::Refused(refused) => refused.code(),
            SimulationError::Rejected(failure) => failure.code(),
            SimulationError::Fatal(_) => "state-unavailable",
        }
    }
}

impl From<ViewError> for SimulationError {
    fn from(error: ViewError) -> SimulationError {
        SimulationError::Fatal(error.into())
    }
}

/// Simulates transactions one by one, each against the same state. What it reads of the registry
/// it reads once.
pub struct Simulation<'a> {
    channel: Hash,
    /// Where the next block would stand.
    at: QueryAt,
    state: &'a dyn StateView,
    keys: &'a KeyCache,
    runtime: &'a Runtime,
    judge: Judge<'a>,
}

impl<'a> Simulation<'a> {
    /// On a channel, by its genesis hash. `at` is where the next block would stand: the height
    /// after the last one, and the later of one millisecond after its time and the node's clock.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn new(
        state: &'a dyn StateView,
        keys: &'a KeyCache,
        runtime: &'a Runtime,
        channel: Hash,
        at: QueryAt,
    ) -> Result<Simulation<'a>, ViewError> {
        let terms = Terms::read(state, channel, at.time_ms)?;
        Ok(Simulation { channel, at, state, keys, runtime, judge: Judge::new(terms, keys) })
    }

    /// Checks an encoded transaction as admission does, but for the endorsements it still lacks,
    /// and makes its call with the signers so far.
    ///
    /// # Errors
    /// See [`SimulationError`].
    pub fn run(&mut self, bytes: &[u8]) -> Result<Proposal, SimulationError> {
        let item = precheck(bytes, self.keys);
        let verdict = self.judge.judge_so_far(&item, self.state)?;
        let Admitted { item, signers, contract, policy } = admitted(verdict, &item)?;
        let call = item.transaction.statement.call();
        let call = ContractCall {
            contract: &contract,
            context: CallContext {
                channel: self.channel,
                height: self.at.height,
                index: 0,
                time_ms: self.at.time_ms,
                transaction: Some(item.id),
                signers: signers.clone(),
                contract: contract.id,
            },
            input: ContractInput { method: call.method.clone(), args: call.args.clone() },
            fuel: self.judge.terms.call_fuel,
        };
        self.runtime.call(call, self.state)?.output?;
        Ok(Proposal { transaction: item.transaction.clone(), signers, policy })
    }

    /// Who would sign with this key, if it may.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn signer(&mut self, key_id: &KeyId) -> Result<Option<Signer>, ViewError> {
        let identity = self.judge.identity_in_force(self.state, key_id)?;
        Ok(identity.map(|identity| signer(*key_id, &identity)))
    }
}
