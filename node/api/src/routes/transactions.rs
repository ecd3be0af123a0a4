//! Submitting signed transactions, and what became of them.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64ct::{Base64, Encoding};
use minicbor::Decoder;
use precinto_protocol::{
    outcome::Status,
    statement::Statement,
    transaction::{Transaction, TransactionId},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::{
    codes,
    error::{ApiError, Problem},
    extract::{ApiBytes, ApiPath, ApiQuery},
    limits::MAX_BATCH,
    model::{TransactionAnswer, WaitFor, WaitParams},
    port::{NodePort, TransactionView},
    reading::Reading,
};

/// What becomes of a submission.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SubmitParams {
    /// `committed`: answer once the status is final or the time is up.
    wait: Option<WaitFor>,
    /// How long to wait at most: up to 30000, 10000 if absent.
    timeout_ms: Option<u64>,
    /// `collect`: before anything is submitted, ask other members' nodes for the endorsements that
    /// the method's policy asks for beyond those that are there.
    endorse: Option<Endorse>,
}

/// Who sees to the endorsements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Endorse {
    /// The node.
    Collect,
}

impl SubmitParams {
    fn limit(&self) -> Result<Option<Duration>, ApiError> {
        WaitParams { wait: self.wait, timeout_ms: self.timeout_ms }.limit()
    }
}

/// Several transactions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitMany {
    /// Encoded transactions in base64 (RFC 4648 section 4, padded), at most 1000.
    transactions: Vec<String>,
}

/// What became of what was sent.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SubmitAnswer {
    /// Of one transaction.
    One(Box<TransactionAnswer>),
    /// Of each of many.
    Many(SubmitManyAnswer),
}

impl IntoResponse for SubmitAnswer {
    fn into_response(self) -> Response {
        match self {
            SubmitAnswer::One(answer) => answer.into_response(),
            SubmitAnswer::Many(answer) => (StatusCode::ACCEPTED, Json(answer)).into_response(),
        }
    }
}

/// What became of each transaction.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubmitManyAnswer {
    /// In the order of the request.
    results: Vec<ItemAnswer>,
}

/// What became of one item of a request: its transaction, or why there is none.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ItemAnswer {
    /// The transaction.
    Transaction(Box<TransactionAnswer>),
    /// Why it was refused.
    Refused {
        /// The problem of this item.
        error: Problem,
    },
}

impl ItemAnswer {
    pub(crate) fn refused(error: &ApiError) -> ItemAnswer {
        ItemAnswer::Refused { error: error.problem() }
    }
}

impl From<Result<TransactionAnswer, ApiError>> for ItemAnswer {
    fn from(result: Result<TransactionAnswer, ApiError>) -> ItemAnswer {
        match result {
            Ok(answer) => ItemAnswer::Transaction(Box::new(answer)),
            Err(error) => ItemAnswer::refused(&error),
        }
    }
}

/// What a body carries.
enum Submission {
    One(Vec<u8>),
    Many(Vec<Vec<u8>>),
}

/// Submits signed transactions.
///
/// One: `application/octet-stream` (an encoded transaction) or `application/cose` (a bare signed
/// statement, without endorsements). Many: `application/json`, or `application/cbor` (an array of
/// byte strings, each an encoded transaction). Submitting the same bytes again is safe. With
/// `wait`, a transaction that was executed and refused is answered with status `rejected` and its
/// code: the submission itself succeeded. With `endorse=collect`, a transaction whose endorsements
/// cannot be collected is refused with `endorsement-failed`, and one whose call fails already with
/// the code of that; neither is submitted.
#[utoipa::path(
    post, path = "/v1/transactions", operation_id = "submit_transactions", tag = "transactions", params(SubmitParams),
    request_body(
        description = "One transaction or many",
        content(
            (Vec<u8> = "application/octet-stream"),
            (Vec<u8> = "application/cose"),
            (SubmitMany = "application/json"),
            (Vec<u8> = "application/cbor"),
        )
    ),
    responses(
        (status = 200, description = "One transaction with its final status", body = TransactionAnswer),
        (status = 202, description = "One transaction accepted; of many, what became of each", body = SubmitAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn submit(
    State(node): State<Arc<dyn NodePort>>,
    ApiQuery(params): ApiQuery<SubmitParams>,
    headers: HeaderMap,
    ApiBytes(body): ApiBytes,
) -> Result<SubmitAnswer, ApiError> {
    params.limit()?;
    match read_submission(&headers, &body)? {
        Submission::One(transaction) => {
            let mut results = submit_and_settle(&*node, vec![transaction], &params).await?;
            let answer = results.pop().unwrap_or_else(|| Err(miscounted()))?;
            Ok(SubmitAnswer::One(Box::new(answer)))
        }
        Submission::Many(transactions) => {
            let results = submit_and_settle(&*node, transactions, &params).await?;
            let results = results.into_iter().map(ItemAnswer::from).collect();
            Ok(SubmitAnswer::Many(SubmitManyAnswer { results }))
        }
    }
}

fn read_submission(headers: &HeaderMap, body: &[u8]) -> Result<Submission, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/octet-stream" => Ok(Submission::One(body.to_vec())),
        "application/cose" => {
            let statement = Statement::decode(body)
                .map_err(|error| ApiError::new(codes::MALFORMED, error.to_string()))?;
            Ok(Submission::One(Transaction::new(statement).encode()))
        }
        "application/json" => {
            let many: SubmitMany = serde_json::from_slice(body)
                .map_err(|error| ApiError::new(codes::MALFORMED_BODY, error.to_string()))?;
            check_count(many.transactions.len())?;
            many.transactions
                .iter()
                .enumerate()
                .map(decode_base64)
                .collect::<Result<_, _>>()
                .map(Submission::Many)
        }
        "application/cbor" => read_cbor_array(body).map(Submission::Many),
        other => Err(ApiError::new(
            codes::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "{other:?} is none of application/octet-stream, application/cose, application/json, application/cbor"
            ),
        )),
    }
}

/// Reads an array of byte strings; its length is checked before anything is kept.
fn read_cbor_array(body: &[u8]) -> Result<Vec<Vec<u8>>, ApiError> {
    let malformed = |reason: &dyn std::fmt::Display| {
        let detail = format!("not a CBOR array of byte strings: {reason}");
        ApiError::new(codes::MALFORMED_BODY, detail)
    };
    let mut decoder = Decoder::new(body);
    let length = decoder.array().map_err(|error| malformed(&error))?;
    let length = length.ok_or_else(|| malformed(&"it has no definite length"))?;
    check_count(usize::try_from(length).unwrap_or(usize::MAX))?;
    let items = (0..length).map(|_| decoder.bytes().map(<[u8]>::to_vec));
    let items = items.collect::<Result<_, _>>().map_err(|error| malformed(&error))?;
    if decoder.position() != body.len() {
        return Err(malformed(&"bytes follow it"));
    }
    Ok(items)
}

fn decode_base64((index, text): (usize, &String)) -> Result<Vec<u8>, ApiError> {
    Base64::decode_vec(text)
        .map_err(|error| ApiError::field(&format!("transactions[{index}]"), error))
}

/// At least one and at most [`MAX_BATCH`].
pub(crate) fn check_count(count: usize) -> Result<(), ApiError> {
    match count {
        0 => Err(ApiError::new(codes::MALFORMED_BODY, "the request has no items")),
        1..=MAX_BATCH => Ok(()),
        _ => Err(ApiError::new(codes::TOO_MANY_ITEMS, format!("{count} items in one request"))),
    }
}

type Answers = Vec<Result<TransactionAnswer, ApiError>>;

async fn submit_and_settle(
    node: &dyn NodePort,
    transactions: Vec<Vec<u8>>,
    params: &SubmitParams,
) -> Result<Answers, ApiError> {
    let limit = params.limit()?;
    let count = transactions.len();
    let complete = match params.endorse {
        Some(Endorse::Collect) => node.endorse(transactions).await,
        None => transactions.into_iter().map(Ok).collect(),
    };
    let good = complete.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
    let mut accepted = node.submit(good).await.into_iter();
    let accepted = complete.into_iter().map(|item| {
        item?;
        Ok(accepted.next().ok_or_else(miscounted)??)
    });
    let settled = settle_each(node, accepted.collect(), limit).await.into_iter();
    let answers: Answers = settled.map(|view| view.map(TransactionAnswer::from)).collect();
    if answers.len() == count { Ok(answers) } else { Err(miscounted()) }
}

/// Accepted transactions after the wait that was asked for; why the others were not accepted.
pub(crate) async fn settle_each(
    node: &dyn NodePort,
    accepted: Vec<Result<TransactionId, ApiError>>,
    limit: Option<Duration>,
) -> Vec<Result<TransactionView, ApiError>> {
    let ids = accepted.iter().filter_map(|item| item.as_ref().ok().copied()).collect();
    let mut views = settle(node, ids, limit).await.into_iter();
    let settled = accepted.into_iter().map(|item| {
        item?;
        views.next().ok_or_else(miscounted)
    });
    settled.collect()
}

/// Accepted transactions after the wait that was asked for. That they were accepted stays true
/// whatever becomes of the wait, so a failed one leaves them `pending`.
async fn settle(
    node: &dyn NodePort,
    ids: Vec<TransactionId>,
    limit: Option<Duration>,
) -> Vec<TransactionView> {
    let pending =
        |id| TransactionView { id, status: Status::Pending, outcome: None, transaction: None };
    let settled = match limit {
        Some(limit) if !ids.is_empty() => node.wait(ids.clone(), limit).await.ok(),
        _ => None,
    };
    settled.unwrap_or_else(|| ids.into_iter().map(pending).collect())
}

/// The node broke its contract to answer every item.
pub(crate) fn miscounted() -> ApiError {
    ApiError::new(codes::INTERNAL, "the node did not answer every item")
}

/// What this node knows of a transaction.
///
/// An id the node has never seen is answered with status `unknown`: it may still arrive.
#[utoipa::path(
    get, path = "/v1/transactions/{id}", operation_id = "show_transaction", tag = "transactions",
    params(("id" = String, Path, description = "Transaction id, 64 hexadecimal characters"), WaitParams),
    responses(
        (status = 200, description = "Its status", body = TransactionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(node): State<Arc<dyn NodePort>>,
    reading: Reading,
    ApiPath(id): ApiPath<String>,
    ApiQuery(wait): ApiQuery<WaitParams>,
) -> Result<Json<TransactionAnswer>, ApiError> {
    let id: TransactionId = id.parse().map_err(|error| ApiError::parameter("id", error))?;
    let view = match wait.limit()? {
        None => node.transaction(id).await?,
        Some(limit) => node.wait(vec![id], limit).await?.pop().ok_or_else(miscounted)?,
    };
    let height = view.outcome.as_ref().map(|record| record.height);
    reading.record(json!({ "transaction": id.to_string() }), height, None)?;
    Ok(Json(view.into()))
}
