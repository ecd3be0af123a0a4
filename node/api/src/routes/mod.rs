//! The router: one file per resource.

mod aeo;
mod blocks;
mod checkpoints;
mod events;
mod health;
mod ledger;
mod network;
mod transactions;

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{Method, Uri},
    middleware::{from_fn, from_fn_with_state},
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::{require_account, require_metrics_access},
    codes,
    error::ApiError,
    limits::MAX_BODY_BYTES,
    middleware::{bound, observe},
    state::{ApiConfig, AppState},
};

/// What the interface says about itself beyond its paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Precinto node",
        description = "Transactions, Authorized Economic Operators, blocks, network and events of one channel, as one node of a member serves them. Hashes, keys and encoded bytes are lower-case hex unless said otherwise; times are milliseconds since 1970; dates are YYYY-MM-DD. Errors are problem documents (RFC 9457) with a stable code and a hint.",
    ),
    components(schemas(events::ClosedData)),
    modifiers(&BearerToken),
    security(("token" = []))
)]
struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", scheme);
    }
}

/// Routes that need the token of an account.
fn account_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(transactions::submit))
        .routes(routes!(transactions::show))
        .routes(routes!(aeo::commands::certify, aeo::list::list))
        .routes(routes!(aeo::batch::run))
        .routes(routes!(aeo::commands::amend))
        .routes(routes!(aeo::commands::suspend))
        .routes(routes!(aeo::commands::reinstate))
        .routes(routes!(aeo::commands::withdraw))
        .routes(routes!(aeo::commands::revoke))
        .routes(routes!(aeo::commands::annul))
        .routes(routes!(aeo::pending::approve))
        .routes(routes!(aeo::pending::decline))
        .routes(routes!(aeo::pending::list))
        .routes(routes!(aeo::queries::find))
        .routes(routes!(aeo::history::of_operator))
        .routes(routes!(aeo::aliases::list))
        .routes(routes!(aeo::queries::number))
        .routes(routes!(aeo::history::of_number))
        .routes(routes!(aeo::aliases::declare))
        .routes(routes!(aeo::aliases::retire))
        .routes(routes!(aeo::mras::propose, aeo::mras::list))
        .routes(routes!(aeo::mras::show))
        .routes(routes!(aeo::mras::accept))
        .routes(routes!(aeo::mras::leave))
        .routes(routes!(aeo::benefit::benefit))
        .routes(routes!(ledger::query))
        .routes(routes!(ledger::contracts))
        .routes(routes!(blocks::list))
        .routes(routes!(blocks::show))
        .routes(routes!(network::members))
        .routes(routes!(network::nodes))
        .routes(routes!(network::status))
        .routes(routes!(checkpoints::list))
        .routes(routes!(checkpoints::own))
        .routes(routes!(events::follow))
}

/// Routes that decide for themselves.
fn open_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(health::live)).routes(routes!(health::ready))
}

fn metrics_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(health::metrics))
}

/// The OpenAPI document of the interface.
pub fn openapi() -> utoipa::openapi::OpenApi {
    account_routes().merge(open_routes()).merge(metrics_routes()).into_openapi()
}

/// The whole interface over one node.
pub fn router(config: ApiConfig) -> Router {
    let state = AppState::new(config);
    let document = openapi();
    let accounts: Router<AppState> = account_routes().into();
    let accounts = accounts
        .route("/v1/openapi.json", axum::routing::get(move || async move { Json(document) }))
        .route_layer(from_fn_with_state(state.clone(), require_account));
    let metrics: Router<AppState> = metrics_routes().into();
    let metrics = metrics.route_layer(from_fn_with_state(state.clone(), require_metrics_access));
    let bounded = accounts.merge(metrics).layer(from_fn_with_state(state.clone(), bound));
    let open: Router<AppState> = open_routes().into();
    open.merge(bounded)
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(state.clone(), observe))
        .layer(from_fn(no_store))
        .with_state(state)
}

async fn unknown_path(uri: Uri) -> ApiError {
    ApiError::new(codes::UNKNOWN_PATH, format!("nothing is served at {}", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let detail = format!("{} does not take {method}", uri.path());
    ApiError::new(codes::METHOD_NOT_ALLOWED, detail)
}

/// Answers are as of a moment and for one account: no cache on the way may keep them.
async fn no_store(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let mut response = next.run(request).await;
    let value = axum::http::HeaderValue::from_static("no-store");
    response.headers_mut().entry(axum::http::header::CACHE_CONTROL).or_insert(value);
    response
}
