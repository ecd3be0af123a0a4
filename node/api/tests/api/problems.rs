use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use futures::future::join_all;
use precinto_api::limits::{MAX_BODY_BYTES, MAX_REQUESTS};
use serde_json::json;

use crate::support::{AUDITOR, OFFICER, api, request, unknown_id};

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let api = api();
    api.get("/v2/status").await.problem(404, "unknown-path");
    api.get("/").await.problem(404, "unknown-path");
    let delete = request(Method::DELETE, "/v1/status", AUDITOR).body(Body::empty()).unwrap();
    let answer = api.send(delete).await;
    answer.problem(405, "method-not-allowed");
    assert!(answer.headers.contains_key(header::ALLOW));
}

#[tokio::test]
async fn bad_bodies_are_problems_that_say_where() {
    let api = api();
    let path = "/v1/aeo/authorizations";
    let broken = api.post_bytes(OFFICER, path, "application/json", b"{\"scheme\":".to_vec()).await;
    broken.problem(400, "malformed-body");
    let unknown = api.post(path, json!({ "schema": "rut" })).await;
    assert!(unknown.problem(400, "malformed-body").contains("schema"));
    let nested = api.post("/v1/aeo/aliases", json!({ "alias": { "scheme": 7 } })).await;
    assert!(nested.problem(400, "malformed-body").contains("alias.scheme"));
    api.post_bytes(OFFICER, path, "text/plain", b"{}".to_vec())
        .await
        .problem(415, "unsupported-media-type");
    let huge = vec![b' '; MAX_BODY_BYTES + 1];
    api.post_bytes(OFFICER, path, "application/json", huge.clone())
        .await
        .problem(413, "body-too-large");
    api.post_bytes(OFFICER, "/v1/transactions", "application/cbor", huge)
        .await
        .problem(413, "body-too-large");
    // Deep nesting must not reach the stack's end.
    let deep = "[".repeat(1_000_000).into_bytes();
    api.post_bytes(OFFICER, path, "application/json", deep).await.problem(400, "malformed-body");
}

#[tokio::test]
async fn bad_parameters_are_problems_that_name_them() {
    let api = api();
    let id = unknown_id();
    for (path, named) in [
        ("/v1/transactions/xyz".to_owned(), "id"),
        (format!("/v1/transactions/{}", id.to_uppercase()), "id"),
        (format!("/v1/transactions/{id}?wait=attested"), "wait"),
        (format!("/v1/transactions/{id}?wait=committed&timeout_ms=30001"), "timeout_ms"),
        (format!("/v1/transactions/{id}?timeout_ms=5"), "timeout_ms"),
        ("/v1/blocks/-1".to_owned(), "-1"),
        ("/v1/blocks?limit=0".to_owned(), "limit"),
        ("/v1/blocks?limit=101".to_owned(), "limit"),
        ("/v1/blocks?form=3".to_owned(), "form"),
        ("/v1/aeo/operators/RUT_/1".to_owned(), "scheme"),
        ("/v1/aeo/operators/uy-rut/%C3%A9".to_owned(), "identifier"),
        ("/v1/aeo/operators/uy-rut/1/history".to_owned(), "member"),
        ("/v1/aeo/operators/uy-rut/1?consistency=strong".to_owned(), "consistency"),
        ("/v1/aeo/authorizations?cursor=zz".to_owned(), "cursor"),
        ("/v1/events?from=yesterday".to_owned(), "from"),
        ("/v1/blocks/%FF".to_owned(), "UTF-8"),
    ] {
        let detail = api.get(&path).await.problem(400, "invalid-parameter");
        assert!(detail.contains(named), "{path}: {detail}");
    }
}

#[tokio::test]
async fn blocks_page_from_the_newest_and_unknown_ones_are_problems() {
    let api = api();
    let newest = api.get("/v1/blocks?limit=2").await.json();
    let heights = |page: &serde_json::Value| -> Vec<u64> {
        let blocks = page["blocks"].as_array().unwrap();
        blocks.iter().map(|block| block["height"].as_u64().unwrap()).collect()
    };
    assert_eq!(heights(&newest), [119, 120]);
    assert_eq!(newest["height"], 120);
    assert_eq!(heights(&api.get("/v1/blocks?from=0&limit=2").await.json()), [1, 2]);
    let block = api.get("/v1/blocks/7").await.json();
    assert_eq!(block["transactions"][1]["code"], "number-taken");
    api.get("/v1/blocks/121").await.problem(404, "unknown-block");
    api.get("/v1/blocks/0").await.problem(404, "unknown-block");
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_at_once_and_served_again_later() {
    let api = api();
    api.node.gate.forget_permits(usize::MAX);
    let mut requests: Vec<_> = (0..MAX_REQUESTS).map(|_| Box::pin(api.get("/v1/status"))).collect();
    for request in &mut requests {
        assert!(futures::poll!(request).is_pending());
    }
    let refused = api.get("/v1/status").await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    assert_eq!(api.get("/livez").await.status, StatusCode::OK, "health is never refused");
    api.node.gate.add_permits(MAX_REQUESTS + 1);
    assert!(join_all(requests).await.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(api.get("/v1/status").await.status, StatusCode::OK);
}
