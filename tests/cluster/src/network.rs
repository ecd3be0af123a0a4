//! A network in a directory of its own.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use precinto_client::{Client, types::NodeStatus};
use precinto_protocol::{cbor, genesis::Genesis};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    node::Node,
    program::{Program, contracts},
    wait::eventually,
};

/// The networks that ship.
const NETWORK_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../network-configs");

/// The network that users run first is the one that is tested most.
const DEVELOPMENT: &str = "dev";

/// All nodes of the development network.
pub const NODES: [u64; 4] = [1, 2, 3, 4];

/// Its voters.
pub const VOTERS: [u64; 3] = [1, 2, 3];

/// Its learner.
pub const LEARNER: u64 = 4;

/// Networks of one process that run at once: four nodes each, which wait most of the time, are what two
/// cores carry without elections being lost to waiting.
pub const MAX_NETWORKS: usize = 3;

static SLOTS: Semaphore = Semaphore::const_new(MAX_NETWORKS);

/// How long nodes may take to start, elect a leader and answer. The first start compiles the contracts,
/// which takes four nodes on a busy machine half a minute.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A network. Dropping it kills its nodes.
#[derive(Debug)]
pub struct Network {
    nodes: BTreeMap<u64, Node>,
    genesis: Genesis,
    program: Program,
    environment: Vec<(String, String)>,
    address: Ipv4Addr,
    directory: Option<TempDir>,
    _slot: SemaphorePermit<'static>,
}

impl Network {
    /// The development network, its nodes ready.
    pub async fn start() -> Network {
        Self::start_with(&[]).await
    }

    /// The same, with variables in the environment of every node.
    pub async fn start_with(environment: &[(&str, &str)]) -> Network {
        let mut network = Self::make().await;
        network.set_environment(environment);
        network.boot_all().await;
        network
    }

    /// Sets variables in the environment of every node, from its next start on.
    pub fn set_environment(&mut self, environment: &[(&str, &str)]) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.environment = environment.iter().map(owned).collect();
    }

    /// The development network with other channel parameters than the file's; its nodes are ready.
    pub async fn start_with_parameters(parameters: &[(&str, u64)]) -> Network {
        let address = own_address();
        let mut network = Self::make_with(DEVELOPMENT, parameters, |_| address).await;
        network.boot_all().await;
        network
    }

    /// The development network, its nodes not running yet.
    pub async fn make() -> Network {
        Self::make_of(DEVELOPMENT).await
    }

    /// The network of `network-configs/<name>.toml`, its nodes not running yet. A path is of a network
    /// file elsewhere.
    pub async fn make_of(name: &str) -> Network {
        let address = own_address();
        Self::make_with(name, &[], |_| address).await
    }

    /// The development network, each of its nodes at an address of its own; not running yet.
    pub async fn make_at(address: impl Fn(u64) -> Ipv4Addr) -> Network {
        Self::make_with(DEVELOPMENT, &[], address).await
    }

    async fn make_with(
        name: &str,
        parameters: &[(&str, u64)],
        address: impl Fn(u64) -> Ipv4Addr,
    ) -> Network {
        let slot = SLOTS.acquire().await.expect("the semaphore is never closed");
        let directory = TempDir::with_prefix("precinto-").expect("a temporary directory");
        let program = Program::find();
        let config = Path::new(NETWORK_FILES).join(name).with_extension("toml");
        let config = std::fs::read_to_string(config).expect("a network that ships");
        let file = directory.path().join("network.toml");
        let mut config = placed(&config, &address);
        // The file ends with the table of parameters.
        for (name, value) in parameters {
            config += &format!("{name} = {value}\n");
        }
        std::fs::write(&file, config).expect("the directory is ours");
        let network = directory.path().join("network");
        let made = program
            .command(["network", "init", "--dir"])
            .arg(&network)
            .arg("--config")
            .arg(&file)
            .arg("--contracts")
            .arg(contracts())
            .output()
            .expect("the program can be started");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let genesis = std::fs::read(network.join("genesis.cbor")).expect("a network's genesis");
        let genesis: Genesis = cbor::decode(&genesis).expect("a genesis file holds a genesis");
        let node = |id: u64| (id, Node::new(network.join("nodes").join(id.to_string())));
        Network {
            nodes: genesis.nodes.iter().map(|entry| node(entry.id)).collect(),
            genesis,
            program,
            environment: Vec::new(),
            address: address(VOTERS[0]),
            directory: Some(directory),
            _slot: slot,
        }
    }

    /// Starts every node and waits until all are ready and connected to each other.
    pub async fn boot_all(&mut self) {
        let ids = self.ids();
        for &id in &ids {
            self.boot(id);
        }
        self.ready(&ids).await;
        for &id in &ids {
            self.connected(id, &ids).await;
        }
    }

    /// Waits until a node is connected to these.
    pub async fn connected(&self, id: u64, to: &[u64]) {
        let client = self.client(id);
        eventually(&format!("node {id} is connected to {to:?}"), READY_WITHIN, async || {
            let nodes = client.nodes().await.ok()?.nodes;
            let open = |id: &u64| nodes.iter().any(|node| node.id == *id && node.connected);
            to.iter().all(open).then_some(())
        })
        .await;
    }

    /// Its nodes.
    pub fn ids(&self) -> Vec<u64> {
        self.nodes.keys().copied().collect()
    }

    /// What it began with.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The member that runs a node.
    pub fn member(&self, id: u64) -> &str {
        let node = self.genesis.nodes.iter().find(|node| node.id == id);
        &node.expect("one of its nodes").member
    }

    /// The network's directory, as `precinto --dir` takes it.
    pub fn directory(&self) -> PathBuf {
        self.root().join("network")
    }

    /// Takes in the node in `directory`; not started.
    pub fn adopt(&mut self, id: u64, directory: PathBuf) {
        self.nodes.insert(id, Node::new(directory));
    }

    /// The address of all its nodes; of its first, where each has its own.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Where a test may put files of its own.
    pub fn root(&self) -> &Path {
        self.directory.as_ref().expect("it is taken on drop alone").path()
    }

    /// The program that its nodes run.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// One of [`Network::ids`].
    pub fn node(&self, id: u64) -> &Node {
        &self.nodes[&id]
    }

    fn node_mut(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).expect("one of its nodes")
    }

    /// The nodes that were started and neither killed nor stopped since.
    pub fn running(&self) -> impl Iterator<Item = u64> {
        self.nodes.iter().filter(|(_, node)| node.is_started()).map(|(id, _)| *id)
    }

    /// Whether the process of a node runs: it may also have ended by itself.
    pub fn runs(&mut self, id: u64) -> bool {
        self.node_mut(id).runs()
    }

    /// A client of a node, as its officer.
    pub fn client(&self, id: u64) -> Client {
        self.node(id).client("officer")
    }

    /// Puts the data of a node on a disk of its own of that size, from its next start on.
    pub fn use_small_disk(&mut self, id: u64, mib: u64) {
        self.node_mut(id).use_small_disk(mib);
    }

    /// Starts a node as the last arguments of this command (`nsenter --net=FILE`), from its next
    /// start on. The command must become the node: its process is what is signalled.
    pub fn run_within(&mut self, id: u64, command: Vec<OsString>) {
        self.node_mut(id).run_within(command);
    }

    /// Starts the process of a node.
    pub fn boot(&mut self, id: u64) {
        let Network { nodes, program, environment, .. } = self;
        nodes.get_mut(&id).expect("one of its nodes").start(program, environment);
    }

    /// Kills a node (SIGKILL).
    pub fn kill(&mut self, id: u64) {
        self.node_mut(id).kill();
    }

    /// Asks a node to stop (SIGTERM), without waiting.
    pub fn terminate(&self, id: u64) {
        self.node(id).signal(Signal::TERM);
    }

    /// Freezes a node (SIGSTOP): it neither runs nor notices, as in a long pause of its machine.
    pub fn freeze(&self, id: u64) {
        self.node(id).signal(Signal::STOP);
    }

    /// Lets a frozen node go on.
    pub fn thaw(&self, id: u64) {
        self.node(id).signal(Signal::CONT);
    }

    /// Waits until a node has ended by itself.
    pub async fn ended(&mut self, id: u64) -> ExitStatus {
        self.node_mut(id).ended().await
    }

    /// Waits until these nodes are ready.
    pub async fn ready(&mut self, ids: &[u64]) {
        for &id in ids {
            let client = self.client(id);
            let node = self.node_mut(id);
            eventually(&format!("node {id} is ready"), READY_WITHIN, async || {
                assert!(node.runs(), "node {id} ended by itself");
                client.readiness().await.is_ok_and(|answer| answer.ready).then_some(())
            })
            .await;
        }
    }

    /// The status of a node that runs.
    pub async fn status(&self, id: u64) -> NodeStatus {
        let answer = self.client(id).status().await;
        answer.unwrap_or_else(|error| panic!("node {id} gives no status: {error}"))
    }

    /// The node that leads, once one of `ids` leads and says so.
    pub async fn leader_among(&self, ids: &[u64]) -> u64 {
        let clients: Vec<_> = ids.iter().map(|&id| (id, self.client(id))).collect();
        eventually(&format!("one of {ids:?} leads"), READY_WITHIN, async || {
            for (id, client) in &clients {
                if client.status().await.is_ok_and(|status| status.leader == Some(*id)) {
                    return Some(*id);
                }
            }
            None
        })
        .await
    }

    /// Waits until a node has executed block `height`.
    pub async fn reached(&self, id: u64, height: u64) {
        let client = self.client(id);
        let what = format!("node {id} reaches height {height}");
        eventually(&what, READY_WITHIN, async || {
            client.status().await.is_ok_and(|s| s.as_of.height >= height).then_some(())
        })
        .await;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in self.nodes.values_mut() {
            node.kill();
        }
        if std::thread::panicking() {
            self.report();
        }
    }
}

impl Network {
    #[expect(clippy::print_stderr, reason = "what a failed test leaves to its reader")]
    fn report(&mut self) {
        let directory = self.directory.take().map(TempDir::keep);
        for (id, node) in &self.nodes {
            eprintln!("--- node {id} at {}, end of its log:\n{}", node.url(), node.log_tail());
        }
        eprintln!("--- the network is kept in {}", directory.unwrap_or_default().display());
    }
}

/// A network file with the nodes at these addresses instead of `127.0.0.1`.
fn placed(config: &str, address: impl Fn(u64) -> Ipv4Addr) -> String {
    let mut node = VOTERS[0];
    let mut text = String::new();
    for line in config.lines() {
        // Members have ids, too, in quotes.
        let id = line.strip_prefix("id = ").and_then(|id| id.parse().ok());
        node = id.unwrap_or(node);
        text += &line.replace("127.0.0.1", &address(node).to_string());
        text.push('\n');
    }
    text
}

/// `127.x.y.z` of process and network: the whole of 127.0.0.0/8 is this machine.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high, low, NEXT.fetch_add(1, Ordering::Relaxed))
}
