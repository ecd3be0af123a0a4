//! One node: its threads, what they own, and how they are wired.
//!
//! ```text
//!  peers, clients --> raft thread --> log writer  (fsync) --> raft thread
//!                         |
//!                         +---------> verify --> apply  (one batch per block) --> raft thread
//!                                                  |
//!                                                  +--> heights: waiters, events, attestation
//! ```
//! Owner threads ([`owner`]) hold all mutable state; tokio tasks serve peers and, on threads of their
//! own ([`clients`]), clients; they only read. Every queue between them is bounded, by its own length or by the replica's windows.

mod apply;
mod attest;
pub mod boot;
mod clients;
mod clock;
mod disk;
pub mod endorse;
mod halt;
mod housekeeping;
mod log_writer;
mod messages;
mod metrics;
mod officer;
mod outlet;
mod owner;
mod port;
mod raft;
mod requests;
mod roster;
mod run;
mod snapshots;
mod start;
mod submit;
mod verify;
mod waiters;

pub use owner::join_all;
pub use run::run;
