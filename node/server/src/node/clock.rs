//! How far this node's clock is from its peers' clocks.
//!
//! Every few seconds each connected peer is asked for its time; half of the round trip is taken for
//! the way back. A clock that is more than [`MAX_OFFSET_MS`] off, to the same side, from those of a
//! majority of the voters is this node's problem, not theirs: it alarms, and does not lead until it
//! is right again. Fewer voters prove nothing, so that a node never gives up leading because of a
//! minority, or of peers it cannot reach.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use minicbor::{Decode, Encode};
use precinto_network::{NetworkHandle, RequestLane};
use precinto_protocol::{cbor, identity::NodeId, registry::NodeRole};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    halt::Halt, messages::PeerRequest, metrics::Metrics, raft::wall_clock_ms, roster::Registered,
};

/// How far off a leader's clock may be, in milliseconds: a third of what voters tolerate in a block
/// (`MAX_CLOCK_AHEAD_MS`), so that a leader gives way before its blocks are refused.
const MAX_OFFSET_MS: i64 = 10_000;

/// How often peers are asked.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// How long an answer may take. Its age is at most half of this wrong, a small part of
/// [`MAX_OFFSET_MS`].
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The answer to [`PeerRequest::Clock`].
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(super) struct ClockAnswer {
    /// The peer's clock, milliseconds since 1970.
    #[n(0)]
    pub now_ms: u64,
}

/// Compares clocks.
pub(super) struct Clocks {
    /// This node.
    pub node: NodeId,
    /// All nodes.
    pub nodes: Registered,
    /// The way to the peers.
    pub network: NetworkHandle,
    /// Told whether this node's clock is wrong.
    pub halt: Halt,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

impl Clocks {
    /// Runs until the node ends.
    pub(super) async fn run(self) {
        let mut timer = interval(ASK_EVERY);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            let nodes = self.nodes.borrow().clone();
            let active = || nodes.iter().filter(|node| node.is_active());
            let offsets = self.offsets(active().map(|node| node.id)).await;
            self.metrics.clock.observe(&offsets);
            let voters = active().filter(|node| node.role == NodeRole::Voter);
            let off = is_off(&voters.map(|node| node.id).collect(), &offsets);
            self.metrics.clock.off.set(i64::from(off));
            if self.halt.set_clock_off(off) {
                match off {
                    true => {
                        self.metrics.alarms.with_label_values(&["clock"]).inc();
                        tracing::error!(
                            ?offsets,
                            "this node's clock is wrong: it does not lead until it is right"
                        );
                    }
                    false => tracing::info!("this node's clock is right again"),
                }
            }
        }
    }

    /// By how many milliseconds this node's clock is ahead of each peer that answers.
    async fn offsets(&self, nodes: impl Iterator<Item = NodeId>) -> BTreeMap<NodeId, i64> {
        let peers = nodes.filter(|id| *id != self.node);
        let asked = peers.map(|peer| async move { Some((peer, self.ask(peer).await?)) });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn ask(&self, peer: NodeId) -> Option<i64> {
        let (started, now_ms) = (Instant::now(), wall_clock_ms());
        let body = cbor::encode(&PeerRequest::Clock);
        let answer = self.network.request(peer, RequestLane::Request, body, ANSWER_WITHIN).await;
        let answer: ClockAnswer = cbor::decode(&answer.ok()?).ok()?;
        let half_way_ms = started.elapsed().as_millis() as u64 / 2;
        Some(ahead(now_ms.saturating_add(half_way_ms), answer.now_ms))
    }
}

/// Ours minus theirs; what does not fit is as far as it can be.
fn ahead(ours_ms: u64, theirs_ms: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    signed(ours_ms).saturating_sub(signed(theirs_ms))
}

fn is_off(voters: &BTreeSet<NodeId>, offsets: &BTreeMap<NodeId, i64>) -> bool {
    let majority = voters.len() / 2 + 1;
    let of_voters = || offsets.iter().filter(|(node, _)| voters.contains(node)).map(|(_, ms)| *ms);
    let ahead = of_voters().filter(|ms| *ms > MAX_OFFSET_MS).count();
    let behind = of_voters().filter(|ms| *ms < -MAX_OFFSET_MS).count();
    ahead >= majority || behind >= majority
}

/// A test moves one node's clock while it runs; a released program has no such thing.
#[cfg(debug_assertions)]
pub(super) mod shift {
    use std::{
        sync::{
            LazyLock,
            atomic::{AtomicI64, Ordering},
        },
        thread,
        time::Duration,
    };

    /// Variable that names a file with the milliseconds to add to the clock.
    const FILE: &str = "PRECINTO_CLOCK_SHIFT_FILE";

    const READ_EVERY: Duration = Duration::from_millis(100);

    static MS: AtomicI64 = AtomicI64::new(0);

    static WATCHED: LazyLock<bool> = LazyLock::new(|| {
        let Some(file) = std::env::var_os(FILE) else { return false };
        let read = move || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            MS.store(text.trim().parse().unwrap_or(0), Ordering::Relaxed);
        };
        read();
        thread::spawn(move || {
            loop {
                thread::sleep(READ_EVERY);
                read();
            }
        });
        true
    });

    /// `now_ms`, moved.
    pub(crate) fn apply(now_ms: u64) -> u64 {
        match *WATCHED {
            true => now_ms.saturating_add_signed(MS.load(Ordering::Relaxed)),
            false => now_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(voters: &[NodeId], offsets: &[(NodeId, i64)]) -> bool {
        is_off(&voters.iter().copied().collect(), &offsets.iter().copied().collect())
    }

    #[test]
    fn only_a_majority_of_voters_on_one_side_proves_this_clock_wrong() {
        const HOUR: i64 = 3_600_000;
        let voters = [1, 2, 3];
        assert!(off(&voters, &[(2, HOUR), (3, HOUR)]));
        assert!(off(&voters, &[(2, -HOUR), (3, -MAX_OFFSET_MS - 1)]));
        assert!(!off(&voters, &[(2, HOUR), (3, MAX_OFFSET_MS)]), "one voter agrees");
        assert!(!off(&voters, &[(2, HOUR), (3, -HOUR)]), "it lies in between");
        assert!(!off(&voters, &[(2, HOUR)]), "one voter alone may be the wrong one");
        assert!(!off(&voters, &[(2, HOUR), (4, HOUR)]), "a learner has no say");
        assert!(!off(&[1], &[]));
    }

    #[test]
    fn absurd_clocks_do_not_overflow() {
        assert_eq!(ahead(5, 3), 2);
        assert_eq!(ahead(0, u64::MAX), -i64::MAX);
        assert_eq!(ahead(u64::MAX, 0), i64::MAX);
    }
}
