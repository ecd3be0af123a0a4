//! Members' shares: who floods slows nobody else down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use precinto_client::{Client, types::Status};
use precinto_cluster_tests::{Author, NODES, Network};

const WAIT: Duration = Duration::from_secs(20);

/// Transactions per second of each member.
const SHARE: u64 = 20;

/// Transactions of the flood in one request.
const BATCH: usize = 100;

/// What became of a flood.
#[derive(Default)]
struct Flooded {
    taken: usize,
    over_budget: usize,
}

/// Submits new transactions of `author` without a pause.
async fn flood(author: Arc<Author>, client: Client, node: u64, stop: Arc<AtomicBool>) -> Flooded {
    let mut flooded = Flooded::default();
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let one = |n| author.certify(&format!("F{node}R{round}N{n}")).encode();
        let results = client.submit_many((0..BATCH).map(one).collect(), None).await.unwrap();
        for result in results {
            match result.into_result() {
                Ok(_) => flooded.taken += 1,
                Err(problem) => {
                    assert_eq!(problem.code, "budget-exceeded", "{problem}");
                    assert!(problem.retryable && problem.status == 429, "{problem:?}");
                    flooded.over_budget += 1;
                }
            }
        }
    }
    flooded
}

#[tokio::test]
async fn a_member_that_floods_through_every_node_slows_no_other_down() {
    let network = Network::start_with_parameters(&[("member-tx-per-second", SHARE)]).await;
    let flooder = Arc::new(Author::enrol(&network, 2).await);
    let author = Author::enrol(&network, 1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let start = |id| tokio::spawn(flood(flooder.clone(), network.client(id), id, stop.clone()));
    let floods: Vec<_> = NODES.into_iter().map(start).collect();

    let client = network.client(1);
    let mut slowest = Duration::ZERO;
    for n in 0..30 {
        let sent = Instant::now();
        let answer = client.submit(&author.certify(&format!("Q{n}")), Some(WAIT)).await.unwrap();
        assert_eq!(answer.status, Status::Committed, "{answer:?}");
        slowest = slowest.max(sent.elapsed());
        // Below its own share.
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut taken = 0;
    for flood in floods {
        let flooded = flood.await.unwrap();
        assert!(flooded.over_budget > BATCH, "the flood was refused at every node");
        taken += flooded.taken;
    }
    assert!(slowest < Duration::from_secs(2), "another member waited for {slowest:?}");

    // Each node took no more than the member's share, and the leader no more than that of all.
    let seconds = began.elapsed().as_secs() + 3;
    assert!(taken as u64 <= 4 * SHARE * (seconds + 2), "{taken} in {seconds} s");
    let head = network.status(1).await.as_of.height;
    let blocks = precinto_cluster_tests::audit::blocks(&client, 1, head).await;
    let committed: usize = blocks.iter().map(|block| block.transactions.len()).sum();
    let shares = 2 * SHARE * (seconds + 2);
    assert!(committed as u64 <= shares, "{committed} were ordered in {seconds} s");
}
