use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, StatusCode, header},
};
use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::{
    fake::HEIGHT,
    support::{AUDITOR, Api, api, request},
};

/// Longer than any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open event stream, read as text.
struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(api: &Api, query: &str, last_event_id: Option<&str>) -> Stream {
        let mut request = request(Method::GET, &format!("/v1/events{query}"), AUDITOR);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = api.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Stream { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// Fields of the next message; `None` at the end.
    async fn next(&mut self) -> Option<Vec<(String, String)>> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let fields = message.lines().filter_map(|line| line.split_once(": "));
                let fields = fields.map(|(field, value)| (field.into(), value.into())).collect();
                self.text = rest.to_owned();
                return Some(fields);
            }
            let bytes = timeout(PATIENCE, self.body.next()).await.expect("a message in time")?;
            self.text += std::str::from_utf8(&bytes.unwrap()).unwrap();
        }
    }

    async fn next_id(&mut self) -> Option<String> {
        let message = self.next().await?;
        message.into_iter().find(|(field, _)| field == "id").map(|(_, id)| id)
    }

    async fn next_data(&mut self) -> Option<Value> {
        let message = self.next().await?;
        let data = message.iter().find(|(field, _)| field == "data");
        data.map(|(_, data)| serde_json::from_str(data).unwrap())
    }
}

fn three_events(api: &Api) {
    api.node.emit(121, 0, "aeo.certified");
    api.node.emit(121, 1, "aeo.suspended");
    api.node.emit(122, 0, "aeo.certified");
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_and_goes_on_live() {
    let api = api();
    three_events(&api);
    let mut stream = Stream::open(&api, "", Some("121-0")).await;
    assert_eq!(stream.next_id().await.as_deref(), Some("121-0"), "the place to resume from");
    assert_eq!(stream.next_id().await.as_deref(), Some("121-1"));
    assert_eq!(stream.next_id().await.as_deref(), Some("122-0"));
    api.node.emit(123, 0, "aeo.revoked");
    let live = stream.next_data().await.unwrap();
    assert_eq!((&live["topic"], &live["height"]), (&"aeo.revoked".into(), &123.into()));
}

#[tokio::test]
async fn from_is_inclusive_and_yields_to_the_last_event_id() {
    let api = api();
    three_events(&api);
    for (query, last, expected) in [
        ("?from=0", None, "121-0"),
        ("?from=121-1", None, "121-1"),
        ("?from=122", None, "122-0"),
        ("?from=0", Some("121-1"), "122-0"),
    ] {
        let mut stream = Stream::open(&api, query, last).await;
        if query != "?from=0" || last.is_some() {
            stream.next().await.unwrap();
        }
        assert_eq!(stream.next_id().await.as_deref(), Some(expected), "{query} {last:?}");
    }
}

#[tokio::test]
async fn without_a_cursor_only_new_events_come_and_filters_hold() {
    let api = api();
    api.node.emit(HEIGHT, 0, "aeo.suspended");
    let mut stream = Stream::open(&api, "?contract=aeo&topic=aeo.suspended", None).await;
    assert_eq!(stream.next_id().await.as_deref(), Some("120-4294967295"));
    three_events(&api);
    assert_eq!(stream.next_id().await.as_deref(), Some("121-1"));
    api.node.emit(124, 0, "aeo.suspended");
    assert_eq!(stream.next_id().await.as_deref(), Some("124-0"));
}

#[tokio::test]
async fn when_the_node_stops_the_stream_ends_and_says_where_to_resume() {
    let api = api();
    let mut stream = Stream::open(&api, "?from=0", None).await;
    three_events(&api);
    for _ in 0..3 {
        stream.next().await.unwrap();
    }
    api.node.stop();
    let closed = stream.next_data().await.unwrap();
    assert_eq!((&closed["code"], &closed["resume"]), (&"node-stopping".into(), &"122-1".into()));
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_bad_cursor_is_a_problem() {
    let api = api();
    let request = request(Method::GET, "/v1/events", AUDITOR).header("last-event-id", "x-1");
    let answer = api.send(request.body(Body::empty()).unwrap()).await;
    assert!(answer.problem(400, "invalid-parameter").contains("Last-Event-ID"));
}
