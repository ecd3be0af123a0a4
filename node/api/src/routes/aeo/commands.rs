//! What an officer does to one authorization. The node signs on behalf of the officer.

use std::sync::Arc;

use axum::extract::State;
use precinto_protocol::{aeo::Action, identity::Role, statement::OnBehalf};

use super::forms::{AmendForm, CertifyForm, ChangeForm};
use crate::{
    auth::Caller,
    error::{ApiError, Problem},
    extract::{ApiJson, ApiQuery},
    model::{TransactionAnswer, WaitParams},
    port::{NodePort, OfficerCall},
    routes::transactions::{miscounted, settle_each},
};

/// The role in which the officers of a member change its authorizations.
pub(super) const ROLE: Role = Role::Officer;

pub(super) type Answer = Result<TransactionAnswer, ApiError>;

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
    let officer = caller.acting_as(ROLE, &node.channel())?;
    run(&*node, officer, &wait, form.read(&*node)?).await
}

/// Gives an authorization of the caller's member other terms.
#[utoipa::path(
    post, path = "/v1/aeo/authorizations/amend", tag = "aeo", params(WaitParams), request_body = AmendForm,
    responses(
        (status = 200, description = "Committed", body = TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn amend(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<AmendForm>,
) -> Answer {
    let officer = caller.acting_as(ROLE, &node.channel())?;
    run(&*node, officer, &wait, form.read(&*node)?).await
}

/// A route that changes an authorization's status: five that differ in name and meaning alone.
macro_rules! change {
    ($(#[$doc:meta])* $name:ident, $path:tt, $action:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "aeo", params(WaitParams), request_body = ChangeForm,
            responses(
                (status = 200, description = "Committed", body = TransactionAnswer),
                (status = 202, description = "Accepted, not final yet", body = TransactionAnswer),
                (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
            ),
        )]
        pub(crate) async fn $name(
            State(node): State<Arc<dyn NodePort>>,
            caller: Caller,
            ApiQuery(wait): ApiQuery<WaitParams>,
            ApiJson(form): ApiJson<ChangeForm>,
        ) -> Answer {
            let officer = caller.acting_as(ROLE, &node.channel())?;
            run(&*node, officer, &wait, form.read(&*node, $action)?).await
        }
    };
}

change! {
    /// Suspends an authorization of the caller's member.
    suspend, "/v1/aeo/authorizations/suspend", Action::Suspend
}

change! {
    /// Reinstates a suspended authorization of the caller's member.
    reinstate, "/v1/aeo/authorizations/reinstate", Action::Reinstate
}

change! {
    /// Ends an authorization of the caller's member that its holder gave up, for ever.
    withdraw, "/v1/aeo/authorizations/withdraw", Action::Withdraw
}

change! {
    /// Proposes to revoke an authorization of the caller's member, for ever.
    ///
    /// It takes effect once a second person approves it; the id of this transaction is the proposal.
    revoke, "/v1/aeo/authorizations/revoke", Action::Revoke
}

change! {
    /// Proposes to annul an authorization of the caller's member: void from the beginning.
    ///
    /// It takes effect once a second person approves it; the id of this transaction is the proposal.
    annul, "/v1/aeo/authorizations/annul", Action::Annul
}

/// Has the node sign and submit a call for the officer. The handlers check the role before the form,
/// so that nobody learns more than that it is missing.
pub(super) async fn run(
    node: &dyn NodePort,
    officer: OnBehalf,
    wait: &WaitParams,
    call: OfficerCall,
) -> Answer {
    let limit = wait.limit()?;
    let accepted = node.call_as(officer, vec![call]).await.pop();
    let accepted = accepted.ok_or_else(miscounted)?.map_err(ApiError::from);
    let settled = settle_each(node, vec![accepted], limit).await.pop();
    let view = settled.ok_or_else(miscounted)??;
    match ApiError::of_transaction(&view) {
        Some(refused) => Err(refused),
        None => Ok(view.into()),
    }
}
