//! Requests: answers, deadlines, refusals.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use precinto_network::{Lane, PeerEvent, Request, RequestError, RequestLane, SendError};

use crate::support::{Node, pair, soon, until};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

async fn request(node: &mut Node) -> Request {
    soon(node.inbox.requests.recv()).await.expect("the network runs")
}

#[tokio::test]
async fn answers_find_their_askers_in_whatever_order_they_come() {
    let (one, mut two) = pair().await;
    let asking = (0..50_u8).map(|number| {
        let handle = one.handle.clone();
        async move { handle.request(2, RequestLane::Request, vec![number], LONG).await }
    });
    let answering = async {
        let mut requests = Vec::new();
        while requests.len() < 50 {
            requests.push(request(&mut two).await);
        }
        for request in requests.into_iter().rev() {
            let body = [&request.body[..], b"!"].concat();
            request.respond.respond(body).expect("connected");
        }
    };
    let (answers, ()) = tokio::join!(join_all(asking), answering);
    for (number, answer) in (0_u8..).zip(answers) {
        assert_eq!(answer, Ok(Bytes::from(vec![number, b'!'])));
    }
}

#[tokio::test]
async fn a_deadline_leaves_the_outcome_unknown_and_a_late_answer_is_counted() {
    let (one, mut two) = pair().await;
    let asking = one.handle.request(2, RequestLane::Request, "slow", SHORT);
    let (answer, held) = tokio::join!(asking, request(&mut two));
    assert_eq!(answer, Err(RequestError::Timeout));
    assert!(RequestError::Timeout.outcome_unknown());
    held.respond.respond("too late").expect("connected");
    until(|| one.lane(2, Lane::Request).late_responses == 1).await;
}

#[tokio::test]
async fn a_responder_that_is_dropped_or_answers_too_much_refuses() {
    let (one, mut two) = pair().await;
    let asking = one.handle.request(2, RequestLane::Request, "who?", LONG);
    let (answer, dropped) = tokio::join!(asking, async { drop(request(&mut two).await) });
    assert_eq!((answer, dropped), (Err(RequestError::Refused), ()));
    assert!(!RequestError::Refused.outcome_unknown());

    let asking = one.handle.request(2, RequestLane::Request, "all of it", LONG);
    let (answer, sent) = tokio::join!(asking, async {
        let too_much = vec![0; Lane::Request.max_body() + 1];
        request(&mut two).await.respond.respond(too_much)
    });
    assert_eq!((answer, sent), (Err(RequestError::Refused), Err(SendError::TooLarge)));
}

#[tokio::test]
async fn requests_beyond_the_peers_room_are_refused_at_once_and_answers_still_pass() {
    // Six requests of 2 MiB knock; four of them exceed the room of 8 MiB by their overhead.
    const ROOM: usize = 3;
    let (mut one, mut two) = pair().await;
    let large = Bytes::from(vec![0; Lane::Request.max_body()]);
    let crowd = join_all((0..6).map(|_| {
        let (handle, body) = (one.handle.clone(), large.clone());
        async move { handle.request(2, RequestLane::Request, body, LONG).await }
    }));
    let meanwhile = async {
        until(|| two.lane(1, Lane::Request).refused_requests == 6 - ROOM as u64).await;
        let asking = two.handle.request(1, RequestLane::Request, "small", LONG);
        let answering = async { request(&mut one).await.respond.respond("yes") };
        let (answer, sent) = tokio::join!(asking, answering);
        assert_eq!((answer, sent), (Ok(Bytes::from("yes")), Ok(())));
        for _ in 0..ROOM {
            request(&mut two).await.respond.respond("you too").expect("connected");
        }
    };
    let (answers, ()) = tokio::join!(crowd, meanwhile);
    let count = |wanted| answers.iter().filter(|&answer| *answer == wanted).count();
    assert_eq!(count(Err(RequestError::Refused)), 6 - ROOM, "{answers:?}");
    assert_eq!(count(Ok(Bytes::from("you too"))), ROOM, "{answers:?}");
}

#[tokio::test]
async fn a_lost_connection_ends_the_waiting() {
    let (mut one, mut two) = pair().await;
    let handle = one.handle.clone();
    let asking =
        tokio::spawn(async move { handle.request(2, RequestLane::Request, "anyone?", LONG).await });
    let held = request(&mut two).await;
    drop(two);
    assert_eq!(soon(asking).await.expect("no panic"), Err(RequestError::ConnectionLost));
    assert!(RequestError::ConnectionLost.outcome_unknown());
    assert_eq!(held.respond.respond("gone"), Err(SendError::NotConnected));
    one.event(PeerEvent::Disconnected(2)).await;
    let late = one.handle.request(2, RequestLane::Request, "?", LONG).await;
    assert_eq!(late, Err(RequestError::NotConnected));
    let unknown = one.handle.request(9, RequestLane::Request, "?", LONG).await;
    assert_eq!(unknown, Err(RequestError::NotConnected));
}
