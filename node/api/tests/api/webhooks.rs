use std::{
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    routing::post,
};
use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{net::TcpListener, time::timeout};

use crate::{
    fake::{CHANNEL, HEIGHT},
    support::{ADMIN, AUDITOR, Api, again, api, request},
};

/// Longer than any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Headers and body of a delivery.
type Delivery = (HeaderMap, Vec<u8>);

/// A national system that notes what it is told.
#[derive(Clone, Default)]
struct Receiver {
    seen: Arc<Mutex<Vec<Delivery>>>,
    /// Answers before the good ones, last first.
    bad: Arc<Mutex<Vec<StatusCode>>>,
}

impl Receiver {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/hook", post(receive)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// Ids of the events received, by delivery.
    fn ids(&self) -> Vec<Vec<String>> {
        let seen = self.seen.lock().unwrap();
        let ids = |body: &[u8]| {
            let body: Value = serde_json::from_slice(body).unwrap();
            assert_eq!(body["channel"], CHANNEL.to_hex());
            let events = body["events"].as_array().unwrap();
            events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
        };
        seen.iter().map(|(_, body)| ids(body)).collect()
    }

    async fn until(&self, deliveries: usize) -> Vec<Vec<String>> {
        let arrived = async {
            while self.seen.lock().unwrap().len() < deliveries {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, arrived).await.expect("deliveries in time");
        self.ids()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> StatusCode {
    receiver.seen.lock().unwrap().push((headers, body.to_vec()));
    receiver.bad.lock().unwrap().pop().unwrap_or(StatusCode::NO_CONTENT)
}

async fn add(api: &Api, form: Value) -> Value {
    let answer = api.post_as(ADMIN, "/v1/webhooks", form).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    answer.json()
}

async fn list(api: &Api) -> Value {
    let request = request(Method::GET, "/v1/webhooks", ADMIN).body(Body::empty()).unwrap();
    api.send(request).await.json()["webhooks"].clone()
}

#[tokio::test]
async fn wanted_events_arrive_in_order_and_signed() {
    let receiver = Receiver::default();
    let url = format!("http://{}/hook", receiver.start().await);
    let api = api();
    let added = add(&api, json!({ "url": url, "topics": ["aeo.suspended", "mra."] })).await;
    api.node.emit(HEIGHT + 1, 0, "aeo.certified");
    api.node.emit(HEIGHT + 2, 0, "aeo.suspended");
    receiver.until(1).await;
    api.node.emit(HEIGHT + 3, 0, "mra.left");
    let ids = receiver.until(2).await;
    assert_eq!(ids, [[format!("{}-0", HEIGHT + 2)], [format!("{}-0", HEIGHT + 3)]]);

    let seen = receiver.seen.lock().unwrap();
    let (headers, body) = &seen[0];
    let text = |name: &str| headers[name].to_str().unwrap();
    let secret = added["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&Base64::decode_vec(secret).unwrap()).unwrap();
    mac.update(format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).as_bytes());
    mac.update(body);
    let expected = format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()));
    assert_eq!(text("webhook-signature"), expected);
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_and_nothing_overtakes_it() {
    let receiver = Receiver::default();
    let bad = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::FOUND];
    receiver.bad.lock().unwrap().extend(bad);
    let url = format!("http://{}/hook", receiver.start().await);
    let api = api();
    add(&api, json!({ "url": url })).await;
    api.node.emit(HEIGHT + 1, 0, "aeo.suspended");
    receiver.until(1).await;
    api.node.emit(HEIGHT + 2, 0, "aeo.reinstated");
    let ids = receiver.until(4).await;
    let (first, second) = (format!("{}-0", HEIGHT + 1), format!("{}-0", HEIGHT + 2));
    assert_eq!(ids, [[&first[..]], [&first], [&first], [&second]]);
}

#[tokio::test]
async fn what_a_receiver_missed_arrives_after_a_restart_of_the_node() {
    // Nobody listens yet.
    let place = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    let api = api();
    add(&api, json!({ "url": format!("http://{address}/hook") })).await;
    api.node.emit(HEIGHT + 1, 0, "aeo.suspended");
    let failing = async {
        while list(&api).await[0]["failures"] == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, failing).await.expect("a failure is told");
    let problem = list(&api).await[0]["problem"].as_str().unwrap().to_owned();
    assert!(problem.contains("refused"), "{problem}");

    let api = again(api);
    let receiver = Receiver::default();
    let listener = TcpListener::bind(address).await.unwrap();
    let router = Router::new().route("/hook", post(receive)).with_state(receiver.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    assert_eq!(receiver.until(1).await, [[format!("{}-0", HEIGHT + 1)]]);

    // And what was delivered is not sent again.
    let delivered = async {
        while list(&api).await[0]["cursor"] != format!("{}-1", HEIGHT + 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, delivered).await.expect("the cursor moves");
    let api = again(api);
    api.node.emit(HEIGHT + 2, 0, "aeo.reinstated");
    let ids = receiver.until(2).await;
    assert_eq!(ids[1], [format!("{}-0", HEIGHT + 2)]);
}

#[tokio::test]
async fn many_events_come_in_few_deliveries() {
    let api = api();
    for index in 0..250 {
        api.node.emit(HEIGHT + 1, index, "aeo.certified");
    }
    let receiver = Receiver::default();
    let url = format!("http://{}/hook", receiver.start().await);
    add(&api, json!({ "url": url, "from": "1" })).await;
    let ids = receiver.until(4).await;
    let sizes: Vec<_> = ids.iter().map(Vec::len).collect();
    assert_eq!(sizes, [64, 64, 64, 58]);
    let all: Vec<_> = (0..250).map(|index| format!("{}-{index}", HEIGHT + 1)).collect();
    assert_eq!(ids.concat(), all);
}

#[tokio::test]
async fn a_removed_webhook_is_told_nothing() {
    let receiver = Receiver::default();
    let url = format!("http://{}/hook", receiver.start().await);
    let api = api();
    let gone = add(&api, json!({ "url": url })).await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/webhooks/{gone}");
    let removal = || request(Method::DELETE, &path, ADMIN).body(Body::empty()).unwrap();
    assert_eq!(api.send(removal()).await.status, StatusCode::NO_CONTENT);
    api.send(removal()).await.problem(404, "unknown-webhook");
    add(&api, json!({ "url": url })).await;
    api.node.emit(HEIGHT + 1, 0, "aeo.suspended");
    receiver.until(1).await;
    api.node.emit(HEIGHT + 2, 0, "aeo.suspended");
    assert_eq!(receiver.until(2).await.len(), 2, "one receiver is left");
}

#[tokio::test]
async fn only_administrators_and_only_sensible_addresses() {
    let api = api();
    let good = json!({ "url": "https://risk.example/hook" });
    api.post_as(AUDITOR, "/v1/webhooks", good.clone()).await.problem(403, "role-required");
    for bad in ["", "risk.example", "ftp://risk.example/", "http://", "https://a:b@risk.example/"] {
        let answer = api.post_as(ADMIN, "/v1/webhooks", json!({ "url": bad })).await;
        assert!(answer.problem(400, "invalid-field").starts_with("url:"), "{bad}");
    }
    for bad in [json!({ "topics": ["Aeo"] }), json!({ "from": "x" }), json!({ "topics": [""] })] {
        let mut form = good.clone();
        form.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        api.post_as(ADMIN, "/v1/webhooks", form).await.problem(400, "invalid-field");
    }
    for _ in 0..32 {
        add(&api, good.clone()).await;
    }
    api.post_as(ADMIN, "/v1/webhooks", good).await.problem(409, "too-many-webhooks");
    let text = list(&api).await.to_string();
    assert!(!text.contains("whsec_"), "secrets are shown once");
    let file = api.directory.path().join("webhooks.json");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_client_speaks_the_same_language() {
    let api = api();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = api.router.clone();
    tokio::spawn(precinto_api::serve(listener, router, std::future::pending()));
    let client = precinto_client::Client::new(&base, ADMIN).unwrap();
    let topics = ["aeo.".to_owned()];
    let added = client.add_webhook("https://risk.example/hook", &topics, Some("7-1")).await;
    let added = added.unwrap();
    assert_eq!(added.cursor, "7-1");
    let all = client.webhooks().await.unwrap().webhooks;
    assert_eq!((&all[0].id, &all[0].topics[..]), (&added.id, &topics[..]));
    client.remove_webhook(&added.id).await.unwrap();
    assert!(client.webhooks().await.unwrap().webhooks.is_empty());
    assert!(client.remove_webhook(&added.id).await.is_err());
}
