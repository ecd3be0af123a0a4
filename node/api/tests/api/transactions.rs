use axum::http::StatusCode;
use minicbor::bytes::ByteVec;
use precinto_protocol::cbor;
use serde_json::json;

use crate::support::{AUDITOR, api, transaction, unknown_id};

const PATH: &str = "/v1/transactions";

#[tokio::test]
async fn one_transaction_is_taken_as_bytes_or_as_a_bare_statement() {
    let api = api();
    let transaction = transaction(1);
    let id = transaction.id().to_string();
    let encoded = transaction.encode();
    let plain = api.post_bytes(AUDITOR, PATH, "application/octet-stream", encoded.clone()).await;
    assert_eq!(plain.status, StatusCode::ACCEPTED);
    assert_eq!(plain.json(), json!({ "id": id, "status": "pending" }));
    let statement = transaction.statement.encode();
    let content_type = "application/cose; cose-type=\"cose-sign1\"";
    let cose = api.post_bytes(AUDITOR, PATH, content_type, statement).await;
    assert_eq!(cose.json()["id"], id.as_str());
    assert_eq!(api.node.seen().submitted, [encoded.clone(), encoded]);
}

#[tokio::test]
async fn waiting_gives_the_final_status_and_the_call() {
    let api = api();
    let encoded = transaction(1).encode();
    let path = format!("{PATH}?wait=committed&timeout_ms=1000");
    let answer = api.post_bytes(AUDITOR, &path, "application/octet-stream", encoded).await;
    assert_eq!(answer.status, StatusCode::OK);
    let body = answer.json();
    assert_eq!((&body["status"], &body["height"]), (&json!("committed"), &json!(120)));
    assert_eq!(body["call"]["method"], "certify");
    let shown = api.get(&format!("{PATH}/{}", body["id"].as_str().unwrap())).await;
    assert_eq!(shown.json(), body);
}

#[tokio::test]
async fn many_are_answered_one_by_one() {
    let api = api();
    let good: Vec<_> = [1, 2].map(transaction).iter().map(|t| t.encode()).collect();
    let items = [good[0].clone(), vec![0xff], good[1].clone()];
    let body = cbor::encode(&items.map(ByteVec::from).to_vec());
    let answer = api.post_bytes(AUDITOR, PATH, "application/cbor", body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let results = answer.json()["results"].clone();
    assert_eq!(results[0]["status"], "pending");
    assert_eq!(results[1]["error"]["code"], "malformed");
    assert_eq!(results[2]["id"], transaction(2).id().to_string());
    // The same in JSON: gQ== is the byte 0x81.
    let answer = api.post_as(AUDITOR, PATH, json!({ "transactions": ["gQ=="] })).await;
    assert_eq!(answer.json()["results"][0]["error"]["code"], "malformed");
}

#[tokio::test]
async fn endorsements_are_collected_only_where_that_is_asked_for() {
    let api = api();
    let encoded = transaction(1).encode();
    let path = format!("{PATH}?endorse=collect&wait=committed");
    let body = cbor::encode(&vec![ByteVec::from(encoded), ByteVec::from(vec![0xff])]);
    let answer = api.post_bytes(AUDITOR, &path, "application/cbor", body).await;
    let results = answer.json()["results"].clone();
    assert_eq!(results[0]["status"], "committed");
    assert_eq!(results[0]["call"]["endorsers"].as_array().map(Vec::len), Some(1));
    assert_eq!(results[1]["error"]["code"], "endorsement-failed");
    assert_eq!(results[1]["error"]["status"], 409);
    assert_eq!(api.node.seen().submitted.len(), 1, "what was not endorsed is not submitted");

    let plain = transaction(2).encode();
    api.post_bytes(AUDITOR, PATH, "application/octet-stream", plain.clone()).await;
    assert_eq!(api.node.seen().submitted[1], plain);
    let unknown = format!("{PATH}?endorse=me");
    api.post_bytes(AUDITOR, &unknown, "application/cose", plain)
        .await
        .problem(400, "invalid-parameter");
}

#[tokio::test]
async fn what_is_no_submission_is_refused_as_a_whole() {
    let api = api();
    for (content_type, body, status, code) in [
        ("application/octet-stream", b"\xff".to_vec(), 400, "malformed"),
        ("application/cose", b"\xd2\x84".to_vec(), 400, "malformed"),
        ("application/cbor", b"\x81\x01".to_vec(), 400, "malformed-body"),
        ("application/cbor", b"\x80".to_vec(), 400, "malformed-body"),
        ("application/cbor", b"\x9f\x40\xff".to_vec(), 400, "malformed-body"),
        ("application/cbor", b"\x81\x40\x00".to_vec(), 400, "malformed-body"),
        ("application/cbor", [&[0x9b][..], &[0xff; 8]].concat(), 413, "too-many-items"),
        ("application/json", b"{\"transactions\":[\"*\"]}".to_vec(), 400, "invalid-field"),
        ("application/json", b"{\"transactions\":[],\"x\":1}".to_vec(), 400, "malformed-body"),
        ("application/xml", b"<x/>".to_vec(), 415, "unsupported-media-type"),
    ] {
        api.post_bytes(AUDITOR, PATH, content_type, body).await.problem(status, code);
    }
    let many = vec![ByteVec::from(vec![0]); 1_001];
    let body = cbor::encode(&many);
    api.post_bytes(AUDITOR, PATH, "application/cbor", body).await.problem(413, "too-many-items");
}

#[tokio::test]
async fn an_id_never_seen_has_the_status_unknown() {
    let answer = api().get(&format!("{PATH}/{}", unknown_id())).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({ "id": unknown_id(), "status": "unknown" }));
}
