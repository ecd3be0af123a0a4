//! What the tests of the engine share: modules written as text, and a host in memory.

use std::collections::BTreeMap;

use precinto_protocol::{
    call::{CallContext, ContractInput, ContractOutput},
    cbor,
    hash::Hash,
    host::{Refusal, StateItem},
};
use precinto_vm::{CallResult, Engine, Entry, Failure, Fatal, Host, HostError, Module, admit};

/// Fuel that is enough for every test that is not about fuel.
pub(crate) const FUEL: u64 = 1_000_000;

/// A module with the interface's exports, whose `call` and `query` have the given body. Imports and
/// further definitions stand before it.
pub(crate) fn module(definitions: &str, body: &str) -> Vec<u8> {
    module_with_imports("", definitions, body)
}

/// As [`module`], with imports, which come first in a module.
pub(crate) fn module_with_imports(imports: &str, definitions: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {imports}
            (memory (export "memory") 1)
            (global $free (mut i32) (i32.const 32768))
            (func (export "precinto_interface_1"))
            (func (export "alloc") (param $len i32) (result i32)
                global.get $free
                global.get $free
                local.get $len
                i32.add
                global.set $free)
            {definitions}
            (func $call (export "call") (param $input i32) (param $len i32) (result i64)
                {body})
            (func (export "query") (param i32 i32) (result i64)
                local.get 0
                local.get 1
                call $call))"#
    );
    wat::parse_str(text).expect("the text of a test's module")
}

/// Text of a data segment at `offset` and the instructions that return it as the output.
pub(crate) fn output(offset: u32, bytes: &[u8]) -> (String, String) {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let packed = u64::from(offset) << 32 | bytes.len() as u64;
    (format!(r#"(data (i32.const {offset}) "{escaped}")"#), format!("i64.const {packed}"))
}

/// The output `Ok` with an empty result, at offset 16.
pub(crate) fn ok() -> (String, String) {
    output(16, &cbor::encode(&ContractOutput::Ok(Vec::new())))
}

/// A module that succeeds after running `body`, which leaves nothing on the stack.
pub(crate) fn succeeding(imports: &str, definitions: &str, body: &str) -> Vec<u8> {
    let (data, result) = ok();
    module_with_imports(imports, &format!("{data} {definitions}"), &format!("{body} {result}"))
}

/// Compiles a module that must be admitted.
pub(crate) fn compile(engine: &Engine, wasm: &[u8]) -> Module {
    engine.compile(&admit(wasm).expect("admitted")).expect("compiles")
}

/// Input of a call of the method `m` without arguments.
pub(crate) fn input() -> ContractInput {
    ContractInput { method: "m".into(), args: Vec::new() }
}

/// Calls a module in a new engine with an empty state.
pub(crate) fn call(wasm: &[u8], fuel: u64) -> CallResult {
    run(wasm, Entry::Call, fuel, &mut TestHost::default()).expect("not fatal")
}

/// Calls a module and returns why it failed.
pub(crate) fn failure(wasm: &[u8]) -> Failure {
    call(wasm, FUEL).output.expect_err("fails")
}

/// Runs an entry point of a module in a new engine.
pub(crate) fn run(
    wasm: &[u8],
    entry: Entry,
    fuel: u64,
    host: &mut dyn Host,
) -> Result<CallResult, Fatal> {
    let engine = Engine::new().expect("an engine");
    let module = compile(&engine, wasm);
    engine.call(&module, entry, &input(), fuel, host)
}

/// A host with plain keys alone. The key `refuse` is refused, and `break` breaks the node.
pub(crate) struct TestHost {
    context: CallContext,
    pub(crate) state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) logs: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    pub(crate) events: Vec<(String, Vec<u8>)>,
}

impl Default for TestHost {
    fn default() -> TestHost {
        TestHost {
            context: CallContext {
                channel: Hash::ZERO,
                height: 7,
                index: 0,
                time_ms: 1000,
                transaction: None,
                signers: Vec::new(),
                contract: 3,
            },
            state: BTreeMap::new(),
            logs: BTreeMap::new(),
            events: Vec::new(),
        }
    }
}

fn checked(key: &[u8]) -> Result<(), HostError> {
    match key {
        b"refuse" => Err(Refusal::KeyInvalid.into()),
        b"break" => Err(HostError::Fatal("the disk is gone".into())),
        _ => Ok(()),
    }
}

impl Host for TestHost {
    fn context(&self) -> &CallContext {
        &self.context
    }

    fn state_get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        checked(key)?;
        Ok(self.state.get(key).cloned())
    }

    fn state_set(&mut self, key: &[u8], value: &[u8]) -> Result<(), HostError> {
        checked(key)?;
        self.state.insert(key.into(), value.into());
        Ok(())
    }

    fn state_remove(&mut self, key: &[u8]) -> Result<(), HostError> {
        self.state.remove(key);
        Ok(())
    }

    fn state_scan(
        &mut self,
        prefix: &[u8],
        after: &[u8],
        limit: u32,
    ) -> Result<Vec<StateItem>, HostError> {
        let items =
            self.state.iter().filter(|(key, _)| key.starts_with(prefix) && &key[..] > after);
        let items = items.map(|(key, value)| StateItem { key: key.clone(), value: value.clone() });
        Ok(items.take(limit as usize).collect())
    }

    fn log_append(&mut self, key: &[u8], payload: &[u8]) -> Result<u64, HostError> {
        let log = self.logs.entry(key.into()).or_default();
        log.push(payload.into());
        Ok(log.len() as u64)
    }

    fn log_read(&mut self, key: &[u8], index: u64) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.logs.get(key).and_then(|log| log.get(index as usize)).cloned())
    }

    fn log_len(&mut self, key: &[u8]) -> Result<u64, HostError> {
        Ok(self.logs.get(key).map_or(0, |log| log.len() as u64))
    }

    fn emit(&mut self, topic: &str, payload: &[u8]) -> Result<(), HostError> {
        self.events.push((topic.into(), payload.into()));
        Ok(())
    }
}
