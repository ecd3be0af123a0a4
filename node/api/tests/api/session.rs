//! Logging in, sessions, and one's own password.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Api, OFFICER, api};

const PASSWORD: &str = "correct horse battery";

/// With a password for the officer.
pub(crate) async fn api_with_password() -> Api {
    let api = api();
    reset(&api, "olga", PASSWORD).await;
    api
}

async fn reset(api: &Api, name: &str, password: &str) {
    let path = format!("/v1/users/{name}/password");
    let answer = api.call(Method::PUT, ADMIN, &path, Some(json!({ "password": password }))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
}

pub(crate) async fn log_in_from(api: &Api, last: u8, name: &str, password: &str) -> Answer {
    let from = SocketAddr::from(([192, 0, 2, last], 4000));
    let request = Request::builder().method(Method::POST).uri("/v1/session");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let form = json!({ "name": name, "password": password }).to_string();
    api.send(request.extension(ConnectInfo(from)).body(Body::from(form)).unwrap()).await
}

async fn log_in(api: &Api, name: &str, password: &str) -> String {
    let answer = log_in_from(api, 1, name, password).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn who(api: &Api, token: &str) -> Answer {
    api.call(Method::GET, token, "/v1/session", None).await
}

#[tokio::test]
async fn a_session_acts_as_its_account_until_it_ends() {
    let api = api_with_password().await;
    let token = log_in(&api, "olga", PASSWORD).await;
    let answer = who(&api, &token).await.json();
    assert_eq!((&answer["name"], &answer["by"]), (&json!("olga"), &json!("session")));
    assert_eq!(answer["roles"], json!(["officer"]));
    assert!(answer["expires_ms"].as_u64().unwrap() > 0 && answer["idle_ms"] == 30 * 60 * 1000);
    let form =
        json!({ "scheme": "aeo", "identifier": "X1", "number": "A", "class": "examination" });
    let acted = api.post_as(&token, "/v1/aeo/authorizations/suspend", form).await;
    assert_eq!(acted.status, StatusCode::ACCEPTED, "{}", acted.json());
    assert_eq!(
        api.call(Method::DELETE, &token, "/v1/session", None).await.status,
        StatusCode::NO_CONTENT
    );
    who(&api, &token).await.problem(401, "unauthorized");
    api.call(Method::DELETE, OFFICER, "/v1/session", None).await.problem(409, "no-session");
    assert_eq!(who(&api, OFFICER).await.json()["by"], "token");
}

#[tokio::test]
async fn wrong_unknown_disabled_and_without_password_are_the_same_answer() {
    let api = api_with_password().await;
    reset(&api, "aldo", PASSWORD).await;
    api.call(Method::POST, ADMIN, "/v1/users/aldo/disable", None).await;
    let mut answers: Vec<Value> = Vec::new();
    for (name, password) in
        [("olga", "wrong horse battery"), ("nobody", PASSWORD), ("aldo", PASSWORD), ("adam", "")]
    {
        let answer = log_in_from(&api, 1, name, password).await;
        answer.problem(401, "wrong-password");
        answers.push(answer.json());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn failures_are_throttled_per_account_and_per_source_with_retry_after() {
    let api = api_with_password().await;
    for last in 1..=5 {
        log_in_from(&api, last, "olga", "wrong").await.problem(401, "wrong-password");
    }
    let throttled = log_in_from(&api, 6, "olga", PASSWORD).await;
    throttled.problem(429, "too-many-attempts");
    assert!(throttled.headers[header::RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(throttled.json()["retryable"], true);
    for n in 0..20 {
        let answer = log_in_from(&api, 9, &format!("name{n}"), "wrong").await;
        answer.problem(401, "wrong-password");
    }
    log_in_from(&api, 9, "aldo", "wrong").await.problem(429, "too-many-attempts");
    log_in_from(&api, 10, "aldo", "wrong").await.problem(401, "wrong-password");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_an_admins_reset_all() {
    let api = api_with_password().await;
    let mine = log_in(&api, "olga", PASSWORD).await;
    let other = log_in(&api, "olga", PASSWORD).await;
    let path = "/v1/session/password";
    let form = |current: &str, new: &str| Some(json!({ "current": current, "new": new }));
    let weak = api.call(Method::PUT, &mine, path, form(PASSWORD, "password1234")).await;
    weak.problem(422, "weak-password");
    let wrong = api.call(Method::PUT, &mine, path, form("wrong", "four random words here")).await;
    wrong.problem(401, "wrong-password");
    let changed =
        api.call(Method::PUT, &mine, path, form(PASSWORD, "four random words here")).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT);
    assert_eq!(who(&api, &mine).await.status, StatusCode::OK);
    who(&api, &other).await.problem(401, "unauthorized");
    assert_eq!(who(&api, OFFICER).await.status, StatusCode::OK, "tokens are not passwords");
    log_in_from(&api, 2, "olga", PASSWORD).await.problem(401, "wrong-password");
    reset(&api, "olga", PASSWORD).await;
    who(&api, &mine).await.problem(401, "unauthorized");
    log_in(&api, "olga", PASSWORD).await;
}

#[tokio::test]
async fn a_login_reads_no_more_than_a_login_needs() {
    let api = api();
    let long = "x".repeat(5_000);
    log_in_from(&api, 1, "olga", &long).await.problem(413, "body-too-large");
}
