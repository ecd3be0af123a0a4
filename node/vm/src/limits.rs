//! Limits of a contract's module and calls. Those of admission and calls are part of the protocol
//! version: changing one is a new version.

/// Functions of a module: several times what a contract of a few thousand lines has.
pub const MAX_FUNCTIONS: u32 = 4_096;

/// Entries of the type section.
pub const MAX_TYPES: u32 = 1_024;

/// Parameters of one function.
pub const MAX_PARAMS: usize = 32;

/// Parameters, locals and operands one function holds at a time: bounds the largest native frame
/// and the compiler's register allocation.
pub const MAX_FRAME_SLOTS: u32 = 2_048;

/// A function's body, in bytes: bounds the compiler's time, which is not linear in it.
pub const MAX_FUNCTION_BYTES: usize = 128 * 1024;

/// Blocks, loops and conditions within each other: the compiler's time grows with the square of it.
/// A `match` compiles to about one per arm.
pub const MAX_NESTING: u32 = 512;

/// Targets of one branch table, many times the arms of a `match`: the compiler has a limit of its
/// own, which a module that is admitted must not meet.
pub const MAX_BRANCH_TARGETS: u32 = 4_096;

/// Blocks, loops and conditions of a module, each counted for every parameter and local of its
/// function: wherever control flow merges, the compiler may keep a value for each of them, at some
/// ten microseconds. Five times what the largest contract of ours has.
pub const MAX_MERGES: u64 = 1 << 20;

/// Globals a module defines.
pub const MAX_GLOBALS: u32 = 64;

/// Exports of a module.
pub const MAX_EXPORTS: u32 = 64;

/// Elements of the table (one entry for each function whose address is taken).
pub const MAX_TABLE_ELEMENTS: u64 = 4_096;

/// Data segments and element segments, each.
pub const MAX_SEGMENTS: u32 = 1_024;

/// Size of a page of memory, in bytes.
pub const PAGE_BYTES: usize = 64 * 1024;

/// Memory of an instance, in bytes: many times the largest transaction. Growth beyond it returns
/// -1.
pub const MAX_MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// Encoded output of a call, in bytes.
pub const MAX_CALL_OUTPUT_BYTES: usize = 64 * 1024;

/// Encoded output of a query, in bytes: a page of results.
pub const MAX_QUERY_OUTPUT_BYTES: usize = 1024 * 1024;

/// A rejection's message, in bytes; what is longer is cut. Messages are for people and never
/// hashed.
pub const MAX_MESSAGE_BYTES: usize = 1024;

/// Metered stack of a call, in bytes: about a thousand frames of ordinary functions.
pub const STACK_BYTES: u32 = 512 * 1024;

/// Metered bytes of a frame beside its slots: return address, frame pointer, saved registers and
/// outgoing arguments.
pub const FRAME_BASE_BYTES: u32 = 256;

/// Metered bytes per slot (parameter, local or operand). A slot is eight bytes; the compiler may
/// keep a second copy across merges of control flow.
pub const SLOT_BYTES: u32 = 16;

/// Native stack WASM code may use, in bytes. Twice the metered stack; reaching it stops the node.
pub const NATIVE_STACK_BYTES: usize = 2 * STACK_BYTES as usize;

/// Stack a thread that calls contracts needs, in bytes: the native stack of the code and as much
/// for the host. It is the default of Rust's and Tokio's threads.
pub const THREAD_STACK_BYTES: usize = 2 * NATIVE_STACK_BYTES;

/// Instances alive at a time. Further calls wait: one instance reserves address space, and more
/// calls than this gain nothing on any machine.
pub const MAX_INSTANCES: u32 = 32;

/// Compiled modules kept in memory; every active version of every contract of a node fits.
pub const MAX_CACHED_MODULES: usize = 256;
