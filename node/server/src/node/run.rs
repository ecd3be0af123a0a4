//! Running a node: everything is made here, wired, and taken down again.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, mpsc},
    time::Duration,
};

use anyhow::Context;
use precinto_api::{ApiConfig, HttpMetrics};
use precinto_consensus::{Applied, Input, Replica};
use precinto_execution::{Ledger as Executor, Queries, Registry};
use precinto_network::{Frame, Hello, Inbox, NetworkHandle, Request};
use precinto_protocol::{
    block::Origin, cbor, genesis::Genesis, identity::NodeId, limits::PROTOCOL_VERSION,
    registry::Node,
};
use precinto_storage::{ChannelDirectory, RaftLog};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{interval, timeout},
};

use super::{
    adapters::{LogPort, StatePort},
    apply::{self, Applier, applied},
    attest::Attester,
    boot::{self, Channel, Tools},
    halt::Halt,
    ledger_cell::LedgerCell,
    log_writer,
    messages::PeerRequest,
    metrics::Metrics,
    officer::OfficerSigner,
    outlet::NodeOutlet,
    owner,
    pending::Pending,
    port::{Port, QUERY_PLACES, SharedPort},
    raft::{self, RaftHandle, RaftInbox},
    roster::{Contacts, Heard, Registered, Roster},
    snapshots::{SnapshotState, Snapshots},
    start::{Known, replica_config, start_network, this_node},
    submit::{Submitter, SubmitterParts},
    verify,
};
use crate::{
    keyfile,
    node_config::{NODE_FILE, NodeConfig},
    setup::genesis::read_genesis,
};

/// How often the ledger is made safe from a power failure, which lets the Raft log be compacted.
const SYNC_EVERY: Duration = Duration::from_secs(2);

/// How often gauges are refreshed.
const OBSERVE_EVERY: Duration = Duration::from_secs(1);

/// How long a leader waits for another one to take over before it stops.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

/// Runs the node whose directory is `dir` until SIGINT or SIGTERM.
pub async fn run(dir: &Path) -> anyhow::Result<()> {
    let config = NodeConfig::read(&dir.join(NODE_FILE))?;
    let genesis = read_genesis(&config.genesis)?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut running = Running::start(config, genesis).await?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        Ok(_) = running.retired.wait_for(|retired| *retired) => {}
    }
    running.stop().await;
    Ok(())
}

/// A running node.
struct Running {
    node: NodeId,
    raft: RaftHandle,
    network: NetworkHandle,
    ledger: LedgerCell,
    stop_api: watch::Sender<bool>,
    api: tokio::task::JoinHandle<()>,
    /// Whether its member has put another node in its place.
    retired: watch::Receiver<bool>,
}

/// What the parts of a node share.
struct Shared {
    genesis: Genesis,
    origin: Origin,
    node: Node,
    tools: Tools,
    ledger: LedgerCell,
    pending: Arc<Pending>,
    halt: Halt,
    metrics: Arc<Metrics>,
    network: NetworkHandle,
    raft: RaftHandle,
    heights: watch::Receiver<u64>,
    registered: Registered,
}

impl Running {
    async fn start(config: NodeConfig, genesis: Genesis) -> anyhow::Result<Running> {
        let halt = Halt::open(&config.data)?;
        let registry = prometheus::Registry::new();
        let metrics = Metrics::register(&registry)?;
        let tools = Tools::new(config.code.clone(), &config.data)?;
        let opened = {
            let (data, node) = (config.data.clone(), config.node);
            let (genesis, tools) = (genesis.clone(), tools.clone());
            tokio::task::spawn_blocking(move || boot::open(&data, &genesis, node, &tools)).await??
        };
        let Channel { directory, raft_log, ledger, executor } = opened;
        let origin = Origin { channel: genesis.hash(), epoch: 0 };
        let head = ledger.head().expect("an opened channel has a genesis");
        tracing::info!(node = config.node, height = head.block.height, "opened the ledger");

        let contacts = Contacts::read(&config.contacts)?;
        let nodes = Registry::new(&StatePort(ledger.view())).nodes()?;
        let node = this_node(&config, &nodes, &contacts, &raft_log)?;
        let known = Known { node: &node, nodes: &nodes, contacts: &contacts };
        let replica_config = replica_config(&config, known, origin, &executor)?;
        let replica = Replica::new(replica_config, LogPort(raft_log.clone()), applied(&head))?;
        let (raft, raft_inbox) = raft::channel(&replica);
        let hello = Hello {
            genesis: origin.channel,
            protocol_version: PROTOCOL_VERSION,
            engine_fingerprint: tools.fingerprint,
            node: node.id,
            storage_id: node.storage_id,
        };
        let peers = contacts.peers(&nodes, executor.membership());
        let (network, inbox) = start_network(&config, hello, peers).await?;
        let (nodes, registered) = watch::channel(Arc::new(nodes));
        let (heights, height) = watch::channel(head.block.height);
        let shared = Shared {
            genesis,
            origin,
            node,
            tools,
            ledger: LedgerCell::new(ledger),
            pending: Arc::default(),
            halt,
            metrics,
            network,
            raft,
            heights: height,
            registered,
        };
        let (roster, heard, retired) = shared.roster(contacts);

        let snapshots = shared.start_threads(Threads {
            directory,
            raft_log,
            executor,
            replica,
            raft_inbox,
            heights,
            registered: nodes,
            last: applied(&head),
        });
        owner::spawn_task("roster", roster.run());
        let parts = Served { inbox, snapshots, config, registry, heard };
        let served = shared.serve(parts).await;
        if served.is_err() {
            shared.raft.stop();
        }
        let (stop_api, api) = served?;
        shared.keep_house();
        Ok(Running {
            node: shared.node.id,
            raft: shared.raft,
            network: shared.network,
            ledger: shared.ledger,
            stop_api,
            api,
            retired,
        })
    }

    /// Leadership is handed over first, so that the others go on without a pause.
    async fn stop(self) {
        tracing::info!("stopping");
        if self.raft.status().leader == Some(self.node) {
            self.raft.own(Input::TransferLeadership);
            let mut status = self.raft.watch();
            let gone = status.wait_for(|status| status.leader != Some(self.node));
            if timeout(HAND_OVER_WITHIN, gone).await.is_err() {
                tracing::warn!("no other node took over");
            }
        }
        self.stop_api.send_replace(true);
        if let Err(error) = self.api.await {
            tracing::error!(%error, "the HTTP server failed");
        }
        self.network.shutdown().await;
        self.raft.stop();
        let synced = tokio::task::spawn_blocking(move || self.ledger.get().sync());
        match synced.await {
            Ok(Ok(applied)) => tracing::info!(raft_index = applied.index, "stopped"),
            Ok(Err(error)) => tracing::error!(%error, "the ledger was not synced; it is replayed"),
            Err(error) => tracing::error!(%error, "the ledger was not synced; it is replayed"),
        }
    }
}

/// Ends the HTTP server, and tells that it has ended.
type Api = (watch::Sender<bool>, tokio::task::JoinHandle<()>);

/// What goes into the owner threads.
struct Threads {
    directory: ChannelDirectory,
    raft_log: RaftLog,
    executor: Executor,
    replica: Replica<LogPort>,
    raft_inbox: RaftInbox,
    heights: watch::Sender<u64>,
    registered: watch::Sender<Arc<Vec<Node>>>,
    last: Applied,
}

/// What peers and clients are served with.
struct Served {
    inbox: Inbox,
    snapshots: Arc<Snapshots>,
    config: NodeConfig,
    registry: prometheus::Registry,
    heard: Heard,
}

impl Shared {
    fn roster(&self, contacts: Contacts) -> (Roster, Heard, watch::Receiver<bool>) {
        let handles = (self.network.clone(), self.raft.clone());
        Roster::new(self.node.id, handles, self.registered.clone(), contacts)
    }

    /// Starts the owner threads, wired as the module's picture shows.
    fn start_threads(&self, threads: Threads) -> Arc<Snapshots> {
        let Threads {
            directory,
            raft_log,
            executor,
            replica,
            raft_inbox,
            heights,
            registered,
            last,
        } = threads;
        let (work, work_inbox) = mpsc::channel();
        let (jobs, jobs_inbox) = mpsc::sync_channel(apply::QUEUE);
        verify::start(self.tools.keys.clone(), work_inbox, jobs);
        let applier = Applier {
            executor,
            ledger: self.ledger.clone(),
            raft: self.raft.clone(),
            pending: self.pending.clone(),
            heights,
            registered,
            halt: self.halt.clone(),
            metrics: self.metrics.clone(),
            last,
        };
        applier.start(jobs_inbox);
        let snapshots = Arc::new(Snapshots {
            directory,
            raft_log: raft_log.clone(),
            ledger: self.ledger.clone(),
            genesis: self.genesis.clone(),
            tools: self.tools.clone(),
            network: self.network.clone(),
            raft: self.raft.clone(),
            work: work.clone(),
            state: SnapshotState::default(),
        });
        let installer = snapshots.clone();
        let log =
            log_writer::start(raft_log, self.raft.clone(), move |mark| installer.install(mark));
        raft_inbox.start(
            replica,
            NodeOutlet {
                network: self.network.clone(),
                log,
                work,
                snapshots: snapshots.clone(),
                metrics: self.metrics.clone(),
                runtime: tokio::runtime::Handle::current(),
                node: self.node.id,
                logged: BTreeMap::new(),
            },
        );
        snapshots
    }

    async fn serve(&self, served: Served) -> anyhow::Result<Api> {
        let submitter = self.submitter();
        let Served { inbox, snapshots, config, registry, heard } = served;
        let gossip = self.serve_peers(inbox, &submitter, snapshots);
        self.attest(gossip, heard, &config)?;
        self.serve_clients(config, submitter, registry).await
    }

    fn submitter(&self) -> Submitter {
        Submitter::new(SubmitterParts {
            node: self.node.id,
            channel: self.origin.channel,
            ledger: self.ledger.clone(),
            keys: self.tools.keys.clone(),
            pending: self.pending.clone(),
            halt: self.halt.clone(),
            raft: self.raft.clone(),
            network: self.network.clone(),
        })
    }

    /// Serves peers; what they gossip is left to the caller.
    fn serve_peers(
        &self,
        inbox: Inbox,
        submitter: &Submitter,
        snapshots: Arc<Snapshots>,
    ) -> tokio::sync::mpsc::Receiver<Frame> {
        let Inbox { raft, gossip, requests, snapshots: chunks, mut events } = inbox;
        owner::spawn_task("raft inbox", hand_to_raft(raft, self.raft.clone()));
        owner::spawn_task("requests", answer_requests(requests, submitter.clone()));
        owner::spawn_task("snapshots", snapshots.serve(chunks));
        owner::spawn_task("resend", submitter.clone().resend());
        let replica = self.raft.clone();
        owner::spawn_task("peer events", async move {
            while let Some(event) = events.recv().await {
                tracing::info!(?event, "peer");
                if let precinto_network::PeerEvent::Unreachable(node) = event {
                    replica.own(Input::Unreachable(node));
                }
            }
        });
        gossip
    }

    fn attest(
        &self,
        gossip: tokio::sync::mpsc::Receiver<Frame>,
        heard: Heard,
        config: &NodeConfig,
    ) -> anyhow::Result<()> {
        let attester = Attester {
            node: self.node.id,
            origin: self.origin,
            key: keyfile::read_signing_key(&config.keys.join("attestation.key"))?,
            ledger: self.ledger.clone(),
            member: self.node.member.clone(),
            newest_at_genesis: self.genesis.nodes.last().map_or(0, |node| node.id),
            nodes: self.registered.clone(),
            heard,
            network: self.network.clone(),
            halt: self.halt.clone(),
            metrics: self.metrics.clone(),
        };
        owner::spawn_task("attestation", attester.run(self.heights.clone(), gossip));
        Ok(())
    }

    async fn serve_clients(
        &self,
        config: NodeConfig,
        submitter: Submitter,
        registry: prometheus::Registry,
    ) -> anyhow::Result<Api> {
        let identity = keyfile::read_signing_key(&config.keys.join("identity.key"))?;
        let port = Port {
            genesis: self.genesis.clone(),
            origin: self.origin,
            node: self.node.clone(),
            ledger: self.ledger.clone(),
            queries: Queries::new(self.origin.channel, self.tools.runtime.clone()),
            submitter,
            officers: OfficerSigner::new(self.origin.channel, identity),
            pending: self.pending.clone(),
            raft: self.raft.clone(),
            network: self.network.clone(),
            heights: self.heights.clone(),
            registered: self.registered.clone(),
            halt: self.halt.clone(),
            query_places: tokio::sync::Semaphore::new(QUERY_PLACES),
            lookup_key: keyfile::read(&config.keys.join("lookup.key"))?,
        };
        let metrics = HttpMetrics::register(&registry)?;
        let router = precinto_api::router(ApiConfig {
            node: Arc::new(SharedPort(Arc::new(port))),
            accounts: config.accounts,
            registry,
            metrics,
            metrics_open_on_loopback: true,
        });
        let listener = TcpListener::bind(config.api).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", config.api))?;
        tracing::info!(api = %config.api, p2p = %config.p2p, "listening");
        let (stop, mut stopping) = watch::channel(false);
        let stopped = async move {
            // A dropped sender means the node is gone: stop, too.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        Ok((stop, tokio::spawn(precinto_api::serve(listener, router, stopped))))
    }

    /// Regular work: syncing the ledger, refreshing gauges.
    fn keep_house(&self) {
        let (ledger, raft) = (self.ledger.clone(), self.raft.clone());
        owner::spawn_task("sync", async move {
            let mut timer = interval(SYNC_EVERY);
            loop {
                timer.tick().await;
                let ledger = ledger.get();
                let synced = tokio::task::spawn_blocking(move || ledger.sync()).await;
                match synced.expect("syncing does not panic") {
                    Ok(applied) => raft.own(Input::Synced(applied.index)),
                    // A snapshot is taking this ledger's place. Or a write failed: whose it was ends
                    // the process.
                    Err(precinto_storage::StorageError::WritesDisabled) => {}
                    Err(error) => owner::halt(&format!("the ledger cannot be synced: {error}")),
                }
            }
        });
        let (raft, pending) = (self.raft.clone(), self.pending.clone());
        let (network, metrics) = (self.network.clone(), self.metrics.clone());
        owner::spawn_task("metrics", async move {
            let mut timer = interval(OBSERVE_EVERY);
            loop {
                timer.tick().await;
                metrics.observe(&raft.status(), pending.len(), &network);
            }
        });
    }
}

async fn hand_to_raft(mut frames: tokio::sync::mpsc::Receiver<Frame>, raft: RaftHandle) {
    while let Some(frame) = frames.recv().await {
        let input = Input::Message { from: frame.from, bytes: frame.bytes.to_vec() };
        // Full: dropped, as the network might have; raft repeats itself.
        let _ = raft.outside(input);
    }
}

async fn answer_requests(mut requests: tokio::sync::mpsc::Receiver<Request>, submitter: Submitter) {
    while let Some(request) = requests.recv().await {
        let submitter = submitter.clone();
        tokio::task::spawn_blocking(move || match cbor::decode(&request.body) {
            Ok(PeerRequest::Submit(transactions)) => {
                let answer = submitter.take_forwarded(transactions);
                // The asker sends again what it gets no answer for.
                let _ = request.respond.respond(cbor::encode(&answer));
            }
            Err(error) => tracing::warn!(from = request.from, %error, "a malformed request"),
        });
    }
}
