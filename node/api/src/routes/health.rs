//! For those who run the node: liveness, readiness, metrics.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus::TextEncoder;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    codes,
    error::{ApiError, Problem},
    limits::MAX_READY_LAG,
    port::{Health, NodePort},
    state::AppState,
};

/// Media type of the Prometheus text format.
const METRICS_TEXT: &str = "text/plain; version=0.0.4";

/// The process answers.
#[utoipa::path(
    get, path = "/livez", tag = "operation", security(()),
    responses((status = 200, description = "The process answers", body = String)),
)]
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// Whether the node can serve.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// A settled leader is known, execution keeps up, nothing is halted, disk and clock are in order.
    ready: bool,
    /// Whether a leader is known.
    leader_known: bool,
    /// Whether the leader has committed in its term; until then, for a moment after an election,
    /// linearizable reads are refused.
    leader_settled: bool,
    /// Committed Raft entries not executed yet.
    lag: u64,
    /// Why the node no longer executes.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted: Option<String>,
    /// The disk is full: the node answers, and takes no writes.
    disk_full: bool,
    /// The node's clock is wrong, by the clocks of a majority of the voters.
    clock_off: bool,
}

/// The node can serve: a settled leader is known, execution keeps up, disk and clock are in order.
#[utoipa::path(
    get, path = "/readyz", tag = "operation", security(()),
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Not ready", body = Readiness),
    ),
)]
pub(crate) async fn ready(State(node): State<Arc<dyn NodePort>>) -> (StatusCode, Json<Readiness>) {
    let health = node.health();
    let Health { leader_known, leader_settled, lag, halted, disk_full, clock_off } = health;
    let well = halted.is_none() && !disk_full && !clock_off;
    let ready = leader_known && leader_settled && lag <= MAX_READY_LAG && well;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Readiness { ready, leader_known, leader_settled, lag, halted, disk_full, clock_off };
    (status, Json(body))
}

/// Metrics in the Prometheus text format. Needs the role `auditor`, or a client on this machine
/// where the node's configuration allows it.
#[utoipa::path(
    get, path = "/metrics", tag = "operation", security(("token" = []), ()),
    responses(
        (status = 200, description = "Metrics", body = String, content_type = "text/plain"),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    let text = TextEncoder::new()
        .encode_to_string(&state.registry.gather())
        .map_err(|error| ApiError::new(codes::INTERNAL, format!("metrics: {error}")))?;
    Ok(([(header::CONTENT_TYPE, METRICS_TEXT)], text).into_response())
}
