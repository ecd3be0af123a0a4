//! Limits of protocol version 1. Each is consensus-relevant: changing one is a new protocol
//! version.

/// Version of encodings, limits, fuel table and host interface, as one number.
pub const PROTOCOL_VERSION: u32 = 1;

/// A statement, in bytes. A log leaf must stay below 65,536 bytes (C2SP tlog-tiles entry bundles
/// carry a 16-bit length); the rest is room for what a leaf adds.
pub const MAX_STATEMENT_BYTES: usize = 60 * 1024;

/// A log leaf, in bytes (16-bit length in tlog-tiles entry bundles).
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Endorsements of one transaction: more than any network has members.
pub const MAX_ENDORSEMENTS: usize = 64;

/// Transactions in one block: bounds what one apply step holds in memory.
pub const MAX_BLOCK_ITEMS: usize = 2_048;

/// Encoded block, in bytes: a few network round trips, well under a Raft message.
pub const MAX_BLOCK_BYTES: usize = 1024 * 1024;

/// Name of a contract or method, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// A state key with its contract id, in bytes; bit indices then fit 16 bits.
pub const MAX_STATE_KEY_BYTES: usize = 128;

/// A state value or record-log entry, in bytes.
pub const MAX_STATE_VALUE_BYTES: usize = 32 * 1024;

/// Events of one transaction.
pub const MAX_EVENTS: usize = 64;

/// One event's payload, in bytes.
pub const MAX_EVENT_BYTES: usize = 4 * 1024;

/// How far ahead of ledger time `expires_ms` may lie, by default: ten minutes. Bounds the replay
/// entries held in state.
pub const DEFAULT_MAX_EXPIRY_MS: u64 = 10 * 60 * 1000;

/// How far above a voter's own clock a block's time may lie: thirty seconds.
pub const MAX_CLOCK_AHEAD_MS: u64 = 30 * 1000;

/// Fuel of one call: about ten milliseconds of WASM on the reference machine.
pub const CALL_FUEL: u64 = 20_000_000;

/// A contract module, in bytes.
pub const MAX_MODULE_BYTES: usize = 1024 * 1024;
