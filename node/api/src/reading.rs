//! Reads of records, each of which leaves a line in the audit trail before it is answered.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    audit::{Act, Kind, Trail},
    auth::Caller,
    clock::now_ms,
    codes,
    error::ApiError,
    request_id::RequestId,
    state::AppState,
};

/// Texts of a question are clipped to this many characters in the trail, so that no line grows
/// beyond what is read back.
const MAX_ASKED_CHARS: usize = 256;

/// Whether the request has left its line.
#[derive(Clone, Default)]
struct Receipt(Arc<AtomicBool>);

/// The line that a request is about to leave in the audit trail.
pub(crate) struct Reading {
    trail: Trail,
    receipt: Receipt,
    act: Act,
}

impl Reading {
    /// Notes what was asked, at which height, and how many records the answer has. Operators are
    /// named by lookup tag: the trail must not become a list of identifiers.
    ///
    /// # Errors
    /// `audit-unavailable`: then nothing may be answered.
    pub(crate) fn record(
        self,
        asked: Value,
        height: impl Into<Option<u64>>,
        results: impl Into<Option<usize>>,
    ) -> Result<(), ApiError> {
        let results = results.into().map(|count| count as u64);
        let act = Act { asked: clipped(asked), height: height.into(), results, ..self.act };
        self.trail.record(act)?;
        self.receipt.0.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl FromRequestParts<AppState> for Reading {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        // Absent only if a route was put outside of `require_reading`: then nobody checks it.
        let receipt = parts.extensions.get::<Receipt>().cloned().ok_or_else(unaudited)?;
        Ok(Reading { trail: state.trail.clone(), receipt, act: act(parts, &caller, Kind::Read) })
    }
}

/// An act of `caller`; what was asked is the handler's to fill in.
pub(crate) fn act(parts: &Parts, caller: &Caller, kind: Kind) -> Act {
    Act {
        account: caller.name().to_owned(),
        roles: caller.roles().clone(),
        ..anonymous_act(parts, kind)
    }
}

/// An act of somebody who is not logged in.
pub(crate) fn anonymous_act(parts: &Parts, kind: Kind) -> Act {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let request = parts.extensions.get::<RequestId>().map_or("", |id| &id.0);
    Act {
        time_ms: now_ms(),
        request: request.to_owned(),
        kind,
        account: String::new(),
        roles: Default::default(),
        route: format!("{} {path}", parts.method),
        asked: json!({}),
        height: None,
        results: None,
    }
}

/// Lets a good answer pass only if its handler recorded it.
pub(crate) async fn require_reading(mut request: Request, next: Next) -> Response {
    let receipt = Receipt::default();
    request.extensions_mut().insert(receipt.clone());
    let response = next.run(request).await;
    if response.status().is_success() && !receipt.0.load(Ordering::Relaxed) {
        return unaudited().into_response();
    }
    response
}

fn unaudited() -> ApiError {
    tracing::error!("an endpoint that reads records does not record it");
    ApiError::new(codes::INTERNAL, "the read was not recorded, so it is not answered")
}

fn clipped(asked: Value) -> Value {
    match asked {
        Value::String(text) if text.len() > MAX_ASKED_CHARS => {
            Value::String(text.chars().take(MAX_ASKED_CHARS).collect())
        }
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, clipped(value))).collect())
        }
        other => other,
    }
}
