//! Following the ledger's events, across broken connections and restarts of the node.

use std::{collections::VecDeque, time::Duration};

use futures::{
    StreamExt,
    stream::{BoxStream, unfold},
};
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, accepted},
    error::ClientError,
    sse::{Message, Parser},
    types::Event,
};

/// First pause after a failed connection; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Failed connections in a row after which the stream gives up: with the pauses between them,
/// about a minute, several elections long.
const MAX_FAILURES: u32 = 12;

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Which events, and from where on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct EventFilter {
    /// A height, or `<height>-<index>` of the first event; `0` for everything. If absent, from the
    /// next block on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Only events of this contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// Only events of this topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// Events in order, each exactly once. Ends after an error.
pub type EventStream = BoxStream<'static, Result<Event, ClientError>>;

impl Client {
    /// Follows the events that pass `filter`. Reconnects and resumes by itself; gives an error,
    /// the last item, if the node refuses or stays away.
    pub fn events(&self, filter: EventFilter) -> EventStream {
        let follower = Follower {
            client: self.clone(),
            filter,
            last_id: None,
            body: None,
            parser: Parser::default(),
            waiting: VecDeque::new(),
            failures: 0,
        };
        unfold(Some(follower), |follower| async {
            let mut follower = follower?;
            match follower.next().await {
                Ok(event) => Some((Ok(event), Some(follower))),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

/// Last message of a stream that the node ends.
#[derive(Deserialize)]
struct Closed {
    resume: String,
}

struct Follower {
    client: Client,
    filter: EventFilter,
    /// Id of the last message, with which to resume.
    last_id: Option<String>,
    body: Option<BoxStream<'static, reqwest::Result<Vec<u8>>>>,
    parser: Parser,
    waiting: VecDeque<Message>,
    failures: u32,
}

impl Follower {
    async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                if let Some(event) = self.take(message)? {
                    return Ok(event);
                }
                continue;
            }
            if let Err(error) = self.read().await {
                self.body = None;
                self.failures += 1;
                if !error.retryable() || self.failures > MAX_FAILURES {
                    return Err(error);
                }
                let doubled = FIRST_PAUSE.saturating_mul(1 << (self.failures - 1));
                tokio::time::sleep(doubled.min(LONGEST_PAUSE)).await;
            }
        }
    }

    /// Reads the next bytes, over a new connection if there is none.
    async fn read(&mut self) -> Result<(), ClientError> {
        if self.body.is_none() {
            let response = accepted(self.request().send().await?).await?;
            let bytes = response.bytes_stream();
            self.body = Some(bytes.map(|bytes| bytes.map(|bytes| bytes.to_vec())).boxed());
            self.parser = Parser::default();
        }
        let body = self.body.as_mut().expect("it was opened just now");
        let bytes = body.next().await.ok_or(ClientError::StreamEnded)??;
        self.waiting.extend(self.parser.push(&bytes)?);
        self.failures = 0;
        Ok(())
    }

    fn request(&self) -> RequestBuilder {
        let request = self.client.request(Method::GET, &["v1", "events"]).query(&self.filter);
        match &self.last_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        }
    }

    /// What a message means: an event, or only where to go on.
    fn take(&mut self, message: Message) -> Result<Option<Event>, ClientError> {
        if message.kind.as_deref() == Some("closed") {
            let closed: Closed = parse(&message.data)?;
            self.filter.from = Some(closed.resume);
            self.last_id = None;
            self.body = None;
            return Ok(None);
        }
        if message.id.is_some() {
            self.last_id = message.id;
        }
        if message.data.is_empty() { Ok(None) } else { parse(&message.data).map(Some) }
    }
}

fn parse<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, ClientError> {
    serde_json::from_str(data).map_err(|error| ClientError::Unexpected {
        status: 200,
        reason: format!("event stream: {error}"),
    })
}
