//! HTTP interface of a node: REST, server-sent events, OpenAPI, accounts.
//!
//! # Mental model
//! [`router`] turns a [`NodePort`] (what a node can do, implemented by the server over consensus,
//! execution and storage) into an axum router; [`serve`] runs it on a socket. A request passes, in
//! this order: connection limit and header timeout ([`serve`]), metrics, concurrency limit and
//! deadline (`middleware`), the bearer token of a local account (`auth`, `accounts`), strict
//! extractors (`extract`), one handler in `routes/`, the port; an answer with records leaves a line
//! in the audit trail first (`reading`, [`audit`]). Whatever fails on the way becomes an
//! `ApiError` and leaves as a problem document (RFC 9457) whose code stands in [`codes`].
//!
//! # Invariants
//! * Default deny: only `/livez`, `/readyz` and logging in work without a token; writes on behalf of
//!   an officer need the role `officer`.
//! * No record is answered that was not recorded in the audit trail.
//! * Nothing a client sends can make a handler panic or grow memory without a limit of [`limits`].
//! * An answer about the ledger's state carries the height and the ledger time it is true at.
//! * A time-out while waiting is never reported as a failure: the status stays `pending`.
//! * `schemas/openapi.json` is what the code serves; a test compares them.
//!
//! # What this crate must never depend on
//! Any crate of ours but `precinto_protocol`: storage, execution and consensus are reached through
//! [`NodePort`] alone.
#![forbid(unsafe_code)]
#![allow(unused_qualifications, reason = "utoipa's macros qualify the types they are given")]

mod accounts;
pub mod audit;
mod auth;
mod clock;
pub mod codes;
mod error;
mod extract;
pub mod limits;
mod metrics;
mod middleware;
mod model;
mod nearest;
mod port;
mod reading;
mod request_id;
mod routes;
mod serve;
mod state;
mod webhooks;

/// What [`router`] makes and [`serve`] serves.
pub use axum::Router;

pub use accounts::{
    Account, AccountError, Accounts, ApiToken, OpenError, SessionLimits, token_digest,
};
pub use metrics::{HttpMetrics, MetricsError};
pub use nearest::nearest;
pub use port::{
    BlockDetail, BlockItem, BlockSummary, BoxFuture, CheckpointView, Consistency, Cursor,
    EventView, Health, NodeError, NodePort, NodeStatus, NodeView, OfficerCall, ParseCursorError,
    PortFuture, QueryAnswer, QueryCall, RaftRole, TransactionView,
};
pub use routes::{openapi, router};
pub use serve::serve;
pub use state::ApiConfig;
pub use webhooks::{Webhooks, WebhooksError};
