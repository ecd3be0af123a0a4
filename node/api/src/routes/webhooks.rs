//! Webhooks of this node: whom it tells by itself what happens.

use axum::{Json, extract::State, http::StatusCode};
use precinto_protocol::identity::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    auth::Caller,
    codes,
    error::{ApiError, Problem},
    extract::{ApiJson, ApiPath},
    port::Cursor,
    state::AppState,
    webhooks::{Webhook, WebhookView},
};

/// An address, in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Topics of one webhook: more are better left out altogether.
const MAX_TOPICS: usize = 32;

/// A topic, in bytes.
const MAX_TOPIC_BYTES: usize = 64;

/// A webhook to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookForm {
    /// Where events are posted; `https`, or `http` in a network of your own. Redirects are not
    /// followed.
    #[schema(example = "https://risk.example/precinto")]
    url: String,
    /// Topics such as `aeo.suspended`, or beginnings that end with a full stop such as `aeo.`; all
    /// if absent.
    #[serde(default)]
    topics: Vec<String>,
    /// First event to deliver: a height or `<height>-<index>`; from the next block if absent.
    from: Option<String>,
}

/// A webhook that was added.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewWebhookAnswer {
    /// Its id.
    id: String,
    /// What deliveries are signed with (Standard Webhooks, `v1`); shown this once.
    secret: String,
    /// The first event that is delivered.
    cursor: String,
}

/// All webhooks of this node.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhooksAnswer {
    /// By id.
    webhooks: Vec<WebhookAnswer>,
}

/// A webhook and how its deliveries fare.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookAnswer {
    /// Its id.
    id: String,
    /// Where events are posted.
    url: String,
    /// Topics; all if empty.
    topics: Vec<String>,
    /// When it was added, milliseconds since 1970.
    created_ms: u64,
    /// Everything before this was delivered, or not wanted.
    cursor: String,
    /// When the last delivery arrived since the node started, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_ms: Option<u64>,
    /// Failed deliveries since the last one that arrived.
    failures: u32,
    /// Why the last one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Adds a webhook.
///
/// Events are posted as JSON `{"channel", "events": [...]}`, each event as in the stream of
/// `/v1/events` with its `id`, in order, at least once, signed after the Standard Webhooks
/// specification. Needs the role `admin`.
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "add_webhook", tag = "events", request_body = WebhookForm,
    responses(
        (status = 201, description = "Added", body = NewWebhookAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(form): ApiJson<WebhookForm>,
) -> Result<(StatusCode, Json<NewWebhookAnswer>), ApiError> {
    caller.require(Role::Admin)?;
    let url = read_url(&form.url)?;
    check_topics(&form.topics)?;
    let from = form.from.as_deref().map(str::parse::<Cursor>).transpose();
    let from = from.map_err(|error| ApiError::field("from", error))?;
    let Webhook { id, secret, cursor, .. } =
        blocking(move || state.webhooks.add(url, form.topics, from)).await?;
    let answer = NewWebhookAnswer { id, secret, cursor: cursor.to_string() };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// All webhooks of this node. Needs the role `admin`.
#[utoipa::path(
    get, path = "/v1/webhooks", operation_id = "list_webhooks", tag = "events",
    responses(
        (status = 200, description = "Webhooks", body = WebhooksAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<WebhooksAnswer>, ApiError> {
    caller.require(Role::Admin)?;
    let webhooks = state.webhooks.all().into_iter().map(WebhookAnswer::from).collect();
    Ok(Json(WebhooksAnswer { webhooks }))
}

/// Removes a webhook. Needs the role `admin`.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", operation_id = "remove_webhook", tag = "events",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 204, description = "Removed"),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    caller.require(Role::Admin)?;
    blocking(move || state.webhooks.remove(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes a file, so not on the threads that serve everybody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::new(codes::INTERNAL, error.to_string()))?
}

fn read_url(text: &str) -> Result<reqwest::Url, ApiError> {
    let bad = |rule: &str| ApiError::field("url", rule);
    if text.len() > MAX_URL_BYTES {
        return Err(bad("at most 2048 bytes"));
    }
    let url: reqwest::Url = text.parse().map_err(|error| ApiError::field("url", error))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(bad("expected https://host/path or http://host/path"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("without user and password: receivers check the signature"));
    }
    Ok(url)
}

fn check_topics(topics: &[String]) -> Result<(), ApiError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let good =
        |topic: &String| (1..=MAX_TOPIC_BYTES).contains(&topic.len()) && topic.bytes().all(allowed);
    if topics.len() > MAX_TOPICS {
        return Err(ApiError::field("topics", "at most 32"));
    }
    match topics.iter().find(|topic| !good(topic)) {
        Some(bad) => Err(ApiError::field(
            "topics",
            format!("{bad:?} is not 1 to 64 lower-case letters, digits, hyphens and full stops"),
        )),
        None => Ok(()),
    }
}

impl From<WebhookView> for WebhookAnswer {
    fn from(WebhookView { webhook, state }: WebhookView) -> WebhookAnswer {
        WebhookAnswer {
            id: webhook.id,
            url: webhook.url,
            topics: webhook.topics,
            created_ms: webhook.created_ms,
            cursor: webhook.cursor.to_string(),
            delivered_ms: state.delivered_ms,
            failures: state.failures,
            problem: state.problem,
        }
    }
}
