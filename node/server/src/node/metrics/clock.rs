//! Clocks.

use std::collections::BTreeMap;

use precinto_protocol::identity::NodeId;
use prometheus::{GaugeVec, IntGauge, Result};

use super::register::Registrar;

pub(in crate::node) struct ClockMetrics {
    offset: GaugeVec,
    /// 1 while this node's clock is wrong.
    pub off: IntGauge,
}

impl ClockMetrics {
    pub(super) fn register(to: &Registrar<'_>) -> Result<ClockMetrics> {
        Ok(ClockMetrics {
            offset: to.float_gauges(
                "precinto_clock_offset_seconds",
                "How far this node's clock is ahead of another node's.",
                &["node"],
            )?,
            off: to.gauge(
                "precinto_clock_off",
                "1 while this node's clock is wrong, by those of a majority of the voters.",
            )?,
        })
    }

    /// Milliseconds ahead of each node that answered; the others have no figure.
    pub(in crate::node) fn observe(&self, offsets: &BTreeMap<NodeId, i64>) {
        self.offset.reset();
        for (node, ms) in offsets {
            self.offset.with_label_values(&[node.to_string()]).set(*ms as f64 / 1000.0);
        }
    }
}
