//! The accounts of this node, for its admins. Every change leaves a line in the audit trail.

use std::{collections::BTreeSet, time::Duration};

use axum::{Json, extract::State, http::request::Parts};
use precinto_protocol::identity::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{
    accounts::{Account, AccountError, ApiToken},
    audit::{Act, Kind},
    auth::Caller,
    error::{ApiError, Problem},
    extract::{ApiJson, ApiPath},
    reading::act,
    state::AppState,
};

/// Longest life of a token that ends, in days: ten years.
const MAX_TOKEN_DAYS: u32 = 3_650;

/// All accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsersAnswer {
    /// By name.
    users: Vec<UserAnswer>,
}

/// An account of this node.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserAnswer {
    /// Unique at this node.
    name: String,
    /// What it may do.
    roles: Vec<String>,
    /// Whether it can be used.
    disabled: bool,
    /// Whether it can log in with a password.
    has_password: bool,
    /// Tokens that programs keep.
    tokens: Vec<TokenAnswer>,
}

/// A token that a program keeps.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// Unique within the account.
    name: String,
    /// What it may do, as long as the account may.
    roles: Vec<String>,
    /// When it was made, milliseconds since 1970.
    created_ms: u64,
    /// When it ends, milliseconds since 1970; absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_ms: Option<u64>,
}

impl From<&ApiToken> for TokenAnswer {
    fn from(token: &ApiToken) -> TokenAnswer {
        TokenAnswer {
            name: token.name.clone(),
            roles: role_list(&token.roles),
            created_ms: token.created_ms,
            expires_ms: token.expires_ms,
        }
    }
}

impl From<&Account> for UserAnswer {
    fn from(account: &Account) -> UserAnswer {
        UserAnswer {
            name: account.name().to_owned(),
            roles: role_list(account.roles()),
            disabled: account.is_disabled(),
            has_password: account.has_password(),
            tokens: account.tokens().iter().map(TokenAnswer::from).collect(),
        }
    }
}

/// Names of roles, for an answer.
pub(super) fn role_list(roles: &BTreeSet<Role>) -> Vec<String> {
    roles.iter().map(ToString::to_string).collect()
}

fn read_roles(names: &[String]) -> Result<BTreeSet<Role>, ApiError> {
    names.iter().map(|name| name.parse().map_err(|error| ApiError::field("roles", error))).collect()
}

/// Does `work` between the lines of the trail: first that it is tried, then, if so, that it was
/// refused. Without the first line it is not done.
pub(super) async fn audited<T>(
    state: &AppState,
    parts: &Parts,
    caller: &Caller,
    asked: Value,
    work: impl Future<Output = Result<T, AccountError>>,
) -> Result<T, ApiError> {
    let act = Act { asked, ..act(parts, caller, Kind::Account) };
    state.trail.record(act.clone())?;
    let done = work.await.map_err(ApiError::from);
    if let Err(error) = &done {
        let mut asked = act.asked.clone();
        asked["refused"] = error.problem().code.into();
        // That it was tried is recorded already.
        let _ = state.trail.record(Act { asked, ..act });
    }
    done
}

type Answer = Result<Json<UserAnswer>, ApiError>;

fn answer(state: &AppState, name: &str) -> Answer {
    Ok(Json(UserAnswer::from(&*state.accounts.get(name)?)))
}

/// The accounts of this node. Needs the role `admin`.
#[utoipa::path(
    get, path = "/v1/users", operation_id = "list_users", tag = "users",
    responses(
        (status = 200, description = "All accounts", body = UsersAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<UsersAnswer>, ApiError> {
    caller.require(Role::Admin)?;
    let users = state.accounts.list().iter().map(|account| UserAnswer::from(&**account)).collect();
    Ok(Json(UsersAnswer { users }))
}

/// An account to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUserForm {
    /// 1 to 64 letters, digits, dots, hyphens and underscores.
    #[schema(example = "ana.perez")]
    name: String,
    /// `admin`, `officer`, `supervisor`, `inspector`, `annotator`, `analyst`, `auditor`.
    #[schema(example = json!(["officer"]))]
    roles: Vec<String>,
    /// At least 12 characters, at most 128 bytes; without one it cannot log in.
    #[schema(format = Password)]
    password: Option<String>,
}

/// Adds an account. Needs the role `admin`.
#[utoipa::path(
    post, path = "/v1/users", operation_id = "add_user", tag = "users", request_body = NewUserForm,
    responses(
        (status = 200, description = "The account", body = UserAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    parts: Parts,
    ApiJson(form): ApiJson<NewUserForm>,
) -> Answer {
    caller.require(Role::Admin)?;
    let roles = read_roles(&form.roles)?;
    let asked = json!({ "user": form.name, "roles": form.roles });
    let work = state.accounts.add(&form.name, roles, form.password.map(Zeroizing::new));
    audited(&state, &parts, &caller, asked, work).await?;
    answer(&state, &form.name)
}

/// Roles of an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolesForm {
    /// All of them; the others are taken away.
    #[schema(example = json!(["officer", "auditor"]))]
    roles: Vec<String>,
}

/// Gives an account other roles, at once. Needs the role `admin`.
#[utoipa::path(
    put, path = "/v1/users/{name}/roles", operation_id = "set_user_roles", tag = "users", request_body = RolesForm,
    params(("name" = String, Path, description = "Name of the account")),
    responses(
        (status = 200, description = "The account", body = UserAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn set_roles(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(name): ApiPath<String>,
    parts: Parts,
    ApiJson(form): ApiJson<RolesForm>,
) -> Answer {
    caller.require(Role::Admin)?;
    let roles = read_roles(&form.roles)?;
    let asked = json!({ "user": name, "roles": form.roles });
    let work = state.accounts.set_roles(&name, roles);
    audited(&state, &parts, &caller, asked, work).await?;
    answer(&state, &name)
}

/// Disables an account, which ends its sessions. Needs the role `admin`.
#[utoipa::path(
    post, path = "/v1/users/{name}/disable", operation_id = "disable_user", tag = "users",
    params(("name" = String, Path, description = "Name of the account")),
    responses(
        (status = 200, description = "The account", body = UserAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(name): ApiPath<String>,
    parts: Parts,
) -> Answer {
    set_disabled(&state, &caller, &parts, &name, true).await
}

/// Enables an account again. Needs the role `admin`.
#[utoipa::path(
    post, path = "/v1/users/{name}/enable", operation_id = "enable_user", tag = "users",
    params(("name" = String, Path, description = "Name of the account")),
    responses(
        (status = 200, description = "The account", body = UserAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn enable(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(name): ApiPath<String>,
    parts: Parts,
) -> Answer {
    set_disabled(&state, &caller, &parts, &name, false).await
}

async fn set_disabled(
    state: &AppState,
    caller: &Caller,
    parts: &Parts,
    name: &str,
    disabled: bool,
) -> Answer {
    caller.require(Role::Admin)?;
    let work = state.accounts.set_disabled(name, disabled);
    audited(state, parts, caller, json!({ "user": name }), work).await?;
    answer(state, name)
}

/// A password for somebody else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetForm {
    /// At least 12 characters, at most 128 bytes.
    #[schema(format = Password)]
    password: String,
}

/// Gives an account another password, which ends its sessions. Needs the role `admin`.
#[utoipa::path(
    put, path = "/v1/users/{name}/password", operation_id = "reset_password", tag = "users", request_body = ResetForm,
    params(("name" = String, Path, description = "Name of the account")),
    responses(
        (status = 200, description = "The account", body = UserAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn reset_password(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(name): ApiPath<String>,
    parts: Parts,
    ApiJson(form): ApiJson<ResetForm>,
) -> Answer {
    caller.require(Role::Admin)?;
    let work = state.accounts.reset_password(&name, Zeroizing::new(form.password));
    audited(&state, &parts, &caller, json!({ "user": name }), work).await?;
    answer(&state, &name)
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTokenForm {
    /// 1 to 64 letters, digits, dots, hyphens and underscores.
    #[schema(example = "risk-engine")]
    name: String,
    /// Of the account's roles.
    #[schema(example = json!(["officer"]))]
    roles: Vec<String>,
    /// How long it is good, 1 to 3650; for ever if absent.
    #[schema(minimum = 1, maximum = 3650)]
    days: Option<u32>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewTokenAnswer {
    /// The bearer token, told this once.
    token: String,
    #[serde(flatten)]
    kept: TokenAnswer,
}

/// Makes a token of an account, for a program. Needs the role `admin`.
#[utoipa::path(
    post, path = "/v1/users/{name}/tokens", operation_id = "add_token", tag = "users", request_body = NewTokenForm,
    params(("name" = String, Path, description = "Name of the account")),
    responses(
        (status = 200, description = "The token", body = NewTokenAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn add_token(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath(name): ApiPath<String>,
    parts: Parts,
    ApiJson(form): ApiJson<NewTokenForm>,
) -> Result<Json<NewTokenAnswer>, ApiError> {
    caller.require(Role::Admin)?;
    let roles = read_roles(&form.roles)?;
    if form.days.is_some_and(|days| !(1..=MAX_TOKEN_DAYS).contains(&days)) {
        return Err(ApiError::field("days", format!("1 to {MAX_TOKEN_DAYS}")));
    }
    let lives = form.days.map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    let asked = json!({ "user": name, "token": form.name, "roles": form.roles, "days": form.days });
    let work = state.accounts.add_token(&name, &form.name, roles, lives);
    let (token, kept) = audited(&state, &parts, &caller, asked, work).await?;
    Ok(Json(NewTokenAnswer { token, kept: TokenAnswer::from(&kept) }))
}

/// Revokes a token of an account, at once. Needs the role `admin`.
#[utoipa::path(
    delete, path = "/v1/users/{name}/tokens/{token}", operation_id = "revoke_token", tag = "users",
    params(
        ("name" = String, Path, description = "Name of the account"),
        ("token" = String, Path, description = "Name of the token"),
    ),
    responses(
        (status = 200, description = "The account", body = UserAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn revoke_token(
    State(state): State<AppState>,
    caller: Caller,
    ApiPath((name, token)): ApiPath<(String, String)>,
    parts: Parts,
) -> Answer {
    caller.require(Role::Admin)?;
    let asked = json!({ "user": name, "token": token });
    let work = state.accounts.revoke_token(&name, &token);
    audited(&state, &parts, &caller, asked, work).await?;
    answer(&state, &name)
}
