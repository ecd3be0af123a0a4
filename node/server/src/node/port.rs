//! What the HTTP interface asks of a node, answered from storage, execution and consensus.

mod transactions;
mod writes;

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use precinto_api::{
    BlockDetail, BlockItem, BlockSummary, BoxFuture, CheckpointView, Consistency, Cursor,
    EventView, Health, NodeError, NodePort, NodeStatus, NodeView, OfficerCall, QueryAnswer,
    QueryCall, RaftRole, TransactionView, codes,
};
use precinto_core::{EventRecord, LedgerCell, StatePort, pending::Pending};
use precinto_execution::{Queries, Query, QueryAt, QueryError, Registry};
use precinto_network::NetworkHandle;
use precinto_protocol::{
    aeo::{self, identifier::MAX_IDENTIFIER_CHARS},
    block::Origin,
    cbor,
    checkpoint::SignedCheckpoint,
    genesis::Genesis,
    hash::Hash,
    identity::MemberId,
    leaf::BlockLeaf,
    outcome::OutcomeRecord,
    registry::{ContractEntry, Member, Node, parameter},
    statement::OnBehalf,
    transaction::TransactionId,
};
use precinto_storage::{Head, LedgerView, Position};
use tokio::{sync::watch, time::timeout};
use zeroize::Zeroizing;

use super::{
    endorse::Collector, halt::Halt, officer::OfficerSigner, raft::RaftHandle, roster::Registered,
    submit::Submitter, waiters::Waiters,
};

/// How long a linearizable read may wait for the leader.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct Port {
    /// The channel's genesis.
    pub genesis: Genesis,
    /// Ledger and epoch.
    pub origin: Origin,
    /// This node, as it was registered when it started.
    pub node: Node,
    /// What is asked about.
    pub ledger: LedgerCell,
    /// Runs queries.
    pub queries: Queries,
    /// Takes transactions in.
    pub submitter: Submitter,
    /// Completes transactions with the endorsements they lack.
    pub collector: Arc<Collector>,
    /// Signs for officers.
    pub officers: OfficerSigner,
    /// Accepted and unfinished transactions.
    pub pending: Arc<Pending>,
    /// Clients that wait.
    pub waiters: Arc<Waiters>,
    /// The replica.
    pub raft: RaftHandle,
    /// The peers.
    pub network: NetworkHandle,
    /// The applied height.
    pub heights: watch::Receiver<u64>,
    /// The registry's nodes.
    pub registered: Registered,
    /// Whether the node halted.
    pub halt: Halt,
    /// The channel's lookup key.
    pub lookup_key: Zeroizing<[u8; 32]>,
}

/// The port, shared by the requests.
#[derive(Clone)]
pub(super) struct SharedPort(pub Arc<Port>);

impl SharedPort {
    /// Reads storage, here: the threads of clients may block.
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Port, LedgerView) -> anyhow::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, NodeError>> {
        let port = self.0.clone();
        async move { read(&port, port.ledger.view()).map_err(|error| internal(&error)) }.boxed()
    }
}

fn internal(error: &anyhow::Error) -> NodeError {
    tracing::error!(error = format!("{error:#}"), "a request failed");
    NodeError::new(codes::INTERNAL, "the node could not answer; its log says why")
}

impl NodePort for SharedPort {
    fn channel(&self) -> Hash {
        self.0.origin.channel
    }

    fn member(&self) -> MemberId {
        self.0.node.member.clone()
    }

    fn lookup_tag(&self, scheme: aeo::Scheme, identifier: &str) -> Hash {
        aeo::lookup_tag(&self.0.lookup_key, scheme, identifier)
    }

    fn tin_max_length(&self) -> usize {
        let state = StatePort(self.0.ledger.view());
        let parameter = Registry::new(&state).parameter(parameter::TIN_MAX_LENGTH);
        // Absent or unreadable: the most that any channel takes.
        let length = parameter.ok().flatten().and_then(|length| usize::try_from(length).ok());
        length.unwrap_or(MAX_IDENTIFIER_CHARS)
    }

    fn submit(
        &self,
        transactions: Vec<Vec<u8>>,
    ) -> BoxFuture<'_, Vec<Result<TransactionId, NodeError>>> {
        self.take_in(transactions.into_iter().map(Ok).collect()).boxed()
    }

    fn endorse(
        &self,
        transactions: Vec<Vec<u8>>,
    ) -> BoxFuture<'_, Vec<Result<Vec<u8>, NodeError>>> {
        self.collect(transactions.into_iter().map(Ok).collect()).boxed()
    }

    fn call_as(
        &self,
        officer: OnBehalf,
        calls: Vec<OfficerCall>,
    ) -> BoxFuture<'_, Vec<Result<TransactionId, NodeError>>> {
        async move {
            let signed = self.sign(officer, calls).await;
            self.take_in(self.collect(signed).await).await
        }
        .boxed()
    }

    fn transaction(&self, id: TransactionId) -> BoxFuture<'_, Result<TransactionView, NodeError>> {
        self.read_transaction(id)
    }

    fn wait(
        &self,
        ids: Vec<TransactionId>,
        within: Duration,
    ) -> BoxFuture<'_, Result<Vec<TransactionView>, NodeError>> {
        self.wait_for(ids, within).boxed()
    }

    fn query(
        &self,
        call: QueryCall,
        consistency: Consistency,
    ) -> BoxFuture<'_, Result<QueryAnswer, NodeError>> {
        async move {
            if consistency == Consistency::Linearizable
                && !timeout(READ_WITHIN, self.0.raft.read_barrier()).await.unwrap_or(false)
            {
                let message = "no leader could confirm that this node is up to date";
                return Err(NodeError::new(codes::NO_LEADER, message).retryable());
            }
            self.read(move |port, view| Ok(query(port, view, call))).await?
        }
        .boxed()
    }

    fn block(&self, height: u64) -> BoxFuture<'_, Result<Option<BlockDetail>, NodeError>> {
        self.read(move |_, view| block_detail(&view, height))
    }

    fn blocks(&self, from: u64, limit: u32) -> BoxFuture<'_, Result<Vec<BlockSummary>, NodeError>> {
        self.read(move |_, view| {
            // Height 0 is the genesis, which is no block.
            let stored = view.summaries(from.max(1), limit as usize)?;
            let mut blocks = Vec::with_capacity(stored.len());
            for summary in stored {
                blocks.extend(block_summary(&view, &summary)?);
            }
            Ok(blocks)
        })
    }

    fn members(&self) -> BoxFuture<'_, Result<Vec<Member>, NodeError>> {
        self.read(|_, view| Ok(Registry::new(&StatePort(view)).members()?))
    }

    fn nodes(&self) -> BoxFuture<'_, Result<Vec<NodeView>, NodeError>> {
        self.read(|port, view| {
            let nodes = Registry::new(&StatePort(view)).nodes()?;
            Ok(nodes.into_iter().map(|node| node_view(port, node)).collect())
        })
    }

    fn contracts(&self) -> BoxFuture<'_, Result<Vec<ContractEntry>, NodeError>> {
        self.read(|_, view| Ok(Registry::new(&StatePort(view)).contracts()?))
    }

    fn status(&self) -> BoxFuture<'_, Result<NodeStatus, NodeError>> {
        self.read(|port, view| Ok(node_status(port, head(&view)?)))
    }

    fn checkpoints(&self) -> BoxFuture<'_, Result<Vec<CheckpointView>, NodeError>> {
        self.read(|port, view| {
            let mut checkpoints = Vec::new();
            let nodes = port.registered.borrow().clone();
            for node in nodes.iter().filter(|node| node.is_active()) {
                if let Some(stored) = view.last_checkpoint(node.id)? {
                    checkpoints.push(checkpoint_view(node, &cbor::decode(&stored.bytes)?));
                }
            }
            Ok(checkpoints)
        })
    }

    fn events(
        &self,
        from: Cursor,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<EventView>, NodeError>> {
        self.read(move |_, view| {
            let from = Position { height: from.height, index: from.index };
            view.events(from, limit)?.into_iter().map(|event| event_view(&view, event)).collect()
        })
    }

    fn heights(&self) -> watch::Receiver<u64> {
        self.0.heights.clone()
    }

    fn health(&self) -> Health {
        let raft = self.0.raft.status();
        Health {
            leader_known: raft.leader.is_some(),
            leader_settled: raft.settled,
            lag: raft.commit.saturating_sub(raft.applied),
            halted: self.0.halt.reason().map(str::to_owned),
            disk_full: self.0.halt.disk_full(),
            clock_off: self.0.halt.clock_off(),
        }
    }
}

fn head(view: &LedgerView) -> anyhow::Result<Head> {
    view.head()?.ok_or_else(|| anyhow::anyhow!("a running node has a genesis"))
}

fn query(port: &Port, view: LedgerView, call: QueryCall) -> Result<QueryAnswer, NodeError> {
    let head = head(&view).map_err(|error| internal(&error))?.block;
    let at = QueryAt { height: head.height, time_ms: head.time_ms };
    let query = Query { contract: call.contract, method: call.method, args: call.args };
    match port.queries.query(query, &StatePort(view), at) {
        Ok(result) => Ok(QueryAnswer { result, height: at.height, time_ms: at.time_ms }),
        Err(QueryError::Rejected { code, message } | QueryError::Failed { code, message }) => {
            Err(NodeError::new(code, message))
        }
        Err(error @ QueryError::UnknownContract(_)) => Err(NodeError::new(
            precinto_protocol::outcome::code::UNKNOWN_CONTRACT,
            error.to_string(),
        )),
        Err(QueryError::Fatal(error)) => Err(internal(&error.into())),
    }
}

fn block_summary(
    view: &LedgerView,
    stored: &precinto_storage::BlockSummary,
) -> anyhow::Result<Option<BlockSummary>> {
    let leaf = view.leaf(stored.log_size - 1)?;
    let (Some(leaf), Some(block)) = (leaf, view.block(stored.height)?) else { return Ok(None) };
    let leaf: BlockLeaf = cbor::decode(&leaf)?;
    let leader = precinto_protocol::block::Block::decode(&block)?.header.leader;
    Ok(Some(BlockSummary { leaf, raft_index: stored.raft_index, leader }))
}

fn block_detail(view: &LedgerView, height: u64) -> anyhow::Result<Option<BlockDetail>> {
    let Some(stored) = view.summary(height)?.filter(|_| height > 0) else { return Ok(None) };
    let Some(summary) = block_summary(view, &stored)? else { return Ok(None) };
    let outcomes = view.outcomes(height, 0, stored.outcomes as usize)?;
    let items = outcomes
        .into_iter()
        .map(|stored| {
            let record: OutcomeRecord = cbor::decode(&stored.bytes)?;
            Ok(BlockItem {
                index: record.index,
                id: TransactionId(stored.id),
                outcome: record.outcome,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Some(BlockDetail { summary, items }))
}

fn node_view(port: &Port, node: Node) -> NodeView {
    let raft = port.raft.status();
    let this = node.id == port.node.id;
    let peer = port.network.peers().into_iter().find(|peer| peer.node == node.id);
    let known = raft.peers.iter().find(|peer| peer.node == node.id);
    let lag = if this {
        Some(raft.commit.saturating_sub(raft.applied))
    } else {
        known.map(|peer| raft.last_index.saturating_sub(peer.matched))
    };
    NodeView {
        this,
        connected: this || peer.as_ref().is_some_and(|peer| peer.connected),
        leader: raft.leader == Some(node.id),
        votes: raft.membership.voters.contains(&node.id),
        lag,
        refused: peer.and_then(|peer| peer.refusal).map(|refusal| refusal.to_string()),
        node,
    }
}

fn node_status(port: &Port, head: Head) -> NodeStatus {
    let raft = port.raft.status();
    let registered = port.registered.borrow();
    let node = registered.iter().find(|node| node.id == port.node.id);
    NodeStatus {
        network: port.genesis.name.clone(),
        channel: port.origin.channel,
        epoch: port.origin.epoch,
        node: port.node.id,
        member: port.node.member.clone(),
        role: node.map_or(port.node.role, |node| node.role),
        raft_role: match raft.role {
            precinto_consensus::RaftRole::Leader => RaftRole::Leader,
            precinto_consensus::RaftRole::Candidate => RaftRole::Candidate,
            precinto_consensus::RaftRole::Follower | precinto_consensus::RaftRole::Learner => {
                RaftRole::Follower
            }
        },
        term: raft.term,
        leader: raft.leader,
        commit: raft.commit,
        applied: head.applied.index,
        height: head.block.height,
        time_ms: head.block.time_ms,
        log_size: head.block.log_size,
        log_root: head.block.log_root,
        state_root: head.block.state_root,
        protocol_version: precinto_protocol::limits::PROTOCOL_VERSION,
        halted: port.halt.reason().map(str::to_owned),
    }
}

fn checkpoint_view(node: &Node, signed: &SignedCheckpoint) -> CheckpointView {
    CheckpointView {
        node: node.id,
        member: node.member.clone(),
        size: signed.checkpoint.size,
        root: signed.checkpoint.root,
        time_s: signed.time_s,
        note: precinto_protocol::checkpoint::Note {
            text: signed.checkpoint.body(),
            signatures: vec![signed.note_signature(&node.attestation_key)],
        }
        .to_string(),
    }
}

fn event_view(
    view: &LedgerView,
    stored: precinto_storage::StoredEvent,
) -> anyhow::Result<EventView> {
    let record: EventRecord = cbor::decode(&stored.bytes)?;
    let summary = view.summary(stored.position.height)?;
    let time_ms = summary.map(|summary| summary.time_ms);
    Ok(EventView {
        cursor: Cursor { height: stored.position.height, index: stored.position.index },
        time_ms: time_ms.ok_or_else(|| anyhow::anyhow!("an event's block has a summary"))?,
        transaction: record.transaction,
        member: record.member,
        event: record.event,
    })
}
