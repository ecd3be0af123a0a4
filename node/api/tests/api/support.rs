//! Requests without a socket.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use precinto_api::{
    Accounts, ApiConfig, HttpMetrics, SessionLimits, Webhooks,
    audit::{Trail, TrailWriter},
    router, token_digest,
};
use precinto_protocol::{
    hash::Hash,
    keys::SigningKey,
    statement::{Call, Statement},
    transaction::Transaction,
};
use prometheus::Registry;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::fake::{CHANNEL, FakeNode, TIME_MS};

pub(crate) const OFFICER: &str = "token-of-the-officer";
pub(crate) const SUPERVISOR: &str = "token-of-the-supervisor";
pub(crate) const AUDITOR: &str = "token-of-the-auditor";
pub(crate) const ADMIN: &str = "token-of-the-admin";

pub(crate) struct Api {
    pub(crate) node: Arc<FakeNode>,
    pub(crate) router: Router,
    pub(crate) directory: TempDir,
    /// Absent while the trail's lines are written.
    pub(crate) writer: Option<TrailWriter>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

fn account(name: &str, role: &str, token: &str) -> Value {
    let token = token_digest(token).to_hex();
    json!({
        "name": name, "roles": [role], "pseudonym_seed": token_digest(name).to_hex(),
        "tokens": [{ "name": "first", "sha256": token, "roles": [role], "created_ms": 1 }],
    })
}

pub(crate) fn api() -> Api {
    api_with(false)
}

pub(crate) fn api_with(metrics_open_on_loopback: bool) -> Api {
    let mut api = unaudited_api(metrics_open_on_loopback);
    let writer = api.writer.take().unwrap();
    std::thread::spawn(move || writer.run());
    api
}

/// With an audit trail that nobody writes.
pub(crate) fn unaudited_api(metrics_open_on_loopback: bool) -> Api {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.json");
    let accounts = [
        account("olga", "officer", OFFICER),
        account("susi", "supervisor", SUPERVISOR),
        account("aldo", "auditor", AUDITOR),
        account("adam", "admin", ADMIN),
    ];
    std::fs::write(&users, json!({ "version": 1, "accounts": accounts }).to_string()).unwrap();
    start(Arc::new(FakeNode::new()), directory, metrics_open_on_loopback)
}

/// A node that was stopped and started again.
pub(crate) fn again(api: Api) -> Api {
    let Api { node, directory, router, writer } = api;
    drop((router, writer));
    let mut api = start(node, directory, false);
    let writer = api.writer.take().unwrap();
    std::thread::spawn(move || writer.run());
    api
}

fn start(node: Arc<FakeNode>, directory: TempDir, metrics_open_on_loopback: bool) -> Api {
    let users = directory.path().join("users.json");
    let (trail, writer) = Trail::open(&directory.path().join("audit")).unwrap();
    let registry = Registry::new();
    let router = router(ApiConfig {
        webhooks: Webhooks::open(&directory.path().join("webhooks.json"), node.clone()).unwrap(),
        node: node.clone(),
        accounts: Accounts::open(&users, SessionLimits::default()).unwrap(),
        trail,
        trusted_proxy: None,
        metrics: HttpMetrics::register(&registry).unwrap(),
        registry,
        metrics_open_on_loopback,
    });
    Api { node, router, directory, writer: Some(writer) }
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

    /// A request with or without a JSON body.
    pub(crate) async fn call(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = request(method, path, token);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
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
