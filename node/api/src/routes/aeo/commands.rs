//! What an officer does to one authorization. The node signs on behalf of the officer.

use std::sync::Arc;

use axum::extract::State;
use precinto_protocol::{aeo::Action, identity::Role};

use super::forms::{CertifyForm, ChangeForm};
use crate::{
    auth::Caller,
    error::{ApiError, Problem},
    extract::{ApiJson, ApiQuery},
    model::{TransactionAnswer, WaitParams},
    port::{NodePort, OfficerCall},
    routes::transactions::{miscounted, settle},
};

/// The role in which the officers of a member change its authorizations.
pub(super) const ROLE: Role = Role::Officer;

type Answer = Result<TransactionAnswer, ApiError>;

/// Grants an authorization to an operator of the caller's member.
#[utoipa::path(
    post, path = "/v1/aeo/authorizations", tag = "aeo", params(WaitParams), request_body = CertifyForm,
    responses(
        (status = 200, description = "Committed", body = TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn certify(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<CertifyForm>,
) -> Answer {
    let call = form.read(&*node);
    run(&*node, &caller, &wait, call).await
}

/// Suspends an authorization of the caller's member.
#[utoipa::path(
    post, path = "/v1/aeo/authorizations/suspend", tag = "aeo", params(WaitParams), request_body = ChangeForm,
    responses(
        (status = 200, description = "Committed", body = TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn suspend(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<ChangeForm>,
) -> Answer {
    let call = form.read(&*node, Action::Suspend.name());
    run(&*node, &caller, &wait, call).await
}

/// Reinstates a suspended authorization of the caller's member.
#[utoipa::path(
    post, path = "/v1/aeo/authorizations/reinstate", tag = "aeo", params(WaitParams), request_body = ChangeForm,
    responses(
        (status = 200, description = "Committed", body = TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn reinstate(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<ChangeForm>,
) -> Answer {
    let call = form.read(&*node, Action::Reinstate.name());
    run(&*node, &caller, &wait, call).await
}

/// Revokes an authorization of the caller's member, for ever.
#[utoipa::path(
    post, path = "/v1/aeo/authorizations/revoke", tag = "aeo", params(WaitParams), request_body = ChangeForm,
    responses(
        (status = 200, description = "Committed", body = TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn revoke(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<ChangeForm>,
) -> Answer {
    let call = form.read(&*node, Action::Revoke.name());
    run(&*node, &caller, &wait, call).await
}

/// The role is checked before the form, so that nobody learns more than that it is missing.
async fn run(
    node: &dyn NodePort,
    caller: &Caller,
    wait: &WaitParams,
    call: Result<OfficerCall, ApiError>,
) -> Answer {
    let officer = caller.acting_as(ROLE, &node.channel())?;
    let limit = wait.limit()?;
    let accepted = node.call_as(officer, vec![call?]).await.pop();
    let id = accepted.ok_or_else(miscounted)??;
    let view = settle(node, id, limit).await;
    match ApiError::of_transaction(&view) {
        Some(refused) => Err(refused),
        None => Ok(view.into()),
    }
}
