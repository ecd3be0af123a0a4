//! Starting: who this node is, and what replica and network begin with.

use anyhow::Context;
use precinto_consensus::{Config, Margin};
use precinto_execution::Ledger as Executor;
use precinto_network::{Hello, Inbox, Network, NetworkConfig, NetworkHandle, Peer};
use precinto_protocol::{block::Origin, registry::Node};
use precinto_storage::RaftLog;

use super::roster::Contacts;
use crate::{keyfile, node_config::NodeConfig};

/// Variable that lowers how many Raft entries are kept for followers, so that a test sees a
/// snapshot without writing thousands of blocks.
const KEEP_ENTRIES: &str = "PRECINTO_KEEP_ENTRIES";

/// This node's registration. One that joins finds it in the list it was given, until its own ledger
/// has got there.
pub(super) fn this_node(
    config: &NodeConfig,
    nodes: &[Node],
    contacts: &Contacts,
    raft_log: &RaftLog,
) -> anyhow::Result<Node> {
    let id = config.node;
    let registered = nodes.iter().find(|node| node.id == id).or(contacts.node(id));
    let node = registered.with_context(|| {
        format!(
            "node {id} is not registered: its member's admin does it with `precinto node replace`"
        )
    })?;
    if let Some(at_ms) = node.retired_ms {
        anyhow::bail!(
            "node {id} was retired by its member (ledger time {at_ms}): a replaced node never comes \
             back"
        );
    }
    anyhow::ensure!(
        raft_log.storage_id() == node.storage_id,
        "{} is another storage than the one registered for node {id}: a restored or copied disk \
         joins as a new node",
        config.data.display()
    );
    Ok(node.clone())
}

/// Who is who when the node starts.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) node: &'a Node,
    pub(super) nodes: &'a [Node],
    pub(super) contacts: &'a Contacts,
}

pub(super) fn replica_config(
    config: &NodeConfig,
    known: Known<'_>,
    origin: Origin,
    executor: &Executor,
) -> anyhow::Result<Config> {
    let Known { node, nodes, contacts } = known;
    let signing_key = keyfile::read_signing_key(&config.keys.join("identity.key"))?;
    anyhow::ensure!(
        signing_key.public().to_bytes() == node.identity_key,
        "identity.key is not the key registered for node {}",
        node.id
    );
    let mut margin = Margin::default();
    margin.entries = match std::env::var(KEEP_ENTRIES) {
        Ok(text) => text.parse().with_context(|| format!("{KEEP_ENTRIES}={text}"))?,
        Err(_) => margin.entries,
    };
    Ok(Config {
        node: node.id,
        membership: executor.membership().clone(),
        nodes: nodes.to_vec(),
        contacts: contacts.ids().collect(),
        signing_key,
        origin,
        seed: u64::from_be_bytes(keyfile::random()),
        margin,
    })
}

pub(super) async fn start_network(
    config: &NodeConfig,
    hello: Hello,
    peers: Vec<Peer>,
) -> anyhow::Result<(NetworkHandle, Inbox)> {
    let network = NetworkConfig {
        identity: keyfile::read_signing_key(&config.keys.join("network.key"))?,
        listen: vec![config.p2p],
        hello,
    };
    Ok(Network::start(network, peers).await?)
}
