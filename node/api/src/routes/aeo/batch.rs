//! Granting and changing many authorizations at once, each with its own result.

use std::sync::Arc;

use axum::{Json, extract::State};
use precinto_protocol::statement::OnBehalf;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    commands::ROLE,
    forms::{BatchRow, read_row},
};
use crate::{
    auth::Caller,
    codes,
    error::{ApiError, Problem},
    extract::{ApiJson, ApiQuery},
    model::{TransactionAnswer, WaitParams},
    port::{NodePort, OfficerCall},
    routes::transactions::{ItemAnswer, check_count, miscounted, settle_each},
};

/// What to do to many authorizations.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchForm {
    /// At most 1000: each the form of its `action`; `certify` if that is absent.
    #[schema(value_type = Vec<BatchRow>)]
    rows: Vec<Value>,
    /// What to do about rows that are not as they must be; `strict` if absent.
    #[serde(default)]
    mode: BatchMode,
}

/// What to do about bad rows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BatchMode {
    /// Submit nothing, only report bad rows.
    Check,
    /// Submit nothing unless every row is good.
    #[default]
    Strict,
    /// Submit the good rows.
    SkipBad,
}

/// What became of each row.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    /// Rows whose transaction was accepted (and, if waited for, not refused).
    accepted: usize,
    /// Rows that were refused before or after submission.
    refused: usize,
    /// In the order of the request; absent for a good row that was not to be submitted.
    results: Vec<Option<ItemAnswer>>,
}

/// Grants and changes many authorizations of the caller's member.
///
/// Rows are independent transactions: one that the contract refuses does not undo the others.
#[utoipa::path(
    post, path = "/v1/aeo/authorizations/batch", operation_id = "authorization_batch", tag = "aeo", params(WaitParams), request_body = BatchForm,
    responses(
        (status = 200, description = "What became of each row", body = BatchAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn run(
    State(node): State<Arc<dyn NodePort>>,
    caller: Caller,
    ApiQuery(wait): ApiQuery<WaitParams>,
    ApiJson(form): ApiJson<BatchForm>,
) -> Result<Json<BatchAnswer>, ApiError> {
    let officer = caller.acting_as(ROLE, &node.channel())?;
    let limit = wait.limit()?;
    check_count(form.rows.len())?;
    let rows: Vec<_> = form.rows.into_iter().map(|row| read_row(&*node, row)).collect();
    let any_bad = rows.iter().any(Result::is_err);
    let results = if form.mode == BatchMode::Check || (form.mode == BatchMode::Strict && any_bad) {
        rows.into_iter().map(|row| not_submitted(row, form.mode)).collect()
    } else {
        let accepted = submit_good_rows(&*node, officer, rows).await?;
        let settled = settle_each(&*node, accepted, limit).await.into_iter().map(|view| {
            let view = view?;
            ApiError::of_transaction(&view).map_or(Ok(view), Err)
        });
        settled.map(|row| Some(row.map(TransactionAnswer::from).into())).collect()
    };
    Ok(Json(BatchAnswer::new(results)))
}

impl BatchAnswer {
    fn new(results: Vec<Option<ItemAnswer>>) -> BatchAnswer {
        let count = |wanted: fn(&ItemAnswer) -> bool| {
            results.iter().flatten().filter(|row| wanted(row)).count()
        };
        BatchAnswer {
            accepted: count(|row| matches!(row, ItemAnswer::Transaction(_))),
            refused: count(|row| matches!(row, ItemAnswer::Refused { .. })),
            results,
        }
    }
}

fn not_submitted(row: Result<OfficerCall, ApiError>, mode: BatchMode) -> Option<ItemAnswer> {
    match row {
        Err(error) => Some(ItemAnswer::refused(&error)),
        Ok(_) if mode == BatchMode::Check => None,
        Ok(_) => {
            let detail = "the row is good, but others are not";
            Some(ItemAnswer::refused(&ApiError::new(codes::NOT_SUBMITTED, detail)))
        }
    }
}

type Accepted = Result<precinto_protocol::transaction::TransactionId, ApiError>;

/// One result per row: its transaction, or why there is none.
async fn submit_good_rows(
    node: &dyn NodePort,
    officer: OnBehalf,
    rows: Vec<Result<OfficerCall, ApiError>>,
) -> Result<Vec<Accepted>, ApiError> {
    let calls: Vec<_> = rows.iter().filter_map(|row| row.as_ref().ok().cloned()).collect();
    let count = calls.len();
    let answers = node.call_as(officer, calls).await;
    if answers.len() != count {
        return Err(miscounted());
    }
    let mut answers = answers.into_iter();
    let accepted = rows.into_iter().map(|row| {
        row?;
        answers.next().ok_or_else(miscounted)?.map_err(ApiError::from)
    });
    Ok(accepted.collect())
}
