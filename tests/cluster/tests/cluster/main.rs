//! The network as real processes: what its users rely on, and what happens to machines.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod absence;
mod aeo_life;
mod aeo_partners;
mod bad_nodes;
mod bad_transactions;
mod commands;
mod crashes;
mod events;
mod import;
mod news;
mod reads;
mod sharing;
mod stopping;
