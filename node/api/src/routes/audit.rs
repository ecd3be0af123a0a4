//! The audit trail, for auditors.

use axum::{Json, extract::State};
use precinto_protocol::identity::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::aeo::queries::read_limit;
use crate::{
    audit::{Entry, Kind, Search},
    auth::Caller,
    codes,
    error::{ApiError, Problem},
    extract::ApiQuery,
    reading::Reading,
    state::AppState,
};

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Only of this account.
    account: Option<String>,
    /// Not before this time, milliseconds since 1970.
    from_ms: Option<u64>,
    /// Before this time, milliseconds since 1970.
    to_ms: Option<u64>,
    /// `next` of the page before; absent for the first.
    after: Option<String>,
    /// Up to 100, 50 if absent.
    limit: Option<u32>,
}

/// A page of the audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditAnswer {
    /// Oldest first. A page may be short, or empty, before the end: go on while there is a `next`.
    entries: Vec<Entry>,
    /// `after` of the next page; absent at the end of the trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Number of the newest line; 0 if there is none.
    head_seq: u64,
    /// Its hash. Kept elsewhere, it proves later that nothing before it was changed.
    head_hash: String,
}

/// Who read which records at this node. Needs the role `auditor`.
#[utoipa::path(
    get, path = "/v1/audit/reads", operation_id = "list_reads", tag = "audit", params(AuditParams),
    responses(
        (status = 200, description = "A page", body = AuditAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn reads(
    state: State<AppState>,
    caller: Caller,
    reading: Reading,
    params: ApiQuery<AuditParams>,
) -> Result<Json<AuditAnswer>, ApiError> {
    search(state, &caller, reading, params, Kind::Read).await
}

/// Who logged in or out, or changed accounts at this node. Needs the role `auditor`.
#[utoipa::path(
    get, path = "/v1/audit/accounts", operation_id = "list_account_acts", tag = "audit", params(AuditParams),
    responses(
        (status = 200, description = "A page", body = AuditAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn accounts(
    state: State<AppState>,
    caller: Caller,
    reading: Reading,
    params: ApiQuery<AuditParams>,
) -> Result<Json<AuditAnswer>, ApiError> {
    search(state, &caller, reading, params, Kind::Account).await
}

async fn search(
    State(state): State<AppState>,
    caller: &Caller,
    reading: Reading,
    ApiQuery(params): ApiQuery<AuditParams>,
    kind: Kind,
) -> Result<Json<AuditAnswer>, ApiError> {
    caller.require(Role::Auditor)?;
    let after = params.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|rule| ApiError::parameter("after", rule))?.unwrap_or_default();
    let asked = json!({
        "account": params.account, "from_ms": params.from_ms, "to_ms": params.to_ms,
        "after": params.after,
    });
    let search = Search {
        kind,
        account: params.account,
        from_ms: params.from_ms.unwrap_or(0),
        to_ms: params.to_ms.unwrap_or(u64::MAX),
        limit: read_limit(params.limit)? as usize,
    };
    let directory = state.trail.directory().to_owned();
    let found = tokio::task::spawn_blocking(move || search.run(&directory, after)).await;
    let found = found.expect("searching does not panic").map_err(|error| {
        tracing::error!(%error, "the audit trail cannot be read");
        ApiError::new(codes::INTERNAL, "the audit trail cannot be read; the node's log says why")
    })?;
    reading.record(asked, None, found.entries.len())?;
    let head = state.trail.head();
    Ok(Json(AuditAnswer {
        entries: found.entries,
        next: found.next.map(|position| position.to_string()),
        head_seq: head.seq,
        head_hash: head.hash.to_hex(),
    }))
}
