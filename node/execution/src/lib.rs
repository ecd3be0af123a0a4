//! Deterministic execution: a block and a state in; outcomes, events, writes and roots out.
//!
//! # Mental model
//! ```text
//! item bytes --precheck--> Prechecked --judge--> Verdict --Runtime--> changes, events
//!              (any thread)            (state)            (contract)
//! Block + items --Ledger::execute--> BlockEffects --store, one atomic write--> next StateView
//! ```
//! A [`Ledger`] holds what carries over from block to block: the state tree, the log's frontier,
//! the tip. Values are read through a [`StateView`], the port that a store implements, and every
//! value read is checked against the state tree. Changes pile up in overlays: one for the block,
//! one over it for each call, which is dropped when the call fails. [`Admission`] makes the same
//! checks before ordering, [`Simulation`] also makes the call, for endorsers; [`Queries`] calls
//! methods that only read, [`Registry`] reads members, nodes, identities, contracts and parameters.
//!
//! What becomes of an item, and in which order that is decided, is the table in `judge.rs`.
//!
//! # Invariants
//! * **Effects are a function of** the block and the state tree: the same on every node, with or
//!   without prechecks, after a restart or not. All inputs are under the state root.
//! * **A failing call leaves an outcome and no writes**; a void, expired or duplicate item leaves
//!   nothing at all.
//! * **An id is consumed only by its author's own signature**, and at most once: its replay entry
//!   lives at least until ledger time passes its expiry.
//! * **A contract writes only under its own id.**
//! * **[`Fatal`] is never an outcome**: it stops the node, and the ledger is as it was.
//!
//! # What this crate must never depend on
//! Clocks, randomness, floats, threads, async, files, hash maps; any crate of ours but
//! `precinto-protocol` and `precinto-vm`.
#![deny(clippy::float_arithmetic)]
#![forbid(unsafe_code)]

mod admission;
mod block;
mod codes;
mod effects;
mod fatal;
mod host;
mod judge;
mod ledger;
mod mutated;
mod overlay;
mod precheck;
mod query;
mod registry;
mod runtime;
mod simulation;
mod view;

pub use admission::{Admission, AdmissionError};
pub use effects::{BlockEffects, EmittedEvent, GenesisEffects, ItemFate, LogNode, StateWrites};
pub use fatal::Fatal;
pub use ledger::{Ledger, Persisted, Tip};
pub use overlay::RecordLogAppend;
pub use precheck::{KeyCache, MAX_CACHED_KEYS, Prechecked, PreparedBlock, precheck};
pub use query::{Queries, Query, QueryAt, QueryError};
pub use registry::Registry;
pub use runtime::{CodeSource, Runtime};
pub use simulation::{Proposal, Simulation, SimulationError};
pub use view::{StateView, ViewError};
