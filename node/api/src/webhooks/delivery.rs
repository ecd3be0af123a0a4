//! One webhook's deliveries.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{StatusCode, header, redirect};
use serde::Serialize;
use tokio::time::sleep;

use super::{
    signature,
    store::{Store, Webhook},
};
use crate::{
    clock::now_ms,
    limits::{EVENT_PAGE, WEBHOOK_TIMEOUT},
    port::{Cursor, EventView, NodePort},
    routes::EventData,
};

/// Events of one delivery: a list that is being imported does not become thousands of requests, and
/// a delivery stays under a mebibyte.
const DELIVERY_EVENTS: usize = 64;

/// Pause before the first repetition; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Longest pause between repetitions: after an outage, however long, news arrive within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How deliveries fare.
#[derive(Clone, Default)]
pub(crate) struct DeliveryState {
    /// When the last one arrived, milliseconds since 1970.
    pub(crate) delivered_ms: Option<u64>,
    /// Failures since then.
    pub(crate) failures: u32,
    /// The last failure since then.
    pub(crate) problem: Option<String>,
}

/// The state of deliveries, as the task leaves it for others.
#[derive(Default)]
pub(super) struct Progress(Mutex<DeliveryState>);

impl Progress {
    pub(super) fn state(&self) -> DeliveryState {
        self.lock().clone()
    }

    fn arrived(&self) {
        *self.lock() = DeliveryState { delivered_ms: Some(now_ms()), ..DeliveryState::default() };
    }

    fn failed(&self, problem: String) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        state.problem = Some(problem);
    }

    fn lock(&self) -> MutexGuard<'_, DeliveryState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that goes where it is told, nowhere else, and gives up in time.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    // Whoever was first chose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(WEBHOOK_TIMEOUT)
        .user_agent(concat!("precinto/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// What is posted.
#[derive(Serialize)]
struct Body {
    /// Genesis hash of the channel.
    channel: String,
    /// In order.
    events: Vec<BodyEvent>,
}

#[derive(Serialize)]
struct BodyEvent {
    /// `<height>-<index>`: the same event has the same id in every delivery.
    id: String,
    #[serde(flatten)]
    data: EventData,
}

pub(super) struct Delivery {
    webhook: Webhook,
    node: Arc<dyn NodePort>,
    client: reqwest::Client,
    store: Arc<Store>,
    progress: Arc<Progress>,
}

impl Delivery {
    pub(super) fn new(
        webhook: &Webhook,
        node: Arc<dyn NodePort>,
        client: reqwest::Client,
        store: Arc<Store>,
        progress: Arc<Progress>,
    ) -> Delivery {
        Delivery { webhook: webhook.clone(), node, client, store, progress }
    }

    /// Delivers until the node stops.
    pub(super) async fn run(mut self) {
        let mut heights = self.node.heights();
        loop {
            // Marked as seen before reading: a block that is applied meanwhile wakes us again.
            heights.mark_unchanged();
            let page = match self.node.events(self.webhook.cursor, EVENT_PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    self.progress.failed(error.to_string());
                    sleep(LONGEST_PAUSE).await;
                    continue;
                }
            };
            let caught_up = page.len() < EVENT_PAGE;
            self.deliver_all(page).await;
            if caught_up && heights.changed().await.is_err() {
                return;
            }
        }
    }

    async fn deliver_all(&mut self, page: Vec<EventView>) {
        let Some(end) = page.last().map(|last| last.cursor.next()) else { return };
        let wanted: Vec<EventView> = page.into_iter().filter(|view| self.wants(view)).collect();
        for views in wanted.chunks(DELIVERY_EVENTS) {
            let Some(last) = views.last() else { continue };
            self.deliver(views).await;
            self.advance(last.cursor.next());
        }
        // What is not wanted is not worth a write: it is read again after a restart.
        self.webhook.cursor = end;
    }

    fn advance(&mut self, cursor: Cursor) {
        self.webhook.cursor = cursor;
        if let Err(error) = self.store.delivered(&self.webhook.id, cursor) {
            // It is repeated after a restart, which at-least-once allows.
            tracing::error!(%error, webhook = self.webhook.id, "cannot note a delivery");
        }
    }

    fn wants(&self, view: &EventView) -> bool {
        let topics = &self.webhook.topics;
        let matches = |topic: &String| match topic.ends_with('.') {
            true => view.event.topic.starts_with(topic.as_str()),
            false => view.event.topic == *topic,
        };
        topics.is_empty() || topics.iter().any(matches)
    }

    /// Returns when the events have arrived.
    async fn deliver(&self, views: &[EventView]) {
        let events: Vec<_> = views.iter().cloned().map(BodyEvent::from).collect();
        let id = events.first().map(|event| event.id.clone()).unwrap_or_default();
        let body = Body { channel: self.node.channel().to_hex(), events };
        let body = serde_json::to_vec(&body).expect("plain fields have JSON");
        let mut pause = FIRST_PAUSE;
        loop {
            match self.post(&id, body.clone()).await {
                Ok(()) => return self.progress.arrived(),
                Err(problem) => {
                    let (webhook, url) = (&self.webhook.id, &self.webhook.url);
                    tracing::warn!(webhook, url, problem, "a delivery failed, it is repeated");
                    self.progress.failed(problem);
                }
            }
            sleep(spread(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn post(&self, id: &str, body: Vec<u8>) -> Result<(), String> {
        let timestamp_s = now_ms() / 1000;
        let signature = signature::sign(&self.webhook.secret, id, timestamp_s, &body);
        let request = self
            .client
            .post(&self.webhook.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-signature", signature)
            .body(body);
        match request.send().await.map(|response| response.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(refused(status)),
            // Without the address, which may hold a secret of the receiver.
            Err(error) => Err(reason(&error.without_url())),
        }
    }
}

impl From<EventView> for BodyEvent {
    fn from(view: EventView) -> BodyEvent {
        BodyEvent { id: view.cursor.to_string(), data: EventData::from(view) }
    }
}

fn refused(status: StatusCode) -> String {
    format!("the receiver answered {status}")
}

/// An error with what caused it: "connection refused" stands at the end of the chain.
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Between three quarters of a pause and all of it, so that receivers are not met by all nodes at
/// once when they return.
fn spread(pause: Duration) -> Duration {
    let [byte] = signature::random();
    pause - pause / 4 * u32::from(byte) / 256
}
