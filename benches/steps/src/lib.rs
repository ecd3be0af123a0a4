//! What each step of a transaction costs, measured alone and shown beside its budget.
//!
//! # Mental model
//! A [`Network`] of one node makes `certify` transactions as the load generator does, and blocks of
//! them. Each file in `benches/` is a theme of steps, measured by criterion; the budget is part of a
//! step's name, so that it stands beside the figure. `precinto-cost` takes the same transactions
//! through a node's steps and counts processor time, allocations and bytes per transaction.
//!
//! The steps are single-threaded and use no network: what a whole network does is measured by
//! `precinto-load`.

mod memory;
mod network;
mod node;

use std::time::Duration;

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, measurement::WallTime};

pub use memory::MemoryView;
pub use network::{BLOCK_TRANSACTIONS, MRA, Network, PROBE};
pub use node::{Node, committed};

/// Samples of a step; criterion takes at least ten.
const SAMPLES: usize = 20;

/// How long one step is measured, after half of that as warm-up.
const MEASURED: Duration = Duration::from_secs(2);

/// A theme of steps, with bounded times.
pub fn theme<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(SAMPLES).measurement_time(MEASURED).warm_up_time(MEASURED / 2);
    group
}

/// A step with its budget: what it may take on the reference machine.
pub fn step(name: &str, budget: &str) -> BenchmarkId {
    BenchmarkId::new(name, format!("budget {budget}"))
}
