//! Runs contracts: core WASM modules, metered, with the same result on every node.
//!
//! # Mental model
//! ```text
//! wasm bytes --admit--> Admitted --Engine::compile--> Module --Engine::call--> CallResult
//!             (checks,  (metered    (or ModuleCache:   (shared)  (fresh instance,
//!              depth)    module)     memory, file)                fuel, Host)
//! ```
//! [`admit`] checks a module against a closed list of features, imports, exports and limits, and
//! adds a meter of the stack to it. [`Engine::call`] runs one entry point in a fresh instance; what
//! the contract can reach is the [`Host`] the caller gives.
//!
//! # Invariants
//! * **An outcome is a function of** the module's bytes, the input, the fuel limit and the host's
//!   answers. Everything that could differ between machines is either switched off (floats,
//!   threads, copy-on-write initialisation), or ends in [`Fatal`], which stops the node and is
//!   never an outcome: an exhausted native stack, memory the machine does not have, a trap this
//!   crate does not know.
//! * **Fuel is charged before work**: by the engine for every operator, by [`fuel`]'s table for
//!   every host call.
//! * **The native stack cannot be exhausted**: the metered stack (at most [`limits::STACK_BYTES`])
//!   is charged more than native frames take, and the native limit ([`limits::NATIVE_STACK_BYTES`])
//!   is twice as large. Threads that call contracts need a stack of
//!   [`limits::THREAD_STACK_BYTES`].
//! * **The host never calls back into a module**: bytes a host call yields wait until the module
//!   takes them.
//!
//! # What this crate must never depend on
//! Any crate of ours but `precinto-protocol`; clocks, randomness, async. It reads and writes files
//! only in [`ModuleCache`].
#![deny(clippy::float_arithmetic)]

mod admission;
mod cache;
mod engine;
mod failure;
pub mod fuel;
mod gate;
mod host;
mod imports;
pub mod limits;
mod stack;
mod trap;

pub use admission::{AdmissionError, Admitted, admit};
pub use cache::{LoadError, ModuleCache};
pub use engine::{CallResult, CompileError, Engine, Entry, Fatal, Module};
pub use failure::Failure;
pub use host::{Host, HostError};
pub use trap::TrapCode;
