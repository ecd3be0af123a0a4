use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};
use precinto_api::Health;
use serde_json::json;

use crate::support::{AUDITOR, OFFICER, api, api_with, request};

/// Every documented operation, with its path's parameters filled in.
pub(crate) fn operations() -> Vec<(Method, String)> {
    let document = serde_json::to_value(precinto_api::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", &"ab".repeat(32)).replace("{height}", "1");
        let path = path.replace("{scheme}", "uy-rut").replace("{identifier}", "1");
        let path = path.replace("{name}", "olga").replace("{token}", "first");
        for method in item.as_object().unwrap().keys() {
            if let Ok(method) = method.to_uppercase().parse() {
                operations.push((method, path.clone()));
            }
        }
    }
    operations
}

#[tokio::test]
async fn nothing_but_health_answers_without_a_known_token() {
    let api = api();
    let mut refused = 0;
    for (method, path) in operations() {
        let login = method == Method::POST && path == "/v1/session";
        if login || ["/livez", "/readyz"].contains(&path.as_str()) {
            continue;
        }
        let none = Request::builder().method(&method).uri(&path).body(Body::empty()).unwrap();
        let unknown = request(method.clone(), &path, "nobody").body(Body::empty()).unwrap();
        let basic = Request::builder().method(&method).uri(&path);
        let basic = basic.header(header::AUTHORIZATION, "Basic eDp5").body(Body::empty()).unwrap();
        for attempt in [none, unknown, basic] {
            let answer = api.send(attempt).await;
            answer.problem(401, "unauthorized");
            assert!(
                answer.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer")
            );
        }
        refused += 1;
    }
    assert!(refused >= 38, "the document lists {refused} operations");
    let document = Request::builder().uri("/v1/openapi.json").body(Body::empty()).unwrap();
    api.send(document).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn every_account_reads_but_only_officers_write() {
    let api = api();
    for path in [
        "/v1/status",
        "/v1/members",
        "/v1/nodes",
        "/v1/contracts",
        "/v1/blocks",
        "/v1/blocks/3",
        "/v1/checkpoints",
        "/v1/checkpoint",
        "/v1/openapi.json",
    ] {
        assert_eq!(api.get(path).await.status, StatusCode::OK, "{path}");
    }
    let certify = json!({ "scheme": "uy-rut", "identifier": "1", "number": "A",
        "types": ["AEOC"], "roles": ["importer"], "valid_from": "2026-01-01" });
    let change = json!({ "scheme": "uy-rut", "identifier": "1", "number": "A", "class": "c" });
    let forms = [
        ("", certify),
        ("/batch", json!({ "rows": [] })),
        ("/suspend", change.clone()),
        ("/reinstate", change.clone()),
        ("/withdraw", change.clone()),
        ("/revoke", change.clone()),
        ("/annul", change),
    ];
    for (path, complete) in forms {
        let path = format!("/v1/aeo/authorizations{path}");
        // The role is checked first: nobody learns more than that it is missing.
        let detail = api.post_as(AUDITOR, &path, complete).await.problem(403, "role-required");
        assert!(detail.contains("officer") && detail.contains("aldo"), "{detail}");
        api.post_as(AUDITOR, &path, json!({})).await.problem(400, "malformed-body");
    }
    assert!(api.node.seen().calls.is_empty());
}

#[tokio::test]
async fn metrics_are_for_auditors_or_this_machine_where_configured() {
    let local = SocketAddr::from(([127, 0, 0, 1], 5000));
    let remote = SocketAddr::from(([192, 0, 2, 1], 5000));
    let from = |peer: SocketAddr| {
        let request = Request::builder().uri("/metrics").extension(ConnectInfo(peer));
        request.body(Body::empty()).unwrap()
    };
    let closed = api();
    closed.send(from(local)).await.problem(401, "unauthorized");
    let as_officer = request(Method::GET, "/metrics", OFFICER).body(Body::empty()).unwrap();
    let detail = closed.send(as_officer).await.problem(403, "role-required");
    assert!(detail.contains("auditor"), "{detail}");
    let answer = closed.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = String::from_utf8(answer.body).unwrap();
    let counted = r#"precinto_http_requests_total{method="GET",route="/metrics",status="401"} 1"#;
    assert!(text.contains(counted), "{text}");
    let open = api_with(true);
    assert_eq!(open.send(from(local)).await.status, StatusCode::OK);
    open.send(from(remote)).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn health_needs_no_token_and_tells_why_a_node_is_not_ready() {
    let api = api();
    let open = |path: &str| Request::builder().uri(path).body(Body::empty()).unwrap();
    assert_eq!(api.send(open("/livez")).await.status, StatusCode::OK);
    assert_eq!(api.send(open("/readyz")).await.status, StatusCode::OK);
    let well = Health { leader_known: true, leader_settled: true, ..Health::default() };
    let ill = [
        Health::default(),
        Health { leader_settled: false, ..well.clone() },
        Health { lag: 1_000, ..well.clone() },
        Health { halted: Some("roots differ".into()), ..well.clone() },
        Health { disk_full: true, ..well.clone() },
        Health { clock_off: true, ..well.clone() },
    ];
    for health in ill {
        *api.node.health.lock().unwrap() = health.clone();
        let answer = api.send(open("/readyz")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{health:?}");
        assert_eq!(answer.json()["ready"], false);
    }
}
