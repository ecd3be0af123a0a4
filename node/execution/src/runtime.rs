//! Contract code and the engine that runs it, shared by execution and queries.

use std::sync::Arc;

use precinto_protocol::{
    call::{CallContext, ContractInput},
    hash::{Hash, sha256},
    outcome::Event,
    registry::ContractEntry,
};
use precinto_vm::{CallResult, Entry, Failure, Module, ModuleCache};

use crate::{Fatal, host::CallHost, overlay::Changes, view::StateView};

/// Where contract code is kept: every version ever active, by hash.
pub trait CodeSource: Send + Sync {
    /// The WASM module with this SHA-256, if it is here.
    ///
    /// # Errors
    /// If the store failed, in words.
    fn code(&self, hash: &Hash) -> Result<Option<Vec<u8>>, String>;
}

/// Compiled modules and where code comes from. Calls may come from several threads.
pub struct Runtime {
    modules: ModuleCache,
    code: Box<dyn CodeSource>,
}

/// A contract's method to be called.
pub(crate) struct ContractCall<'a> {
    pub(crate) contract: &'a ContractEntry,
    pub(crate) context: CallContext,
    pub(crate) input: ContractInput,
    pub(crate) fuel: u64,
}

/// A call that came to an end.
pub(crate) struct Called {
    pub(crate) output: Result<Vec<u8>, Failure>,
    pub(crate) fuel_used: u64,
    /// To be dropped with the events if the output is a failure.
    pub(crate) changes: Changes,
    pub(crate) events: Vec<Event>,
}

impl Runtime {
    /// A runtime that compiles into `modules` what `code` holds.
    pub fn new(modules: ModuleCache, code: Box<dyn CodeSource>) -> Runtime {
        Runtime { modules, code }
    }

    /// The compiled module with this code hash.
    ///
    /// # Errors
    /// [`Fatal::MissingCode`], and [`Fatal::Runtime`] if the code is no contract.
    pub(crate) fn module(&self, hash: &Hash) -> Result<Arc<Module>, Fatal> {
        if let Some(module) = self.modules.get(hash) {
            return Ok(module);
        }
        let code = self.code.code(hash).map_err(Fatal::Runtime)?;
        let code = code.filter(|code| sha256(&[code]) == *hash).ok_or(Fatal::MissingCode(*hash))?;
        self.modules.load(&code).map_err(|error| Fatal::Runtime(format!("code {hash}: {error}")))
    }

    /// Calls a method that may write, on top of `state`.
    pub(crate) fn call(
        &self,
        call: ContractCall<'_>,
        state: &dyn StateView,
    ) -> Result<Called, Fatal> {
        self.run(Entry::Call, call, state)
    }

    /// Calls a method that only reads.
    pub(crate) fn query(
        &self,
        call: ContractCall<'_>,
        state: &dyn StateView,
    ) -> Result<Called, Fatal> {
        self.run(Entry::Query, call, state)
    }

    fn run(
        &self,
        entry: Entry,
        call: ContractCall<'_>,
        state: &dyn StateView,
    ) -> Result<Called, Fatal> {
        let ContractCall { contract, context, input, fuel } = call;
        let module = self.module(&contract.code_hash)?;
        let mut host = CallHost::new(context, &contract.name, state);
        let CallResult { fuel_used, output } = self
            .modules
            .engine()
            .call(&module, entry, &input, fuel, &mut host)
            .map_err(|error| Fatal::Runtime(error.to_string()))?;
        let (changes, events) = host.into_effects();
        Ok(Called { output, fuel_used, changes, events })
    }
}
