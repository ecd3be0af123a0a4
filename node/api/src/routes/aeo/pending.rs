//! Maker and checker: what waits for a second person of the member, and what that person says.

use std::sync::Arc;

use axum::{Json, extract::State};
use precinto_protocol::{
    aeo::{
        Decide, PendingAction,
        query::{PendingPage, PendingQuery},
    },
    identity::Role,
    transaction::TransactionId,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    answers::PendingAnswer,
    commands::{Answer, run},
    fields::{self, Wrong},
    forms::call,
    queries::{ask, read_limit},
};
use crate::{
    auth::Caller,
    error::{ApiError, Problem},
    extract::{ApiJson, ApiQuery},
    model::{AsOf, ConsistencyParam, WaitParams},
    port::{NodePort, OfficerCall},
    reading::Reading,
};

/// A decision about what another person of the member proposed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideForm {
    /// Authorization number.
    #[schema(example = "UY-OEC-0001")]
    number: String,
    /// The proposing transaction, so that what is decided about is what was seen.
    proposal: String,
}

impl DecideForm {
    fn read(self, method: &str) -> Result<OfficerCall, ApiError> {
        let proposal: TransactionId = self.proposal.parse().map_err(|_| {
            Wrong::new("proposal", "expected a transaction id, 64 hexadecimal characters")
        })?;
        let args = Decide { number: fields::number(&self.number)?, proposal };
        Ok(call(method, &args))
    }
}

/// Approves a revocation or annulment that another person of the caller's member proposed.
#[utoipa::path(
    post, path = "/v1/aeo/authorizations/approve", tag = "aeo", params(WaitParams), request_body = DecideForm,
    responses(
        (status = 200, description = "Committed", body = crate::model::TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = crate::model::TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn approve(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<DecideForm>,
) -> Answer {
    let supervisor = caller.acting_as(Role::Supervisor, &node.channel())?;
    run(&*node, supervisor, &wait, form.read("approve")?).await
}

/// Declines a revocation or annulment that a person of the caller's member proposed.
#[utoipa::path(
    post, path = "/v1/aeo/authorizations/decline", tag = "aeo", params(WaitParams), request_body = DecideForm,
    responses(
        (status = 200, description = "Committed", body = crate::model::TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = crate::model::TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn decline(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<DecideForm>,
) -> Answer {
    // Who proposed it may take it back, who could approve it may refuse it.
    let person = caller
        .acting_as(Role::Supervisor, &node.channel())
        .or_else(|_| caller.acting_as(Role::Officer, &node.channel()))?;
    run(&*node, person, &wait, form.read("decline")?).await
}

/// Which page of what is pending.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PendingParams {
    /// `next` of the page before; absent for the first.
    cursor: Option<String>,
    /// Up to 100, 50 if absent.
    limit: Option<u32>,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// What waits for a second person.
#[derive(Serialize, ToSchema)]
pub(crate) struct PendingListAnswer {
    /// By operator and number.
    pending: Vec<PendingAnswer>,
    /// `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// What waits for a second person of this node's member.
#[utoipa::path(
    get, path = "/v1/aeo/pending", operation_id = "list_pending", tag = "aeo", params(PendingParams),
    responses(
        (status = 200, description = "A page", body = PendingListAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(node): State<Arc<dyn NodePort>>,
    reading: Reading,
    ApiQuery(params): ApiQuery<PendingParams>,
) -> Result<Json<PendingListAnswer>, ApiError> {
    let after = hex::decode(params.cursor.unwrap_or_default())
        .map_err(|_| ApiError::parameter("cursor", "not the `next` of a page"))?;
    let query = PendingQuery { member: node.member(), after, limit: read_limit(params.limit)? };
    let (page, as_of): (PendingPage, _) =
        ask(&*node, "pending", &query, params.consistency).await?;
    reading.record(json!({ "member": query.member }), as_of.height, page.items.len())?;
    let pending =
        page.items.into_iter().map(|it: PendingAction| PendingAnswer::at(it, as_of.time_ms));
    Ok(Json(PendingListAnswer {
        pending: pending.collect(),
        next: (!page.next.is_empty()).then(|| hex::encode(&page.next)),
        as_of,
    }))
}
