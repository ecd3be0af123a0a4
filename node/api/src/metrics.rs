//! Metrics of the interface itself.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// The interface's metrics could not be registered.
#[derive(Debug, thiserror::Error)]
#[error("metrics of the HTTP interface: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// Requests by route and status, and how long they took.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl HttpMetrics {
    /// Registers `precinto_http_requests_total` and `precinto_http_request_seconds`.
    ///
    /// # Errors
    /// If they are registered already.
    pub fn register(registry: &Registry) -> Result<HttpMetrics, MetricsError> {
        let requests = IntCounterVec::new(
            Opts::new("precinto_http_requests_total", "Requests by route and status."),
            &["method", "route", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "precinto_http_request_seconds",
                "Time until the response began, by route.",
            )
            .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0]),
            &["route"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(HttpMetrics { requests, seconds })
    }

    /// `route` is the matched pattern, never the path: that would be a label per identifier.
    pub(crate) fn observe(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }
}
