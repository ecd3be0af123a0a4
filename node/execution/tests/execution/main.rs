//! Execution against a store in memory and a real WASM contract.

mod admission;
mod chain;
mod decisions;
mod determinism;
mod leaves;
mod memory;
mod queries;
mod registry;
mod replay;
mod simulation;
mod state;
