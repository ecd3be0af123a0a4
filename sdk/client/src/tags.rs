//! Lookup tags.

use precinto_protocol::hash::Hash;
use serde::{Deserialize, Serialize};

use crate::{
    client::Client,
    error::ClientError,
    types::{WrittenIdentifier, text::as_text},
};

#[derive(Serialize)]
struct Form<'a> {
    identifiers: &'a [WrittenIdentifier],
}

#[derive(Deserialize)]
struct Answer {
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag(#[serde(with = "as_text")] Hash);

impl Client {
    /// The lookup tags of 1 to 1000 identifiers, in their order: under which the ledger knows
    /// operators whose identifiers it does not have.
    ///
    /// # Errors
    /// If one of them is none; see [`ClientError`].
    pub async fn aeo_tags(
        &self,
        identifiers: &[WrittenIdentifier],
    ) -> Result<Vec<Hash>, ClientError> {
        let answer: Answer = self.post(&["v1", "aeo", "tags"], None, &Form { identifiers }).await?;
        if answer.tags.len() != identifiers.len() {
            let reason = "another number of tags than of identifiers".into();
            return Err(ClientError::Unexpected { status: 200, reason });
        }
        Ok(answer.tags.into_iter().map(|tag| tag.0).collect())
    }
}
