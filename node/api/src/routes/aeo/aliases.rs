//! Identifier equivalence: declarations that an identifier means an operator.

use std::sync::Arc;

use axum::{Json, extract::State};
use precinto_protocol::aeo::{Alias, DeclareAlias, RetireAlias, query::AliasesQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answers::AliasAnswer,
    commands::{Answer, ROLE, run},
    fields::{self, Operator, Wrong},
    forms::call,
    queries::{ask, read_operator},
    times,
};
use crate::{
    auth::Caller,
    error::{ApiError, Problem},
    extract::{ApiJson, ApiPath, ApiQuery},
    model::{AsOf, ConsistencyParam, WaitParams},
    port::NodePort,
};

/// An identifier as a person writes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentifierForm {
    /// Its scheme.
    #[schema(example = "duns")]
    scheme: String,
    /// The identifier; spaces, hyphens, dots and slashes do not matter.
    #[schema(example = "15-048-3782")]
    identifier: String,
}

impl IdentifierForm {
    fn read(&self, node: &dyn NodePort) -> Result<Operator, Wrong> {
        Operator::read(node, &self.scheme, &self.identifier)
    }
}

/// A declaration that an identifier means an operator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasForm {
    /// The other identifier.
    alias: IdentifierForm,
    /// The identifier under which the operator was authorized.
    operator: IdentifierForm,
    /// `receiver`: this member translates a partner's identifier for itself alone. By the member
    /// that granted the authorization: `sender` (it translates into a partner's identifier),
    /// `adopted` (an identifier that a partner gave) or `common` (both use it).
    #[schema(example = "common")]
    mode: String,
    /// Whether the member's law publishes the alias; otherwise it never enters the ledger.
    #[serde(default)]
    publish: bool,
}

/// A declaration to retire.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetireForm {
    /// The other identifier.
    alias: IdentifierForm,
    /// The identifier under which the operator was authorized.
    operator: IdentifierForm,
}

/// Declares, for the caller's member, that an identifier means an operator.
#[utoipa::path(
    post, path = "/v1/aeo/aliases", operation_id = "declare_alias", tag = "aeo", params(WaitParams), request_body = AliasForm,
    responses(
        (status = 200, description = "Committed", body = crate::model::TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = crate::model::TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn declare(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<AliasForm>,
) -> Answer {
    let officer = caller.acting_as(ROLE, &node.channel())?;
    let alias = form.alias.read(&*node)?;
    let args = DeclareAlias {
        alias: alias.tag,
        operator: form.operator.read(&*node)?.tag,
        mode: fields::named("mode", &form.mode)?,
        identifier: alias.published(form.publish),
    };
    run(&*node, officer, &wait, call("declare-alias", &args)).await
}

/// Retires a declaration of the caller's member: it leads nobody any more.
#[utoipa::path(
    post, path = "/v1/aeo/aliases/retire", operation_id = "retire_alias", tag = "aeo", params(WaitParams), request_body = RetireForm,
    responses(
        (status = 200, description = "Committed", body = crate::model::TransactionAnswer),
        (status = 202, description = "Accepted, not final yet", body = crate::model::TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn retire(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<RetireForm>,
) -> Answer {
    let officer = caller.acting_as(ROLE, &node.channel())?;
    let (alias, operator) = (form.alias.read(&*node)?.tag, form.operator.read(&*node)?.tag);
    run(&*node, officer, &wait, call("retire-alias", &RetireAlias { alias, operator })).await
}

/// As of when, and how fresh.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AliasesParams {
    /// Only what the ledger had recorded by then: a date (its last millisecond in UTC), an RFC 3339
    /// time or milliseconds since 1970; now if absent.
    known: Option<String>,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    #[param(inline)]
    consistency: ConsistencyParam,
}

/// The declarations about an operator.
#[derive(Serialize, ToSchema)]
pub(crate) struct AliasesAnswer {
    /// Lookup tag of the operator.
    operator: String,
    /// By member and alias, also retired ones.
    aliases: Vec<AliasAnswer>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Every declaration that another identifier means this operator.
#[utoipa::path(
    get, path = "/v1/aeo/operators/{scheme}/{identifier}/aliases", operation_id = "operator_aliases", tag = "aeo",
    params(
        ("scheme" = String, Path, description = "Scheme of the identifier"),
        ("identifier" = String, Path, description = "Identifier, percent-encoded; separators do not matter"),
        AliasesParams,
    ),
    responses(
        (status = 200, description = "The declarations", body = AliasesAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(node): State<Arc<dyn NodePort>>,
    ApiPath((scheme, identifier)): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<AliasesParams>,
) -> Result<Json<AliasesAnswer>, ApiError> {
    let operator = read_operator(&*node, &scheme, &identifier)?.tag;
    let known_ms = times::known(params.known.as_deref())?;
    let query = AliasesQuery { operator };
    let (aliases, as_of): (Vec<Alias>, _) =
        ask(&*node, "aliases", &query, params.consistency).await?;
    let at_ms = known_ms.min(as_of.time_ms);
    let aliases = aliases.into_iter().filter_map(|alias| AliasAnswer::as_known(alias, at_ms));
    Ok(Json(AliasesAnswer { operator: operator.to_hex(), aliases: aliases.collect(), as_of }))
}
