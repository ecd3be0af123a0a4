//! Members, nodes, and the state of this one.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Problem},
    model::AsOf,
    port::{NodePort, RaftRole},
};

/// The channel's members.
#[derive(Serialize, ToSchema)]
pub(crate) struct MembersAnswer {
    /// By id.
    members: Vec<MemberAnswer>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// An administration.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberAnswer {
    /// Id within the channel.
    id: String,
    /// Official name.
    name: String,
    /// ISO 3166-1 alpha-2 code.
    country: String,
}

/// The channel's members.
#[utoipa::path(
    get, path = "/v1/members", tag = "network",
    responses(
        (status = 200, description = "Members", body = MembersAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn members(
    State(node): State<Arc<dyn NodePort>>,
) -> Result<Json<MembersAnswer>, ApiError> {
    let as_of = AsOf::newest(&*node).await?;
    let members = node.members().await?.into_iter().map(|member| MemberAnswer {
        id: member.id,
        name: member.name,
        country: member.country,
    });
    Ok(Json(MembersAnswer { members: members.collect(), as_of }))
}

/// The channel's nodes.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodesAnswer {
    /// By id.
    nodes: Vec<NodeAnswer>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// A node as this one sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeAnswer {
    /// Id within the channel.
    id: u64,
    /// The member that runs it.
    member: String,
    /// `voter`, `learner`, or `joining`: a learner that holds a voter's seat.
    role: String,
    /// When its member retired it, ledger time in milliseconds since 1970; absent while it is
    /// active.
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_ms: Option<u64>,
    /// Where peers reach it.
    addresses: Vec<String>,
    /// Ed25519 key that signs its checkpoints.
    attestation_key: String,
    /// Whether it is the node that answers.
    this: bool,
    /// Whether a connection to it is open.
    connected: bool,
    /// Whether it leads, as far as the answering node knows.
    leader: bool,
    /// Whether it is one of the quorum by now: a promoted node first catches up.
    votes: bool,
    /// Raft entries it is behind; absent where unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<u64>,
    /// Why its last connection was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// The channel's nodes, as this one sees them.
#[utoipa::path(
    get, path = "/v1/nodes", tag = "network",
    responses(
        (status = 200, description = "Nodes", body = NodesAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn nodes(
    State(node): State<Arc<dyn NodePort>>,
) -> Result<Json<NodesAnswer>, ApiError> {
    let as_of = AsOf::newest(&*node).await?;
    let nodes = node.nodes().await?.into_iter().map(|view| NodeAnswer {
        id: view.node.id,
        member: view.node.member,
        role: view.node.role.to_string(),
        retired_ms: view.node.retired_ms,
        addresses: view.node.addresses,
        attestation_key: hex::encode(view.node.attestation_key),
        this: view.this,
        connected: view.connected,
        leader: view.leader,
        votes: view.votes,
        lag: view.lag,
        refused: view.refused,
    });
    Ok(Json(NodesAnswer { nodes: nodes.collect(), as_of }))
}

/// A node now.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusAnswer {
    /// Name of network and channel.
    network: String,
    /// Genesis hash of the channel: what transactions are signed for.
    channel: String,
    /// Quorum-loss recoveries so far.
    epoch: u32,
    /// This node's id.
    node: u64,
    /// Its member.
    member: String,
    /// `voter`, `learner` or `joining`.
    role: String,
    /// `leader`, `follower` or `candidate`.
    raft_role: String,
    /// Raft term.
    term: u64,
    /// Id of the leader, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<u64>,
    /// Raft commit index.
    commit: u64,
    /// Raft index of the last executed entry.
    applied: u64,
    /// Leaves in the log.
    log_size: u64,
    /// Root of the log.
    log_root: String,
    /// Root of the state tree.
    state_root: String,
    /// Protocol version in force.
    protocol_version: u32,
    /// Why the node no longer executes.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted: Option<String>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// This node now.
#[utoipa::path(
    get, path = "/v1/status", tag = "network",
    responses(
        (status = 200, description = "Its status", body = StatusAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn status(
    State(node): State<Arc<dyn NodePort>>,
) -> Result<Json<StatusAnswer>, ApiError> {
    let status = node.status().await?;
    let raft_role = match status.raft_role {
        RaftRole::Leader => "leader",
        RaftRole::Follower => "follower",
        RaftRole::Candidate => "candidate",
    };
    Ok(Json(StatusAnswer {
        network: status.network,
        channel: status.channel.to_hex(),
        epoch: status.epoch,
        node: status.node,
        member: status.member,
        role: status.role.to_string(),
        raft_role: raft_role.into(),
        term: status.term,
        leader: status.leader,
        commit: status.commit,
        applied: status.applied,
        log_size: status.log_size,
        log_root: status.log_root.to_hex(),
        state_root: status.state_root.to_hex(),
        protocol_version: status.protocol_version,
        halted: status.halted,
        as_of: AsOf::new(status.height, status.time_ms),
    }))
}
