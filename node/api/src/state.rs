//! What every handler shares.

use std::{net::IpAddr, sync::Arc};

use axum::extract::FromRef;
use prometheus::Registry;
use tokio::sync::Semaphore;

use crate::{
    accounts::Accounts,
    audit::Trail,
    limits::{MAX_EVENT_STREAMS, MAX_REQUESTS},
    metrics::HttpMetrics,
    port::NodePort,
    webhooks::Webhooks,
};

/// What [`crate::router`] is made of.
pub struct ApiConfig {
    /// The node.
    pub node: Arc<dyn NodePort>,
    /// Who may use it.
    pub accounts: Accounts,
    /// Whom the node tells by itself.
    pub webhooks: Webhooks,
    /// Where reads are recorded.
    pub trail: Trail,
    /// The reverse proxy whose `X-Forwarded-For` is believed.
    pub trusted_proxy: Option<IpAddr>,
    /// What `/metrics` shows.
    pub registry: Registry,
    /// The interface's own metrics, registered in `registry`.
    pub metrics: HttpMetrics,
    /// Whether `/metrics` answers without a token to a client on this machine.
    pub metrics_open_on_loopback: bool,
}

/// Shared state of all handlers; cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) node: Arc<dyn NodePort>,
    pub(crate) accounts: Accounts,
    pub(crate) webhooks: Webhooks,
    pub(crate) trail: Trail,
    pub(crate) trusted_proxy: Option<IpAddr>,
    pub(crate) registry: Registry,
    pub(crate) metrics: HttpMetrics,
    pub(crate) metrics_open_on_loopback: bool,
    pub(crate) requests: Semaphore,
    pub(crate) event_streams: Arc<Semaphore>,
}

impl AppState {
    pub(crate) fn new(config: ApiConfig) -> AppState {
        AppState(Arc::new(Shared {
            node: config.node,
            accounts: config.accounts,
            webhooks: config.webhooks,
            trail: config.trail,
            trusted_proxy: config.trusted_proxy,
            registry: config.registry,
            metrics: config.metrics,
            metrics_open_on_loopback: config.metrics_open_on_loopback,
            requests: Semaphore::new(MAX_REQUESTS),
            event_streams: Arc::new(Semaphore::new(MAX_EVENT_STREAMS)),
        }))
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Handlers that need nothing but the node take it alone.
impl FromRef<AppState> for Arc<dyn NodePort> {
    fn from_ref(state: &AppState) -> Arc<dyn NodePort> {
        state.node.clone()
    }
}
