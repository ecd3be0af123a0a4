//! Checkpoints: nodes' signatures over the log.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    codes,
    error::{ApiError, Problem},
    model::AsOf,
    port::NodePort,
};

/// The newest checkpoint of each node.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckpointsAnswer {
    /// By node.
    checkpoints: Vec<CheckpointAnswer>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// A node's signature over the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckpointAnswer {
    /// The node that signed it.
    node: u64,
    /// Its member.
    member: String,
    /// Leaves covered.
    size: u64,
    /// Root over them.
    root: String,
    /// When it was signed by the signer's clock, seconds since 1970.
    time_s: u64,
    /// The signed note (C2SP tlog-checkpoint, cosignature/v1).
    note: String,
}

/// The newest checkpoint of each node that this one has.
#[utoipa::path(
    get, path = "/v1/checkpoints", operation_id = "list_checkpoints", tag = "ledger",
    responses(
        (status = 200, description = "Checkpoints", body = CheckpointsAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(node): State<Arc<dyn NodePort>>,
) -> Result<Json<CheckpointsAnswer>, ApiError> {
    let as_of = AsOf::newest(&*node).await?;
    let checkpoints = node.checkpoints().await?.into_iter().map(|checkpoint| CheckpointAnswer {
        node: checkpoint.node,
        member: checkpoint.member,
        size: checkpoint.size,
        root: checkpoint.root.to_hex(),
        time_s: checkpoint.time_s,
        note: checkpoint.note,
    });
    Ok(Json(CheckpointsAnswer { checkpoints: checkpoints.collect(), as_of }))
}

/// This node's newest checkpoint, as a signed note.
#[utoipa::path(
    get, path = "/v1/checkpoint", operation_id = "own_checkpoint", tag = "ledger",
    responses(
        (status = 200, description = "The signed note", body = String, content_type = "text/plain"),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn own(State(node): State<Arc<dyn NodePort>>) -> Result<Response, ApiError> {
    let this = node.status().await?.node;
    let own = node.checkpoints().await?.into_iter().find(|checkpoint| checkpoint.node == this);
    let none = || ApiError::new(codes::NO_CHECKPOINT, "this node has signed no checkpoint yet");
    let note = own.ok_or_else(|| none().retryable())?.note;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}
