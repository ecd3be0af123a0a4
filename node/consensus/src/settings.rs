//! Time, size and count limits of a replica. None is consensus-relevant: nodes with other values
//! interoperate.

use precinto_protocol::limits::MAX_BLOCK_BYTES;

/// Milliseconds between two [`crate::Input::Tick`]s, from a monotonic source.
pub const TICK_MS: u64 = 50;

/// Ticks between heartbeats (100 ms).
pub const HEARTBEAT_TICKS: usize = 2;

/// Least ticks without a leader before an election (500 ms); the drawn value lies in
/// `ELECTION_TICKS..2 * ELECTION_TICKS`.
pub const ELECTION_TICKS: usize = 10;

/// Entries of one append message, in bytes (a larger single entry goes alone): a lost message
/// costs little, and a heartbeat behind it does not wait long.
pub const MAX_APPEND_BYTES: u64 = 512 * 1024;

/// Append messages under way to one follower.
pub const MAX_APPENDS_IN_FLIGHT: usize = 128;

/// Uncommitted bytes a leader holds before it stops proposing.
pub const MAX_UNCOMMITTED_BYTES: usize = 16 * 1024 * 1024;

/// Committed entries taken out of raft in one step, in bytes.
pub const MAX_COMMITTED_BYTES_PER_READY: u64 = 4 * 1024 * 1024;

/// An encoded message, in bytes: one block and its envelope; appends of several entries are
/// smaller, see [`MAX_APPEND_BYTES`].
pub const MAX_MESSAGE_BYTES: usize = MAX_BLOCK_BYTES + 64 * 1024;

/// A snapshot manifest, in bytes: a hash per 1 MiB chunk lets it describe some 30 GB of state.
pub const MAX_MANIFEST_BYTES: usize = MAX_BLOCK_BYTES;

/// Transactions waiting for a block. Above it a submission is returned as busy; at the target of
/// 6,000 a second the queue is some three seconds deep.
pub const MAX_QUEUED_TRANSACTIONS: usize = 16_384;

/// Bytes of transactions waiting for a block.
pub const MAX_QUEUED_BYTES: usize = 32 * 1024 * 1024;

/// A transaction, in bytes: the largest statement with a full set of endorsements, and little
/// enough that several fit a batch.
pub const MAX_TRANSACTION_BYTES: usize = 128 * 1024;

/// Bytes of transactions at which a batch is proposed although others are in flight, and above
/// which no further transaction is added to it: larger blocks were not faster, but slower to
/// resend.
pub const BATCH_BYTES: usize = 256 * 1024;

/// Own blocks proposed and not yet committed: enough to keep disks and links busy at once.
pub const MAX_PROPOSALS_IN_FLIGHT: usize = 8;

/// Entries between the leader's applied index and the end of its log above which it proposes no
/// block: the ledger advances no faster than its leader executes.
pub const MAX_UNAPPLIED_ENTRIES: u64 = 32;

/// Entries a learner may be behind when it becomes a voter: what is under way to it at any moment.
pub const PROMOTE_WITHIN_ENTRIES: u64 = 32;

/// Milliseconds without a block after which the leader proposes an empty one, so that ledger time
/// advances.
pub const EMPTY_BLOCK_AFTER_MS: u64 = 60_000;

/// Committed entries handed to the apply thread and not yet applied, in bytes; the rest is read
/// from the log again when its turn comes.
pub const APPLY_WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// Recent entries kept in memory although they are on disk, in bytes: what followers and the apply
/// thread are about to ask for.
pub const TAIL_BYTES: usize = 16 * 1024 * 1024;

/// What one entry costs in a window besides its payload, in bytes (a bound on many empty ones).
pub const ENTRY_OVERHEAD_BYTES: usize = 64;

/// Entries kept below the synced ledger height, so that a follower that was away for a short time
/// needs no snapshot.
pub const MARGIN_ENTRIES: u64 = 4_096;

/// Bytes of entries kept there: about a minute of transactions at the highest rate. Without this
/// bound large blocks would fill gigabytes.
pub const MARGIN_BYTES: u64 = 128 * 1024 * 1024;

/// Reads waiting, in all. Above it a read is answered as not ready.
pub const MAX_READS: usize = 16_384;

/// Read rounds under way; later reads wait for the next round and share it.
pub const MAX_READ_ROUNDS: usize = 8;

/// Ticks after which an unanswered read round fails (2 s): raft drops some silently.
pub const READ_TIMEOUT_TICKS: u64 = 40;

/// Forwarded reads a leader holds for its followers.
pub const MAX_FORWARDED_READS: usize = 1_024;

/// Ticks without any commit, while entries wait for one and a quorum answers heartbeats, after
/// which a leader steps down (3 s): the voters refuse its blocks (a wrong clock) or its disk hangs.
pub const STALL_TICKS: u64 = 60;

/// Ticks a leader that stalled does not campaign (5 s), so that another voter wins.
pub const ABSTAIN_TICKS: u64 = 100;

/// Ticks after which a leader offers a snapshot again to a follower that reported nothing (5 s).
/// An offer repeated while it is being downloaded is ignored there.
pub const SNAPSHOT_RETRY_TICKS: u64 = 100;

/// How far a peer's term may lie above ours. An election takes half a second: this many are a
/// lifetime, more is garbage that would bring terms near overflow.
pub const MAX_TERM_JUMP: u64 = 1 << 32;

/// No raft index is ever this large; arithmetic on smaller ones cannot overflow.
pub const MAX_INDEX: u64 = 1 << 62;
