//! Queries: contract methods that only read, on any height's state.

use std::sync::Arc;

use precinto_protocol::{
    call::{CallContext, ContractInput},
    hash::Hash,
    limits::CALL_FUEL,
    registry::parameter,
};
use precinto_vm::Failure;

use crate::{
    Fatal,
    registry::Registry,
    runtime::{ContractCall, Runtime},
    view::{StateView, ViewError},
};

/// Which contract method is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Name of the contract.
    pub contract: String,
    /// Name of the method.
    pub method: String,
    /// Encoded arguments, defined by the method.
    pub args: Vec<u8>,
}

/// Where the state that a query reads stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryAt {
    /// Height of the state.
    pub height: u64,
    /// Ledger time of the state, milliseconds since 1970.
    pub time_ms: u64,
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No contract of this name is active.
    #[error("no contract {0:?} is active")]
    UnknownContract(String),
    /// The contract refused.
    #[error("{message}")]
    Rejected {
        /// The contract's code.
        code: String,
        /// For people.
        message: String,
    },
    /// The call failed: it trapped, ran out of fuel, or tried to write.
    #[error("the query failed: {message}")]
    Failed {
        /// The failure's stable code.
        code: String,
        /// For people.
        message: String,
    },
    /// The node cannot read its state or run contracts.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl From<ViewError> for QueryError {
    fn from(error: ViewError) -> QueryError {
        QueryError::Fatal(error.into())
    }
}

impl From<Failure> for QueryError {
    fn from(failure: Failure) -> QueryError {
        match failure {
            Failure::Rejected { code, message } => QueryError::Rejected { code, message },
            other => {
                QueryError::Failed { code: other.code().to_owned(), message: other.to_string() }
            }
        }
    }
}

/// Answers queries, from any number of threads.
#[derive(Clone)]
pub struct Queries {
    channel: Hash,
    runtime: Arc<Runtime>,
}

impl Queries {
    /// For a channel, by its genesis hash.
    pub fn new(channel: Hash, runtime: Arc<Runtime>) -> Queries {
        Queries { channel, runtime }
    }

    /// The encoded answer of a query to `state`, which stands at `at`.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn query(
        &self,
        query: Query,
        state: &dyn StateView,
        at: QueryAt,
    ) -> Result<Vec<u8>, QueryError> {
        let registry = Registry::new(state);
        let Some(contract) = registry.contract(&query.contract)? else {
            return Err(QueryError::UnknownContract(query.contract));
        };
        let context = CallContext {
            channel: self.channel,
            height: at.height,
            index: 0,
            time_ms: at.time_ms,
            transaction: None,
            signers: Vec::new(),
            contract: contract.id,
        };
        let call = ContractCall {
            contract: &contract,
            context,
            input: ContractInput { method: query.method, args: query.args },
            fuel: registry.parameter(parameter::CALL_FUEL)?.unwrap_or(CALL_FUEL),
        };
        Ok(self.runtime.query(call, state)?.output?)
    }
}
