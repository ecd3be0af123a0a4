//! Lookup tags of many identifiers: what a list needs to be compared with the ledger.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::aliases::IdentifierForm;
use crate::{
    error::{ApiError, Problem},
    extract::ApiJson,
    port::NodePort,
    routes::transactions::check_count,
};

/// Identifiers whose tags are wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagsForm {
    /// 1 to 1000.
    identifiers: Vec<IdentifierForm>,
}

/// Lookup tags.
#[derive(Serialize, ToSchema)]
pub(crate) struct TagsAnswer {
    /// In the order of the request.
    tags: Vec<String>,
}

/// The lookup tags of identifiers, under the channel's lookup key. Nothing is looked up.
#[utoipa::path(
    post, path = "/v1/aeo/tags", operation_id = "lookup_tags", tag = "aeo", request_body = TagsForm,
    responses(
        (status = 200, description = "The tags", body = TagsAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn tags(
    State(node): State<Arc<dyn NodePort>>,
    ApiJson(form): ApiJson<TagsForm>,
) -> Result<Json<TagsAnswer>, ApiError> {
    check_count(form.identifiers.len())?;
    let tags = form.identifiers.iter().map(|it| Ok(it.read(&*node)?.tag.to_hex()));
    Ok(Json(TagsAnswer { tags: tags.collect::<Result<_, ApiError>>()? }))
}
