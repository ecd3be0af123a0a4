//! Accounts, managed by admins.

use axum::http::{Method, StatusCode};
use precinto_api::{Accounts, SessionLimits};
use serde_json::{Value, json};

use crate::{
    session::log_in_from,
    support::{ADMIN, AUDITOR, Answer, Api, OFFICER, api},
};

const PASSWORD: &str = "four random words here";

async fn put(api: &Api, path: &str, body: Value) -> Answer {
    api.call(Method::PUT, ADMIN, path, Some(body)).await
}

async fn post(api: &Api, path: &str, body: Option<Value>) -> Answer {
    api.call(Method::POST, ADMIN, path, body).await
}

#[tokio::test]
async fn an_account_lives_from_its_making_to_its_disabling_and_survives_a_restart() {
    let api = api();
    let form = json!({ "name": "eva", "roles": ["officer"], "password": PASSWORD });
    let made = post(&api, "/v1/users", Some(form.clone())).await.json();
    assert_eq!((&made["name"], &made["has_password"]), (&json!("eva"), &json!(true)));
    post(&api, "/v1/users", Some(form)).await.problem(409, "user-exists");
    let session = log_in_from(&api, 1, "eva", PASSWORD).await.json();
    let session = session["token"].as_str().unwrap();
    let roles = put(&api, "/v1/users/eva/roles", json!({ "roles": ["auditor", "supervisor"] }));
    assert_eq!(roles.await.json()["roles"], json!(["supervisor", "auditor"]));
    // At once, in a session that began before.
    let trail = api.call(Method::GET, session, "/v1/audit/reads", None).await;
    assert_eq!(trail.status, StatusCode::OK);
    let gone = post(&api, "/v1/users/eva/disable", None).await.json();
    assert_eq!(gone["disabled"], true);
    api.call(Method::GET, session, "/v1/status", None).await.problem(401, "unauthorized");
    log_in_from(&api, 1, "eva", PASSWORD).await.problem(401, "wrong-password");
    let back = post(&api, "/v1/users/eva/enable", None).await.json();
    assert_eq!(back["disabled"], false);
    api.call(Method::GET, session, "/v1/status", None).await.problem(401, "unauthorized");
    let list = api.call(Method::GET, ADMIN, "/v1/users", None).await.json();
    let names: Vec<_> = list["users"].as_array().unwrap().iter().map(|u| &u["name"]).collect();
    assert_eq!(names, ["adam", "aldo", "eva", "olga", "susi"]);

    let file = api.directory.path().join("users.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("eva") && !text.contains(PASSWORD), "{text}");
    Accounts::open(&file, SessionLimits::default()).unwrap();
}

#[tokio::test]
async fn a_tokens_roles_are_of_the_accounts_and_it_ends_when_revoked() {
    let api = api();
    put(&api, "/v1/users/olga/roles", json!({ "roles": ["officer", "auditor"] })).await;
    let path = "/v1/users/olga/tokens";
    let form = |name: &str, roles: Value| Some(json!({ "name": name, "roles": roles }));
    post(&api, path, form("x", json!(["admin"]))).await.problem(400, "invalid-field");
    post(&api, path, form("first", json!(["officer"]))).await.problem(400, "invalid-field");
    let days = json!({ "name": "x", "roles": ["auditor"], "days": 0 });
    post(&api, path, Some(days)).await.problem(400, "invalid-field");
    let made = post(&api, path, form("reader", json!(["auditor"]))).await.json();
    let token = made["token"].as_str().unwrap();
    assert!(token.len() == 64 && made["expires_ms"].is_null());
    let can_audit = async || api.call(Method::GET, token, "/v1/audit/reads", None).await;
    assert_eq!(can_audit().await.status, StatusCode::OK);
    let form =
        json!({ "scheme": "aeo", "identifier": "X1", "number": "A", "class": "examination" });
    let act = api.post_as(token, "/v1/aeo/authorizations/suspend", form).await;
    act.problem(403, "role-required");
    // What the account loses, its tokens lose.
    put(&api, "/v1/users/olga/roles", json!({ "roles": ["officer"] })).await;
    can_audit().await.problem(401, "unauthorized");
    put(&api, "/v1/users/olga/roles", json!({ "roles": ["auditor"] })).await;
    let revoked = api.call(Method::DELETE, ADMIN, &format!("{path}/reader"), None).await;
    assert_eq!(revoked.status, StatusCode::OK);
    can_audit().await.problem(401, "unauthorized");
    let again = api.call(Method::DELETE, ADMIN, &format!("{path}/reader"), None).await;
    again.problem(404, "unknown-token");
}

#[tokio::test]
async fn somebody_can_always_manage_accounts() {
    let api = api();
    post(&api, "/v1/users/adam/disable", None).await.problem(409, "last-admin-account");
    let demoted = put(&api, "/v1/users/adam/roles", json!({ "roles": ["officer"] })).await;
    demoted.problem(409, "last-admin-account");
    put(&api, "/v1/users/olga/roles", json!({ "roles": ["admin"] })).await;
    let disabled = post(&api, "/v1/users/adam/disable", None).await;
    assert_eq!(disabled.status, StatusCode::OK);
}

#[tokio::test]
async fn bad_names_roles_and_passwords_are_refused_and_change_nothing() {
    let api = api();
    let before = std::fs::read(api.directory.path().join("users.json")).unwrap();
    for (form, status, code) in [
        (json!({ "name": "", "roles": ["officer"] }), 400, "invalid-field"),
        (json!({ "name": "a/b", "roles": ["officer"] }), 400, "invalid-field"),
        (json!({ "name": "eva", "roles": [] }), 400, "invalid-field"),
        (json!({ "name": "eva", "roles": ["boss"] }), 400, "invalid-field"),
        (json!({ "name": "eva", "roles": ["node"] }), 400, "invalid-field"),
        (json!({ "name": "eva", "roles": ["officer"], "password": "short" }), 422, "weak-password"),
        (json!({ "name": "eva", "roles": ["officer"], "disabled": false }), 400, "malformed-body"),
    ] {
        post(&api, "/v1/users", Some(form)).await.problem(status, code);
    }
    put(&api, "/v1/users/nobody/password", json!({ "password": PASSWORD }))
        .await
        .problem(404, "unknown-user");
    let after = std::fs::read(api.directory.path().join("users.json")).unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn only_admins_manage_accounts() {
    let api = api();
    for token in [OFFICER, AUDITOR] {
        for (method, path, body) in [
            (Method::GET, "/v1/users", None),
            (Method::POST, "/v1/users", Some(json!({ "name": "eva", "roles": ["officer"] }))),
            (Method::PUT, "/v1/users/olga/roles", Some(json!({ "roles": ["admin"] }))),
            (Method::POST, "/v1/users/adam/disable", None),
            (Method::POST, "/v1/users/olga/enable", None),
            (Method::PUT, "/v1/users/adam/password", Some(json!({ "password": PASSWORD }))),
            (Method::POST, "/v1/users/olga/tokens", Some(json!({ "name": "x", "roles": [] }))),
            (Method::DELETE, "/v1/users/adam/tokens/first", None),
        ] {
            let answer = api.call(method, token, path, body).await;
            assert!(answer.problem(403, "role-required").contains("admin"), "{path}");
        }
    }
}
