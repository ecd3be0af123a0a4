//! A ledger in memory, for the tests of contracts.
//!
//! ```
//! use precinto_contract::{Contract, Host, Key, Rejection, Result, testing::{MockLedger, signer}};
//! use precinto_protocol::identity::Role;
//!
//! struct Greeter;
//! impl Contract for Greeter {
//!     fn call(host: &mut dyn Host, method: &str, _: &[u8]) -> Result<Vec<u8>> {
//!         match method {
//!             "greet" => Ok(host.log_append(&Key::new("greetings"), b"hello").to_be_bytes().to_vec()),
//!             other => Err(Rejection::unknown_method(other)),
//!         }
//!     }
//!     fn query(_: &dyn Host, method: &str, _: &[u8]) -> Result<Vec<u8>> {
//!         Err(Rejection::unknown_method(method))
//!     }
//! }
//!
//! let mut ledger = MockLedger::native::<Greeter>();
//! let officer = signer("uy-dna", &[Role::Officer]);
//! assert_eq!(ledger.call(&[officer], "greet", &()).unwrap(), 1u64.to_be_bytes());
//! ```

mod host;
mod ledger;

pub use host::MockHost;
pub use ledger::{MockLedger, signer};

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::marker::PhantomData;

use precinto_protocol::{call::ContractInput, host::Refusal};

use crate::{Contract, Rejection};

/// The entry points of a contract that have methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A method that may write.
    Call,
    /// A method that only reads.
    Query,
}

/// Why a call left nothing behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// Code of the contract, or of the host.
    pub code: String,
    /// For people.
    pub message: String,
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Failure {
        Failure { code: rejection.code.into(), message: rejection.message }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure { code: refusal.code().into(), message: refusal.to_string() }
    }
}

/// Runs a contract: natively ([`Native`]), or as the built module in a WASM engine.
pub trait ContractRunner {
    /// Runs one entry point. What `host` holds after a failure is dropped by the caller.
    ///
    /// # Errors
    /// What the contract rejected or the host refused.
    fn run(
        &self,
        host: &mut MockHost,
        entry: Entry,
        input: &ContractInput,
    ) -> Result<Vec<u8>, Failure>;
}

/// Runs a contract compiled into the test.
pub struct Native<C>(PhantomData<C>);

impl<C> Native<C> {
    /// A runner of `C`.
    pub fn new() -> Native<C> {
        Native(PhantomData)
    }
}

impl<C> Default for Native<C> {
    fn default() -> Native<C> {
        Native::new()
    }
}

impl<C: Contract> ContractRunner for Native<C> {
    fn run(
        &self,
        host: &mut MockHost,
        entry: Entry,
        input: &ContractInput,
    ) -> Result<Vec<u8>, Failure> {
        let result = match entry {
            Entry::Call => C::call(host, &input.method, &input.args),
            Entry::Query => C::query(host, &input.method, &input.args),
        };
        host.finish(result)
    }
}
