//! The WASM engine: compiles admitted modules and runs calls.

use std::hash::{Hash as _, Hasher};

use precinto_protocol::{
    call::{ContractInput, ContractOutput},
    cbor,
    hash::{Hash, tagged},
    limits::PROTOCOL_VERSION,
};
use wasmtime::{
    Config, Enabled, Extern, Instance, InstanceAllocationStrategy, InstancePre, Linker,
    ModuleExport, OptLevel, PoolingAllocationConfig, Store, Trap, WasmBacktraceDetails,
    WasmFeatures,
};

use crate::{
    Admitted, Failure, Host, TrapCode,
    admission::{FEATURES, export},
    fuel,
    gate::Gate,
    imports::{CallState, Stop, charge, link, rejected},
    limits::{
        MAX_CALL_OUTPUT_BYTES, MAX_INSTANCES, MAX_MEMORY_BYTES, MAX_QUERY_OUTPUT_BYTES,
        MAX_TABLE_ELEMENTS, NATIVE_STACK_BYTES, STACK_BYTES,
    },
    stack::STACK_EXPORT,
    trap::{Class, classify},
};

/// The entry points of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A method that may write.
    Call,
    /// A method that only reads: what the host would have to change is refused.
    Query,
    /// The change of state when a version takes effect.
    Migrate,
}

/// A call that came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallResult {
    /// Fuel used, at most the limit.
    pub fuel_used: u64,
    /// The encoded result, or why there is none.
    pub output: Result<Vec<u8>, Failure>,
}

/// This node cannot tell what the outcome is, and must stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a contract call ended in a condition of this machine, not of the call: {0}")]
pub struct Fatal(pub String);

/// An admitted module could not be compiled or loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the module does not compile: {0}")]
pub struct CompileError(pub String);

/// A compiled module, ready to be called.
pub struct Module {
    code_hash: Hash,
    compiled: wasmtime::Module,
    pre: InstancePre<CallState>,
    exports: Exports,
}

struct Exports {
    memory: ModuleExport,
    stack: ModuleExport,
    alloc: ModuleExport,
    call: ModuleExport,
    query: ModuleExport,
    migrate: Option<ModuleExport>,
}

impl Module {
    /// SHA-256 of the module as it was submitted.
    pub fn code_hash(&self) -> Hash {
        self.code_hash
    }

    /// Compiled code, to be kept in a file.
    pub(crate) fn serialize(&self) -> Result<Vec<u8>, CompileError> {
        self.compiled.serialize().map_err(compile_error)
    }
}

/// Compiles and runs modules. One serves a whole node; it is shared by reference.
pub struct Engine {
    engine: wasmtime::Engine,
    linker: Linker<CallState>,
    gate: Gate,
    fingerprint: Hash,
}

impl Engine {
    /// An engine with the settings of the protocol version.
    ///
    /// # Errors
    /// [`Fatal`] if the machine cannot run it (no address space for the instances).
    pub fn new() -> Result<Engine, Fatal> {
        Engine::with_native_stack(NATIVE_STACK_BYTES)
    }

    pub(crate) fn with_native_stack(bytes: usize) -> Result<Engine, Fatal> {
        let engine = wasmtime::Engine::new(&config(bytes)).map_err(fatal)?;
        let mut linker = Linker::new(&engine);
        link(&mut linker).map_err(fatal)?;
        let fingerprint = fingerprint(&engine);
        Ok(Engine { engine, linker, gate: Gate::new(MAX_INSTANCES), fingerprint })
    }

    /// What compiled code depends on: version of the engine, its settings, processor. Nodes with
    /// the same fingerprint run the same machine code.
    pub fn fingerprint(&self) -> Hash {
        self.fingerprint
    }

    /// Compiles an admitted module; takes about a tenth of a second for a contract of 50 KB.
    ///
    /// # Errors
    /// [`CompileError`] if the module exceeds a limit of the compiler.
    pub fn compile(&self, admitted: &Admitted) -> Result<Module, CompileError> {
        let compiled = wasmtime::Module::from_binary(&self.engine, &admitted.metered)
            .map_err(compile_error)?;
        self.module(admitted.code_hash, compiled)
    }

    /// Loads compiled code.
    ///
    /// # Safety
    /// `bytes` must be what [`Module::serialize`] returned for an engine with this fingerprint.
    pub(crate) unsafe fn deserialize(
        &self,
        code_hash: Hash,
        bytes: &[u8],
    ) -> Result<Module, CompileError> {
        // SAFETY: the caller's contract.
        let compiled = unsafe { wasmtime::Module::deserialize(&self.engine, bytes) };
        self.module(code_hash, compiled.map_err(compile_error)?)
    }

    fn module(&self, code_hash: Hash, compiled: wasmtime::Module) -> Result<Module, CompileError> {
        let pre = self.linker.instantiate_pre(&compiled).map_err(compile_error)?;
        let index = |name| {
            let missing = || CompileError(format!("no export {name:?}"));
            compiled.get_export_index(name).ok_or_else(missing)
        };
        let exports = Exports {
            memory: index(export::MEMORY)?,
            stack: index(STACK_EXPORT)?,
            alloc: index(export::ALLOC)?,
            call: index(export::CALL)?,
            query: index(export::QUERY)?,
            migrate: index(export::MIGRATE).ok(),
        };
        Ok(Module { code_hash, pre, exports, compiled })
    }

    /// Runs one entry point in a fresh instance with at most `fuel`.
    ///
    /// The host's writes and events are the caller's to drop if the output is a failure.
    ///
    /// # Errors
    /// [`Fatal`]: the outcome depends on this machine, or the host failed; the node must stop.
    pub fn call(
        &self,
        module: &Module,
        entry: Entry,
        input: &ContractInput,
        fuel: u64,
        host: &mut dyn Host,
    ) -> Result<CallResult, Fatal> {
        let _pass = self.gate.enter();
        // SAFETY: the store, and the state in it, is dropped before this function returns.
        let state = unsafe { CallState::new(entry, host) };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory_limit);
        store.set_fuel(fuel::INSTANTIATION).map_err(fatal)?;
        // Segments were checked at admission: an error here is the machine's.
        let instance = module.pre.instantiate(&mut store).map_err(fatal)?;
        // The engine checks fuel at functions and loops, not at every operator, and shows no debt.
        // With one unit more than the limit, an empty tank means that the limit was exceeded.
        let granted = fuel.saturating_add(1);
        store.set_fuel(granted).map_err(fatal)?;
        let mut run = Run { store, instance, exports: &module.exports };
        let output = match run.entry(entry, input) {
            Ok(result) => Ok(result),
            Err(error) => Err(run.failure(error)?),
        };
        match run.store.get_fuel().map_err(fatal)? {
            0 => Ok(CallResult { fuel_used: fuel, output: Err(Failure::OutOfFuel) }),
            left => Ok(CallResult { fuel_used: granted - left, output }),
        }
    }
}

/// One call in progress.
struct Run<'m> {
    store: Store<CallState>,
    instance: Instance,
    exports: &'m Exports,
}

impl Run<'_> {
    fn export(&mut self, export: &ModuleExport) -> Extern {
        let found = self.instance.get_module_export(&mut self.store, export);
        found.expect("every instance of a module has its exports")
    }

    fn function(&mut self, export: &ModuleExport) -> wasmtime::Func {
        self.export(export).into_func().expect("checked at admission")
    }

    /// Passes the input, runs the entry point and reads its output.
    fn entry(&mut self, entry: Entry, input: &ContractInput) -> wasmtime::Result<Vec<u8>> {
        let (entry, limit) = match entry {
            Entry::Call => (self.exports.call, MAX_CALL_OUTPUT_BYTES),
            Entry::Query => (self.exports.query, MAX_QUERY_OUTPUT_BYTES),
            Entry::Migrate => {
                let migrate = self.exports.migrate.ok_or(Stop::Failed(Failure::NoMigration))?;
                (migrate, MAX_CALL_OUTPUT_BYTES)
            }
        };
        let memory = self.export(&self.exports.memory).into_memory().expect("checked at admission");
        self.store.data_mut().memory = Some(memory);
        let input = cbor::encode(input);
        let len = u32::try_from(input.len()).expect("a statement is smaller");
        charge(&mut self.store, fuel::COPY_PER_BYTE * u64::from(len))?;
        let alloc = self.function(&self.exports.alloc).typed::<u32, u32>(&self.store)?;
        let start = alloc.call(&mut self.store, len)?;
        memory
            .write(&mut self.store, start as usize, &input)
            .map_err(|_| Stop::Failed(TrapCode::MemoryOutOfBounds.into()))?;
        let entry = self.function(&entry).typed::<(u32, u32), u64>(&self.store)?;
        let output = entry.call(&mut self.store, (start, len))?;
        let (start, len) = ((output >> 32) as usize, (output & u64::from(u32::MAX)) as usize);
        let bytes = memory.data(&self.store).get(start..start + len);
        Ok(decoded(bytes.filter(|bytes| bytes.len() <= limit)).map_err(Stop::Failed)?)
    }

    /// What an error of the engine means for the outcome.
    fn failure(&mut self, error: wasmtime::Error) -> Result<Failure, Fatal> {
        let error = match error.downcast::<Stop>() {
            Ok(Stop::Failed(failure)) => return Ok(failure),
            Ok(Stop::Fatal(reason)) => return Err(Fatal(reason)),
            Err(error) => error,
        };
        match error.downcast_ref::<Trap>().map(|trap| classify(*trap)) {
            Some(Class::Outcome(TrapCode::Unreachable)) if self.too_deep() => {
                Ok(Failure::DepthExceeded)
            }
            Some(Class::Outcome(trap)) => Ok(trap.into()),
            Some(Class::OutOfFuel) => Ok(Failure::OutOfFuel),
            Some(Class::Fatal) | None => Err(fatal(error)),
        }
    }

    /// Whether the meter of the stack trapped.
    fn too_deep(&mut self) -> bool {
        let stack = self.export(&self.exports.stack).into_global().expect("added at admission");
        let height = stack.get(&mut self.store).i32().expect("added at admission");
        height.cast_unsigned() > STACK_BYTES
    }
}

/// The result in a contract's output.
fn decoded(output: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
    match output.map(cbor::decode::<ContractOutput>) {
        Some(Ok(ContractOutput::Ok(result))) => Ok(result),
        Some(Ok(ContractOutput::Rejected { code, message })) => {
            Err(rejected(code.as_bytes(), message))
        }
        Some(Err(_)) | None => Err(Failure::BadOutput),
    }
}

/// Grants memory up to the limit. A growth that was granted and yet fails is the machine's failure,
/// which must not be visible to the contract.
#[derive(Default)]
pub(crate) struct MemoryLimit;

/// The engine's words when a memory of 64 KiB pages would exceed 4 GiB: the one failure it reports
/// that depends on the request alone.
const BEYOND_ADDRESSES: &str = "memory growth exceeds memory type's limits";

impl wasmtime::ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= maximum.unwrap_or(MAX_MEMORY_BYTES).min(MAX_MEMORY_BYTES))
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if error.to_string() == BEYOND_ADDRESSES {
            return Ok(());
        }
        Err(Stop::Fatal(format!("memory could not grow: {error:?}")).into())
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // A table has its initial size: the instruction to grow it is no part of the features.
        Ok(true)
    }
}

fn fatal(error: wasmtime::Error) -> Fatal {
    Fatal(format!("{error:?}"))
}

fn compile_error(error: wasmtime::Error) -> CompileError {
    CompileError(format!("{error:?}"))
}

/// Memory that stays resident in a free instance and is zeroed instead of returned, in bytes: more
/// than an ordinary call touches.
const KEEP_RESIDENT_BYTES: usize = 1024 * 1024;

fn config(native_stack_bytes: usize) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(MAX_INSTANCES)
        .total_memories(MAX_INSTANCES)
        .total_tables(MAX_INSTANCES)
        .max_memory_size(MAX_MEMORY_BYTES)
        .table_elements(MAX_TABLE_ELEMENTS as usize)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(MAX_TABLE_ELEMENTS as usize * size_of::<usize>())
        .max_unused_warm_slots(MAX_INSTANCES);
    let mut config = Config::new();
    config
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(FEATURES, true)
        .consume_fuel(true)
        .operator_cost(fuel::operators())
        // With copy-on-write, data segments cost fuel on some platforms and none on others.
        .memory_init_cow(false)
        .max_wasm_stack(native_stack_bytes)
        .cranelift_opt_level(OptLevel::Speed)
        // Nothing looks at them, and collecting one costs more than most calls.
        .wasm_backtrace_max_frames(None)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Version of this crate's part of compiled code (the meter of the stack).
const METER_VERSION: u32 = 1;

fn fingerprint(engine: &wasmtime::Engine) -> Hash {
    let mut compatibility = Collected(Vec::new());
    engine.precompile_compatibility_hash().hash(&mut compatibility);
    tagged(
        "precinto/engine",
        &[&PROTOCOL_VERSION.to_be_bytes(), &METER_VERSION.to_be_bytes(), &compatibility.0],
    )
}

/// A hasher that keeps what it is given, to be hashed by SHA-256.
struct Collected(Vec<u8>);

impl Hasher for Collected {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("only the collected bytes are read")
    }
}
