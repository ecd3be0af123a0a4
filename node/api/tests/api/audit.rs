//! The audit trail: every read of records leaves a line, or is not answered.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use precinto_protocol::aeo::{AsOf, Scheme, lookup_tag, query::FindAnswer};
use serde_json::{Value, json};

use crate::{
    auth::operations,
    fake::{HEIGHT, LOOKUP_KEY, TIME_MS},
    session::{api_with_password, log_in_from},
    support::{ADMIN, Api, OFFICER, api, unaudited_api, unknown_id},
};

/// Reads that are of no record: the ledger's public frame, the node, and one's own account.
const NOT_RECORDS: &[&str] = &[
    "/v1/aeo/mras",
    "/v1/aeo/mras/abababababababababababababababababababababababababababababababab",
    "/v1/webhooks",
    "/livez",
    "/readyz",
    "/metrics",
    "/v1/blocks",
    "/v1/blocks/1",
    "/v1/checkpoint",
    "/v1/checkpoints",
    "/v1/contracts",
    "/v1/members",
    "/v1/nodes",
    "/v1/session",
    "/v1/status",
    "/v1/users",
];

/// The lines of a kind, once there are `count`.
async fn trail(api: &Api, kind: &str, query: &str, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let page = api.get(&format!("/v1/audit/{kind}?limit=100&{query}")).await.json();
        let entries = page["entries"].as_array().unwrap().clone();
        if entries.len() >= count {
            return entries;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {count} lines");
}

fn nothing_found() -> FindAnswer {
    let as_of = AsOf { effective_ms: TIME_MS, recorded_ms: TIME_MS };
    FindAnswer { as_of, operators: vec![] }
}

#[tokio::test]
async fn a_read_tells_who_asked_what_and_when_without_the_identifier() {
    let api = api();
    api.node.answer("find", &nothing_found());
    let path = "/v1/aeo/operators/uy-rut/21-403302-0011";
    let answer = api.call(Method::GET, OFFICER, path, None).await;
    assert_eq!(answer.status, StatusCode::OK);
    let lines = trail(&api, "reads", "account=olga", 1).await;
    let line = &lines[0];
    assert_eq!(line["account"], "olga");
    assert_eq!(line["roles"], json!(["officer"]));
    assert_eq!(line["route"], "GET /v1/aeo/operators/{scheme}/{identifier}");
    let tag = lookup_tag(&LOOKUP_KEY, Scheme::UyRut, "214033020011").to_hex();
    assert_eq!(line["asked"], json!({ "operator": tag }));
    assert_eq!((&line["height"], &line["results"]), (&json!(HEIGHT), &json!(0)));
    assert_eq!(line["request"], answer.headers["x-request-id"].to_str().unwrap());
    assert!(!line.to_string().contains("214033020011"));
    // Reading the trail leaves lines, too.
    assert!(!trail(&api, "reads", "account=aldo", 1).await.is_empty());
    let none = api.get("/v1/audit/reads?account=olga&to_ms=5").await.json();
    assert_eq!(none["entries"], json!([]));
    assert!(none["head_seq"].as_u64().unwrap() >= 2);
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let api = api();
    let path = format!("/v1/transactions/{}", unknown_id());
    for _ in 0..5 {
        assert_eq!(api.call(Method::GET, OFFICER, &path, None).await.status, StatusCode::OK);
    }
    trail(&api, "reads", "account=olga", 5).await;
    let (mut found, mut after) = (0, String::new());
    loop {
        let page = api.get(&format!("/v1/audit/reads?account=olga&limit=2{after}")).await.json();
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 2);
        found += entries.len();
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(found, 5);
    for bad in ["after=x", "after=1-", "after=%2B1-2", "limit=0", "from_ms=-1", "who=olga"] {
        let answer = api.get(&format!("/v1/audit/reads?{bad}")).await;
        answer.problem(400, "invalid-parameter");
    }
}

#[tokio::test]
async fn only_auditors_read_the_trail() {
    let api = api();
    for path in ["/v1/audit/reads", "/v1/audit/accounts"] {
        for token in [OFFICER, ADMIN] {
            let answer = api.call(Method::GET, token, path, None).await;
            answer.problem(403, "role-required");
        }
    }
}

#[tokio::test]
async fn logins_and_changes_of_accounts_leave_lines_with_what_became_of_them() {
    let api = api_with_password().await;
    log_in_from(&api, 1, "olga", "wrong").await.problem(401, "wrong-password");
    log_in_from(&api, 1, "hunter2hunter2", "olga").await.problem(401, "wrong-password");
    log_in_from(&api, 1, "olga", "correct horse battery").await;
    api.call(Method::POST, ADMIN, "/v1/users/adam/disable", None).await;
    let lines = trail(&api, "accounts", "", 6).await;
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line["account"].as_str().unwrap(), line["asked"]["refused"].as_str()))
        .collect();
    let expected = [
        ("adam", None),
        ("olga", Some("wrong-password")),
        ("", Some("wrong-password")),
        ("olga", None),
        ("adam", None),
        ("adam", Some("last-admin-account")),
    ];
    assert_eq!(seen, expected);
    assert_eq!(lines[1]["asked"]["source"], "192.0.2.1");
    let text = serde_json::to_string(&lines).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("battery"), "no password in the trail");
}

/// Every read is either of no record or leaves a line: when no line can be taken, it is refused.
#[tokio::test]
async fn no_record_is_read_while_the_trail_takes_no_lines() {
    let api = unaudited_api(false);
    let path = format!("/v1/transactions/{}", unknown_id());
    let mut taken = 0;
    while api.get(&path).await.status == StatusCode::OK {
        taken += 1;
    }
    assert!(taken > 1_000, "the queue takes {taken}");
    let refused = api.get(&path).await;
    refused.problem(503, "audit-unavailable");
    assert!(refused.headers.contains_key("retry-after"));
    api.node.answer("find", &nothing_found());
    let path = "/v1/aeo/operators/uy-rut/214033020011";
    api.get(path).await.problem(503, "audit-unavailable");
    api.get("/v1/events").await.problem(503, "audit-unavailable");
    assert_eq!(api.get("/v1/status").await.status, StatusCode::OK);
    let admin = api.call(Method::POST, ADMIN, "/v1/users/olga/disable", None).await;
    admin.problem(503, "audit-unavailable");
    assert_eq!(api.get("/v1/session").await.status, StatusCode::OK);
    let olga = api.call(Method::GET, OFFICER, "/v1/session", None).await;
    assert_eq!(olga.status, StatusCode::OK, "what is not recorded was not done");
    for (method, path) in operations() {
        if method == Method::GET && !NOT_RECORDS.contains(&path.as_str()) {
            let answer = api.get(&path).await;
            assert!(
                !answer.status.is_success(),
                "{path} is answered without a line in the trail: record it, or list it as no record"
            );
        }
    }
}
