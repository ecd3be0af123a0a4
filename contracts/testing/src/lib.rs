//! Runs the tests of contracts twice: against the contract compiled into the test, and against the
//! built module in the node's own engine.
//!
//! # Mental model
//! A test of a contract is a function of a [`MockLedger`]. [`on_both`] gives it one ledger whose
//! calls run natively and one whose calls run in [`WasmRunner`]. The state behind both is the same
//! [`MockHost`], so a difference is one of the compiled contract, the guest side of the interface,
//! or the engine.
//!
//! # What this crate must never depend on
//! A contract. It is a dependency of tests alone.

use std::{
    collections::BTreeMap,
    env, fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use precinto_contract::{
    Contract,
    testing::{ContractRunner, Entry, Failure, MockHost, MockLedger},
};
use precinto_protocol::{
    call::{CallContext, ContractInput},
    host::StateItem,
    limits::CALL_FUEL,
};
use precinto_vm::{CallResult, Engine, Host, HostError, Module, admit};

/// Runs `test` on a ledger of the native contract `C` and on one of the module `name`.
///
/// # Panics
/// If the module has not been built (`scripts/build-contracts.sh`), or breaks a rule of admission.
pub fn on_both<C: Contract + 'static>(name: &'static str, test: impl Fn(MockLedger)) {
    test(MockLedger::native::<C>());
    test(MockLedger::new(Built(name)));
}

/// Makes two tests of each named function of a ledger: one on the caller's `crate::native()`, one on
/// its `crate::wasm()`.
#[macro_export]
#[allow(clippy::crate_in_macro_def, reason = "the two functions are the calling crate's")]
macro_rules! native_and_wasm {
    ($($test:ident),+ $(,)?) => {
        mod native {
            $(#[test] fn $test() { super::$test(crate::native()); })+
        }
        mod wasm {
            $(#[test] fn $test() { super::$test(crate::wasm()); })+
        }
    };
}

/// The bytes of a built module.
///
/// # Panics
/// If it has not been built.
pub fn module(name: &str) -> Vec<u8> {
    let path = target_dir().join("contracts").join(name).with_extension("wasm");
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run scripts/build-contracts.sh", path.display())
    })
}

/// Where builds go: given by the environment, or found from the running test
/// (`<target>/debug/deps/<test>`).
fn target_dir() -> PathBuf {
    if let Some(dir) = env::var_os("CARGO_TARGET_DIR") {
        return dir.into();
    }
    let test = env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(3).expect("a test runs in <target>/<profile>/deps").into()
}

/// Runs the built module of this name, which is compiled once for all tests of a process.
///
/// Running panics if the module has not been built, or breaks a rule of admission.
pub struct Built(pub &'static str);

impl ContractRunner for Built {
    fn run(
        &self,
        host: &mut MockHost,
        entry: Entry,
        input: &ContractInput,
    ) -> Result<Vec<u8>, Failure> {
        self.runner().run(host, entry, input)
    }
}

impl Built {
    fn runner(&self) -> Arc<WasmRunner> {
        static RUNNERS: Mutex<BTreeMap<&str, Arc<WasmRunner>>> = Mutex::new(BTreeMap::new());
        let mut runners = RUNNERS.lock().unwrap_or_else(PoisonError::into_inner);
        runners.entry(self.0).or_insert_with(|| Arc::new(WasmRunner::of(self.0))).clone()
    }

    /// Fuel that a query of the ledger as it stands uses.
    ///
    /// # Panics
    /// If the query fails.
    pub fn query_fuel(&self, ledger: &mut MockLedger, input: &ContractInput) -> u64 {
        let called = ledger.host().call_context().clone();
        let context = CallContext { transaction: None, signers: Vec::new(), ..called };
        let mut host = ledger.host().next_call(context, true);
        let result = self.runner().call(&mut host, precinto_vm::Entry::Query, input);
        result.output.expect("the query succeeds");
        result.fuel_used
    }
}

/// Runs a contract's module in the node's engine, with the fuel of a transaction.
pub struct WasmRunner {
    engine: Engine,
    module: Module,
}

impl WasmRunner {
    /// A runner of the built module `name`.
    ///
    /// # Panics
    /// As [`on_both`].
    pub fn of(name: &str) -> WasmRunner {
        let engine = Engine::new().expect("the machine runs the engine");
        let admitted = admit(&module(name)).expect("a contract of ours is admitted");
        let module = engine.compile(&admitted).expect("an admitted module compiles");
        WasmRunner { engine, module }
    }

    fn call(
        &self,
        host: &mut MockHost,
        entry: precinto_vm::Entry,
        input: &ContractInput,
    ) -> CallResult {
        self.engine
            .call(&self.module, entry, input, CALL_FUEL, &mut Adapter(host))
            .expect("the mock host has no fatal errors")
    }
}

impl ContractRunner for WasmRunner {
    fn run(
        &self,
        host: &mut MockHost,
        entry: Entry,
        input: &ContractInput,
    ) -> Result<Vec<u8>, Failure> {
        let entry = match entry {
            Entry::Call => precinto_vm::Entry::Call,
            Entry::Query => precinto_vm::Entry::Query,
        };
        let result = self.call(host, entry, input);
        result.output.map_err(|failure| Failure {
            code: failure.code().into(),
            message: failure.to_string(),
        })
    }
}

/// The engine's host over the mock.
pub struct Adapter<'h>(pub &'h mut MockHost);

impl Host for Adapter<'_> {
    fn context(&self) -> &CallContext {
        self.0.call_context()
    }

    fn state_get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.0.state_get(key)?)
    }

    fn state_set(&mut self, key: &[u8], value: &[u8]) -> Result<(), HostError> {
        Ok(self.0.state_set(key, value)?)
    }

    fn state_remove(&mut self, key: &[u8]) -> Result<(), HostError> {
        Ok(self.0.state_remove(key)?)
    }

    fn state_scan(
        &mut self,
        prefix: &[u8],
        after: &[u8],
        limit: u32,
    ) -> Result<Vec<StateItem>, HostError> {
        Ok(self.0.state_scan(prefix, after, limit)?)
    }

    fn log_append(&mut self, key: &[u8], payload: &[u8]) -> Result<u64, HostError> {
        Ok(self.0.log_append(key, payload)?)
    }

    fn log_read(&mut self, key: &[u8], index: u64) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.0.log_read(key, index)?)
    }

    fn log_len(&mut self, key: &[u8]) -> Result<u64, HostError> {
        Ok(self.0.log_len(key)?)
    }

    fn emit(&mut self, topic: &str, payload: &[u8]) -> Result<(), HostError> {
        Ok(self.0.emit_event(topic, payload)?)
    }
}
