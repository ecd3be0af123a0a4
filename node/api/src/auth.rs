//! Bearer tokens of local accounts (RFC 6750). Default deny.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use precinto_protocol::{hash::Hash, identity::Role, statement::OnBehalf};

use crate::{accounts::Account, codes, error::ApiError, state::AppState};

/// The logged-in account of a request.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Account>);

impl Caller {
    /// The caller acting in `role` on the ledger.
    ///
    /// # Errors
    /// `role-required` if the account does not have it.
    pub(crate) fn acting_as(&self, role: Role, channel: &Hash) -> Result<OnBehalf, ApiError> {
        self.require(role)?;
        let officer = self.0.on_behalf(role, channel);
        // The member's own record of who stands behind a pseudonym.
        let pseudonym = hex::encode(officer.pseudonym);
        tracing::info!(account = self.0.name(), pseudonym, %role, "acts on the ledger");
        Ok(officer)
    }

    /// # Errors
    /// `role-required` if the account does not have it.
    pub(crate) fn require(&self, role: Role) -> Result<(), ApiError> {
        if self.0.has(role) { Ok(()) } else { Err(ApiError::role(self.0.name(), role)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, ApiError> {
        // Absent only if a route was put outside of `require_account`: refuse, never let pass.
        parts.extensions.get::<Caller>().cloned().ok_or_else(|| missing("no token was sent"))
    }
}

/// Lets a request pass if its token is an account's.
pub(crate) async fn require_account(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let caller = log_in(&state, request.headers())?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Lets a request for `/metrics` pass: an auditor's, or one from this machine where the node's
/// configuration says so.
pub(crate) async fn require_metrics_access(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let local = peer.is_some_and(|ConnectInfo(address)| address.ip().is_loopback());
    if !(local && state.metrics_open_on_loopback) {
        log_in(&state, request.headers())?.require(Role::Auditor)?;
    }
    Ok(next.run(request).await)
}

fn log_in(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let header = headers.get(header::AUTHORIZATION).ok_or_else(|| missing("no token was sent"))?;
    let token = header
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| missing("the Authorization header is not `Bearer <token>`"))?;
    state.accounts.find(token).map(Caller).ok_or_else(|| missing("the token is no account's"))
}

fn missing(detail: &str) -> ApiError {
    ApiError::new(codes::UNAUTHORIZED, detail)
}
