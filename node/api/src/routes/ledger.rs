//! Contracts, and queries of any contract.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Problem},
    extract::ApiJson,
    model::{AsOf, ConsistencyParam},
    port::{NodePort, QueryCall},
    reading::Reading,
};

/// A query of a contract.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryForm {
    /// Name of the contract.
    #[schema(example = "governance")]
    contract: String,
    /// Name of the query.
    #[schema(example = "members")]
    method: String,
    /// Arguments (CBOR in hexadecimal), defined by the query.
    #[schema(example = "80")]
    args: String,
    /// `local` (if absent) or `linearizable`.
    #[serde(default)]
    consistency: ConsistencyParam,
}

/// What a query gave.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueryResult {
    /// The result (CBOR), defined by the query.
    result: String,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Runs a query of any contract: nothing is ordered, nothing is written.
#[utoipa::path(
    post, path = "/v1/query", tag = "ledger", request_body = QueryForm,
    responses(
        (status = 200, description = "Its result", body = QueryResult),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn query(
    State(node): State<Arc<dyn NodePort>>,
    reading: Reading,
    ApiJson(form): ApiJson<QueryForm>,
) -> Result<Json<QueryResult>, ApiError> {
    let args = hex::decode(&form.args).map_err(|error| ApiError::field("args", error))?;
    let call = QueryCall { contract: form.contract, method: form.method, args };
    // The node's contracts know operators by lookup tag, so arguments hold no identifier.
    let asked = json!({ "contract": call.contract, "method": call.method, "args": form.args });
    let answer = node.query(call, form.consistency.into()).await?;
    reading.record(asked, answer.height, None)?;
    Ok(Json(QueryResult { result: hex::encode(&answer.result), as_of: AsOf::from(&answer) }))
}

/// The active contracts.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContractsAnswer {
    /// By name.
    contracts: Vec<ContractAnswer>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// A contract's active version.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContractAnswer {
    /// Name used in calls.
    name: String,
    /// Version that a call must expect.
    version: u32,
    /// SHA-256 of the WASM module.
    code_hash: String,
    /// Methods that can be called.
    methods: Vec<MethodAnswer>,
}

/// A method and who may call it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MethodAnswer {
    /// Its name.
    name: String,
    /// Its endorsement policy.
    #[schema(example = "owner.officer")]
    policy: String,
}

/// The active contracts, with the version to sign for and the policy of each method.
#[utoipa::path(
    get, path = "/v1/contracts", tag = "ledger",
    responses(
        (status = 200, description = "The active contracts", body = ContractsAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn contracts(
    State(node): State<Arc<dyn NodePort>>,
) -> Result<Json<ContractsAnswer>, ApiError> {
    let as_of = AsOf::newest(&*node).await?;
    let contracts = node.contracts().await?.into_iter().map(|contract| ContractAnswer {
        name: contract.name,
        version: contract.version,
        code_hash: contract.code_hash.to_hex(),
        methods: contract
            .policies
            .into_iter()
            .map(|method| MethodAnswer { name: method.method, policy: method.policy })
            .collect(),
    });
    Ok(Json(ContractsAnswer { contracts: contracts.collect(), as_of }))
}
