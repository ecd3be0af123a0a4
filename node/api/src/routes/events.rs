//! Events as server-sent events (HTML Living Standard, section 9.2), with resume.
//!
//! Every stream has a task that reads pages of events from the node and feeds a bounded buffer;
//! the response drains it. A client that leaves its buffer full for too long is cut off with a last
//! message `closed` that says where to resume, and so is every stream when the node stops.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};

use crate::{
    codes,
    error::{ApiError, Problem},
    extract::ApiQuery,
    limits::{EVENT_BUFFER, EVENT_PAGE, KEEP_ALIVE, SLOW_CLIENT},
    port::{Cursor, EventView, NodeError, NodePort},
    routes::aeo::AeoPayload,
    state::AppState,
};

/// Header with which a client resumes.
const LAST_EVENT_ID: &str = "last-event-id";

/// Which events.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsParams {
    /// Where to begin: a height, or an event's id (inclusive); 0 for everything. If absent, with
    /// the next block. The header Last-Event-ID (exclusive) takes precedence.
    from: Option<String>,
    /// Only events of this contract.
    contract: Option<String>,
    /// Only events of this topic.
    topic: Option<String>,
}

/// Data of an event message; its id is `<height>-<index>`.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventData {
    /// Height of the block.
    height: u64,
    /// Index among the events of the block.
    index: u32,
    /// Ledger time of the block.
    time_ms: u64,
    /// The transaction that emitted it.
    transaction: String,
    /// The author's member.
    member: String,
    /// Name of the contract.
    contract: String,
    /// What kind of event.
    #[schema(example = "aeo.suspended")]
    topic: String,
    /// Payload (CBOR), defined by contract and topic.
    payload: String,
    #[serde(flatten)]
    aeo: AeoPayload,
}

impl From<EventView> for EventData {
    fn from(view: EventView) -> EventData {
        let event = view.event;
        let aeo = AeoPayload::decode(&event, view.time_ms);
        EventData {
            height: view.cursor.height,
            index: view.cursor.index,
            time_ms: view.time_ms,
            transaction: view.transaction.to_string(),
            member: view.member,
            contract: event.contract,
            topic: event.topic,
            payload: hex::encode(&event.payload),
            aeo,
        }
    }
}

/// Data of the message `closed`, the last of a stream that the node ends.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClosedData {
    /// Why.
    code: String,
    /// What to do about it.
    hint: String,
    /// Where to go on: value for `from`.
    resume: String,
}

/// Follows the ledger's events.
///
/// Messages have the id `<height>-<index>` and an `EventData` as data. A message of type `closed`
/// with a `ClosedData` ends a stream that the node cannot go on with.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "follow_events", tag = "events",
    params(
        EventsParams,
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event received"),
    ),
    responses(
        (status = 200, description = "A stream of events", content_type = "text/event-stream", body = EventData),
        (status = "default", description = "Problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn follow(
    State(state): State<AppState>,
    ApiQuery(params): ApiQuery<EventsParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let permit = state.event_streams.clone().try_acquire_owned().map_err(|_| {
        ApiError::new(codes::OVERLOADED, "the node serves as many event streams as it may")
            .retryable()
    })?;
    let cursor = begin(&*state.node, &params, &headers)?;
    // Only an id: a client that is cut off before its first event resumes here all the same.
    let opening = cursor.previous().map(|before| Event::default().id(before.to_string()));
    let (events, buffer) = mpsc::channel(EVENT_BUFFER);
    let outlet = Outlet { filter: params, events, patience: SLOW_CLIENT };
    let feed = Feed { node: state.node.clone(), cursor, outlet };
    let feeding = tokio::spawn(async move {
        let closing = feed.run().await;
        drop(permit);
        closing
    });
    let closing = stream::once(feeding).filter_map(|closing| async { closing.ok().flatten() });
    let messages = stream::iter(opening)
        .chain(ReceiverStream::new(buffer).map(message))
        .chain(closing.map(|data| closed(&data)));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(messages.map(Ok::<_, Infallible>)).keep_alive(keep_alive).into_response())
}

/// Where a stream begins.
fn begin(
    node: &dyn NodePort,
    params: &EventsParams,
    headers: &HeaderMap,
) -> Result<Cursor, ApiError> {
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        let last: Result<Cursor, _> = last.to_str().unwrap_or_default().parse();
        return last.map(Cursor::next).map_err(|error| ApiError::parameter("Last-Event-ID", error));
    }
    match &params.from {
        Some(from) => from.parse().map_err(|error| ApiError::parameter("from", error)),
        None => Ok(Cursor { height: node.heights().borrow().saturating_add(1), index: 0 }),
    }
}

fn message(view: EventView) -> Event {
    let id = view.cursor.to_string();
    let data = serde_json::to_string(&EventData::from(view)).expect("plain fields have JSON");
    Event::default().id(id).data(data)
}

fn closed(data: &ClosedData) -> Event {
    let data = serde_json::to_string(data).expect("plain fields have JSON");
    Event::default().event("closed").data(data)
}

/// Reads events from the node into one stream's buffer.
struct Feed {
    node: Arc<dyn NodePort>,
    /// Where to go on.
    cursor: Cursor,
    outlet: Outlet,
}

/// Why a feed ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The client went away.
    Gone,
    /// The client does not read.
    Slow,
    /// The node stops.
    Stopping,
    /// The node failed.
    Failed(NodeError),
}

impl Feed {
    /// Feeds until the client is gone (then `None`) or the stream must be closed.
    async fn run(mut self) -> Option<ClosedData> {
        let (code, hint) = match self.feed().await {
            End::Gone => return None,
            End::Slow => (codes::SLOW_CLIENT.to_owned(), None),
            End::Stopping => (codes::NODE_STOPPING.to_owned(), None),
            End::Failed(error) => (error.code, error.hint),
        };
        let hint = hint.unwrap_or_else(|| codes::lookup(&code).hint.to_owned());
        Some(ClosedData { code, hint, resume: self.cursor.to_string() })
    }

    async fn feed(&mut self) -> End {
        let mut heights = self.node.heights();
        loop {
            // Marked as seen before reading: a block that is applied meanwhile wakes us again.
            heights.mark_unchanged();
            let page = match self.node.events(self.cursor, EVENT_PAGE).await {
                Ok(page) => page,
                Err(error) => return End::Failed(error),
            };
            let caught_up = page.len() < EVENT_PAGE;
            for view in page {
                let after = view.cursor.next();
                if let Err(end) = self.outlet.offer(view).await {
                    return end;
                }
                self.cursor = after;
            }
            if caught_up {
                tokio::select! {
                    changed = heights.changed() => if changed.is_err() { return End::Stopping },
                    () = self.outlet.events.closed() => return End::Gone,
                }
            }
        }
    }
}

/// The end of a stream's buffer that is fed.
struct Outlet {
    filter: EventsParams,
    events: mpsc::Sender<EventView>,
    /// How long the buffer may stay full.
    patience: Duration,
}

impl Outlet {
    /// Passes an event on if the client wants it.
    async fn offer(&self, view: EventView) -> Result<(), End> {
        if !self.filter.wants(&view) {
            return Ok(());
        }
        match timeout(self.patience, self.events.send(view)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Slow),
        }
    }
}

impl EventsParams {
    fn wants(&self, view: &EventView) -> bool {
        let matches = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        matches(&self.contract, &view.event.contract) && matches(&self.topic, &view.event.topic)
    }
}

#[cfg(test)]
mod tests {
    use precinto_protocol::{hash::Hash, outcome, transaction::TransactionId};

    use super::*;

    #[tokio::test]
    async fn a_client_that_does_not_read_is_told_from_one_that_is_gone() {
        let view = EventView {
            cursor: Cursor { height: 1, index: 0 },
            time_ms: 1,
            transaction: TransactionId(Hash::ZERO),
            member: "uy-dna".into(),
            event: outcome::Event { contract: "aeo".into(), topic: "t".into(), payload: vec![] },
        };
        let (events, buffer) = mpsc::channel(1);
        let patience = Duration::from_millis(1);
        let outlet = Outlet { filter: EventsParams::default(), events, patience };
        assert_eq!(outlet.offer(view.clone()).await, Ok(()));
        assert_eq!(outlet.offer(view.clone()).await, Err(End::Slow));
        drop(buffer);
        assert_eq!(outlet.offer(view).await, Err(End::Gone));
    }
}
