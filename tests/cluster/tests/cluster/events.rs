//! Following events across a restart of the node that gives them.

use std::time::Duration;

use futures::StreamExt;
use precinto_client::{EventFilter, EventStream};
use precinto_cluster_tests::{Author, Network};
use precinto_protocol::{aeo, transaction::TransactionId};
use tokio::time::timeout;

const WAIT: Duration = Duration::from_secs(10);

/// The followed node; another one is written to.
const FOLLOWED: u64 = 2;

async fn commit(network: &Network, author: &Author, identifiers: [&str; 3]) -> Vec<TransactionId> {
    let mut ids = Vec::new();
    for identifier in identifiers {
        let transaction = author.certify(identifier);
        let answer = network.client(1).submit(&transaction, Some(WAIT)).await.unwrap();
        assert!(answer.height.is_some(), "{answer:?}");
        ids.push(answer.id);
    }
    ids
}

async fn next(events: &mut EventStream, count: usize) -> Vec<TransactionId> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let event = timeout(WAIT, events.next()).await.expect("an event arrives in time");
        ids.push(event.expect("the stream goes on").unwrap().transaction);
    }
    ids
}

#[tokio::test]
async fn events_go_on_after_a_restart_without_gap_or_repetition() {
    let mut network = Network::start().await;
    let author = Author::enrol(&network, 1).await;
    let filter = EventFilter {
        from: Some("0".into()),
        contract: Some(aeo::CONTRACT.into()),
        ..EventFilter::default()
    };
    let mut events = network.client(FOLLOWED).events(filter.clone());
    let mut written = commit(&network, &author, ["A1", "A2", "A3"]).await;
    // One is left unread when the node goes: it must come all the same.
    let mut seen = next(&mut events, 2).await;

    network.kill(FOLLOWED);
    written.extend(commit(&network, &author, ["B1", "B2", "B3"]).await);
    network.boot(FOLLOWED);
    network.ready(&[FOLLOWED]).await;
    written.extend(commit(&network, &author, ["C1", "C2", "C3"]).await);
    seen.extend(next(&mut events, written.len() - 2).await);
    assert_eq!(seen, written);

    // A stop in good order ends streams with the place to resume at.
    network.terminate(FOLLOWED);
    assert_eq!(network.ended(FOLLOWED).await.code(), Some(0));
    written.extend(commit(&network, &author, ["D1", "D2", "D3"]).await);
    network.boot(FOLLOWED);
    network.ready(&[FOLLOWED]).await;
    seen.extend(next(&mut events, 3).await);
    assert_eq!(seen, written);

    // Whoever comes later sees the same.
    let mut again = network.client(FOLLOWED).events(filter);
    assert_eq!(next(&mut again, written.len()).await, written);
}
