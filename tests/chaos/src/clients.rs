//! Clients that write and read while nodes fail.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use precinto_checkers::linear::RegisterCall;
use precinto_client::{
    Client, Consistency, NewCall,
    types::{NumberAnswer, Status},
};
use precinto_cluster_tests::{Author, Operator};
use precinto_protocol::{hash::Hash, transaction::Transaction};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{dice::Dice, told::Book};

/// Registers. Few, so that clients meet at each.
pub const KEYS: usize = 6;

/// Clients that write and read, each one operation after the other.
const CLIENTS: usize = 6;

/// How long a node may take to answer before another one is asked. Nodes wait a second less for a
/// commit, so that an answer tells more than that there was none.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
const COMMIT_WITHIN: Duration = Duration::from_secs(2);

/// How long a client goes on with one transaction before it turns to something else. What became of it
/// is asked when the round is over.
const PATIENCE: Duration = Duration::from_secs(6);

/// How long a transaction may remain open once everything is healed.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

/// Pause after an answer that says to come again.
const PAUSE: Duration = Duration::from_millis(30);

/// Pause between operations of a client: a busy network, not one that does nothing else.
const THINKING_MS: u64 = 40;

/// Pause between two local reads.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What all clients share.
pub struct Office {
    nodes: BTreeMap<u64, Client>,
    author: Author,
    keys: Vec<Operator>,
    /// What they were told.
    pub book: Book,
    /// The last number that was written anywhere: none is written twice.
    numbers: AtomicU64,
    stop: AtomicBool,
    /// What clients gave up waiting for.
    open: Mutex<Vec<Write>>,
}

/// A transaction, and since when it may take effect.
struct Write {
    transaction: Transaction,
    /// The register and its number; none for a claim.
    register: Option<(usize, u64)>,
    invoked: u64,
}

/// Clients at work.
pub struct Clients(Vec<JoinHandle<()>>);

impl Office {
    /// Certifies the registers, at nodes that are well.
    pub async fn open(nodes: BTreeMap<u64, Client>, author: Author) -> Arc<Office> {
        let keys: Vec<Operator> =
            (0..KEYS).map(|key| author.operator(&format!("K{key}"))).collect();
        let office = Office {
            nodes,
            author,
            keys,
            book: Book::new(),
            numbers: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            open: Mutex::default(),
        };
        let mut dice = Dice::new(0);
        for key in &office.keys {
            let transaction = office.author.signer.sign(office.author.certification(key));
            let status = office.submit(&transaction, &mut dice, SETTLED_WITHIN).await;
            assert_eq!(status, Some(Status::Committed), "{}", key.identifier);
        }
        Arc::new(office)
    }

    /// Sends the clients to work.
    pub fn send_clients(self: &Arc<Self>, dice: &mut Dice) -> Clients {
        self.stop.store(false, Ordering::Relaxed);
        let work = |_| tokio::spawn(self.clone().work(dice.fork()));
        let mut clients: Vec<_> = (0..CLIENTS).map(work).collect();
        clients.push(tokio::spawn(self.clone().look()));
        Clients(clients)
    }

    async fn work(self: Arc<Self>, mut dice: Dice) {
        while !self.stop.load(Ordering::Relaxed) {
            match dice.within(0..=99) {
                0..55 => self.write(&mut dice).await,
                55..95 => self.read(&mut dice).await,
                _ => self.claim(&mut dice).await,
            }
            sleep(dice.millis(0..=THINKING_MS)).await;
        }
    }

    /// Gives a register a number that it never had.
    async fn write(&self, dice: &mut Dice) {
        let key = dice.within(0..=KEYS as u64 - 1) as usize;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let call = self.author.amendment(&self.keys[key], record(number));
        self.put(call, Some((key, number)), dice).await;
    }

    /// Certifies an operator that other clients certify at the same time: one of them can.
    async fn claim(&self, dice: &mut Dice) {
        let number = self.numbers.load(Ordering::Relaxed) / 100;
        let operator = self.author.operator(&format!("C{number}"));
        self.put(self.author.certification(&operator), None, dice).await;
    }

    async fn put(&self, call: NewCall, register: Option<(usize, u64)>, dice: &mut Dice) {
        let transaction = self.author.signer.sign(call);
        let write = Write { transaction, register, invoked: self.book.now() };
        match self.submit(&write.transaction, dice, PATIENCE).await {
            Some(status) => self.close(&write, status),
            None => self.open.lock().expect("nothing panics while it holds it").push(write),
        }
    }

    /// Notes what became of a transaction.
    fn close(&self, write: &Write, status: Status) {
        let Some((key, number)) = write.register else { return };
        assert_eq!(status, Status::Committed, "nothing speaks against {}", write.transaction.id());
        self.book.done(key, write.invoked, RegisterCall::Write(Some(number)));
    }

    /// Submits the same bytes, at one node and another, until their status is final; `None` if it is not
    /// within that time.
    async fn submit(
        &self,
        transaction: &Transaction,
        dice: &mut Dice,
        within: Duration,
    ) -> Option<Status> {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            let (node, client) = self.any_node(dice);
            let question = self.book.ask(node);
            let answer =
                timeout(ANSWER_WITHIN, client.submit(transaction, Some(COMMIT_WITHIN))).await;
            match answer {
                Ok(Ok(answer)) => {
                    self.book.status(question, &answer);
                    if answer.status.is_final() {
                        return Some(answer.status);
                    }
                }
                Ok(Err(error)) => assert!(error.retryable(), "node {node}: {error:?}"),
                Err(_) => {}
            }
            sleep(PAUSE).await;
        }
        None
    }

    /// Reads a register, not older than the question.
    async fn read(&self, dice: &mut Dice) {
        let key = dice.within(0..=KEYS as u64 - 1) as usize;
        let invoked = self.book.now();
        let (node, _) = self.any_node(dice);
        let Some(answer) = self.ask(node, key, Consistency::Linearizable).await else { return };
        self.book.done(key, invoked, RegisterCall::Read(number(&answer)));
    }

    /// Reads every register afresh, as soon as that is possible.
    pub async fn read_all(&self, dice: &mut Dice) {
        let deadline = Instant::now() + SETTLED_WITHIN;
        for key in 0..KEYS {
            let (invoked, (node, _)) = (self.book.now(), self.any_node(dice));
            let answer = loop {
                match self.ask(node, key, Consistency::Linearizable).await {
                    Some(answer) => break answer,
                    None => assert!(Instant::now() < deadline, "node {node} cannot read afresh"),
                }
                sleep(PAUSE).await;
            };
            self.book.done(key, invoked, RegisterCall::Read(number(&answer)));
        }
    }

    /// Asks nodes one after the other for what they know, however old.
    async fn look(self: Arc<Self>) {
        while !self.stop.load(Ordering::Relaxed) {
            for &node in self.nodes.keys() {
                let question = self.book.ask(node);
                if let Some(answer) = self.ask(node, 0, Consistency::Local).await {
                    self.book.local_read(question, answer.as_of.state.height);
                }
                sleep(LOOK_EVERY).await;
            }
        }
    }

    async fn ask(&self, node: u64, key: usize, consistency: Consistency) -> Option<NumberAnswer> {
        let (member, number) = (&self.author.member, self.keys[key].number());
        let asked = self.nodes[&node].aeo_number(member, &number, consistency);
        match timeout(ANSWER_WITHIN, asked).await.ok()? {
            Ok(answer) => Some(answer),
            Err(error) => {
                // A node that starts may be behind the certification.
                let behind = consistency == Consistency::Local
                    && error.code() == Some("unknown-authorization");
                assert!(behind || error.retryable(), "node {node}: {error:?}");
                None
            }
        }
    }

    fn any_node(&self, dice: &mut Dice) -> (u64, &Client) {
        let nodes: Vec<u64> = self.nodes.keys().copied().collect();
        let node = dice.pick(&nodes);
        (node, &self.nodes[&node])
    }

    /// Calls the clients back, and asks what became of what they gave up waiting for.
    pub async fn settle(&self, clients: Clients, dice: &mut Dice) {
        self.stop.store(true, Ordering::Relaxed);
        for client in clients.0 {
            client.await.expect("a client failed; its panic is above");
        }
        let open =
            std::mem::take(&mut *self.open.lock().expect("nothing panics while it holds it"));
        for write in open {
            let status = self.submit(&write.transaction, dice, SETTLED_WITHIN).await;
            let status = status.unwrap_or_else(|| {
                panic!("{} has no final status {SETTLED_WITHIN:?} on", write.transaction.id())
            });
            self.close(&write, status);
        }
    }
}

/// A register's number as the private record that the terms name.
fn record(number: u64) -> Hash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Hash(bytes)
}

fn number(answer: &NumberAnswer) -> Option<u64> {
    let record = answer.authorization.authorization.terms.record.as_deref()?;
    Some(u64::from_str_radix(&record[..16], 16).expect("a record is hexadecimal"))
}
