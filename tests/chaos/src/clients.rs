//! Clients that write and read while nodes fail.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
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

/// Registers of a round. Few, so that clients meet at each.
const KEYS: usize = 8;

/// Writes to a register. The contract lets an authorization change 128 times, and with it those that read
/// its history afford that.
const MOST_WRITES: u64 = 120;

/// Clients that certify the same operator.
const RIVALS: u64 = 4;

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
const THINKING_MS: u64 = 60;

/// Pause between two local reads.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Where clients work: the nodes, in whose name they sign, and where they write down what they are
/// told.
#[derive(Clone)]
pub struct Desk {
    /// The nodes, by their numbers.
    pub nodes: BTreeMap<u64, Client>,
    /// Who signs.
    pub author: Arc<Author>,
    /// What clients were told, also in other rounds.
    pub book: Arc<Book>,
}

/// What the clients of a round share.
pub struct Office {
    desk: Desk,
    round: u64,
    registers: Vec<Register>,
    claims: AtomicU64,
    /// What became of them.
    claimed: Mutex<BTreeMap<u64, Vec<Status>>>,
    stop: AtomicBool,
    /// What clients gave up waiting for.
    open: Mutex<Vec<Write>>,
}

struct Register {
    operator: Operator,
    /// How often it was written: the last number it was to have.
    writes: AtomicU64,
}

/// A transaction, and since when it may take effect.
struct Write {
    transaction: Transaction,
    purpose: Purpose,
    invoked: u64,
}

#[derive(Clone, Copy)]
enum Purpose {
    /// A register is to have a number.
    Set(usize, u64),
    /// An operator is to be certified, as others want it, too.
    Claim(u64),
}

/// Clients at work.
pub struct Clients(Vec<JoinHandle<()>>);

impl Office {
    /// Certifies the registers of a round, at nodes that are well.
    pub async fn open(desk: Desk, round: u64, dice: &mut Dice) -> Arc<Office> {
        let register = |key| Register {
            operator: desk.author.operator(&format!("R{round}N{key}")),
            writes: AtomicU64::new(0),
        };
        let office = Office {
            registers: (0..KEYS).map(register).collect(),
            desk,
            round,
            claims: AtomicU64::new(0),
            claimed: Mutex::default(),
            stop: AtomicBool::new(false),
            open: Mutex::default(),
        };
        for Register { operator, .. } in &office.registers {
            let transaction = office.sign(office.desk.author.certification(operator));
            let status = office.submit(&transaction, dice, SETTLED_WITHIN).await;
            assert_eq!(status, Some(Status::Committed), "{}", operator.identifier);
        }
        Arc::new(office)
    }

    fn sign(&self, call: NewCall) -> Transaction {
        self.desk.author.signer.sign(call)
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
        let key = any_key(dice);
        let Register { operator, writes } = &self.registers[key];
        let number = writes.fetch_add(1, Ordering::Relaxed) + 1;
        if number <= MOST_WRITES {
            let call = self.desk.author.amendment(operator, record(number));
            self.put(call, Purpose::Set(key, number), dice).await;
        }
    }

    /// Certifies an operator that other clients certify at the same time: one of them can.
    async fn claim(&self, dice: &mut Dice) {
        let claim = self.claims.fetch_add(1, Ordering::Relaxed) / RIVALS;
        let operator = self.desk.author.operator(&format!("C{}N{claim}", self.round));
        self.put(self.desk.author.certification(&operator), Purpose::Claim(claim), dice).await;
    }

    async fn put(&self, call: NewCall, purpose: Purpose, dice: &mut Dice) {
        let transaction = self.sign(call);
        let write = Write { transaction, purpose, invoked: self.desk.book.now() };
        match self.submit(&write.transaction, dice, PATIENCE).await {
            Some(status) => self.close(&write, status),
            None => held(&self.open).push(write),
        }
    }

    /// Notes what became of a transaction.
    fn close(&self, write: &Write, status: Status) {
        match write.purpose {
            Purpose::Set(key, number) => {
                let id = write.transaction.id();
                assert_eq!(status, Status::Committed, "nothing speaks against {id}");
                self.desk.book.done(key, write.invoked, RegisterCall::Write(Some(number)));
            }
            Purpose::Claim(claim) => held(&self.claimed).entry(claim).or_default().push(status),
        }
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
            let question = self.desk.book.ask(node);
            let answer =
                timeout(ANSWER_WITHIN, client.submit(transaction, Some(COMMIT_WITHIN))).await;
            match answer {
                Ok(Ok(answer)) => {
                    self.desk.book.status(question, &answer);
                    if answer.status.is_final() {
                        return Some(answer.status);
                    }
                }
                Ok(Err(error)) => {
                    assert!(error.retryable(), "node {node}: {error:?}");
                }
                Err(_) => {}
            }
            sleep(PAUSE).await;
        }
        None
    }

    /// Reads a register, not older than the question.
    async fn read(&self, dice: &mut Dice) {
        let key = any_key(dice);
        let invoked = self.desk.book.now();
        let (node, _) = self.any_node(dice);
        let Some(answer) = self.ask(node, key, Consistency::Linearizable).await else { return };
        self.desk.book.done(key, invoked, RegisterCall::Read(number(&answer)));
    }

    /// Reads every register afresh, as soon as that is possible.
    pub async fn read_all(&self, dice: &mut Dice) {
        let deadline = Instant::now() + SETTLED_WITHIN;
        for key in 0..KEYS {
            let (invoked, (node, _)) = (self.desk.book.now(), self.any_node(dice));
            let answer = loop {
                match self.ask(node, key, Consistency::Linearizable).await {
                    Some(answer) => break answer,
                    None => assert!(Instant::now() < deadline, "node {node} cannot read afresh"),
                }
                sleep(PAUSE).await;
            };
            self.desk.book.done(key, invoked, RegisterCall::Read(number(&answer)));
        }
    }

    /// Asks nodes one after the other for what they know, however old.
    async fn look(self: Arc<Self>) {
        while !self.stop.load(Ordering::Relaxed) {
            for &node in self.desk.nodes.keys() {
                let question = self.desk.book.ask(node);
                if let Some(answer) = self.ask(node, 0, Consistency::Local).await {
                    self.desk.book.local_read(question, answer.as_of.state.height);
                }
                sleep(LOOK_EVERY).await;
            }
        }
    }

    async fn ask(&self, node: u64, key: usize, consistency: Consistency) -> Option<NumberAnswer> {
        let (member, number) = (&self.desk.author.member, self.registers[key].operator.number());
        let asked = self.desk.nodes[&node].aeo_number(member, &number, consistency);
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
        let nodes: Vec<u64> = self.desk.nodes.keys().copied().collect();
        let node = dice.pick(&nodes);
        (node, &self.desk.nodes[&node])
    }

    /// Calls the clients back, and asks what became of what they gave up waiting for.
    pub async fn settle(&self, clients: Clients, dice: &mut Dice) {
        self.stop.store(true, Ordering::Relaxed);
        for client in clients.0 {
            client.await.expect("a client failed; its panic is above");
        }
        let open = std::mem::take(&mut *held(&self.open));
        for write in open {
            let status = self.submit(&write.transaction, dice, SETTLED_WITHIN).await;
            let status = status.unwrap_or_else(|| {
                panic!("{} has no final status {SETTLED_WITHIN:?} on", write.transaction.id())
            });
            self.close(&write, status);
        }
        for (claim, all) in &*held(&self.claimed) {
            let granted = all.iter().filter(|status| **status == Status::Committed).count();
            assert_eq!(granted, 1, "claim {claim}: one of {all:?}");
        }
    }
}

fn any_key(dice: &mut Dice) -> usize {
    dice.within(0..=KEYS as u64 - 1) as usize
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a client failed; its panic is above")
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
