//! A network of real processes for tests, and what tests of a network have in common.
//!
//! # Mental model
//! [`Network`] is the development network (`network-configs/dev.toml`: three voters, one learner)
//! in a temporary directory: made by `precinto network init`, each node a process of
//! `precinto node run`. Tests talk to it as its users do, through the client and the command line,
//! and do to it what happens to machines: kill, stop, restart, break a file. [`Author`] signs
//! transactions with a key of its own, [`Load`] submits them as fast as they are committed, and
//! [`audit`] says whether the nodes agree afterwards and nothing acknowledged is lost or doubled.
//!
//! # Invariants
//! * Nothing waits for a time to pass: [`eventually`] asks for a condition until a deadline.
//! * Networks do not meet: each has a loopback address of its own (`127.x.y.z`), so their ports
//!   are always the same and never taken by another network or an outgoing connection. No more
//!   than [`MAX_NETWORKS`] run at once in a process.
//! * Nodes never outlive their network. When a test fails, its directory is kept and the ends of
//!   the nodes' logs are printed.
//!
//! # What this crate must never depend on
//! The crates of a node: what is tested is the program as it is shipped. (A test that needs a
//! broken data directory may make one with `precinto-storage`.)
#![forbid(unsafe_code)]

pub mod audit;
mod author;
mod load;
mod network;
mod node;
mod program;
mod wait;

pub use author::{Author, Operator, now_ms};
pub use load::{Acknowledged, Load, longest_pause};
pub use network::{LEARNER, MAX_NETWORKS, MEMBERS, NODES, Network, VOTERS};
pub use node::Node;
pub use program::{Program, built};
pub use wait::eventually;
