//! What work costs. One unit of fuel is one simple WASM operator: about half a nanosecond on the
//! reference machine.
//!
//! The tables are part of the protocol version: changing a number changes outcomes.

use wasmtime::{OperatorCost, VariableOperatorCost};

/// Fuel of instantiation, which is not the caller's: a module's data segments are bounded at
/// admission.
pub(crate) const INSTANTIATION: u64 = u64::MAX / 2;

/// Per byte that is copied into or out of a module's memory.
pub const COPY_PER_BYTE: u64 = 1;

/// Entry into a host function, whatever it does.
pub const HOST_CALL: u64 = 200;

/// Reading a plain key or the entry of a record log: a look-up in the database.
pub const READ: u64 = 8_000;

/// Every item of a scan's page that was asked for.
pub const SCAN_ITEM: u64 = 1_000;

/// Writing or removing a plain key, or appending to a record log: hashing a path of the state tree,
/// and a write to the database.
pub const WRITE: u64 = 20_000;

/// Per byte that is written: hashing, write-ahead log, compaction.
pub const WRITE_PER_BYTE: u64 = 20;

/// Emitting an event, which is hashed, stored and delivered.
pub const EVENT: u64 = 4_000;

/// Per byte that SHA-256 hashes, on a machine without instructions for it.
pub const HASH_PER_BYTE: u64 = 8;

/// Verifying an Ed25519 signature: some 60 microseconds, key parsed anew.
pub const VERIFY: u64 = 120_000;

/// The engine's cost of each operator: one, unless it is named here.
pub(crate) fn operators() -> OperatorCost {
    OperatorCost {
        Call: 4,
        CallIndirect: 6,
        I32DivS: 8,
        I32DivU: 8,
        I32RemS: 8,
        I32RemU: 8,
        I64DivS: 16,
        I64DivU: 16,
        I64RemS: 16,
        I64RemU: 16,
        MemoryGrow: 200,
        // A page is 16 faults of the machine; the table's largest number falls short of that, and
        // the limit of an instance's memory bounds the difference.
        variable: VariableOperatorCost {
            memory_grow_per_page: u8::MAX,
            ..VariableOperatorCost::new()
        },
        ..OperatorCost::new()
    }
}
