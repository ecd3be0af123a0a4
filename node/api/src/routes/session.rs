//! Logging in and out, and changing one's own password.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, request::Parts},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::users::{audited, role_list};
use crate::{
    accounts::{AccountError, Credential, Login},
    audit::{Act, Kind},
    auth::{Caller, source},
    clock::now_ms,
    codes,
    error::{ApiError, Problem},
    extract::ApiJson,
    reading::anonymous_act,
    state::AppState,
};

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginForm {
    /// Name of an account of this node.
    #[schema(example = "ana.perez")]
    name: String,
    /// Its password.
    #[schema(format = Password)]
    password: String,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionAnswer {
    /// Bearer token of the session, told this once.
    token: String,
    #[serde(flatten)]
    who: WhoAnswer,
}

/// Whose credentials these are.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhoAnswer {
    /// Name of the account.
    name: String,
    /// What may be done with these credentials.
    roles: Vec<String>,
    /// `session`, or `token` for one that a program keeps.
    by: String,
    /// When a session ends at the latest, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_ms: Option<u64>,
    /// After how many milliseconds without a request a session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_ms: Option<u64>,
}

impl WhoAnswer {
    fn new(state: &AppState, login: &Login) -> WhoAnswer {
        let (by, rest) = match &login.by {
            Credential::Session(_, rest) => ("session", Some(rest)),
            Credential::Token(_) => ("token", None),
        };
        WhoAnswer {
            name: login.account.name().to_owned(),
            roles: role_list(&login.roles),
            by: by.into(),
            expires_ms: rest.map(|rest| now_ms() + rest.as_millis() as u64),
            idle_ms: rest.map(|_| state.accounts.idle_limit().as_millis() as u64),
        }
    }
}

/// Logs in. Failed attempts are throttled per account and per address.
#[utoipa::path(
    post, path = "/v1/session", operation_id = "log_in", tag = "session", security(()), request_body = LoginForm,
    responses(
        (status = 200, description = "A session", body = SessionAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn log_in(
    State(state): State<AppState>,
    parts: Parts,
    ApiJson(form): ApiJson<LoginForm>,
) -> Result<Json<SessionAnswer>, ApiError> {
    let source = source(&state, &parts.extensions, &parts.headers);
    let LoginForm { name, password } = form;
    let attempt = state.accounts.log_in(&name, Zeroizing::new(password), source).await;
    let act = |asked| Act { asked, ..anonymous_act(&parts, Kind::Account) };
    match attempt {
        Ok(session) => {
            let (account, roles) = (name, session.login.roles.clone());
            let act = Act { account, roles, ..act(json!({ "source": source })) };
            if let Err(unavailable) = state.trail.record(act) {
                if let Credential::Session(digest, _) = &session.login.by {
                    state.accounts.log_out(digest);
                }
                return Err(unavailable.into());
            }
            let who = WhoAnswer::new(&state, &session.login);
            Ok(Json(SessionAnswer { token: session.token, who }))
        }
        Err(AccountError::WrongPassword) => {
            // What is no account's name may be a password that went into the wrong field.
            let account = if state.accounts.exists(&name) { name } else { String::new() };
            let asked = json!({ "source": source, "refused": codes::WRONG_PASSWORD });
            state.trail.record(Act { account, ..act(asked) })?;
            Err(AccountError::WrongPassword.into())
        }
        Err(other) => Err(other.into()),
    }
}

/// Who am I?
#[utoipa::path(
    get, path = "/v1/session", operation_id = "show_session", tag = "session",
    responses(
        (status = 200, description = "The account in use", body = WhoAnswer),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(State(state): State<AppState>, caller: Caller) -> Json<WhoAnswer> {
    Json(WhoAnswer::new(&state, caller.login()))
}

/// Logs out.
#[utoipa::path(
    delete, path = "/v1/session", operation_id = "log_out", tag = "session",
    responses(
        (status = 204, description = "The session has ended"),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn log_out(
    State(state): State<AppState>,
    caller: Caller,
    parts: Parts,
) -> Result<StatusCode, ApiError> {
    let Credential::Session(digest, _) = &caller.login().by else {
        let detail = "these credentials are a token, not a session";
        return Err(ApiError::new(codes::NO_SESSION, detail));
    };
    // Never refused for want of the trail: who leaves must be able to.
    let _ = state.trail.record(crate::reading::act(&parts, &caller, Kind::Account));
    state.accounts.log_out(digest);
    Ok(StatusCode::NO_CONTENT)
}

/// The old password and the new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordForm {
    /// The password in force.
    #[schema(format = Password)]
    current: String,
    /// At least 12 characters, at most 128 bytes.
    #[schema(format = Password)]
    new: String,
}

/// Changes one's own password, which ends one's other sessions.
#[utoipa::path(
    put, path = "/v1/session/password", operation_id = "change_password", tag = "session", request_body = PasswordForm,
    responses(
        (status = 204, description = "Changed"),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    parts: Parts,
    ApiJson(form): ApiJson<PasswordForm>,
) -> Result<StatusCode, ApiError> {
    let source = source(&state, &parts.extensions, &parts.headers);
    let (current, new) = (Zeroizing::new(form.current), Zeroizing::new(form.new));
    let change = state.accounts.change_password(caller.login(), source, current, new);
    audited(&state, &parts, &caller, json!({}), change).await?;
    Ok(StatusCode::NO_CONTENT)
}
