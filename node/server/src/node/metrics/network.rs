//! The peers and their lanes.

use precinto_network::NetworkHandle;
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Result};

use super::register::{Registrar, follow};

pub(in crate::node) struct NetworkMetrics {
    connected: IntGaugeVec,
    connects: IntCounterVec,
    queued: IntGaugeVec,
    dropped: IntCounterVec,
    bytes: IntCounterVec,
    strangers: IntCounter,
    failed_dials: IntCounter,
}

impl NetworkMetrics {
    pub(super) fn register(to: &Registrar<'_>) -> Result<NetworkMetrics> {
        Ok(NetworkMetrics {
            connected: to.gauges(
                "precinto_peer_connected",
                "Whether the node is connected.",
                &["node"],
            )?,
            connects: to.counters(
                "precinto_peer_connects_total",
                "How often the node became connected.",
                &["node"],
            )?,
            queued: to.gauges(
                "precinto_peer_queued_frames",
                "Frames waiting to be sent.",
                &["node", "lane"],
            )?,
            dropped: to.counters(
                "precinto_peer_dropped_frames_total",
                "Frames not sent: the queue was full, or the connection broke.",
                &["node", "lane"],
            )?,
            bytes: to.counters(
                "precinto_peer_bytes_total",
                "Bytes of frames.",
                &["node", "lane", "direction"],
            )?,
            strangers: to
                .counter("precinto_strangers_total", "Connections of strangers dropped.")?,
            failed_dials: to.counter(
                "precinto_failed_dials_total",
                "Attempts to connect to a peer that failed.",
            )?,
        })
    }

    pub(in crate::node) fn observe(&self, network: &NetworkHandle) {
        follow(&self.strangers, network.stats().strangers.get());
        follow(&self.failed_dials, network.stats().failed_dials.get());
        for peer in network.peers() {
            let node = peer.node.to_string();
            self.connected.with_label_values(&[&node]).set(i64::from(peer.connected));
            follow(&self.connects.with_label_values(&[&node]), peer.connects);
            for lane in peer.lanes {
                let name = lane.lane.name();
                self.queued.with_label_values(&[&node, name]).set(lane.queued as i64);
                let dropped = self.dropped.with_label_values(&[&node, name]);
                follow(&dropped, lane.queue_full + lane.lost);
                follow(&self.bytes.with_label_values(&[&node, name, "in"]), lane.bytes_in);
                follow(&self.bytes.with_label_values(&[&node, name, "out"]), lane.bytes_out);
            }
        }
    }
}
