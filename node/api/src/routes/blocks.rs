//! Blocks.

use std::sync::Arc;

use axum::{Json, extract::State};
use precinto_protocol::outcome::{Outcome, Status};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::aeo::queries::read_limit;
use crate::{
    codes,
    error::{ApiError, Problem},
    extract::{ApiPath, ApiQuery},
    model::AsOf,
    port::{BlockDetail, BlockItem, BlockSummary, NodePort},
};

/// Which blocks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BlocksParams {
    /// Height of the first; if absent, so that the page ends at the newest block.
    from: Option<u64>,
    /// Up to 100, 50 if absent.
    limit: Option<u32>,
}

/// A page of blocks.
#[derive(Serialize, ToSchema)]
pub(crate) struct BlocksAnswer {
    /// By height, ascending.
    blocks: Vec<BlockAnswer>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// A block.
#[derive(Serialize, ToSchema)]
pub(crate) struct BlockAnswer {
    /// Height, from 1.
    height: u64,
    /// Ledger time.
    time_ms: u64,
    /// Committed transactions.
    committed: u32,
    /// Rejected transactions.
    rejected: u32,
    /// Content hash.
    content: String,
    /// Content hash of the block before.
    previous: String,
    /// Root of the state tree after it.
    state_root: String,
    /// Quorum-loss recoveries so far.
    epoch: u32,
    /// Raft term in which it was proposed.
    term: u64,
    /// Index of its Raft entry.
    raft_index: u64,
    /// Identity key of the leader that signed it.
    leader: String,
    /// Version of the signer set in force.
    signer_set_version: u64,
    /// Protocol version that executed it.
    protocol_version: u32,
}

impl From<BlockSummary> for BlockAnswer {
    fn from(BlockSummary { leaf, raft_index, leader }: BlockSummary) -> BlockAnswer {
        BlockAnswer {
            height: leaf.height,
            time_ms: leaf.time_ms,
            committed: leaf.committed,
            rejected: leaf.rejected,
            content: leaf.content.to_hex(),
            previous: leaf.previous.to_hex(),
            state_root: leaf.state_root.to_hex(),
            epoch: leaf.epoch,
            term: leaf.term,
            raft_index,
            leader: leader.to_string(),
            signer_set_version: leaf.signer_set_version,
            protocol_version: leaf.protocol_version,
        }
    }
}

/// A page of blocks.
#[utoipa::path(
    get, path = "/v1/blocks", operation_id = "list_blocks", tag = "ledger", params(BlocksParams),
    responses(
        (status = 200, description = "A page", body = BlocksAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(node): State<Arc<dyn NodePort>>,
    ApiQuery(params): ApiQuery<BlocksParams>,
) -> Result<Json<BlocksAnswer>, ApiError> {
    let limit = read_limit(params.limit)?;
    let as_of = AsOf::newest(&*node).await?;
    let newest = || as_of.height.saturating_sub(u64::from(limit) - 1);
    let from = params.from.unwrap_or_else(newest).max(1);
    let blocks = node.blocks(from, limit).await?.into_iter().map(BlockAnswer::from).collect();
    Ok(Json(BlocksAnswer { blocks, as_of }))
}

/// A block with its executed transactions.
#[derive(Serialize, ToSchema)]
pub(crate) struct BlockDetailAnswer {
    #[serde(flatten)]
    block: BlockAnswer,
    /// In order; void and repeated items are left out.
    transactions: Vec<BlockItemAnswer>,
}

/// An executed transaction of a block.
#[derive(Serialize, ToSchema)]
pub(crate) struct BlockItemAnswer {
    /// Index of the item in the block.
    index: u32,
    /// The transaction.
    id: String,
    /// `committed` or `rejected`.
    status: String,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl From<BlockItem> for BlockItemAnswer {
    fn from(item: BlockItem) -> BlockItemAnswer {
        let (status, code) = match item.outcome {
            Outcome::Committed => (Status::Committed, None),
            Outcome::Rejected { code } => (Status::Rejected, Some(code)),
        };
        let (id, status) = (item.id.to_string(), status.to_string());
        BlockItemAnswer { index: item.index, id, status, code }
    }
}

/// One block.
#[utoipa::path(
    get, path = "/v1/blocks/{height}", operation_id = "show_block", tag = "ledger",
    params(("height" = u64, Path, description = "Height, from 1")),
    responses(
        (status = 200, description = "The block", body = BlockDetailAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(node): State<Arc<dyn NodePort>>,
    ApiPath(height): ApiPath<u64>,
) -> Result<Json<BlockDetailAnswer>, ApiError> {
    let unknown =
        || ApiError::new(codes::UNKNOWN_BLOCK, format!("this node has no block {height}"));
    let BlockDetail { summary, items } = node.block(height).await?.ok_or_else(unknown)?;
    let transactions = items.into_iter().map(BlockItemAnswer::from).collect();
    Ok(Json(BlockDetailAnswer { block: summary.into(), transactions }))
}
