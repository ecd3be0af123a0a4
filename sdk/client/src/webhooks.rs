//! Webhooks of a node.

use reqwest::Method;
use serde::Serialize;

use crate::{
    client::{Client, accepted},
    error::ClientError,
    types::{NewWebhook, WebhooksAnswer},
};

/// Webhooks are the business of accounts with the role `admin`.
impl Client {
    /// Lets the node post events to `url`: those of `topics` (all if empty), from a cursor on (the
    /// next block without one). The secret that deliveries are signed with is in the answer, and
    /// nowhere else.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn add_webhook(
        &self,
        url: &str,
        topics: &[String],
        from: Option<&str>,
    ) -> Result<NewWebhook, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            url: &'a str,
            topics: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none")]
            from: Option<&'a str>,
        }
        self.post(&["v1", "webhooks"], None, &Form { url, topics, from }).await
    }

    /// All webhooks of the node, and how their deliveries fare.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn webhooks(&self) -> Result<WebhooksAnswer, ClientError> {
        self.get(&["v1", "webhooks"], &()).await
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// `unknown-webhook` if there is none of this id.
    pub async fn remove_webhook(&self, id: &str) -> Result<(), ClientError> {
        let response = self.request(Method::DELETE, &["v1", "webhooks", id]).send().await?;
        accepted(response).await.map(drop)
    }
}
