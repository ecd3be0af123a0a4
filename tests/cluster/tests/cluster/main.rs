//! The network as real processes: what its users rely on, and what happens to machines.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod absence;
mod aeo_life;
mod aeo_partners;
mod bad_nodes;
mod bad_transactions;
mod budgets;
mod clock;
mod commands;
mod crashes;
mod disk;
mod endorsement;
mod events;
mod fsck;
mod import;
mod measuring;
mod networks;
mod news;
mod operation;
mod reads;
mod replacing;
mod security;
mod sharing;
mod stopping;
mod webhooks;
