//! Metrics of the interface itself.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// The interface's metrics could not be registered.
#[derive(Debug, thiserror::Error)]
#[error("metrics of the HTTP interface: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// Requests by route and status, and how long they took.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    streams: IntGauge,
}

impl HttpMetrics {
    /// Registers the metrics whose names begin with `precinto_http_`.
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
        let streams = IntGauge::new("precinto_http_event_streams", "Event streams that are open.")?;
        registry.register(Box::new(streams.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(HttpMetrics { requests, seconds, streams })
    }

    /// Counts an event stream as open until the answer is dropped.
    pub(crate) fn stream(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }

    /// `route` is the matched pattern, never the path: that would be a label per identifier.
    pub(crate) fn observe(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }
}

/// An event stream that is open.
pub(crate) struct OpenStream(IntGauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}
