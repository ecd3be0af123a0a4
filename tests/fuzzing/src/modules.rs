//! WASM modules. What is admitted compiles, runs with fuel to the same
//! end every time, compiled just now or read from a file, and never stops the process.

use std::sync::{Arc, LazyLock};

use precinto_contract::testing::MockHost;
use precinto_contract_testing::Adapter;
use precinto_protocol::{
    call::{CallContext, ContractInput},
    hash::Hash,
};
use precinto_vm::{CallResult, Engine, Entry, Module, ModuleCache, admit};

/// Fuel of a call: an endless loop of generated code ends in a millisecond.
const FUEL: u64 = 500_000;

static ENGINE: LazyLock<Arc<Engine>> =
    LazyLock::new(|| Arc::new(Engine::new().expect("the machine runs the engine")));

/// Runs what is admitted.
pub(crate) fn module(wasm: &[u8]) {
    let Ok(module) = admit(wasm) else { return };
    assert_eq!(admit(wasm).as_ref(), Ok(&module), "admission is a function of the bytes");
    let folder = tempfile::tempdir().expect("a folder");
    let load = || {
        let cache = ModuleCache::open(Arc::clone(&ENGINE), folder.path()).expect("a cache");
        cache.load(wasm).expect("what is admitted compiles")
    };
    let (compiled, read) = (load(), load());
    for entry in [Entry::Call, Entry::Query, Entry::Migrate] {
        let first = run(&compiled, entry);
        for module in [&read, &compiled] {
            let (result, host) = run(module, entry);
            assert_eq!(result, first.0, "{entry:?}");
            assert!(host.has_state_of(&first.1) && host.events() == first.1.events());
        }
    }
}

fn run(module: &Module, entry: Entry) -> (CallResult, MockHost) {
    let context = CallContext {
        channel: Hash([7; 32]),
        height: 1,
        index: 0,
        time_ms: 1,
        transaction: None,
        signers: Vec::new(),
        contract: 7,
    };
    let empty = MockHost::new(context.clone());
    let mut host = empty.next_call(context, entry == Entry::Query);
    let input = ContractInput { method: "method".into(), args: b"arguments".to_vec() };
    let result = ENGINE.call(module, entry, &input, FUEL, &mut Adapter(&mut host));
    (result.expect("no call is fatal"), host)
}
