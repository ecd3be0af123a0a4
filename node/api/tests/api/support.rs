//! Requests without a socket.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use precinto_api::{AccountConfig, Accounts, ApiConfig, HttpMetrics, router, token_digest};
use precinto_protocol::{
    hash::Hash,
    keys::SigningKey,
    statement::{Call, Statement},
    transaction::Transaction,
};
use prometheus::Registry;
use serde_json::Value;
use tower::ServiceExt;

use crate::fake::{CHANNEL, FakeNode, TIME_MS};

pub(crate) const OFFICER: &str = "token-of-the-officer";
pub(crate) const SUPERVISOR: &str = "token-of-the-supervisor";
pub(crate) const AUDITOR: &str = "token-of-the-auditor";

pub(crate) struct Api {
    pub(crate) node: Arc<FakeNode>,
    pub(crate) router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

fn account(name: &str, role: &str, token: &str) -> AccountConfig {
    AccountConfig {
        name: name.into(),
        roles: vec![role.into()],
        token_sha256: token_digest(token).to_hex(),
        pseudonym_seed: token_digest(name).to_hex(),
    }
}

pub(crate) fn api() -> Api {
    api_with(false)
}

pub(crate) fn api_with(metrics_open_on_loopback: bool) -> Api {
    let node = Arc::new(FakeNode::new());
    let registry = Registry::new();
    let accounts = [
        account("olga", "officer", OFFICER),
        account("susi", "supervisor", SUPERVISOR),
        account("aldo", "auditor", AUDITOR),
    ];
    let router = router(ApiConfig {
        node: node.clone(),
        accounts: Accounts::from_config(&accounts).unwrap(),
        metrics: HttpMetrics::register(&registry).unwrap(),
        registry,
        metrics_open_on_loopback,
    });
    Api { node, router }
}

impl Api {
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, AUDITOR).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_as(OFFICER, path, body).await
    }

    pub(crate) async fn post_as(&self, token: &str, path: &str, body: Value) -> Answer {
        self.post_bytes(token, path, "application/json", body.to_string().into_bytes()).await
    }

    pub(crate) async fn post_bytes(
        &self,
        token: &str,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Answer {
        let request = request(Method::POST, path, token).header(header::CONTENT_TYPE, content_type);
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{} {error}: {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    /// Asserts that this is a problem document with `status` and `code`, and gives its detail.
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!((self.status.as_u16(), &body["code"]), (status, &code.into()), "{body}");
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["type"], format!("urn:precinto:error:{code}"));
        assert_eq!(body["status"], status);
        assert!(!body["hint"].as_str().unwrap().is_empty());
        body["detail"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn request(method: Method, path: &str, token: &str) -> axum::http::request::Builder {
    let bearer = format!("Bearer {token}");
    Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer)
}

/// A signed transaction, different for each `nonce`.
pub(crate) fn transaction(nonce: u8) -> Transaction {
    let call = Call {
        channel: CHANNEL,
        contract: "aeo".into(),
        contract_version: 1,
        method: "certify".into(),
        args: vec![0x80],
        nonce: [nonce; 16],
        expires_ms: TIME_MS + 1000,
        on_behalf: None,
    };
    Transaction::new(Statement::sign(call, &SigningKey::from_seed(&[6; 32])))
}

pub(crate) fn unknown_id() -> String {
    Hash([0xab; 32]).to_hex()
}
