//! Collects the endorsements that transactions lack, from the nodes of the members.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, future::join_all, stream};
use minicbor::bytes::ByteVec;
use precinto_core::StatePort;
use precinto_execution::{Proposal, Registry, Simulation, SimulationError, ViewError};
use precinto_network::{NetworkHandle, RequestLane};
use precinto_protocol::{
    cbor,
    identity::{KeyId, MemberId, NodeId},
    keys::PublicKey,
    policy::Policy,
    registry::Node,
    transaction::Transaction,
};

use super::{
    Endorser, Present,
    collection::{Answer, Candidate, Collection, EndorsementFailed, Step},
    endorser::MAX_TRANSACTIONS,
};
use crate::node::{
    clients::for_each_of,
    messages::{EndorseAnswer, EndorseRequest, PeerRequest, readable},
};

/// How long a node may take to answer: it may wait a second for the asker's last block, and makes
/// at most [`MAX_TRANSACTIONS`] calls of some milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// How long is asked at all. A client waits longer, so it learns who did not answer.
const COLLECT_WITHIN: Duration = Duration::from_secs(9);

/// Requests under way to one node for one collection: enough to keep it busy.
const REQUESTS_AT_ONCE: usize = 2;

/// Transactions in one request, in bytes: a quarter of what the lane carries.
const REQUEST_BYTES: usize = 512 * 1024;

/// Why a transaction was not completed.
#[derive(Debug, thiserror::Error)]
pub(in crate::node) enum CollectError {
    /// Its call fails here already: nobody was asked.
    #[error("{message}")]
    Rejected {
        /// The code that its execution would have.
        code: String,
        /// For people.
        message: String,
    },
    /// Members refused or did not answer.
    #[error(transparent)]
    Failed(#[from] EndorsementFailed),
    /// The node cannot read its state or run contracts.
    #[error("{0}")]
    Unavailable(String),
}

impl From<ViewError> for CollectError {
    fn from(error: ViewError) -> CollectError {
        CollectError::Unavailable(error.to_string())
    }
}

/// Collects endorsements for this node's officers and clients.
pub(in crate::node) struct Collector {
    parts: CollectorParts,
}

/// What a [`Collector`] is made of.
pub(in crate::node) struct CollectorParts {
    /// This node.
    pub node: NodeId,
    /// What is simulated against.
    pub present: Present,
    /// This node's own endorser, which is asked like any other.
    pub endorser: Endorser,
    /// The way to the others.
    pub network: NetworkHandle,
}

/// Requests that are made at the same time.
#[derive(Clone, Copy)]
struct Round {
    /// What this node has executed.
    height: u64,
    /// When the collection ends.
    until: Instant,
}

/// A transaction in the work.
enum Work {
    /// Nothing is to be collected, or all is.
    Done(Result<Vec<u8>, CollectError>),
    /// Lacks endorsements.
    Open(Box<Collection>),
}

impl Collector {
    /// Of the node that owns these parts.
    pub(in crate::node) fn new(parts: CollectorParts) -> Collector {
        Collector { parts }
    }

    /// Completes encoded transactions with the endorsements that they lack: one answer each, in
    /// order. Those to which nothing can be added come back as they are, also those that admission
    /// refuses: it says why.
    pub(in crate::node) async fn collect(
        self: &Arc<Self>,
        transactions: Vec<Vec<u8>>,
    ) -> Vec<Result<Vec<u8>, CollectError>> {
        let mut works = self.prepare(transactions).await;
        let until = Instant::now() + COLLECT_WITHIN;
        loop {
            let asks = asks(&mut works, Instant::now() >= until);
            if asks.is_empty() {
                break;
            }
            let round = Round { height: self.parts.present.height(), until };
            let answers =
                asks.into_iter().map(|(node, indices)| self.ask(node, round, indices, &works));
            for (node, answers) in join_all(answers).await {
                for (index, answer) in answers {
                    if let Work::Open(collection) = &mut works[index] {
                        collection.answered(node, answer);
                    }
                }
            }
        }
        let done = works.into_iter().map(|work| match work {
            Work::Done(result) => result,
            Work::Open(collection) => Err(collection.failure().into()),
        });
        done.collect()
    }

    /// Finds out which transactions lack endorsements, and simulates those.
    async fn prepare(self: &Arc<Self>, transactions: Vec<Vec<u8>>) -> Vec<Work> {
        let (collector, count) = (self.clone(), transactions.len());
        let look = move || {
            let lack = collector.lacking(&transactions);
            (transactions, lack)
        };
        let (transactions, lack) = for_each_of(count, look).await;
        if !lack.contains(&true) {
            return transactions.into_iter().map(|bytes| Work::Done(Ok(bytes))).collect();
        }
        let place = self.parts.endorser.places().clone().acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        let collector = self.clone();
        let open = move || {
            let _place = place;
            collector.open(transactions, &lack)
        };
        tokio::task::spawn_blocking(open).await.expect("simulating does not panic")
    }

    /// For each transaction, whether its policy may ask for more signatures than it has. What
    /// cannot be told is not lacking: admission refuses it.
    fn lacking(&self, transactions: &[Vec<u8>]) -> Vec<bool> {
        let state = StatePort(self.parts.present.ledger.view());
        let registry = Registry::new(&state);
        let mut most: BTreeMap<(String, String), usize> = BTreeMap::new();
        let lacks = |bytes: &Vec<u8>| {
            let Ok(transaction) = Transaction::decode(bytes) else { return false };
            let call = transaction.statement.call();
            let most =
                most.entry((call.contract.clone(), call.method.clone())).or_insert_with(|| {
                    let contract = registry.contract(&call.contract).ok().flatten();
                    let policy =
                        contract.and_then(|contract| contract.policy(&call.method)?.parse().ok());
                    policy.map_or(0, |policy: Policy| policy.most_signatures())
                });
            1 + transaction.endorsements.len() < *most
        };
        transactions.iter().map(lacks).collect()
    }

    fn open(&self, transactions: Vec<Vec<u8>>, lack: &[bool]) -> Vec<Work> {
        let count = transactions.len();
        let works = self.parts.present.simulate(|simulation, state| {
            let nodes = Candidates::read(simulation, state, &self.parts)?;
            let work = |(bytes, lacks): (Vec<u8>, &bool)| match lacks {
                true => open(simulation, &nodes, bytes),
                false => Work::Done(Ok(bytes)),
            };
            Ok(transactions.into_iter().zip(lack).map(work).collect())
        });
        works.unwrap_or_else(Err).unwrap_or_else(|error: ViewError| {
            (0..count).map(|_| Work::Done(Err(error.clone().into()))).collect()
        })
    }

    /// Asks a node to endorse the transactions with these indices.
    async fn ask(
        &self,
        node: NodeId,
        round: Round,
        indices: Vec<usize>,
        works: &[Work],
    ) -> (NodeId, Vec<(usize, Answer)>) {
        let batches = batches(&indices, works);
        let answers = stream::iter(batches).map(|batch| async move {
            let (indices, transactions): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let request = EndorseRequest { height: round.height, transactions };
            let answers = self.request(node, request, round.until).await;
            let answers = match answers {
                Ok(answers) if answers.len() == indices.len() => answers,
                Ok(_) => vec![Answer::Nothing("its answer is malformed".into()); indices.len()],
                Err(reason) => vec![Answer::Nothing(reason); indices.len()],
            };
            stream::iter(indices.into_iter().zip(answers))
        });
        (node, answers.buffered(REQUESTS_AT_ONCE).flatten().collect().await)
    }

    /// A node's answers, or why there are none.
    async fn request(
        &self,
        node: NodeId,
        request: EndorseRequest,
        until: Instant,
    ) -> Result<Vec<Answer>, String> {
        let answers = if node == self.parts.node {
            self.parts.endorser.answer(request).await.ok_or("this node cannot endorse now")?
        } else {
            let body = cbor::encode(&PeerRequest::Endorse(request));
            let network = &self.parts.network;
            let within = ANSWER_WITHIN.min(until.saturating_duration_since(Instant::now()));
            let answer = network.request(node, RequestLane::Request, body, within).await;
            let answer = answer.map_err(|error| error.to_string())?;
            cbor::decode(&answer).map_err(|error| {
                tracing::warn!(node, %error, "an answer to a request for endorsement");
                "its answer is malformed".to_owned()
            })?
        };
        Ok(answers.into_iter().map(Answer::from).collect())
    }
}

impl From<EndorseAnswer> for Answer {
    fn from(answer: EndorseAnswer) -> Answer {
        match answer {
            EndorseAnswer::Endorsed(endorsement) => Answer::Endorsed(endorsement),
            EndorseAnswer::Refused { code, message } => {
                let (code, message) = readable(&code, &message);
                Answer::Refused { code, message }
            }
        }
    }
}

/// Finishes what can be finished; for each node, which of the others it is to be asked for. When
/// the time `is_up`, nobody is asked any more.
fn asks(works: &mut [Work], is_up: bool) -> BTreeMap<NodeId, Vec<usize>> {
    let mut asks: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
    for (index, work) in works.iter_mut().enumerate() {
        let Work::Open(collection) = work else { continue };
        match collection.step() {
            Step::Complete(transaction) => *work = Work::Done(Ok(transaction.encode())),
            // Nobody could help: admission says what is lacking.
            Step::Failed(failed) if failed.members.is_empty() => {
                *work = Work::Done(Ok(collection.transaction().encode()));
            }
            Step::Failed(failed) => *work = Work::Done(Err(failed.into())),
            Step::Ask(_) if is_up => {}
            Step::Ask(nodes) => {
                nodes.into_iter().for_each(|node| asks.entry(node).or_default().push(index))
            }
        }
    }
    asks
}

/// Splits into requests that the lane carries and an endorser takes.
fn batches(indices: &[usize], works: &[Work]) -> Vec<Vec<(usize, ByteVec)>> {
    let mut batches: Vec<Vec<(usize, ByteVec)>> = Vec::new();
    let mut bytes = 0;
    for &index in indices {
        let Work::Open(collection) = &works[index] else { continue };
        let transaction = collection.transaction().encode();
        bytes += transaction.len();
        let item = (index, ByteVec::from(transaction));
        match batches.last_mut() {
            Some(batch) if bytes <= REQUEST_BYTES && batch.len() < MAX_TRANSACTIONS => {
                batch.push(item)
            }
            _ => {
                bytes = item.1.len();
                batches.push(vec![item]);
            }
        }
    }
    batches
}

fn open(simulation: &mut Simulation<'_>, candidates: &Candidates, bytes: Vec<u8>) -> Work {
    match simulation.run(&bytes) {
        Ok(proposal) => {
            let candidates = candidates.for_proposal(&proposal);
            Work::Open(Box::new(Collection::new(proposal, candidates)))
        }
        // Admission says why.
        Err(SimulationError::Refused(_)) => Work::Done(Ok(bytes)),
        Err(SimulationError::Rejected(failure)) => Work::Done(Err(CollectError::Rejected {
            code: failure.code().to_owned(),
            message: failure.to_string(),
        })),
        Err(SimulationError::Fatal(error)) => {
            Work::Done(Err(CollectError::Unavailable(error.to_string())))
        }
    }
}

/// The nodes that may be asked: those whose identity is in force.
struct Candidates {
    nodes: Vec<(Place, Candidate)>,
    members: usize,
}

/// Where a node stands in the order in which nodes are asked.
#[derive(Clone, Copy)]
struct Place {
    /// Number of its member.
    member: usize,
    /// How many nodes of its member come before it.
    before: usize,
    connected: bool,
}

impl Candidates {
    fn read(
        simulation: &mut Simulation<'_>,
        state: &StatePort,
        parts: &CollectorParts,
    ) -> Result<Candidates, ViewError> {
        let peers = parts.network.peers();
        let connected = |node: NodeId| {
            node == parts.node || peers.iter().any(|peer| peer.node == node && peer.connected)
        };
        let mut nodes_of: BTreeMap<MemberId, Vec<Node>> = BTreeMap::new();
        for node in Registry::new(state).nodes()? {
            nodes_of.entry(node.member.clone()).or_default().push(node);
        }
        let members = nodes_of.len();
        let mut nodes = Vec::new();
        for (member, of_member) in nodes_of.into_values().enumerate() {
            for (before, node) in of_member.into_iter().enumerate() {
                let signer = simulation.signer(&KeyId::of(&node.identity_key))?;
                let key = PublicKey::from_bytes(&node.identity_key);
                if let (Some(signer), Ok(key)) = (signer, key) {
                    let place = Place { member, before, connected: connected(node.id) };
                    nodes.push((place, Candidate { node: node.id, signer, key }));
                }
            }
        }
        Ok(Candidates { nodes, members })
    }

    /// In the order in which they are asked: other members than the author's first, each by one
    /// connected node before any by a second. The member that is first is another one for each
    /// transaction, so that the work is shared.
    fn for_proposal(&self, proposal: &Proposal) -> Vec<Candidate> {
        let id = proposal.transaction.id();
        let first = usize::from(id.0.as_bytes()[0]);
        let author = &proposal.signers[0].member;
        let mut nodes: Vec<&(Place, Candidate)> = self.nodes.iter().collect();
        nodes.sort_by_key(|(place, candidate)| {
            let Place { member, before, connected } = *place;
            let turn = (member + first) % self.members;
            (candidate.signer.member == *author, !connected, before, turn)
        });
        nodes.into_iter().map(|(_, candidate)| candidate.clone()).collect()
    }
}
