//! Blocks and what is in them.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use precinto_execution::{BlockEffects, ItemFate};
use precinto_protocol::outcome::Outcome;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, Result};

use super::register::Registrar;

const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5];
/// An idle network has an empty block a minute.
const INTERVAL_SECONDS: &[f64] = &[0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 10.0, 60.0, 90.0];
/// Up to the largest block.
const BYTES: &[f64] =
    &[512.0, 2048.0, 8192.0, 32_768.0, 131_072.0, 262_144.0, 524_288.0, 1_048_576.0];

pub(in crate::node) struct LedgerMetrics {
    transactions: IntCounterVec,
    blocks: IntCounter,
    block_seconds: Histogram,
    block_bytes: Histogram,
    block_interval: Histogram,
    last_block: Mutex<Option<Instant>>,
    height: IntGauge,
    time: IntGauge,
    log_size: IntGauge,
}

impl LedgerMetrics {
    pub(super) fn register(to: &Registrar<'_>) -> Result<LedgerMetrics> {
        Ok(LedgerMetrics {
            transactions: to.counters(
                "precinto_transactions_total",
                "Items of executed blocks by what became of them.",
                &["outcome"],
            )?,
            blocks: to.counter("precinto_blocks_total", "Executed blocks.")?,
            block_seconds: to.histogram(
                "precinto_block_seconds",
                "Time to execute and commit a block.",
                SECONDS,
            )?,
            block_bytes: to.histogram("precinto_block_bytes", "Size of a block.", BYTES)?,
            block_interval: to.histogram(
                "precinto_block_interval_seconds",
                "Time between two executed blocks.",
                INTERVAL_SECONDS,
            )?,
            last_block: Mutex::new(None),
            height: to.gauge("precinto_height", "Height of the newest executed block.")?,
            time: to.gauge("precinto_ledger_time_seconds", "Time of that block.")?,
            log_size: to.gauge("precinto_log_size", "Leaves in the log.")?,
        })
    }

    /// A block of `bytes` was executed and committed.
    pub(in crate::node) fn block(&self, effects: &BlockEffects, bytes: usize, took: Duration) {
        self.blocks.inc();
        self.block_seconds.observe(took.as_secs_f64());
        self.block_bytes.observe(bytes as f64);
        let now = Instant::now();
        let last = self.last_block.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        if let Some(last) = last {
            self.block_interval.observe(now.duration_since(last).as_secs_f64());
        }
        self.stands_at(effects.height, effects.time_ms, effects.log.size());
        for (_, record) in &effects.outcomes {
            let outcome = match record.outcome {
                Outcome::Committed => "committed",
                Outcome::Rejected { .. } => "rejected",
            };
            self.transactions.with_label_values(&[outcome]).inc();
        }
        for fate in &effects.fates {
            let left_nothing = match fate {
                ItemFate::Executed(_) => continue,
                ItemFate::Void(_) => "void",
                ItemFate::Expired(_) => "expired",
                ItemFate::Duplicate(_) => "duplicate",
            };
            self.transactions.with_label_values(&[left_nothing]).inc();
        }
    }

    /// Where the ledger is, also after a start or a snapshot.
    pub(in crate::node) fn stands_at(&self, height: u64, time_ms: u64, log_size: u64) {
        self.height.set(height as i64);
        self.time.set((time_ms / 1000) as i64);
        self.log_size.set(log_size as i64);
    }
}
