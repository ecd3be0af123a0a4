//! The port: what the HTTP interface needs of a node. The server implements it.

use std::{fmt, str::FromStr, time::Duration};

use precinto_protocol::{
    aeo::Scheme,
    hash::Hash,
    identity::{KeyId, MemberId, NodeId},
    leaf::BlockLeaf,
    outcome::{Event, Outcome, OutcomeRecord, Status},
    registry::{ContractEntry, Member, Node, NodeRole},
    statement::OnBehalf,
    transaction::{Transaction, TransactionId},
};
use tokio::sync::watch;

/// A boxed future, so that the port is object safe.
pub type BoxFuture<'a, T> = futures::future::BoxFuture<'a, T>;

/// Answer of a port method.
pub type PortFuture<'a, T> = BoxFuture<'a, Result<T, NodeError>>;

/// One node on one channel, as the HTTP interface sees it.
///
/// Methods must not block the calling thread and must answer in bounded time by themselves.
pub trait NodePort: Send + Sync + 'static {
    /// Genesis hash of the channel.
    fn channel(&self) -> Hash;

    /// The node's member.
    fn member(&self) -> MemberId;

    /// The lookup tag of a normalized identifier under the channel's lookup key, which never leaves
    /// the node ([`precinto_protocol::aeo::lookup_tag`]).
    fn lookup_tag(&self, scheme: Scheme, identifier: &str) -> Hash;

    /// Longest TIN that the channel's members use, in characters
    /// ([`precinto_protocol::registry::parameter::TIN_MAX_LENGTH`]).
    fn tin_max_length(&self) -> usize;

    /// Admits encoded [`Transaction`]s and hands them to the leader: one answer per item, in
    /// order. A known id is accepted again (its status is what it is).
    fn submit(
        &self,
        transactions: Vec<Vec<u8>>,
    ) -> BoxFuture<'_, Vec<Result<TransactionId, NodeError>>>;

    /// Completes encoded [`Transaction`]s with the endorsements of other members that their
    /// methods' policies ask for: one answer per item, in order. What lacks none, or would be
    /// refused anyway, comes back as it is.
    fn endorse(&self, transactions: Vec<Vec<u8>>)
    -> BoxFuture<'_, Vec<Result<Vec<u8>, NodeError>>>;

    /// Signs calls with the node's identity on behalf of a logged-in officer, collects the
    /// endorsements they need and submits them: one answer per call, in order.
    fn call_as(
        &self,
        officer: OnBehalf,
        calls: Vec<OfficerCall>,
    ) -> BoxFuture<'_, Vec<Result<TransactionId, NodeError>>>;

    /// What the node knows of a transaction; [`Status::Unknown`] if nothing.
    fn transaction(&self, id: TransactionId) -> PortFuture<'_, TransactionView>;

    /// As [`NodePort::transaction`] of each, in order, once all are final or `timeout` has passed;
    /// then with the status they have by that time.
    fn wait(
        &self,
        ids: Vec<TransactionId>,
        timeout: Duration,
    ) -> PortFuture<'_, Vec<TransactionView>>;

    /// Runs a contract's query.
    fn query(&self, call: QueryCall, consistency: Consistency) -> PortFuture<'_, QueryAnswer>;

    /// The block at `height`, `None` if the node does not have it.
    fn block(&self, height: u64) -> PortFuture<'_, Option<BlockDetail>>;

    /// Up to `limit` blocks from height `from` on, ascending; the range starts later where the
    /// node does not hold older ones.
    fn blocks(&self, from: u64, limit: u32) -> PortFuture<'_, Vec<BlockSummary>>;

    /// The channel's members by id.
    fn members(&self) -> PortFuture<'_, Vec<Member>>;

    /// The channel's nodes by id, with what this node sees of them.
    fn nodes(&self) -> PortFuture<'_, Vec<NodeView>>;

    /// The active contracts by name.
    fn contracts(&self) -> PortFuture<'_, Vec<ContractEntry>>;

    /// This node now.
    fn status(&self) -> PortFuture<'_, NodeStatus>;

    /// The newest checkpoint of each node, by node id.
    fn checkpoints(&self) -> PortFuture<'_, Vec<CheckpointView>>;

    /// Up to `limit` events at or after `from`, in order. Fewer means that there are no more yet.
    fn events(&self, from: Cursor, limit: usize) -> PortFuture<'_, Vec<EventView>>;

    /// The applied height: changes after the block's events can be read. Closed when the node
    /// stops.
    fn heights(&self) -> watch::Receiver<u64>;

    /// Whether the node can serve.
    fn health(&self) -> Health;
}

/// Why the node did not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct NodeError {
    /// Stable kebab-case code; [`crate::codes`] gives its HTTP status.
    pub code: String,
    /// What went wrong here, for people.
    pub message: String,
    /// What to do about it; the code's general hint if absent.
    pub hint: Option<String>,
    /// Whether the same request may succeed later unchanged.
    pub retryable: bool,
}

impl NodeError {
    /// A lasting error; its hint is the code's.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> NodeError {
        NodeError { code: code.into(), message: message.into(), hint: None, retryable: false }
    }

    /// The same, of the kind that passes.
    pub fn retryable(self) -> NodeError {
        NodeError { retryable: true, ..self }
    }
}

/// A call the node signs for an officer; nonce, expiry and contract version are the node's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfficerCall {
    /// Name of the contract.
    pub contract: String,
    /// Name of the method.
    pub method: String,
    /// Encoded arguments.
    pub args: Vec<u8>,
}

/// A call of a contract's query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueryCall {
    /// Name of the contract.
    pub contract: String,
    /// Name of the query.
    pub method: String,
    /// Encoded arguments.
    pub args: Vec<u8>,
}

/// How fresh an answer must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Consistency {
    /// This node's applied state, however old: no network involved.
    #[default]
    Local,
    /// Not older than the request: confirmed with a quorum (Raft read index).
    Linearizable,
}

/// What a query gave, and when it was true.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueryAnswer {
    /// Encoded result, defined by the query.
    pub result: Vec<u8>,
    /// Height of the state that was read.
    pub height: u64,
    /// Ledger time of that height, milliseconds since 1970.
    pub time_ms: u64,
}

/// What a node knows of a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionView {
    /// Its id.
    pub id: TransactionId,
    /// Its status here.
    pub status: Status,
    /// Present once it was executed.
    pub outcome: Option<OutcomeRecord>,
    /// The transaction itself, where the node has it at hand.
    pub transaction: Option<Transaction>,
}

/// A block without its items.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockSummary {
    /// What execution derived.
    pub leaf: BlockLeaf,
    /// Index of its Raft entry.
    pub raft_index: u64,
    /// Identity key of the leader that signed it.
    pub leader: KeyId,
}

/// A block with its executed items.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockDetail {
    /// The block.
    pub summary: BlockSummary,
    /// Executed transactions in order; void and repeated items are left out.
    pub items: Vec<BlockItem>,
}

/// An executed transaction of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockItem {
    /// Index of the item in the block.
    pub index: u32,
    /// The transaction.
    pub id: TransactionId,
    /// Its outcome.
    pub outcome: Outcome,
}

/// A node of the channel as this node sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeView {
    /// Its registry entry.
    pub node: Node,
    /// Whether it is this node.
    pub this: bool,
    /// Whether a connection to it is open; true for this node.
    pub connected: bool,
    /// Whether this node takes it for the leader.
    pub leader: bool,
    /// Whether it is one of the quorum, by what this node has executed.
    pub votes: bool,
    /// How many Raft entries it is behind; known to the leader alone, and of this node.
    pub lag: Option<u64>,
    /// Why its last connection was refused, for people.
    pub refused: Option<String>,
}

/// What a node is to its Raft group at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RaftRole {
    /// Orders blocks.
    Leader,
    /// Follows a leader, as voter or learner.
    Follower,
    /// Looks for votes.
    Candidate,
}

/// This node now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeStatus {
    /// Name of network and channel, for people.
    pub network: String,
    /// Genesis hash of the channel.
    pub channel: Hash,
    /// Quorum-loss recoveries so far.
    pub epoch: u32,
    /// This node's id.
    pub node: NodeId,
    /// Its member.
    pub member: MemberId,
    /// Voter or learner.
    pub role: NodeRole,
    /// Its part in Raft.
    pub raft_role: RaftRole,
    /// Raft term.
    pub term: u64,
    /// The leader, if known.
    pub leader: Option<NodeId>,
    /// Raft commit index.
    pub commit: u64,
    /// Raft index of the last executed entry.
    pub applied: u64,
    /// Height of the last executed block; 0 before the first.
    pub height: u64,
    /// Ledger time of that block, milliseconds since 1970.
    pub time_ms: u64,
    /// Leaves in the log.
    pub log_size: u64,
    /// Root of the log.
    pub log_root: Hash,
    /// Root of the state tree.
    pub state_root: Hash,
    /// Protocol version in force.
    pub protocol_version: u32,
    /// Why the node no longer executes, for people; `None` while all is well.
    pub halted: Option<String>,
}

/// A node's signature over the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckpointView {
    /// The node that signed it.
    pub node: NodeId,
    /// Its member.
    pub member: MemberId,
    /// Leaves covered.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// When it was signed by the signer's clock, seconds since 1970.
    pub time_s: u64,
    /// The signed note (C2SP tlog-checkpoint with a cosignature line).
    pub note: String,
}

/// Place of an event: height of its block, index among all events of that block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor {
    /// Height of the block.
    pub height: u64,
    /// Index among the events of the block, over all its transactions in order.
    pub index: u32,
}

impl Cursor {
    /// The place after this one.
    pub fn next(self) -> Cursor {
        match self.index.checked_add(1) {
            Some(index) => Cursor { index, ..self },
            None => Cursor { height: self.height.saturating_add(1), index: 0 },
        }
    }

    /// The place before this one, whether or not there is an event; `None` before the first.
    pub fn previous(self) -> Option<Cursor> {
        match self.index.checked_sub(1) {
            Some(index) => Some(Cursor { index, ..self }),
            None => Some(Cursor { height: self.height.checked_sub(1)?, index: u32::MAX }),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.height, self.index)
    }
}

/// The text is neither `<height>` nor `<height>-<index>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected <height> or <height>-<index>")]
pub struct ParseCursorError;

impl FromStr for Cursor {
    type Err = ParseCursorError;

    /// A height alone stands for its first event.
    fn from_str(text: &str) -> Result<Cursor, ParseCursorError> {
        let (height, index) = text.split_once('-').unwrap_or((text, "0"));
        // `parse` would take a sign.
        if text.contains('+') {
            return Err(ParseCursorError);
        }
        match (height.parse(), index.parse()) {
            (Ok(height), Ok(index)) => Ok(Cursor { height, index }),
            _ => Err(ParseCursorError),
        }
    }
}

/// An event with its place and origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventView {
    /// Its place.
    pub cursor: Cursor,
    /// Ledger time of the block, milliseconds since 1970.
    pub time_ms: u64,
    /// The transaction that emitted it.
    pub transaction: TransactionId,
    /// The author's member.
    pub member: MemberId,
    /// The event.
    pub event: Event,
}

/// Whether a node can serve.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Whether it knows a leader.
    pub leader_known: bool,
    /// Whether that leader can answer linearizable reads: it committed in its term.
    pub leader_settled: bool,
    /// Committed Raft entries not executed yet.
    pub lag: u64,
    /// Why it no longer executes; `None` while all is well.
    pub halted: Option<String>,
    /// Whether it takes no writes because its disk is full.
    pub disk_full: bool,
    /// Whether its clock is wrong, by the clocks of a majority of the voters.
    pub clock_off: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_bad_ones_are_refused() {
        let cursor = Cursor { height: 12, index: 3 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("12".parse(), Ok(Cursor { height: 12, index: 0 }));
        for bad in ["", "-", "12-", "-3", "+1", "1-+2", "a", "1-2-3", "99999999999999999999"] {
            assert_eq!(bad.parse::<Cursor>(), Err(ParseCursorError), "{bad}");
        }
    }

    #[test]
    fn previous_is_the_inverse_of_next_also_across_blocks() {
        for cursor in [Cursor { height: 5, index: 0 }, Cursor { height: 5, index: 7 }] {
            assert_eq!(cursor.previous().map(Cursor::next), Some(cursor));
        }
        assert_eq!(Cursor { height: 0, index: 0 }.previous(), None);
    }
}
