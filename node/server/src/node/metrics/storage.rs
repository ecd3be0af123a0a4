//! Databases and the disk they are on.

use precinto_storage::StoreFigures;
use prometheus::{Histogram, IntGauge, IntGaugeVec, Result};

use super::register::Registrar;
use crate::node::disk::Room;

const LOG_WRITE_SECONDS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

pub(in crate::node) struct StorageMetrics {
    bytes: IntGaugeVec,
    write_stopped: IntGaugeVec,
    /// Time of one synced write of the Raft log.
    pub log_write: Histogram,
    disk_free: IntGauge,
    disk_full: IntGauge,
}

impl StorageMetrics {
    pub(super) fn register(to: &Registrar<'_>) -> Result<StorageMetrics> {
        Ok(StorageMetrics {
            bytes: to.gauges(
                "precinto_storage_bytes",
                "Bytes in the files of a database.",
                &["store"],
            )?,
            write_stopped: to.gauges(
                "precinto_storage_write_stalled",
                "1 while a database holds writes back because compaction is behind.",
                &["store"],
            )?,
            log_write: to.histogram(
                "precinto_log_write_seconds",
                "Time of one synced write of the Raft log.",
                LOG_WRITE_SECONDS,
            )?,
            disk_free: to.gauge("precinto_disk_free_bytes", "Room on the disk of the data.")?,
            disk_full: to.gauge(
                "precinto_disk_full",
                "1 while the node takes no writes for want of room.",
            )?,
        })
    }

    pub(in crate::node) fn store(&self, name: &str, figures: StoreFigures) {
        self.bytes.with_label_values(&[name]).set(figures.bytes as i64);
        self.write_stopped.with_label_values(&[name]).set(i64::from(figures.write_stalled));
    }

    pub(in crate::node) fn room(&self, room: Room) {
        self.disk_free.set(room.free as i64);
        self.disk_full.set(i64::from(room.full));
    }
}
