//! What goes into a replica and what comes out.

use std::collections::BTreeSet;

use precinto_protocol::{
    identity::NodeId,
    membership::{Membership, MembershipChange},
    registry::Node,
};

use crate::{
    chain::{Applied, BlockRefusal},
    fitness::Fitness,
    log::{SnapshotMark, WriteTask},
    status::RaftRole,
    wire::MessageRefusal,
};

/// Everything that can happen to a replica.
#[derive(Clone, Debug)]
pub enum Input {
    /// [`crate::settings::TICK_MS`] have passed.
    Tick,
    /// Bytes from an authenticated peer.
    Message {
        /// The peer, as the transport authenticated it.
        from: NodeId,
        /// An encoded message of [`Output::messages`].
        bytes: Vec<u8>,
    },
    /// A transaction to order; its meaning is not known here. Refused ones come back in
    /// [`Output::returned`]. An accepted one may still never be ordered (lost leadership): submit it
    /// again, execution drops duplicates.
    Submit(Vec<u8>),
    /// A linearizable read; answered in [`Output::reads`] under this number.
    Read(u64),
    /// This write task, and all before it, is on disk.
    Persisted(u64),
    /// Committed entries up to this one have been executed.
    Applied(Applied),
    /// A committed entry with a change has been executed; this is the group from there on.
    Changed {
        /// As with [`Input::Applied`].
        applied: Applied,
        /// The former group, if the registry did not ask for the change.
        membership: Membership,
    },
    /// The registry's nodes, replacing the former ones. Comes before the block that changed them is
    /// reported as applied.
    Members(Vec<Node>),
    /// Nodes that peers say are registered, replacing those named before. A node that was away, or
    /// joins, listens to them; what they send must be signed by nodes of its own registry.
    Contacts(BTreeSet<NodeId>),
    /// What this node is fit for from now on.
    Fitness(Fitness),
    /// Hand leadership to the most advanced voter, if this is the leader (before a shutdown).
    TransferLeadership,
    /// Messages to this peer are being lost.
    Unreachable(NodeId),
    /// The ledger is durable up to this index: the log may be compacted below it.
    Synced(u64),
    /// A snapshot of the ledger that followers can be offered.
    SnapshotReady(SnapshotSource),
    /// A follower has fetched the snapshot it was offered, or failed to.
    SnapshotDelivered {
        /// The follower.
        node: NodeId,
        /// Whether it has all of it.
        complete: bool,
    },
    /// The offered snapshot was downloaded, verified and made durable beside the ledger.
    SnapshotStaged(Applied),
    /// The offered snapshot of this index could not be fetched or is not valid.
    SnapshotFailed(u64),
}

/// What the owner has to do, in any order unless said otherwise.
#[derive(Default, Debug)]
pub struct Output {
    /// To be sent at once, in order per peer; losing one is harmless.
    pub messages: Vec<(NodeId, Vec<u8>)>,
    /// For the log writer, in order.
    pub writes: Vec<WriteTask>,
    /// For the apply thread, in order.
    pub committed: Vec<Committed>,
    /// Answers to reads.
    pub reads: Vec<ReadOutcome>,
    /// Transactions not taken into the log.
    pub returned: Vec<Returned>,
    /// Set when role, term or leader changed.
    pub leadership: Option<Leadership>,
    /// Download and verify this snapshot, then feed [`Input::SnapshotStaged`] or
    /// [`Input::SnapshotFailed`].
    pub snapshot_offer: Option<SnapshotOffer>,
    /// The staged snapshot of this index is not needed any more: delete it.
    pub snapshot_discarded: Option<u64>,
    /// These followers need a snapshot: prepare one and feed [`Input::SnapshotReady`]. Repeated
    /// while the need lasts.
    pub snapshot_wanted: BTreeSet<NodeId>,
    /// Drop the log up to and including this entry, keeping the mark. Best effort.
    pub compact: Option<SnapshotMark>,
    /// What an operator should know.
    pub alarms: Vec<Alarm>,
}

/// A committed entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed {
    /// Raft index.
    pub index: u64,
    /// Raft term.
    pub term: u64,
    /// The encoded block; empty for the entry a new leader appends, which only moves the applied
    /// index, and for a change.
    pub block: Vec<u8>,
    /// A change of the group, which takes effect if the registry asks for it.
    pub change: Option<MembershipChange>,
}

/// Answer to one [`Input::Read`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadOutcome {
    /// The number given with the read.
    pub read: u64,
    /// Whether the ledger as applied now reflects every transaction that was committed when the read
    /// was asked. If not: no leader, or one that cannot tell yet; ask again.
    pub ready: bool,
}

/// A transaction that is certainly not in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Returned {
    /// The transaction.
    pub transaction: Vec<u8>,
    /// Why.
    pub reason: ReturnReason,
}

/// Why a transaction was returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReturnReason {
    /// This node does not lead (any more): forward it to the leader, if one is known.
    NotLeader(Option<NodeId>),
    /// The queue is full.
    Busy,
    /// Larger than [`crate::settings::MAX_TRANSACTION_BYTES`].
    TooLarge,
}

/// Who leads, as this node sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leadership {
    /// What this node is.
    pub role: RaftRole,
    /// Its term.
    pub term: u64,
    /// The leader of that term, if known.
    pub leader: Option<NodeId>,
}

/// A snapshot this node can serve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotSource {
    /// The last entry the snapshot contains.
    pub mark: SnapshotMark,
    /// The group as of that entry.
    pub membership: Membership,
    /// What followers need to fetch and verify it; opaque here.
    pub manifest: Vec<u8>,
}

/// A snapshot the leader offers because it no longer has the entries this node needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotOffer {
    /// The leader.
    pub from: NodeId,
    /// The last entry the snapshot contains.
    pub mark: SnapshotMark,
    /// The group as of that entry; the manifest must say the same.
    pub membership: Membership,
    /// The leader's manifest: a claim until verified.
    pub manifest: Vec<u8>,
}

/// Something an operator should know. The node goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Alarm {
    /// A message was dropped.
    Message {
        /// The authenticated sender.
        from: NodeId,
        /// Why.
        reason: MessageRefusal,
    },
    /// A block was not appended, with all that came in its message.
    Block {
        /// The authenticated sender.
        from: NodeId,
        /// The entry's raft index.
        index: u64,
        /// Why.
        reason: BlockRefusal,
    },
    /// This leader's blocks were not accepted by a quorum that answers heartbeats: it steps down.
    Stalled {
        /// Entries that wait for a commit.
        uncommitted: u64,
    },
}
