//! What every request passes: metrics, concurrency limit, deadline.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use tracing::Instrument;

use crate::{
    codes,
    error::ApiError,
    limits::REQUEST_TIMEOUT,
    request_id::{RequestId, X_REQUEST_ID},
    state::AppState,
};

/// Counts the request and logs it with its outcome.
pub(crate) async fn observe(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let id = RequestId::new();
    let span = tracing::info_span!("request", id = id.0, %method, route);
    request.extensions_mut().insert(id.clone());
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(X_REQUEST_ID, id.header());
    let (status, took) = (response.status().as_u16(), started.elapsed());
    state.metrics.observe(method.as_str(), &route, status, took);
    tracing::debug!(parent: &span, status, took_us = took.as_micros() as u64, "answered");
    response
}

/// Bounds how many requests are served at once and how long each may take. A response that streams
/// counts until it begins.
pub(crate) async fn bound(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Ok(_permit) = state.requests.try_acquire() else {
        let detail = "the node serves as many requests as it may";
        return ApiError::new(codes::OVERLOADED, detail).retryable().into_response();
    };
    match timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("no answer within {} s", REQUEST_TIMEOUT.as_secs());
            ApiError::new(codes::REQUEST_TIMEOUT, detail).retryable().into_response()
        }
    }
}
