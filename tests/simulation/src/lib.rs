//! Whole nodes in a world of their own: one virtual clock, one event queue, one source of chance.
//!
//! # Mental model
//! A [world](run) is drawn from a seed: how many nodes, clients and keys, how slow disks and links
//! are, which faults happen. Its nodes are values that run the real code: consensus, execution with
//! the built contracts, storage on simulated disks, and the steps of `precinto-core` between them.
//! What a node's threads would do is done by events of the queue, in the order of virtual time.
//! First there is trouble; then everything is healed, and the world must settle. At every step, and
//! in the end, the checkers of `precinto-checkers` look at what happened.
//!
//! ```text
//!  seed --> parameters --> event queue --> machine: process --> outputs --> event queue
//!                            ^                 |
//!   faults, clients, operators                 +--> watch: the checkers; trace: the hash
//! ```
//!
//! # Invariants
//! * Same seed, same trace: no clock, no threads within a world, no order that depends on addresses.
//! * What is broken stays within what the nodes are promised to survive: a minority of clocks and
//!   of disks at a time.
//!
//! # What this crate must never depend on
//! `precinto-server`, `precinto-network`, tokio.
#![forbid(unsafe_code)]

mod channel;
mod clients;
mod event;
mod faults;
mod guard;
mod history;
mod machine;
mod network;
mod node;
mod operator;
mod parameters;
mod random;
mod runner;
mod stage;
mod trace;
mod watch;
mod world;

pub use parameters::{FaultKind, Parameters};
pub use runner::{add_counts, run_seeds};
pub use world::{Report, run};
