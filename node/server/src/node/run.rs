//! Running a node: everything is made here, wired, and taken down again.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, mpsc},
    time::Duration,
};

use anyhow::Context;
use precinto_api::{Accounts, ApiConfig, HttpMetrics, NodePort, Webhooks, audit::Trail};
use precinto_consensus::{Input, Replica};
use precinto_core::{
    LedgerCell, LogPort, StatePort,
    apply::Applier as Steps,
    attest::Attester,
    intake::Intake,
    open::{Tools, applied},
    pending::Pending,
};
use precinto_execution::{Ledger as Executor, Queries, Registry};
use precinto_network::{Frame, Hello, Inbox, NetworkHandle};
use precinto_protocol::{
    block::Origin, genesis::Genesis, identity::NodeId, limits::PROTOCOL_VERSION, registry::Node,
};
use precinto_storage::{ChannelDirectory, RaftLog};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::timeout,
};

use super::{
    apply::{self, Applier},
    attest::{self, Surroundings},
    boot::{self, Channel},
    clients::Clients,
    clock::Clocks,
    disk::Disk,
    endorse::{Collector, CollectorParts, Endorser, Present},
    halt::Halt,
    housekeeping::House,
    log_writer::{self, LogParts},
    metrics::Metrics,
    officer::OfficerSigner,
    outlet::NodeOutlet,
    owner,
    port::{Port, SharedPort},
    raft::{self, RaftHandle, RaftInbox},
    requests::answer_requests,
    roster::{Contacts, Heard, Registered, Roster},
    snapshots::{SnapshotState, Snapshots},
    start::{Known, replica_config, start_network, this_node},
    submit::{Submitter, SubmitterParts},
    verify,
    waiters::Waiters,
};
use crate::{
    keyfile,
    logging::{self, LogFormat, Whose},
    node_config::{NODE_FILE, NodeConfig},
    setup::genesis::read_genesis,
};

/// How long a leader waits for another one to take over before it stops.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

/// Runs the node whose directory is `dir` until SIGINT or SIGTERM.
/// `log_format` goes before the configuration's.
pub async fn run(dir: &Path, log_format: Option<LogFormat>) -> anyhow::Result<()> {
    let config = NodeConfig::read(&dir.join(NODE_FILE))?;
    let genesis = read_genesis(&config.genesis)?;
    let contacts = Contacts::read(&config.contacts)?;
    let listed = genesis.nodes.iter().find(|node| node.id == config.node);
    // A node that nobody has registered is refused below, with what to do about it.
    let member = listed.or(contacts.node(config.node)).map(|node| node.member.clone());
    let whose = Whose { node: config.node, member: member.unwrap_or_default() };
    logging::of_node(whose, log_format.unwrap_or(config.log_format), &config.log_level);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut running = Running::start(config, genesis, contacts).await?;
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
    clients: Clients,
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
    waiters: Arc<Waiters>,
    halt: Halt,
    disk: Arc<Disk>,
    metrics: Arc<Metrics>,
    network: NetworkHandle,
    raft: RaftHandle,
    heights: watch::Receiver<u64>,
    registered: Registered,
}

impl Running {
    async fn start(
        config: NodeConfig,
        genesis: Genesis,
        contacts: Contacts,
    ) -> anyhow::Result<Running> {
        let halt = Halt::open(&config.data)?;
        let registry = prometheus::Registry::new();
        let metrics = Metrics::register(&registry)?;
        let (tools, fingerprint) = boot::tools(config.code.clone(), &config.data)?;
        let disk = Arc::new(
            Disk::open(&config.data, config.disk_reserve)
                .with_context(|| format!("cannot reserve room in {}", config.data.display()))?,
        );
        let opened = {
            let (data, node) = (config.data.clone(), config.node);
            let (genesis, tools) = (genesis.clone(), tools.clone());
            tokio::task::spawn_blocking(move || boot::open(&data, &genesis, node, &tools)).await??
        };
        let Channel { directory, raft_log, ledger, executor } = opened;
        let origin = Origin { channel: genesis.hash(), epoch: 0 };
        let head = ledger.head().expect("an opened channel has a genesis");
        tracing::info!(height = head.block.height, "opened the ledger");

        let nodes = Registry::new(&StatePort(ledger.view())).nodes()?;
        let node = this_node(&config, &nodes, &contacts, &raft_log)?;
        metrics.introduce(&genesis.name, node.id, &node.member);
        let known = Known { node: &node, nodes: &nodes, contacts: &contacts };
        let replica_config = replica_config(&config, known, origin, &executor)?;
        let replica = Replica::new(replica_config, LogPort(raft_log.clone()), applied(&head))?;
        let (raft, raft_inbox) = raft::channel(&replica);
        let hello = Hello {
            genesis: origin.channel,
            protocol_version: PROTOCOL_VERSION,
            engine_fingerprint: fingerprint,
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
            waiters: Arc::default(),
            halt,
            disk,
            metrics,
            network,
            raft,
            heights: height,
            registered,
        };
        let (roster, heard, retired) = shared.roster(contacts);

        let house = shared.house(&raft_log);
        let snapshots = shared.start_threads(Threads {
            directory,
            raft_log,
            executor,
            replica,
            raft_inbox,
            heights,
            registered: nodes,
        });
        owner::spawn_task("roster", roster.run());
        let parts = Served { inbox, snapshots, config, registry, heard };
        let served = shared.serve(parts).await;
        if served.is_err() {
            shared.raft.stop();
        }
        let clients = served?;
        house.keep();
        Ok(Running {
            node: shared.node.id,
            raft: shared.raft,
            network: shared.network,
            ledger: shared.ledger,
            clients,
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
        self.clients.stop().await;
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

/// What goes into the owner threads.
struct Threads {
    directory: ChannelDirectory,
    raft_log: RaftLog,
    executor: Executor,
    replica: Replica<LogPort>,
    raft_inbox: RaftInbox,
    heights: watch::Sender<u64>,
    registered: watch::Sender<Arc<Vec<Node>>>,
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
        let Threads { directory, raft_log, executor, replica, raft_inbox, heights, registered } =
            threads;
        let (work, work_inbox) = mpsc::channel();
        let (jobs, jobs_inbox) = mpsc::sync_channel(apply::QUEUE);
        verify::start(self.tools.keys.clone(), work_inbox, jobs);
        let applier = Applier {
            steps: Steps::new(executor, self.ledger.clone()),
            raft: self.raft.clone(),
            pending: self.pending.clone(),
            waiters: self.waiters.clone(),
            heights,
            registered,
            halt: self.halt.clone(),
            disk: self.disk.clone(),
            metrics: self.metrics.clone(),
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
            disk: self.disk.clone(),
            halt: self.halt.clone(),
            metrics: self.metrics.clone(),
            work: work.clone(),
            state: SnapshotState::default(),
        });
        let installer = snapshots.clone();
        let log = LogParts {
            log: raft_log,
            raft: self.raft.clone(),
            disk: self.disk.clone(),
            metrics: self.metrics.clone(),
        };
        let log = log_writer::start(log, move |mark| installer.install(mark));
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

    async fn serve(&self, served: Served) -> anyhow::Result<Clients> {
        let Served { inbox, snapshots, config, registry, heard } = served;
        let (submitter, endorser) = (self.submitter(), self.endorser(&config)?);
        let gossip = self.serve_peers(inbox, (&submitter, &endorser), snapshots);
        self.attest(gossip, heard, &config)?;
        self.serve_clients(config, (submitter, endorser), registry).await
    }

    fn present(&self) -> Present {
        Present {
            channel: self.origin.channel,
            ledger: self.ledger.clone(),
            tools: self.tools.clone(),
        }
    }

    fn endorser(&self, config: &NodeConfig) -> anyhow::Result<Endorser> {
        let key = keyfile::read_signing_key(&config.keys.join("identity.key"))?;
        Ok(Endorser::new(
            self.present(),
            (key, config.endorsement.clone()),
            self.heights.clone(),
            self.halt.clone(),
            self.metrics.clone(),
        ))
    }

    fn submitter(&self) -> Submitter {
        let intake = Intake::new(
            self.node.id,
            self.origin.channel,
            self.ledger.clone(),
            self.tools.keys.clone(),
            self.pending.clone(),
        );
        Submitter::new(SubmitterParts {
            intake,
            waiters: self.waiters.clone(),
            halt: self.halt.clone(),
            raft: self.raft.clone(),
            network: self.network.clone(),
            metrics: self.metrics.clone(),
        })
    }

    /// Serves peers; what they gossip is left to the caller.
    fn serve_peers(
        &self,
        inbox: Inbox,
        (submitter, endorser): (&Submitter, &Endorser),
        snapshots: Arc<Snapshots>,
    ) -> tokio::sync::mpsc::Receiver<Frame> {
        let Inbox { raft, gossip, requests, snapshots: chunks, mut events } = inbox;
        owner::spawn_task("raft inbox", hand_to_raft(raft, self.raft.clone()));
        owner::spawn_task(
            "requests",
            answer_requests(requests, submitter.clone(), endorser.clone()),
        );
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
            member: self.node.member.clone(),
            origin: self.origin,
            key: keyfile::read_signing_key(&config.keys.join("attestation.key"))?,
            ledger: self.ledger.clone(),
        };
        let around = Surroundings {
            newest_at_genesis: self.genesis.nodes.last().map_or(0, |node| node.id),
            nodes: self.registered.clone(),
            heard,
            network: self.network.clone(),
            halt: self.halt.clone(),
            metrics: self.metrics.clone(),
        };
        let run = attest::run(attester, around, self.heights.clone(), gossip);
        owner::spawn_task("attestation", run);
        owner::spawn_task("clocks", self.clocks().run());
        Ok(())
    }

    fn clocks(&self) -> Clocks {
        Clocks {
            node: self.node.id,
            nodes: self.registered.clone(),
            network: self.network.clone(),
            halt: self.halt.clone(),
            metrics: self.metrics.clone(),
        }
    }

    fn house(&self, raft_log: &RaftLog) -> House {
        House {
            member: self.node.member.clone(),
            ledger: self.ledger.clone(),
            raft_log: raft_log.clone(),
            raft: self.raft.clone(),
            network: self.network.clone(),
            pending: self.pending.clone(),
            halt: self.halt.clone(),
            disk: self.disk.clone(),
            metrics: self.metrics.clone(),
        }
    }

    async fn serve_clients(
        &self,
        config: NodeConfig,
        (submitter, endorser): (Submitter, Endorser),
        registry: prometheus::Registry,
    ) -> anyhow::Result<Clients> {
        let identity = keyfile::read_signing_key(&config.keys.join("identity.key"))?;
        let (stop, stopping) = watch::channel(false);
        let port = Port {
            genesis: self.genesis.clone(),
            origin: self.origin,
            node: self.node.clone(),
            ledger: self.ledger.clone(),
            queries: Queries::new(self.origin.channel, self.tools.runtime.clone()),
            submitter,
            collector: Arc::new(Collector::new(CollectorParts {
                node: self.node.id,
                present: self.present(),
                endorser,
                network: self.network.clone(),
            })),
            officers: OfficerSigner::new(self.origin.channel, identity),
            pending: self.pending.clone(),
            waiters: self.waiters.clone(),
            raft: self.raft.clone(),
            network: self.network.clone(),
            heights: until_stopped(self.heights.clone(), stopping),
            registered: self.registered.clone(),
            halt: self.halt.clone(),
            lookup_key: keyfile::read(&config.keys.join("lookup.key"))?,
        };
        let metrics = HttpMetrics::register(&registry)?;
        let (trail, writer) = Trail::open(&config.audit)?;
        owner::spawn("audit", move || writer.run());
        let node: Arc<dyn NodePort> = Arc::new(SharedPort(Arc::new(port)));
        let router = precinto_api::router(ApiConfig {
            webhooks: Webhooks::open(&config.webhooks, node.clone())?,
            node,
            accounts: Accounts::open(&config.users, config.sessions)?,
            trail,
            trusted_proxy: config.trusted_proxy,
            registry,
            metrics,
            metrics_open_on_loopback: config.metrics_open_on_loopback,
        });
        let clients = Clients::serve(config.api, router, stop).await?;
        tracing::info!(api = %config.api, p2p = %config.p2p, "listening");
        Ok(clients)
    }
}

/// The applied height until the node stops: then the streams that follow it end with a last word,
/// instead of being cut off.
fn until_stopped(
    mut heights: watch::Receiver<u64>,
    mut stopping: watch::Receiver<bool>,
) -> watch::Receiver<u64> {
    let (sender, receiver) = watch::channel(*heights.borrow());
    owner::spawn_task("heights", async move {
        loop {
            tokio::select! {
                changed = heights.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    sender.send_replace(*heights.borrow_and_update());
                }
                _ = stopping.wait_for(|stop| *stop) => return,
            }
        }
    });
    receiver
}

async fn hand_to_raft(mut frames: tokio::sync::mpsc::Receiver<Frame>, raft: RaftHandle) {
    while let Some(frame) = frames.recv().await {
        let input = Input::Message { from: frame.from, bytes: frame.bytes.to_vec() };
        // Full: dropped, as the network might have; raft repeats itself.
        let _ = raft.outside(input);
    }
}
