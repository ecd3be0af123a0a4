//! A node for tests: remembers what it was asked and answers what the test put in.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use futures::FutureExt;
use precinto_api::{
    BlockDetail, BlockItem, BlockSummary, BoxFuture, CheckpointView, Consistency, Cursor,
    EventView, Health, NodeError, NodePort, NodeStatus, NodeView, OfficerCall, PortFuture,
    QueryAnswer, QueryCall, RaftRole, TransactionView,
};
use precinto_protocol::{
    aeo::{self, Certify, Scheme, lookup_tag},
    cbor,
    hash::Hash,
    identity::MemberId,
    keys::SigningKey,
    leaf::{BlockLeaf, LEAF_VERSION, LeafKind},
    outcome::{Event, Outcome, OutcomeRecord, Status},
    registry::{ContractEntry, Member, MethodPolicy, Node, NodeRole},
    statement::{Call, OnBehalf, Statement},
    transaction::{Endorsement, Transaction, TransactionId},
};
use tokio::sync::{Semaphore, watch};

pub(crate) const CHANNEL: Hash = Hash([7; 32]);
pub(crate) const LOOKUP_KEY: [u8; 32] = [9; 32];
/// 2026-11-22, 00:00 UTC.
pub(crate) const TIME_MS: u64 = 20_779 * aeo::DAY_MS;
pub(crate) const TIN_MAX_LENGTH: usize = 17;
pub(crate) const HEIGHT: u64 = 120;

/// Numbers that make the fake answer in a special way.
pub(crate) const DUPLICATE: &str = "DUP";
pub(crate) const QUEUE_FULL: &str = "FULL";
pub(crate) const NEVER_FINAL: &str = "SLOW";

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) submitted: Vec<Vec<u8>>,
    pub(crate) calls: Vec<(OnBehalf, OfficerCall)>,
    pub(crate) queries: Vec<(QueryCall, Consistency)>,
    views: BTreeMap<TransactionId, TransactionView>,
    answers: BTreeMap<String, Vec<u8>>,
    events: Vec<EventView>,
}

pub(crate) struct FakeNode {
    seen: Mutex<Seen>,
    heights: Mutex<Option<watch::Sender<u64>>>,
    closed: watch::Receiver<u64>,
    pub(crate) health: Mutex<Health>,
    /// A permit per status request that may pass.
    pub(crate) gate: Semaphore,
}

impl FakeNode {
    pub(crate) fn new() -> FakeNode {
        let (heights, closed) = watch::channel(HEIGHT);
        FakeNode {
            seen: Mutex::default(),
            heights: Mutex::new(Some(heights)),
            closed,
            health: Mutex::new(Health {
                leader_known: true,
                leader_settled: true,
                ..Health::default()
            }),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// What `query` answers for `method`.
    pub(crate) fn answer<T: minicbor::Encode<()>>(&self, method: &str, result: &T) {
        self.seen().answers.insert(method.into(), cbor::encode(result));
    }

    /// Adds an event of a new block of its own.
    pub(crate) fn emit(&self, height: u64, index: u32, topic: &str) {
        self.emit_payload(Cursor { height, index }, topic, vec![0x80]);
    }

    /// The same, with a payload.
    pub(crate) fn emit_payload(&self, cursor: Cursor, topic: &str, payload: Vec<u8>) {
        self.seen().events.push(EventView {
            cursor,
            time_ms: TIME_MS,
            transaction: TransactionId(Hash([1; 32])),
            member: "uy-dna".into(),
            event: Event { contract: "aeo".into(), topic: topic.into(), payload },
        });
        if let Some(heights) = &*self.heights.lock().unwrap() {
            heights.send_replace(cursor.height);
        }
    }

    /// The node stops: streams end.
    pub(crate) fn stop(&self) {
        self.heights.lock().unwrap().take();
    }

    fn execute(&self, transaction: Transaction, outcome: Option<Outcome>) -> TransactionId {
        let id = transaction.id();
        let record = outcome.map(|outcome| OutcomeRecord {
            outcome,
            height: HEIGHT,
            index: 2,
            time_ms: TIME_MS,
            author: transaction.statement.key_id(),
            member: "uy-dna".into(),
            result: vec![0x80],
            message: "number used before".into(),
            leaf: 77,
            fuel: 1234,
        });
        let status = match record.as_ref().map(|record| &record.outcome) {
            None => Status::Pending,
            Some(Outcome::Committed) => Status::Committed,
            Some(Outcome::Rejected { .. }) => Status::Rejected,
        };
        let view = TransactionView { id, status, outcome: record, transaction: Some(transaction) };
        self.seen().views.insert(id, view);
        id
    }

    fn call(&self, officer: OnBehalf, call: OfficerCall) -> Result<TransactionId, NodeError> {
        let number = cbor::decode::<Certify>(&call.args).map(|args| args.number);
        let number = number.unwrap_or_default();
        if number == QUEUE_FULL {
            return Err(NodeError::new("queue-full", "the queue is full").retryable());
        }
        let outcome = match number.as_str() {
            NEVER_FINAL => None,
            DUPLICATE => Some(Outcome::Rejected { code: "number-taken".into() }),
            _ => Some(Outcome::Committed),
        };
        let statement = Statement::sign(
            Call {
                channel: CHANNEL,
                contract: call.contract,
                contract_version: 1,
                method: call.method,
                args: call.args,
                nonce: [0; 16],
                expires_ms: TIME_MS + 1000,
                on_behalf: Some(officer),
            },
            &SigningKey::from_seed(&[5; 32]),
        );
        Ok(self.execute(Transaction::new(statement), outcome))
    }

    fn view(&self, id: TransactionId) -> TransactionView {
        let unknown =
            TransactionView { id, status: Status::Unknown, outcome: None, transaction: None };
        self.seen().views.get(&id).cloned().unwrap_or(unknown)
    }

    fn summary(height: u64) -> BlockSummary {
        BlockSummary {
            leaf: BlockLeaf {
                version: LEAF_VERSION,
                kind: LeafKind::Block,
                channel: CHANNEL,
                epoch: 0,
                height,
                previous: Hash([1; 32]),
                content: Hash([2; 32]),
                time_ms: TIME_MS,
                term: 3,
                leader_signature: Hash([3; 32]),
                state_root: Hash([4; 32]),
                committed: 1,
                rejected: 1,
                signer_set_version: 1,
                signer_set: Hash([5; 32]),
                protocol_version: 1,
            },
            raft_index: height + 5,
            leader: SigningKey::from_seed(&[5; 32]).key_id(),
        }
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, T> {
    futures::future::ready(value).boxed()
}

impl NodePort for FakeNode {
    fn channel(&self) -> Hash {
        CHANNEL
    }

    fn member(&self) -> MemberId {
        "uy-dna".into()
    }

    fn lookup_tag(&self, scheme: Scheme, identifier: &str) -> Hash {
        lookup_tag(&LOOKUP_KEY, scheme, identifier)
    }

    fn tin_max_length(&self) -> usize {
        TIN_MAX_LENGTH
    }

    fn submit(
        &self,
        transactions: Vec<Vec<u8>>,
    ) -> BoxFuture<'_, Vec<Result<TransactionId, NodeError>>> {
        let results = transactions.iter().map(|bytes| match Transaction::decode(bytes) {
            Ok(transaction) => Ok(self.execute(transaction, Some(Outcome::Committed))),
            Err(error) => Err(NodeError::new("malformed", error.to_string())),
        });
        let results = results.collect();
        self.seen().submitted.extend(transactions);
        ready(results)
    }

    /// Endorses everything but what is no transaction, with a signature of nobody.
    fn endorse(
        &self,
        transactions: Vec<Vec<u8>>,
    ) -> BoxFuture<'_, Vec<Result<Vec<u8>, NodeError>>> {
        let endorsed = transactions.into_iter().map(|bytes| {
            let Ok(mut transaction) = Transaction::decode(&bytes) else {
                let message = "br-rfb refused [refused-by-rule] this member does not endorse it";
                return Err(NodeError::new("endorsement-failed", message));
            };
            let key_id = SigningKey::from_seed(&[66; 32]).key_id();
            transaction.endorsements = vec![Endorsement { key_id, signature: [0; 64] }];
            Ok(transaction.encode())
        });
        ready(endorsed.collect())
    }

    fn call_as(
        &self,
        officer: OnBehalf,
        calls: Vec<OfficerCall>,
    ) -> BoxFuture<'_, Vec<Result<TransactionId, NodeError>>> {
        self.seen().calls.extend(calls.iter().map(|call| (officer, call.clone())));
        ready(calls.into_iter().map(|call| self.call(officer, call)).collect())
    }

    fn transaction(&self, id: TransactionId) -> PortFuture<'_, TransactionView> {
        ready(Ok(self.view(id)))
    }

    fn wait(&self, ids: Vec<TransactionId>, _: Duration) -> PortFuture<'_, Vec<TransactionView>> {
        ready(Ok(ids.into_iter().map(|id| self.view(id)).collect()))
    }

    fn query(&self, call: QueryCall, consistency: Consistency) -> PortFuture<'_, QueryAnswer> {
        let result = self.seen().answers.get(&call.method).cloned();
        self.seen().queries.push((call, consistency));
        ready(match result {
            Some(result) => Ok(QueryAnswer { result, height: HEIGHT, time_ms: TIME_MS }),
            None => Err(NodeError::new("unknown-method", "no such query")),
        })
    }

    fn block(&self, height: u64) -> PortFuture<'_, Option<BlockDetail>> {
        let (first, second) = (TransactionId(Hash([1; 32])), TransactionId(Hash([2; 32])));
        let refused = Outcome::Rejected { code: "number-taken".into() };
        ready(Ok((1..=HEIGHT).contains(&height).then(|| BlockDetail {
            summary: FakeNode::summary(height),
            items: vec![
                BlockItem { index: 0, id: first, outcome: Outcome::Committed },
                BlockItem { index: 1, id: second, outcome: refused },
            ],
        })))
    }

    fn blocks(&self, from: u64, limit: u32) -> PortFuture<'_, Vec<BlockSummary>> {
        let heights = (from..=HEIGHT).take(limit as usize);
        ready(Ok(heights.map(FakeNode::summary).collect()))
    }

    fn members(&self) -> PortFuture<'_, Vec<Member>> {
        ready(Ok(vec![Member {
            id: "uy-dna".into(),
            name: "Dirección Nacional de Aduanas".into(),
            country: "UY".into(),
            root_key: [1; 32],
        }]))
    }

    fn nodes(&self) -> PortFuture<'_, Vec<NodeView>> {
        ready(Ok(vec![NodeView {
            node: Node {
                id: 1,
                member: "uy-dna".into(),
                role: NodeRole::Voter,
                identity_key: [1; 32],
                network_key: [2; 32],
                attestation_key: [3; 32],
                addresses: vec!["127.0.0.1:7101".into()],
                retired_ms: None,
                storage_id: [4; 16],
            },
            this: true,
            connected: true,
            leader: true,
            votes: true,
            lag: Some(0),
            refused: None,
        }]))
    }

    fn contracts(&self) -> PortFuture<'_, Vec<ContractEntry>> {
        ready(Ok(vec![ContractEntry {
            id: 2,
            name: "aeo".into(),
            version: 1,
            code_hash: Hash([8; 32]),
            policies: vec![MethodPolicy {
                method: "certify".into(),
                policy: "owner.officer".into(),
            }],
        }]))
    }

    fn status(&self) -> PortFuture<'_, NodeStatus> {
        async {
            self.gate.acquire().await.unwrap().forget();
            Ok(NodeStatus {
                network: "test".into(),
                channel: CHANNEL,
                epoch: 0,
                node: 1,
                member: "uy-dna".into(),
                role: NodeRole::Voter,
                raft_role: RaftRole::Leader,
                term: 3,
                leader: Some(1),
                commit: HEIGHT + 5,
                applied: HEIGHT + 5,
                height: HEIGHT,
                time_ms: TIME_MS,
                log_size: 400,
                log_root: Hash([6; 32]),
                state_root: Hash([4; 32]),
                protocol_version: 1,
                halted: None,
            })
        }
        .boxed()
    }

    fn checkpoints(&self) -> PortFuture<'_, Vec<CheckpointView>> {
        ready(Ok(vec![CheckpointView {
            node: 1,
            member: "uy-dna".into(),
            size: 400,
            root: Hash([6; 32]),
            time_s: TIME_MS / 1000,
            note: "precinto/07/0\n400\n".into(),
        }]))
    }

    fn events(&self, from: Cursor, limit: usize) -> PortFuture<'_, Vec<EventView>> {
        let seen = self.seen();
        let found = seen.events.iter().filter(|view| view.cursor >= from).take(limit).cloned();
        ready(Ok(found.collect()))
    }

    fn heights(&self) -> watch::Receiver<u64> {
        let heights = self.heights.lock().unwrap();
        heights.as_ref().map_or_else(|| self.closed.clone(), watch::Sender::subscribe)
    }

    fn health(&self) -> Health {
        self.health.lock().unwrap().clone()
    }
}
