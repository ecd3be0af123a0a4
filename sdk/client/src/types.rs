//! What a node answers. Fields that this client does not know are ignored; times are milliseconds
//! since 1970, dates `YYYY-MM-DD`, keys and encoded bytes lower-case hex.

mod aeo;
mod aeo_requests;
pub(crate) mod text;
mod users;
mod webhooks;

use precinto_protocol::{hash::Hash, transaction::TransactionId};
use serde::{Deserialize, Serialize};

pub use aeo::{
    Acceptance, Alias, AliasesAnswer, AsKnown, Authorization, BenefitAnswer, Departure,
    FoundAnswer, FoundOperator, HistoryAnswer, HistoryEntry, Identifier, ListAnswer, Mra,
    MraAnswer, MrasAnswer, NumberAnswer, PendingAction, PendingListAnswer, Period, Person,
    StandingAuthorization, Terms, Transition, Via,
};
pub use aeo_requests::{
    Activation, AliasRequest, AmendRequest, Asked, BatchAnswer, BatchMode, BatchRow,
    BenefitQuestion, CertifyRequest, ChangeRequest, DecideRequest, ListFilter, NewMra,
    RetireRequest, WrittenIdentifier,
};
pub use users::{
    AuditAnswer, AuditEntry, AuditFilter, NewTokenAnswer, SessionAnswer, User, UserToken,
    UsersAnswer, WhoAnswer,
};
pub use webhooks::{NewWebhook, Webhook, WebhooksAnswer};

use crate::error::Problem;
use text::{as_text, hex};

/// When an answer about the ledger was true.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AsOf {
    /// Height of the state that was read.
    pub height: u64,
    /// Ledger time of that height.
    pub time_ms: u64,
    /// How long ago that was by the node's clock, milliseconds.
    pub age_ms: u64,
}

/// Status of a transaction as one node knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The node has never seen it.
    Unknown,
    /// Accepted, not yet final.
    Pending,
    /// Executed; its writes are in the state.
    Committed,
    /// Executed and refused, with a code.
    Rejected,
    /// Ledger time passed its expiry without it being executed.
    Expired,
}

impl Status {
    /// Whether it can no longer change.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Committed | Status::Rejected | Status::Expired)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Status::Unknown => "unknown",
            Status::Pending => "pending",
            Status::Committed => "committed",
            Status::Rejected => "rejected",
            Status::Expired => "expired",
        })
    }
}

/// What a node knows of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TransactionAnswer {
    /// The transaction.
    #[serde(with = "as_text")]
    pub id: TransactionId,
    /// Its status.
    pub status: Status,
    /// Why it was rejected.
    pub code: Option<String>,
    /// What the contract said about it.
    pub message: Option<String>,
    /// Height of its block.
    pub height: Option<u64>,
    /// Index in its block.
    pub index: Option<u32>,
    /// Ledger time of its block.
    pub time_ms: Option<u64>,
    /// Index of its outcome leaf in the log.
    pub leaf: Option<u64>,
    /// Fuel used.
    pub fuel: Option<u64>,
    /// The contract's result (CBOR).
    pub result: Option<String>,
    /// Id of the author's key.
    pub author: Option<String>,
    /// The author's member.
    pub member: Option<String>,
    /// What was called, where the node has it at hand.
    pub call: Option<CallAnswer>,
}

/// A transaction's call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallAnswer {
    /// Name of the contract.
    pub contract: String,
    /// The contract version the author expected.
    pub contract_version: u32,
    /// Name of the method.
    pub method: String,
    /// Arguments (CBOR).
    pub args: String,
    /// Ledger time after which it must not be executed.
    pub expires_ms: u64,
    /// The officer for whom the member's node signed.
    pub on_behalf: Option<OnBehalfAnswer>,
    /// Ids of the endorsers' keys.
    pub endorsers: Vec<String>,
}

/// An officer for whom a member's node signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OnBehalfAnswer {
    /// Random pseudonym that only the member can resolve.
    pub pseudonym: String,
    /// The role in which the officer acted.
    pub role: String,
}

/// What became of one item of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ItemAnswer {
    /// Why it was refused.
    Refused {
        /// The problem of this item.
        error: Problem,
    },
    /// Its transaction.
    Transaction(Box<TransactionAnswer>),
}

impl ItemAnswer {
    /// The transaction, or why there is none.
    ///
    /// # Errors
    /// The item's problem.
    pub fn into_result(self) -> Result<TransactionAnswer, Box<Problem>> {
        match self {
            ItemAnswer::Transaction(answer) => Ok(*answer),
            ItemAnswer::Refused { error } => Err(error.into()),
        }
    }
}

/// What became of each transaction of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubmitAnswer {
    /// In the order of the request.
    pub results: Vec<ItemAnswer>,
}

/// What a query gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// The result (CBOR), defined by the query.
    #[serde(with = "hex")]
    pub result: Vec<u8>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// The active contracts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContractsAnswer {
    /// By name.
    pub contracts: Vec<Contract>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// A contract's active version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contract {
    /// Name used in calls.
    pub name: String,
    /// Version that a call must expect.
    pub version: u32,
    /// SHA-256 of the WASM module.
    #[serde(with = "as_text")]
    pub code_hash: Hash,
    /// Methods that can be called.
    pub methods: Vec<Method>,
}

/// A method and who may call it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Its endorsement policy.
    pub policy: String,
}

/// The channel's members.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MembersAnswer {
    /// By id.
    pub members: Vec<Member>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// An administration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Id within the channel.
    pub id: String,
    /// Official name.
    pub name: String,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
}

/// The channel's nodes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodesAnswer {
    /// By id.
    pub nodes: Vec<Node>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// A node as the answering one sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Id within the channel.
    pub id: u64,
    /// The member that runs it.
    pub member: String,
    /// `voter`, `learner`, or `joining`: a learner that holds a voter's seat.
    pub role: String,
    /// When its member retired it, ledger time in milliseconds since 1970; none while it is active.
    pub retired_ms: Option<u64>,
    /// Where peers reach it.
    pub addresses: Vec<String>,
    /// Ed25519 key that signs its checkpoints.
    pub attestation_key: String,
    /// Whether it is the node that answers.
    pub this: bool,
    /// Whether a connection to it is open.
    pub connected: bool,
    /// Whether it leads, as far as the answering node knows.
    pub leader: bool,
    /// Whether it is one of the quorum by now: a promoted node first catches up.
    pub votes: bool,
    /// Raft entries it is behind; absent where unknown.
    pub lag: Option<u64>,
    /// Why its last connection was refused.
    pub refused: Option<String>,
}

/// A node now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Name of network and channel.
    pub network: String,
    /// Genesis hash of the channel: what transactions are signed for.
    #[serde(with = "as_text")]
    pub channel: Hash,
    /// Quorum-loss recoveries so far.
    pub epoch: u32,
    /// The node's id.
    pub node: u64,
    /// Its member.
    pub member: String,
    /// `voter`, `learner` or `joining`.
    pub role: String,
    /// `leader`, `follower` or `candidate`.
    pub raft_role: String,
    /// Raft term.
    pub term: u64,
    /// Id of the leader, where known.
    pub leader: Option<u64>,
    /// Raft commit index.
    pub commit: u64,
    /// Raft index of the last executed entry.
    pub applied: u64,
    /// Leaves in the log.
    pub log_size: u64,
    /// Root of the log.
    #[serde(with = "as_text")]
    pub log_root: Hash,
    /// Root of the state tree.
    #[serde(with = "as_text")]
    pub state_root: Hash,
    /// Protocol version in force.
    pub protocol_version: u32,
    /// Why the node no longer executes.
    pub halted: Option<String>,
    /// The newest executed block.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// Whether a node can serve.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Readiness {
    /// A settled leader is known, execution keeps up, nothing is halted, disk and clock are in order.
    pub ready: bool,
    /// Whether a leader is known.
    pub leader_known: bool,
    /// Whether the leader has committed in its term; until then linearizable reads are refused.
    pub leader_settled: bool,
    /// Committed Raft entries not executed yet.
    pub lag: u64,
    /// Why the node no longer executes.
    pub halted: Option<String>,
    /// The disk is full: the node answers, and takes no writes.
    pub disk_full: bool,
    /// The node's clock is wrong, by the clocks of a majority of the voters.
    pub clock_off: bool,
}

/// A page of blocks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlocksAnswer {
    /// By height, ascending.
    pub blocks: Vec<Block>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// A block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Block {
    /// Height, from 1.
    pub height: u64,
    /// Ledger time.
    pub time_ms: u64,
    /// Committed transactions.
    pub committed: u32,
    /// Rejected transactions.
    pub rejected: u32,
    /// Content hash.
    #[serde(with = "as_text")]
    pub content: Hash,
    /// Content hash of the block before.
    #[serde(with = "as_text")]
    pub previous: Hash,
    /// Root of the state tree after it.
    #[serde(with = "as_text")]
    pub state_root: Hash,
    /// Quorum-loss recoveries so far.
    pub epoch: u32,
    /// Raft term in which it was proposed.
    pub term: u64,
    /// Index of its Raft entry.
    pub raft_index: u64,
    /// Identity key of the leader that signed it.
    pub leader: String,
    /// Version of the signer set in force.
    pub signer_set_version: u64,
    /// Protocol version that executed it.
    pub protocol_version: u32,
}

/// A block with its executed transactions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlockDetail {
    /// The block.
    #[serde(flatten)]
    pub block: Block,
    /// In order; void and repeated items are left out.
    pub transactions: Vec<BlockItem>,
}

/// An executed transaction of a block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlockItem {
    /// Index of the item in the block.
    pub index: u32,
    /// The transaction.
    #[serde(with = "as_text")]
    pub id: TransactionId,
    /// `committed` or `rejected`.
    pub status: Status,
    /// Why it was rejected.
    pub code: Option<String>,
}

/// The newest checkpoint of each node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckpointsAnswer {
    /// By node.
    pub checkpoints: Vec<Checkpoint>,
    /// When this was true.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// A node's signature over the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The node that signed it.
    pub node: u64,
    /// Its member.
    pub member: String,
    /// Leaves covered.
    pub size: u64,
    /// Root over them.
    #[serde(with = "as_text")]
    pub root: Hash,
    /// When it was signed by the signer's clock, seconds since 1970.
    pub time_s: u64,
    /// The signed note (C2SP tlog-checkpoint, cosignature/v1).
    pub note: String,
}

/// An event of the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Height of the block.
    pub height: u64,
    /// Index among the events of the block.
    pub index: u32,
    /// Ledger time of the block.
    pub time_ms: u64,
    /// The transaction that emitted it.
    #[serde(with = "as_text")]
    pub transaction: TransactionId,
    /// The author's member.
    pub member: String,
    /// Name of the contract.
    pub contract: String,
    /// What kind of event (`aeo.suspended`).
    pub topic: String,
    /// Payload (CBOR), defined by contract and topic.
    #[serde(with = "hex")]
    pub payload: Vec<u8>,
    /// The decoded payload of an authorization's change (`aeo.certified`, `aeo.suspended`, ...).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// The decoded payload of `aeo.proposed` and `aeo.declined`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingAction>,
    /// The decoded payload of `aeo.alias-declared` and `aeo.alias-retired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<Alias>,
    /// The decoded payload of `aeo.mra-proposed`, `aeo.mra-accepted` and `aeo.mra-left`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mra: Option<Mra>,
}
