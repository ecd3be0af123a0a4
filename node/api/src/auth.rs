//! Bearer tokens of local accounts (RFC 6750). Default deny.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use precinto_protocol::{hash::Hash, identity::Role, statement::OnBehalf};

use crate::{accounts::Login, codes, error::ApiError, state::AppState};

/// The logged-in account of a request.
#[derive(Clone)]
pub(crate) struct Caller(Login);

impl Caller {
    /// The caller acting in `role` on the ledger.
    ///
    /// # Errors
    /// `role-required` if the account does not have it.
    pub(crate) fn acting_as(&self, role: Role, channel: &Hash) -> Result<OnBehalf, ApiError> {
        self.require(role)?;
        let officer = self.0.account.on_behalf(role, channel);
        // The member's own record of who stands behind a pseudonym.
        let pseudonym = hex::encode(officer.pseudonym);
        tracing::info!(account = self.name(), pseudonym, %role, "acts on the ledger");
        Ok(officer)
    }

    /// Refuses a caller without `role`.
    ///
    /// # Errors
    /// `role-required`.
    pub(crate) fn require(&self, role: Role) -> Result<(), ApiError> {
        if self.0.roles.contains(&role) { Ok(()) } else { Err(ApiError::role(self.name(), role)) }
    }

    /// Name of the account.
    pub(crate) fn name(&self) -> &str {
        self.0.account.name()
    }

    /// What this login may do.
    pub(crate) fn roles(&self) -> &BTreeSet<Role> {
        &self.0.roles
    }

    /// The account in use.
    pub(crate) fn login(&self) -> &Login {
        &self.0
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
    let login = state.accounts.authenticate(token);
    login.map(Caller).ok_or_else(|| missing("the token is no account's, or it has expired"))
}

/// The address that a request comes from, for throttling alone: a proxy's word is taken only from
/// the one that the configuration names.
pub(crate) fn source(state: &AppState, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    // Only without a socket, in tests.
    let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip());
    if state.trusted_proxy != Some(peer) {
        return peer;
    }
    // The proxy adds whom it saw at the end; what stands before is the client's to invent.
    let added = headers.get_all("x-forwarded-for").iter().next_back();
    let added = added.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    added.and_then(|address| address.trim().parse().ok()).unwrap_or(peer)
}

fn missing(detail: &str) -> ApiError {
    ApiError::new(codes::UNAUTHORIZED, detail)
}
