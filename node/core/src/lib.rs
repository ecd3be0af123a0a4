//! What a node does between its replica, its log, its ledger and its clients: the steps, without
//! the threads that take them.
//!
//! # Mental model
//! Consensus decides an order and execution gives it a meaning; what can still go wrong lies in
//! between: what is written before what is told, what a restart finds, what becomes of a
//! transaction whose leader died. That is here, as steps that somebody else calls: the node's
//! owner threads in `precinto-server`, and the simulator's event queue. Both
//! run the same code.
//!
//! ```text
//!  Output.writes    --> log::Gathered::write (one fsync)      --> Input::Persisted
//!  Output.committed --> apply::prepare --> apply::Applier     --> Input::Applied, Changed, Members
//!  a client's request -> intake::Intake, pending::Pending      --> Input::Submit, or to the leader
//!  a new height     --> attest::Attestation (saved, then told) --> gossip
//!  what is on disk  --> open::open                            --> an executor that goes on from there
//!  a ledger's blocks --> replay::Replay                       --> the ledger that they give
//! ```
//!
//! # Invariants
//! * Nothing is reported that has not happened: a step returns what is to be told after it is done.
//! * Time comes in from the caller.
//!
//! # What this crate must never depend on
//! Threads, sockets, tokio, clocks, randomness, hash maps; `precinto-network`, `precinto-api`.
#![deny(clippy::float_arithmetic)]
#![forbid(unsafe_code)]

pub mod apply;
pub mod attest;
pub mod boundary;
mod budget;
mod compare;
mod event;
mod found;
pub mod intake;
mod ledger_cell;
pub mod log;
mod mutated;
pub mod open;
pub mod pending;
mod ports;
pub mod replay;

pub use event::EventRecord;
pub use found::{Found, Look, find};
pub use ledger_cell::LedgerCell;
pub use ports::{LogPort, StatePort};
