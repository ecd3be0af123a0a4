//! The lanes between two nodes and what each may hold.

/// One kind of traffic between two nodes: its own stream, queue and limits, so that bulk on one
/// never waits in front of another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// Raft messages.
    Raft,
    /// Checkpoints and other small news.
    Gossip,
    /// Requests that are answered at once: forwarded transactions, blocks, endorsements.
    Request,
    /// Snapshot chunks and other bulk.
    Snapshot,
}

/// A lane that carries one-way frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameLane {
    /// [`Lane::Raft`].
    Raft,
    /// [`Lane::Gossip`].
    Gossip,
}

/// A lane that carries requests and answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestLane {
    /// [`Lane::Request`].
    Request,
    /// [`Lane::Snapshot`].
    Snapshot,
}

impl From<FrameLane> for Lane {
    fn from(lane: FrameLane) -> Lane {
        match lane {
            FrameLane::Raft => Lane::Raft,
            FrameLane::Gossip => Lane::Gossip,
        }
    }
}

impl From<RequestLane> for Lane {
    fn from(lane: RequestLane) -> Lane {
        match lane {
            RequestLane::Request => Lane::Request,
            RequestLane::Snapshot => Lane::Snapshot,
        }
    }
}

/// What one lane of one peer may hold.
pub(crate) struct Limits {
    /// Largest body of a frame, in bytes.
    pub(crate) body: usize,
    /// Frames waiting to be sent.
    pub(crate) queue_frames: usize,
    /// Bytes waiting to be sent.
    pub(crate) queue_bytes: usize,
    /// Bytes received and not yet consumed; see [`FRAME_COST`].
    pub(crate) inbound_bytes: usize,
}

/// What every frame counts for in a byte budget beside its body, so that many empty frames are
/// bounded too.
pub(crate) const FRAME_COST: usize = 256;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Lane {
    /// Every lane, in the order of their numbers.
    pub const ALL: [Lane; 4] = [Lane::Raft, Lane::Gossip, Lane::Request, Lane::Snapshot];

    /// How many lanes there are.
    pub(crate) const COUNT: usize = Lane::ALL.len();

    /// The lane's name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Lane::Raft => "raft",
            Lane::Gossip => "gossip",
            Lane::Request => "request",
            Lane::Snapshot => "snapshot",
        }
    }

    /// Largest body of one frame, in bytes.
    pub fn max_body(self) -> usize {
        self.limits().body
    }

    /// The lane's position in per-lane tables.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    pub(crate) fn limits(self) -> Limits {
        match self {
            // A Raft message carries some blocks of at most 1 MiB; the queue holds what Raft has
            // in flight to one follower before it stops by itself.
            Lane::Raft => Limits {
                body: 8 * MIB,
                queue_frames: 1024,
                queue_bytes: 32 * MIB,
                inbound_bytes: 16 * MIB,
            },
            Lane::Gossip => Limits {
                body: 64 * KIB,
                queue_frames: 1024,
                queue_bytes: 4 * MIB,
                inbound_bytes: MIB,
            },
            // A block (at most 1 MiB) with what surrounds it.
            Lane::Request => Limits {
                body: 2 * MIB,
                queue_frames: 1024,
                queue_bytes: 16 * MIB,
                inbound_bytes: 8 * MIB,
            },
            // A 4 MiB chunk with its description. Few at a time: they share the connection with
            // heartbeats.
            Lane::Snapshot => Limits {
                body: 4 * MIB + 64 * KIB,
                queue_frames: 64,
                queue_bytes: 16 * MIB,
                inbound_bytes: 10 * MIB,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_frame_fits_every_budget_of_its_lane() {
        for lane in Lane::ALL {
            let limits = lane.limits();
            assert!(limits.body + FRAME_COST <= limits.queue_bytes, "{lane:?}");
            assert!(limits.body + FRAME_COST <= limits.inbound_bytes, "{lane:?}");
            assert_eq!(Lane::ALL[lane.index()], lane);
        }
    }
}
