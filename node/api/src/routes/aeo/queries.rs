//! What anyone with an account asks about operators and their authorizations.

use std::sync::Arc;

use axum::{Json, extract::State};
use minicbor::{Decode, Encode};
use precinto_protocol::{
    aeo::{
        CONTRACT, StandingAuthorization,
        query::{FindAnswer, FindQuery, FoundOperator, NumberQuery},
    },
    cbor,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answers::{AsKnown, StandingAnswer},
    fields::{self, Operator, Wrong},
    times,
};
use crate::{
    codes,
    error::{ApiError, Problem},
    extract::{ApiPath, ApiQuery},
    limits::{DEFAULT_PAGE, MAX_PAGE},
    model::{AsOf, ConsistencyParam},
    port::{NodePort, QueryCall},
};

/// As of when, and how fresh.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOfParams {
    /// The time that is asked about: a date (its last millisecond in UTC), an RFC 3339 time or
    /// milliseconds since 1970. If absent, that of `known`; without either, now.
    pub(super) effective: Option<String>,
    /// Only what the ledger had recorded by then counts, in the same forms; all of it if absent.
    pub(super) known: Option<String>,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    pub(super) consistency: ConsistencyParam,
}

/// What an identifier leads to.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundAnswer {
    /// Scheme of the identifier.
    scheme: String,
    /// Normalized identifier.
    identifier: String,
    /// Lookup tag under the channel's lookup key.
    tag: String,
    /// The operator of the identifier itself first, then those that aliases lead this node's member to.
    /// Empty means: no authorization by anyone.
    operators: Vec<OperatorAnswer>,
    #[serde(flatten)]
    as_of: AsKnown,
}

/// An operator and its authorizations.
#[derive(Serialize, ToSchema)]
pub(crate) struct OperatorAnswer {
    /// Its lookup tag.
    operator: String,
    /// The declarations that led to it; none where the identifier is its own.
    via: Vec<ViaAnswer>,
    /// By member and number.
    authorizations: Vec<StandingAnswer>,
}

/// A declaration that led from an identifier to an operator.
#[derive(Serialize, ToSchema)]
pub(crate) struct ViaAnswer {
    /// Who declared it.
    member: String,
    /// `receiver`, `sender`, `adopted` or `common`.
    mode: String,
}

impl From<FoundOperator> for OperatorAnswer {
    fn from(found: FoundOperator) -> OperatorAnswer {
        let via = found.via.into_iter();
        let via = via.map(|it| ViaAnswer { member: it.member, mode: it.mode.to_string() });
        OperatorAnswer {
            operator: found.operator.to_hex(),
            via: via.collect(),
            authorizations: found.authorizations.into_iter().map(StandingAnswer::from).collect(),
        }
    }
}

/// What an identifier leads to: operators and all their authorizations.
///
/// That it leads to none is a definite answer (an empty list), not an error.
#[utoipa::path(
    get, path = "/v1/aeo/operators/{scheme}/{identifier}", operation_id = "find_operator", tag = "aeo",
    params(
        ("scheme" = String, Path, description = "Scheme of the identifier"),
        ("identifier" = String, Path, description = "Identifier, percent-encoded; separators do not matter"),
        AsOfParams,
    ),
    responses(
        (status = 200, description = "What it leads to", body = FoundAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn find(
    State(node): State<Arc<dyn NodePort>>,
    ApiPath((scheme, identifier)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<AsOfParams>,
) -> Result<Json<FoundAnswer>, ApiError> {
    let operator = read_operator(&*node, &scheme, &identifier)?;
    let as_of = times::as_of(params.effective.as_deref(), params.known.as_deref())?;
    let query = FindQuery { tag: operator.tag, viewer: Some(node.member()), as_of };
    let (found, at): (FindAnswer, _) = ask(&*node, "find", &query, params.consistency).await?;
    Ok(Json(FoundAnswer {
        scheme: operator.scheme.to_string(),
        identifier: operator.identifier,
        tag: operator.tag.to_hex(),
        operators: found.operators.into_iter().map(OperatorAnswer::from).collect(),
        as_of: AsKnown::new(at, found.as_of),
    }))
}

/// One authorization.
#[derive(Serialize, ToSchema)]
pub(crate) struct NumberAnswer {
    /// As it stood.
    authorization: StandingAnswer,
    #[serde(flatten)]
    as_of: AsKnown,
}

/// The authorization of this number.
#[utoipa::path(
    get, path = "/v1/aeo/numbers/{member}/{number}", operation_id = "show_authorization", tag = "aeo",
    params(
        ("member" = String, Path, description = "The member that granted it"),
        ("number" = String, Path, description = "Its number"),
        AsOfParams,
    ),
    responses(
        (status = 200, description = "The authorization", body = NumberAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn number(
    State(node): State<Arc<dyn NodePort>>,
    ApiPath((member, number)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<AsOfParams>,
) -> Result<Json<NumberAnswer>, ApiError> {
    let as_of = times::as_of(params.effective.as_deref(), params.known.as_deref())?;
    let query = NumberQuery { member, number, as_of };
    let (authorization, at) = by_number(&*node, query, params.consistency).await?;
    let now = aeo_now(at);
    Ok(Json(NumberAnswer {
        authorization: authorization.into(),
        as_of: AsKnown::new(at, as_of.unwrap_or(now)),
    }))
}

/// The present of a state: both times are its ledger time.
fn aeo_now(at: AsOf) -> precinto_protocol::aeo::AsOf {
    precinto_protocol::aeo::AsOf { effective_ms: at.time_ms, recorded_ms: at.time_ms }
}

/// The authorization of a number, or the problem that there is none.
pub(super) async fn by_number(
    node: &dyn NodePort,
    query: NumberQuery,
    consistency: ConsistencyParam,
) -> Result<(StandingAuthorization, AsOf), ApiError> {
    fields::number(&query.number).map_err(Wrong::parameter)?;
    let (found, at): (Option<StandingAuthorization>, _) =
        ask(node, "number", &query, consistency).await?;
    let found = found.ok_or_else(|| unknown_authorization(&query.member, &query.number, at))?;
    Ok((found, at))
}

/// A member has not granted this number.
pub(super) fn unknown_authorization(member: &str, number: &str, at: AsOf) -> ApiError {
    let detail = format!(
        "member {member:?} has granted no such authorization {number:?} as of height {}",
        at.height
    );
    ApiError::new(codes::UNKNOWN_AUTHORIZATION, detail)
}

/// Size of a page.
pub(in crate::routes) fn read_limit(limit: Option<u32>) -> Result<u32, ApiError> {
    match limit.unwrap_or(DEFAULT_PAGE) {
        limit @ 1..=MAX_PAGE => Ok(limit),
        _ => Err(ApiError::parameter("limit", format!("1 to {MAX_PAGE}"))),
    }
}

/// An identifier in a path or query string.
pub(super) fn read_operator(
    node: &dyn NodePort,
    scheme: &str,
    identifier: &str,
) -> Result<Operator, ApiError> {
    Operator::read(node, scheme, identifier).map_err(Wrong::parameter)
}

/// Runs a query of the contract: its result, and the state it was read from.
pub(super) async fn ask<Q, T>(
    node: &dyn NodePort,
    method: &str,
    query: &Q,
    consistency: ConsistencyParam,
) -> Result<(T, AsOf), ApiError>
where
    Q: Encode<()>,
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    let call =
        QueryCall { contract: CONTRACT.into(), method: method.into(), args: cbor::encode(query) };
    let answer = node.query(call, consistency.into()).await?;
    let result = cbor::decode(&answer.result)
        .map_err(|error| ApiError::undecodable(&format!("the result of {method:?}"), error))?;
    Ok((result, AsOf::from(&answer)))
}
