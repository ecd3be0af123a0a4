//! The sans-IO Raft replica: inputs in, outputs out.
//!
//! # Mental model
//! A [`Replica`] is a value. Its owner [`feed`](Replica::feed)s it any number of [`Input`]s (a tick,
//! a message, a transaction, "that write is on disk") and then [`take`](Replica::take_output)s one
//! [`Output`]: messages to send now, [`WriteTask`]s for the log writer, committed entries for the
//! apply thread, answers to reads. Nothing else happens: the replica never waits, writes or sends.
//! The node's raft thread and the simulator drive the same code.
//!
//! ```text
//!            Submit, Message, Tick, Read            Output.messages  -> network
//!  owner --------------------------------> Replica  Output.writes    -> log writer -> Persisted
//!            Persisted, Applied, Snapshot*          Output.committed -> apply      -> Applied
//! ```
//!
//! One Raft entry is one block ([`precinto_protocol::block`]), empty (what a new leader appends) or
//! one change of the group ([`precinto_protocol::membership`]).
//! The leader batches queued transactions into a block while few of its proposals are in flight and
//! signs it; every replica, voter or learner, verifies a block before it appends it: canonical form,
//! place, link to the block before, time, and a voter's signature.
//!
//! # Invariants
//! * A message that promises that something is on disk leaves only after [`Input::Persisted`]; the
//!   leader's appends leave before, so that followers write in parallel.
//! * Writes are numbered and reported in order. A wrong number is a broken owner: the replica
//!   panics, as it does when the log cannot be read. Bytes from peers never make it panic.
//! * Every entry of the log above the applied index has its place in the chain of blocks, kept
//!   beside the Raft log and truncated with it.
//! * Same inputs, same outputs: time, seed and keys come in from outside, and raft-rs' random
//!   election timeout is overwritten after every step.
//!
//! # What this crate must never depend on
//! Storage, network, tokio, threads, clocks, randomness, files; nothing of the workspace but
//! `precinto-protocol`. What a transaction means is not known here.
#![deny(clippy::float_arithmetic)]
#![forbid(unsafe_code)]

mod batch;
mod chain;
mod config;
mod deliver;
mod fitness;
mod inbound;
mod io;
mod leader;
mod log;
mod membership;
mod mutated;
mod reads;
mod ready;
mod replica;
pub mod settings;
mod snapshot;
mod status;
mod tail;
mod wire;

pub use chain::{Applied, BlockRefusal};
pub use config::{Config, Margin, StartError};
pub use fitness::Fitness;
pub use io::{
    Alarm, Committed, Input, Leadership, Output, ReadOutcome, ReturnReason, Returned,
    SnapshotOffer, SnapshotSource,
};
pub use log::{HardState, LogEntry, LogError, LogStore, SnapshotMark, WriteTask};
pub use replica::Replica;
pub use status::{PeerStatus, RaftRole, Status};
pub use wire::MessageRefusal;
