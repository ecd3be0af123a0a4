//! Webhooks: the node tells a national system by itself what happened on the ledger.
//!
//! A webhook is an address and a choice of topics. Each has a task that reads events from its
//! cursor on and posts them in order, up to 64 at once, signed ([`signature`]). A
//! delivery counts when it is answered with a status of 200 to 299; only then does the cursor move,
//! and it is on disk before the next delivery. So each event arrives at least once, in order: after
//! a crash in between, a delivery is repeated, and receivers tell repeated events by their ids.
//! Nothing is queued beyond one delivery: what a receiver misses while it is down stays on the
//! ledger, and is sent when it answers again.

mod delivery;
mod signature;
mod store;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

use crate::{
    clock::now_ms,
    codes,
    error::ApiError,
    limits::MAX_WEBHOOKS,
    port::{Cursor, NodePort},
};
pub(crate) use delivery::DeliveryState;
use delivery::{Delivery, Progress};
pub(crate) use store::Webhook;
use store::{Store, StoreError};

/// Webhooks cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// Their file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No HTTP client can be made.
    #[error("webhooks: {0}")]
    Client(#[from] reqwest::Error),
}

/// All webhooks of a node. Dropping it stops them.
pub struct Webhooks {
    node: Arc<dyn NodePort>,
    client: reqwest::Client,
    store: Arc<Store>,
    running: Mutex<BTreeMap<String, Running>>,
}

struct Running {
    progress: Arc<Progress>,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is known of a webhook.
pub(crate) struct WebhookView {
    pub(crate) webhook: Webhook,
    pub(crate) state: DeliveryState,
}

impl Webhooks {
    /// Reads the webhooks of `file` (none if it does not exist) and goes on with their deliveries.
    ///
    /// # Errors
    /// If the file is damaged or may be read by others.
    pub fn open(file: &Path, node: Arc<dyn NodePort>) -> Result<Webhooks, WebhooksError> {
        let store = Arc::new(Store::open(file)?);
        let webhooks =
            Webhooks { node, client: delivery::client()?, store, running: Mutex::default() };
        for webhook in webhooks.store.all() {
            webhooks.start(&webhook);
        }
        Ok(webhooks)
    }

    /// Adds a webhook; events from `from` on are delivered, from the next block if absent.
    pub(crate) fn add(
        &self,
        url: reqwest::Url,
        topics: Vec<String>,
        from: Option<Cursor>,
    ) -> Result<Webhook, ApiError> {
        let next = Cursor { height: self.node.heights().borrow().saturating_add(1), index: 0 };
        let webhook = Webhook {
            id: hex::encode(signature::random::<8>()),
            url: url.into(),
            topics,
            secret: signature::new_secret(),
            created_ms: now_ms(),
            cursor: from.unwrap_or(next),
        };
        if !self.store.add(&webhook, MAX_WEBHOOKS).map_err(failed)? {
            let detail = format!("this node has {MAX_WEBHOOKS} webhooks, the most it may have");
            return Err(ApiError::new(codes::TOO_MANY_WEBHOOKS, detail));
        }
        self.start(&webhook);
        Ok(webhook)
    }

    /// Removes a webhook; a delivery under way is given up.
    pub(crate) fn remove(&self, id: &str) -> Result<(), ApiError> {
        self.running().remove(id);
        if self.store.remove(id).map_err(failed)? {
            return Ok(());
        }
        Err(ApiError::new(codes::UNKNOWN_WEBHOOK, format!("no webhook has the id {id:?}")))
    }

    /// All webhooks by id.
    pub(crate) fn all(&self) -> Vec<WebhookView> {
        let running = self.running();
        let view = |webhook: Webhook| {
            let running = running.get(&webhook.id);
            let state = running.map(|it| it.progress.state()).unwrap_or_default();
            WebhookView { webhook, state }
        };
        self.store.all().into_iter().map(view).collect()
    }

    fn start(&self, webhook: &Webhook) {
        let progress = Arc::new(Progress::default());
        let delivery = Delivery::new(
            webhook,
            self.node.clone(),
            self.client.clone(),
            self.store.clone(),
            progress.clone(),
        );
        let task = tokio::spawn(delivery.run()).abort_handle();
        self.running().insert(webhook.id.clone(), Running { progress, task });
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        // Whoever panicked while holding it left a whole map: inserts and removes are single steps.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: StoreError) -> ApiError {
    tracing::error!(%error, "webhooks cannot be stored");
    ApiError::new(codes::INTERNAL, "the node cannot write its webhooks")
}
