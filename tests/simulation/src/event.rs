//! What can be going to happen.

use precinto_core::intake::ForwardAnswer;
use precinto_protocol::{
    checkpoint::SignedCheckpoint, identity::NodeId, transaction::TransactionId,
};

use crate::{faults::Ending, history::Told};

/// Something that happens at one moment of virtual time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A message arrives at a node.
    Arrive(Packet),
    /// Something within a process is due, unless the process has ended.
    Wake(NodeId, Life, Wake),
    /// A request of a client arrives at a node.
    Request(NodeId, Request),
    /// An answer arrives at a client.
    Answer(Answer),
    /// A client has something to do, unless it did something else since.
    Client(ClientStep),
    /// A machine starts its process.
    Start(NodeId),
    /// Another fault is due.
    Fault,
    /// A fault ends.
    Ends(Ending),
    /// The operator looks after lost nodes.
    Operator,
}

/// Which process of a machine: they are counted, so that what was due in an ended one is dropped.
pub(crate) type Life = u64;

/// What is due within a process.
#[derive(Debug)]
pub(crate) enum Wake {
    /// Time passes for the replica.
    Tick,
    /// The replica's outputs are handed on.
    HandOn,
    /// The log writer's fsync is over.
    Written,
    /// The apply thread's job is done.
    Executed,
    /// The ledger is synced.
    Sync,
    /// Unfinished transactions are looked at.
    Resend,
    /// The newest block is attested.
    Attest,
    /// Peers are told of checkpoints and nodes once more.
    Tell,
    /// A snapshot is built.
    Build,
    /// An answer of this number did not come.
    GiveUp(u64),
}

/// A message between nodes.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    /// The sender, as the transport authenticates it.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// What it says.
    pub body: Body,
}

/// What nodes say to each other.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// An encoded message of the replica.
    Raft(Vec<u8>),
    /// Transactions for the leader; the number is the sender's.
    Forward(u64, Vec<Vec<u8>>),
    /// What became of them.
    Forwarded(u64, ForwardAnswer),
    /// Asks for a chunk of the snapshot at a Raft index.
    AskChunk {
        /// The sender's number.
        request: u64,
        /// Raft index of the snapshot.
        index: u64,
        /// Number of the chunk.
        chunk: usize,
    },
    /// A chunk; empty if the snapshot is gone.
    Chunk(u64, Vec<u8>),
    /// The sender's newest checkpoint.
    Checkpoint(SignedCheckpoint),
    /// Nodes that the sender's registry lists.
    Nodes(Vec<NodeId>),
}

/// What a client asks a node.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Who asks.
    pub step: ClientStep,
    /// What.
    pub ask: Ask,
}

/// See [`Request`].
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Take this transaction.
    Submit(Vec<u8>),
    /// What became of it?
    Status(TransactionId),
    /// The value of a key, as the node has it or as of now.
    Read {
        /// The method of `probe`.
        method: &'static str,
        /// The key.
        key: Vec<u8>,
        /// Whether it must reflect everything that was acknowledged before.
        linearizable: bool,
    },
}

/// A step of a client, by which it tells what is about its present call from what is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ClientStep {
    /// Number of the client.
    pub client: usize,
    /// Number of its call.
    pub call: u64,
    /// Number of the attempt within the call.
    pub attempt: u64,
}

/// What a node answers a client.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Whom.
    pub step: ClientStep,
    /// What.
    pub say: Say,
}

/// See [`Answer`].
#[derive(Clone, Debug)]
pub(crate) enum Say {
    /// The transaction is taken.
    Accepted,
    /// It is not.
    Refused,
    /// Its status, and the result if it was committed.
    Status(Told, Vec<u8>),
    /// The encoded value that was read.
    Value(Vec<u8>),
    /// The node cannot say.
    Unavailable,
}
