//! Who asserted what about an authorization, and when.

use std::sync::Arc;

use axum::{Json, extract::State};
use precinto_protocol::{
    aeo::{
        Transition,
        query::{HistoryQuery, NumberQuery},
    },
    cbor,
    hash::Hash,
    state::RecordLogEntry,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answers::TransitionAnswer,
    queries::{ask, by_number, read_operator, unknown_authorization},
    times,
};
use crate::{
    error::{ApiError, Problem},
    extract::{ApiPath, ApiQuery},
    model::{AsOf, ConsistencyParam},
    port::NodePort,
};

/// Which authorization's history, and from where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OperatorHistoryParams {
    /// The member that granted it.
    member: String,
    /// Its number.
    number: String,
    /// Index of the first entry; 0 if absent.
    #[serde(default)]
    from: u64,
    /// Only what the ledger had recorded by then: a date (its last millisecond in UTC), an RFC 3339
    /// time or milliseconds since 1970; all if absent.
    known: Option<String>,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// Which part of a history.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NumberHistoryParams {
    /// Index of the first entry; 0 if absent.
    #[serde(default)]
    from: u64,
    /// Only what the ledger had recorded by then: a date (its last millisecond in UTC), an RFC 3339
    /// time or milliseconds since 1970; all if absent.
    known: Option<String>,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// What happened to an authorization.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryAnswer {
    /// Oldest first, up to a page.
    entries: Vec<HistoryEntry>,
    /// `from` of the next page; there is nothing to read there yet if this page was empty.
    next: u64,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Who asserted what, and when.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryEntry {
    /// Place in the authorization's history, from 0.
    index: u64,
    /// Ledger time at which it was recorded.
    recorded_ms: u64,
    /// Height of the block that recorded it.
    recorded_height: u64,
    /// The member that asserted it.
    member: String,
    /// The transaction that recorded it.
    transaction: String,
    #[serde(flatten)]
    transition: TransitionAnswer,
}

impl HistoryEntry {
    fn read(index: u64, entry: RecordLogEntry) -> Result<HistoryEntry, ApiError> {
        let transition: Transition = cbor::decode(&entry.payload)
            .map_err(|error| ApiError::undecodable("a transition", error))?;
        Ok(HistoryEntry {
            index,
            recorded_ms: entry.time_ms,
            recorded_height: entry.height,
            member: entry.member,
            transaction: entry.transaction.to_hex(),
            transition: transition.into(),
        })
    }
}

/// The history of an operator's authorization.
///
/// The identifier is the one under which it was granted; see `/v1/aeo/numbers/{member}/{number}/history`
/// where only an alias is at hand.
#[utoipa::path(
    get, path = "/v1/aeo/operators/{scheme}/{identifier}/history", operation_id = "operator_history", tag = "aeo",
    params(
        ("scheme" = String, Path, description = "Scheme of the identifier"),
        ("identifier" = String, Path, description = "Identifier, percent-encoded; separators do not matter"),
        OperatorHistoryParams,
    ),
    responses(
        (status = 200, description = "Its history", body = HistoryAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn of_operator(
    State(node): State<Arc<dyn NodePort>>,
    ApiPath((scheme, identifier)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<OperatorHistoryParams>,
) -> Result<Json<HistoryAnswer>, ApiError> {
    let operator = read_operator(&*node, &scheme, &identifier)?.tag;
    let OperatorHistoryParams { member, number, from, known, consistency } = params;
    let part = NumberHistoryParams { from, known, consistency };
    history(&*node, operator, (member, number), part).await
}

/// The history of the authorization of this number.
#[utoipa::path(
    get, path = "/v1/aeo/numbers/{member}/{number}/history", operation_id = "authorization_history", tag = "aeo",
    params(
        ("member" = String, Path, description = "The member that granted it"),
        ("number" = String, Path, description = "Its number"),
        NumberHistoryParams,
    ),
    responses(
        (status = 200, description = "Its history", body = HistoryAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn of_number(
    State(node): State<Arc<dyn NodePort>>,
    ApiPath((member, number)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<NumberHistoryParams>,
) -> Result<Json<HistoryAnswer>, ApiError> {
    let query = NumberQuery { member, number, as_of: None };
    let (found, _) = by_number(&*node, query.clone(), params.consistency).await?;
    let operator = found.authorization.operator;
    history(&*node, operator, (query.member, query.number), params).await
}

async fn history(
    node: &dyn NodePort,
    operator: Hash,
    (member, number): (String, String),
    part: NumberHistoryParams,
) -> Result<Json<HistoryAnswer>, ApiError> {
    let known_ms = times::known(part.known.as_deref())?;
    let query = HistoryQuery { operator, member, number, from: part.from };
    let (found, as_of): (Vec<RecordLogEntry>, _) =
        ask(node, "history", &query, part.consistency).await?;
    let known = found.into_iter().take_while(|entry| entry.time_ms <= known_ms);
    let entries = (part.from..).zip(known).map(|(index, entry)| HistoryEntry::read(index, entry));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    if entries.is_empty() && part.from == 0 {
        return Err(unknown_authorization(&query.member, &query.number, as_of));
    }
    let next = part.from.saturating_add(entries.len() as u64);
    Ok(Json(HistoryAnswer { entries, next, as_of }))
}
