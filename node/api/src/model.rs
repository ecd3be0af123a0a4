//! JSON shapes that several endpoints share. Hashes, keys and encoded bytes are lower-case hex,
//! times are milliseconds since 1970, dates are `YYYY-MM-DD`.

use std::time::Duration;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use precinto_protocol::outcome::{Outcome, Status};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    clock::now_ms,
    error::ApiError,
    limits::{DEFAULT_WAIT, MAX_WAIT},
    port::{Consistency, NodePort, QueryAnswer, TransactionView},
};

/// What a node knows of a transaction.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct TransactionAnswer {
    /// The transaction.
    id: String,
    /// `unknown`, `pending`, `committed`, `rejected` or `expired`.
    #[schema(example = "committed")]
    status: String,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// What the contract said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Height of its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    /// Index in its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    /// Ledger time of its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<u64>,
    /// Index of its outcome leaf in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaf: Option<u64>,
    /// Fuel used.
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
    /// The contract's result (CBOR).
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    /// Id of the author's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    /// The author's member.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    /// What was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallAnswer>,
}

/// A transaction's call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallAnswer {
    /// Name of the contract.
    contract: String,
    /// The contract version the author expected.
    contract_version: u32,
    /// Name of the method.
    method: String,
    /// Arguments (CBOR).
    args: String,
    /// Ledger time after which it must not be executed.
    expires_ms: u64,
    /// The officer for whom the member's node signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf: Option<OnBehalfAnswer>,
    /// Ids of the endorsers' keys.
    endorsers: Vec<String>,
}

/// An officer for whom a member's node signed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OnBehalfAnswer {
    /// Random pseudonym that only the member can resolve.
    pseudonym: String,
    /// The role in which the officer acted.
    role: String,
}

impl TransactionAnswer {
    /// Whether the status can no longer change; otherwise the answer is "accepted" (202).
    pub(crate) fn is_final(&self) -> bool {
        self.status != Status::Pending.to_string() && self.status != Status::Unknown.to_string()
    }
}

impl From<TransactionView> for TransactionAnswer {
    fn from(view: TransactionView) -> TransactionAnswer {
        let mut answer = TransactionAnswer {
            id: view.id.to_string(),
            status: view.status.to_string(),
            ..TransactionAnswer::default()
        };
        if let Some(record) = view.outcome {
            match record.outcome {
                Outcome::Committed => answer.result = Some(hex::encode(&record.result)),
                Outcome::Rejected { code } => {
                    answer.code = Some(code);
                    answer.message = Some(record.message);
                }
            }
            answer.height = Some(record.height);
            answer.index = Some(record.index);
            answer.time_ms = Some(record.time_ms);
            answer.leaf = Some(record.leaf);
            answer.fuel = Some(record.fuel);
            answer.author = Some(record.author.to_string());
            answer.member = Some(record.member);
        }
        if let Some(transaction) = view.transaction {
            answer.author = Some(transaction.statement.key_id().to_string());
            let endorsers = transaction.endorsements.iter().map(|e| e.key_id.to_string()).collect();
            let call = transaction.statement.call();
            answer.call = Some(CallAnswer {
                contract: call.contract.clone(),
                contract_version: call.contract_version,
                method: call.method.clone(),
                args: hex::encode(&call.args),
                expires_ms: call.expires_ms,
                on_behalf: call.on_behalf.map(|officer| OnBehalfAnswer {
                    pseudonym: hex::encode(officer.pseudonym),
                    role: officer.role.to_string(),
                }),
                endorsers,
            });
        }
        answer
    }
}

impl IntoResponse for TransactionAnswer {
    fn into_response(self) -> Response {
        let status = if self.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
        (status, Json(self)).into_response()
    }
}

/// Whether to wait for a transaction, and how long.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitParams {
    /// `committed`: answer once the status is final or the time is up.
    wait: Option<WaitFor>,
    /// How long to wait at most: up to 30000, 10000 if absent.
    timeout_ms: Option<u64>,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WaitFor {
    /// A final status as this node executed it.
    Committed,
}

impl WaitParams {
    /// How long to wait; `None` for not at all.
    pub(crate) fn limit(&self) -> Result<Option<Duration>, ApiError> {
        let limit = self.timeout_ms.map_or(DEFAULT_WAIT, Duration::from_millis);
        match self.wait {
            _ if limit > MAX_WAIT => {
                let rule = format!("at most {}", MAX_WAIT.as_millis());
                Err(ApiError::parameter("timeout_ms", rule))
            }
            None if self.timeout_ms.is_some() => {
                Err(ApiError::parameter("timeout_ms", "only with wait=committed"))
            }
            None => Ok(None),
            Some(WaitFor::Committed) => Ok(Some(limit)),
        }
    }
}

/// How fresh an answer must be.
#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ConsistencyParam {
    /// This node's state, however old.
    #[default]
    Local,
    /// Not older than the request: confirmed with a quorum.
    Linearizable,
}

impl From<ConsistencyParam> for Consistency {
    fn from(param: ConsistencyParam) -> Consistency {
        match param {
            ConsistencyParam::Local => Consistency::Local,
            ConsistencyParam::Linearizable => Consistency::Linearizable,
        }
    }
}

/// When an answer about the ledger was true.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct AsOf {
    /// Height of the state that was read.
    pub(crate) height: u64,
    /// Ledger time of that height.
    pub(crate) time_ms: u64,
    /// How long ago that was by this node's clock, milliseconds; an idle ledger writes a block at
    /// least every minute.
    pub(crate) age_ms: u64,
}

impl AsOf {
    /// As of a height and its ledger time.
    pub(crate) fn new(height: u64, time_ms: u64) -> AsOf {
        AsOf { height, time_ms, age_ms: now_ms().saturating_sub(time_ms) }
    }

    /// As of this node's newest block: what is read afterwards is at least that new.
    pub(crate) async fn newest(node: &dyn NodePort) -> Result<AsOf, ApiError> {
        let status = node.status().await?;
        Ok(AsOf::new(status.height, status.time_ms))
    }
}

impl From<&QueryAnswer> for AsOf {
    fn from(answer: &QueryAnswer) -> AsOf {
        AsOf::new(answer.height, answer.time_ms)
    }
}
