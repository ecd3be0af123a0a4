//! What anyone with an account asks about authorizations.

use std::sync::Arc;

use axum::{Json, extract::State};
use minicbor::{Decode, Encode};
use precinto_protocol::{
    aeo::{
        Authorization, AuthorizationPage, CONTRACT, HistoryQuery, ListQuery, OperatorQuery,
        Transition,
    },
    cbor,
    state::RecordLogEntry,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::forms::Operator;
use crate::{
    codes,
    error::{ApiError, Problem},
    extract::{ApiPath, ApiQuery},
    limits::{DEFAULT_PAGE, MAX_PAGE},
    model::{AsOf, AuthorizationAnswer, ConsistencyParam, StandingAuthorization},
    port::{NodePort, QueryAnswer, QueryCall},
    reading::Reading,
};

/// How fresh the answer must be.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OperatorParams {
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// An operator's authorizations.
#[derive(Serialize, ToSchema)]
pub(crate) struct OperatorAnswer {
    /// Lower-case scheme.
    scheme: String,
    /// Normalized identifier.
    identifier: String,
    /// Lookup tag under the channel's lookup key.
    operator: String,
    /// Of all members, by member and number; empty means that it has none as of the height.
    authorizations: Vec<StandingAuthorization>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// All authorizations of an operator.
///
/// An operator without any is a definite answer (an empty list), not an error.
#[utoipa::path(
    get, path = "/v1/aeo/operators/{scheme}/{identifier}", operation_id = "show_operator", tag = "aeo",
    params(
        ("scheme" = String, Path, description = "Scheme of the identifier"),
        ("identifier" = String, Path, description = "Identifier, percent-encoded; separators do not matter"),
        OperatorParams,
    ),
    responses(
        (status = 200, description = "Its authorizations", body = OperatorAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn operator(
    State(node): State<Arc<dyn NodePort>>,
    reading: Reading,
    ApiPath((scheme, identifier)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<OperatorParams>,
) -> Result<Json<OperatorAnswer>, ApiError> {
    let operator = read_operator(&*node, &scheme, &identifier)?;
    let query = OperatorQuery { operator: operator.tag };
    let answer = run(&*node, "operator", &query, params.consistency).await?;
    let found: Vec<Authorization> = decode(&answer, "a list of authorizations")?;
    reading.record(json!({ "operator": operator.tag.to_hex() }), answer.height, found.len())?;
    let standing = |found| StandingAuthorization::new(found, answer.time_ms);
    Ok(Json(OperatorAnswer {
        scheme: operator.scheme,
        identifier: operator.identifier,
        operator: operator.tag.to_hex(),
        authorizations: found.into_iter().map(standing).collect(),
        as_of: AsOf::from(&answer),
    }))
}

/// Which authorization's history, and from where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// The member that granted it.
    member: String,
    /// Its number.
    number: String,
    /// Index of the first entry; 0 if absent.
    #[serde(default)]
    from: u64,
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
    /// `from` of the next page; there is nothing to read there yet if this page was not full.
    next: u64,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Who asserted what, and when.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryEntry {
    /// Place in the authorization's history, from 0.
    index: u64,
    /// `certify`, `suspend`, `reinstate` or `revoke`.
    action: String,
    /// When it takes effect, as the member asserted.
    effective_ms: u64,
    /// Why; empty for `certify`.
    reason: String,
    /// Ledger time at which it was recorded.
    recorded_ms: u64,
    /// Height of the block that recorded it.
    recorded_height: u64,
    /// The member that asserted it.
    member: String,
    /// The transaction that recorded it.
    transaction: String,
    /// The authorization after it.
    authorization: AuthorizationAnswer,
}

/// The history of one authorization.
#[utoipa::path(
    get, path = "/v1/aeo/operators/{scheme}/{identifier}/history", operation_id = "authorization_history", tag = "aeo",
    params(
        ("scheme" = String, Path, description = "Scheme of the identifier"),
        ("identifier" = String, Path, description = "Identifier, percent-encoded; separators do not matter"),
        HistoryParams,
    ),
    responses(
        (status = 200, description = "Its history", body = HistoryAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn history(
    State(node): State<Arc<dyn NodePort>>,
    reading: Reading,
    ApiPath((scheme, identifier)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<HistoryParams>,
) -> Result<Json<HistoryAnswer>, ApiError> {
    let operator = read_operator(&*node, &scheme, &identifier)?;
    let HistoryParams { member, number, from, consistency } = params;
    let query = HistoryQuery { operator: operator.tag, member, number, from };
    let answer = run(&*node, "history", &query, consistency).await?;
    let found: Vec<RecordLogEntry> = decode(&answer, "a list of history entries")?;
    let asked = json!({
        "operator": query.operator.to_hex(), "member": query.member, "number": query.number,
        "from": from,
    });
    reading.record(asked, answer.height, found.len())?;
    if found.is_empty() && from == 0 {
        let detail = format!(
            "member {:?} has granted no authorization {:?} to this operator as of height {}",
            query.member, query.number, answer.height
        );
        return Err(ApiError::new(codes::UNKNOWN_AUTHORIZATION, detail));
    }
    let entries = (from..).zip(found).map(|(index, entry)| HistoryEntry::read(index, entry));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let next = from.saturating_add(entries.len() as u64);
    Ok(Json(HistoryAnswer { entries, next, as_of: AsOf::from(&answer) }))
}

impl HistoryEntry {
    fn read(index: u64, entry: RecordLogEntry) -> Result<HistoryEntry, ApiError> {
        let transition: Transition = cbor::decode(&entry.payload)
            .map_err(|error| ApiError::undecodable("a transition", error))?;
        Ok(HistoryEntry {
            index,
            action: transition.action.name().into(),
            effective_ms: transition.effective_ms,
            reason: transition.reason,
            recorded_ms: entry.time_ms,
            recorded_height: entry.height,
            member: entry.member,
            transaction: entry.transaction.to_hex(),
            authorization: transition.authorization.into(),
        })
    }
}

/// Which page of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// `next` of the page before; absent for the first.
    after: Option<String>,
    /// Up to 100, 50 if absent.
    limit: Option<u32>,
}

/// A page of authorizations.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListAnswer {
    /// Of all members, by operator, member and number.
    authorizations: Vec<StandingAuthorization>,
    /// `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// All authorizations of all members, page by page.
#[utoipa::path(
    get, path = "/v1/aeo/authorizations", operation_id = "list_authorizations", tag = "aeo", params(ListParams),
    responses(
        (status = 200, description = "A page", body = ListAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(node): State<Arc<dyn NodePort>>,
    reading: Reading,
    ApiQuery(params): ApiQuery<ListParams>,
) -> Result<Json<ListAnswer>, ApiError> {
    let after = hex::decode(params.after.unwrap_or_default())
        .map_err(|_| ApiError::parameter("after", "not the `next` of a page"))?;
    let query = ListQuery { after, limit: read_limit(params.limit)? };
    let answer = run(&*node, "list", &query, ConsistencyParam::Local).await?;
    let page: AuthorizationPage = decode(&answer, "a page of authorizations")?;
    let asked = json!({ "after": hex::encode(&query.after) });
    reading.record(asked, answer.height, page.items.len())?;
    let standing = |found| StandingAuthorization::new(found, answer.time_ms);
    Ok(Json(ListAnswer {
        authorizations: page.items.into_iter().map(standing).collect(),
        next: (!page.next.is_empty()).then(|| hex::encode(&page.next)),
        as_of: AsOf::from(&answer),
    }))
}

/// Size of a page.
pub(in crate::routes) fn read_limit(limit: Option<u32>) -> Result<u32, ApiError> {
    match limit.unwrap_or(DEFAULT_PAGE) {
        limit @ 1..=MAX_PAGE => Ok(limit),
        _ => Err(ApiError::parameter("limit", format!("1 to {MAX_PAGE}"))),
    }
}

fn read_operator(
    node: &dyn NodePort,
    scheme: &str,
    identifier: &str,
) -> Result<Operator, ApiError> {
    Operator::read(node, scheme, identifier).map_err(|(name, rule)| ApiError::parameter(name, rule))
}

async fn run<Q: Encode<()>>(
    node: &dyn NodePort,
    method: &str,
    query: &Q,
    consistency: ConsistencyParam,
) -> Result<QueryAnswer, ApiError> {
    let call =
        QueryCall { contract: CONTRACT.into(), method: method.into(), args: cbor::encode(query) };
    Ok(node.query(call, consistency.into()).await?)
}

fn decode<'b, T>(answer: &'b QueryAnswer, what: &str) -> Result<T, ApiError>
where
    T: Decode<'b, ()> + Encode<()>,
{
    cbor::decode(&answer.result).map_err(|error| ApiError::undecodable(what, error))
}
