//! Transactions without end, and what was acknowledged of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use precinto_client::{Client, types::Status};
use precinto_protocol::transaction::{Transaction, TransactionId};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::Author;

/// How long one request waits for the commit. Short, so that a writer soon asks again after a node
/// was lost.
const WAIT: Duration = Duration::from_secs(2);

/// Pause before a transaction is submitted again.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a transaction may take, whatever happens to the nodes: restarting all of them is the
/// longest.
const COMMITTED_WITHIN: Duration = Duration::from_secs(45);

/// How long [`Load::goes_on`] waits.
const GOES_ON_WITHIN: Duration = Duration::from_secs(30);

/// A transaction that a node said is committed.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    /// The transaction.
    pub id: TransactionId,
    /// Height of its block, as the node said.
    pub height: u64,
    /// When the answer arrived.
    pub at: Instant,
}

/// Writers that submit one transaction after the other, each until it is committed.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: watch::Receiver<usize>,
    writers: Vec<JoinHandle<Vec<Acknowledged>>>,
}

impl Load {
    /// Starts one writer per client.
    pub fn start(author: Author, clients: Vec<Client>) -> Load {
        let (author, stop) = (Arc::new(author), Arc::new(AtomicBool::new(false)));
        let (count, acknowledged) = watch::channel(0);
        let start = |(number, client)| {
            let writer = Writer { author: author.clone(), client, number, count: count.clone() };
            tokio::spawn(writer.run(stop.clone()))
        };
        let writers = clients.into_iter().enumerate().map(start).collect();
        Load { stop, acknowledged, writers }
    }

    /// Waits until `more` further transactions are acknowledged.
    pub async fn goes_on(&mut self, more: usize) {
        let enough = *self.acknowledged.borrow() + more;
        let reached = self.acknowledged.wait_for(|count| *count >= enough);
        let reached = timeout(GOES_ON_WITHIN, reached).await;
        let reached = reached.unwrap_or_else(|_| panic!("no {more} commits in {GOES_ON_WITHIN:?}"));
        reached.expect("a writer failed; its panic is above");
    }

    /// Stops the writers, each after its present transaction; all that was acknowledged, by time.
    pub async fn finish(self) -> Vec<Acknowledged> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for writer in self.writers {
            all.extend(writer.await.expect("a writer failed; its panic is above"));
        }
        all.sort_by_key(|acknowledged| acknowledged.at);
        all
    }
}

struct Writer {
    author: Arc<Author>,
    client: Client,
    number: usize,
    count: watch::Sender<usize>,
}

impl Writer {
    async fn run(self, stop: Arc<AtomicBool>) -> Vec<Acknowledged> {
        let mut done = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let identifier = format!("W{}N{}", self.number, done.len());
            let transaction = self.author.certify(&identifier);
            let committed = timeout(COMMITTED_WITHIN, self.submit(&transaction)).await;
            let late = |_| panic!("{identifier} is not committed in {COMMITTED_WITHIN:?}");
            let height = committed.unwrap_or_else(late);
            done.push(Acknowledged { id: transaction.id(), height, at: Instant::now() });
            self.count.send_modify(|count| *count += 1);
        }
        done
    }

    /// Submits the same bytes until they are committed; the height of their block.
    async fn submit(&self, transaction: &Transaction) -> u64 {
        loop {
            match self.client.submit(transaction, Some(WAIT)).await {
                Ok(answer) if answer.status == Status::Committed => {
                    return answer.height.expect("what is committed has a height");
                }
                Ok(answer) => assert!(!answer.status.is_final(), "{answer:?}"),
                Err(error) => assert!(error.retryable(), "{error:?}"),
            }
            sleep(PAUSE).await;
        }
    }
}

/// The longest time without an acknowledgement from `from` on. `acknowledged` is sorted by time.
pub fn longest_pause(acknowledged: &[Acknowledged], from: Instant) -> Duration {
    let mut last = from;
    let mut longest = Duration::ZERO;
    for at in acknowledged.iter().map(|one| one.at).filter(|at| *at >= from) {
        longest = longest.max(at - last);
        last = at;
    }
    assert!(last > from, "nothing was acknowledged any more");
    longest
}
