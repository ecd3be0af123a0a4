//! Webhooks.

use serde::{Deserialize, Serialize};

/// A webhook that was added.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewWebhook {
    /// Its id.
    pub id: String,
    /// What deliveries are signed with (Standard Webhooks, `v1`).
    pub secret: String,
    /// The first event that is delivered.
    pub cursor: String,
}

/// All webhooks of a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WebhooksAnswer {
    /// By id.
    pub webhooks: Vec<Webhook>,
}

/// A webhook and how its deliveries fare.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Where events are posted.
    pub url: String,
    /// Topics; all if empty.
    pub topics: Vec<String>,
    /// When it was added, milliseconds since 1970.
    pub created_ms: u64,
    /// Everything before this was delivered, or not wanted.
    pub cursor: String,
    /// When the last delivery arrived since the node started, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_ms: Option<u64>,
    /// Failed deliveries since the last one that arrived.
    pub failures: u32,
    /// Why the last one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
