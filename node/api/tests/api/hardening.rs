//! What protects every endpoint: headers, inventory, unknown fields, errors that tell no internals,
//! and clients that hold connections.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use precinto_api::limits::HEADER_TIMEOUT;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use crate::{
    auth::operations,
    support::{ADMIN, AUDITOR, OFFICER, api},
};

#[tokio::test]
async fn no_answer_may_be_cached_sniffed_or_read_by_another_origin() {
    let api = api();
    let mut ids = Vec::new();
    for (path, origin) in [("/v1/status", "https://elsewhere.example"), ("/v1/nothing", "null")] {
        for method in [Method::GET, Method::OPTIONS] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::AUTHORIZATION, format!("Bearer {AUDITOR}"))
                .header(header::ORIGIN, origin)
                .header("access-control-request-method", "GET");
            let answer = api.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
            assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
            ids.push(answer.headers["x-request-id"].to_str().unwrap().to_owned());
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "every request has an id of its own");
}

/// Every path is served because it is documented; the document itself is the exception.
#[test]
fn there_is_no_route_beside_the_documented_ones() {
    let router = include_str!("../../src/routes/mod.rs");
    assert_eq!(router.matches(".route(").count(), 1, "add endpoints with `routes!`");
    assert!(router.contains(".route(\"/v1/openapi.json\""));
    assert!(operations().len() >= 37);
}

/// Mass assignment: what a form does not name cannot be set.
#[tokio::test]
async fn every_form_refuses_fields_that_it_does_not_name() {
    let api = api();
    let document = serde_json::to_value(precinto_api::openapi()).unwrap();
    let forms = document["components"]["schemas"].as_object().unwrap().iter();
    let forms: Vec<_> = forms
        .filter(|(name, _)| name.ends_with("Form") || *name == "SubmitMany")
        // A time, say, has no fields.
        .filter(|(_, schema)| schema["properties"].is_object())
        .map(|(name, schema)| (name, schema["additionalProperties"] == json!(false)))
        .collect();
    assert!(forms.len() >= 9, "{forms:?}");
    assert!(forms.iter().all(|(_, strict)| *strict), "{forms:?}");
    let form = json!({ "roles": ["officer"], "pseudonym_seed": "00" });
    let answer = api.call(Method::PUT, ADMIN, "/v1/users/olga/roles", Some(form)).await;
    assert!(answer.problem(400, "malformed-body").contains("pseudonym_seed"));
    let form = json!({ "scheme": "aeo", "identifier": "X1", "number": "A", "class": "examination",
        "member": "br-rfb" });
    let answer = api.post_as(OFFICER, "/v1/aeo/authorizations/suspend", form).await;
    assert!(answer.problem(400, "malformed-body").contains("member"));
}

#[tokio::test]
async fn errors_tell_no_paths_types_or_tokens() {
    let api = api();
    let secret = "ab".repeat(32);
    let attempts = [
        ("/v1/status".to_owned(), secret.as_str()),
        (format!("/v1/transactions/{}", "z".repeat(64)), AUDITOR),
        ("/v1/query".to_owned(), AUDITOR),
        ("/v1/audit/reads?after=../../etc/passwd".to_owned(), AUDITOR),
    ];
    for (path, token) in attempts {
        let answer = api.call(Method::GET, token, &path, None).await;
        assert!(!answer.status.is_success());
        let text = String::from_utf8(answer.body).unwrap();
        for internal in [secret.as_str(), "src/", "panicked", "RUST_", "precinto_api::"] {
            assert!(!text.contains(internal), "{path}: {text}");
        }
    }
}

/// A client that sends its headers a byte at a time, or never, does not hold a connection.
#[tokio::test]
async fn a_slow_header_is_cut_off() {
    let api = api();
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(precinto_api::serve(listener, api.router.clone(), std::future::pending()));
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\nhost: n\r\nx-slow: ").await.unwrap();
    let began = Instant::now();
    let mut answer = Vec::new();
    let read = slow.read_to_end(&mut answer);
    timeout(HEADER_TIMEOUT + Duration::from_secs(5), read).await.expect("it is cut off").unwrap();
    assert!(began.elapsed() >= HEADER_TIMEOUT - Duration::from_secs(1));
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    let mut good = TcpStream::connect(address).await.unwrap();
    good.write_all(b"GET /livez HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    good.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}
