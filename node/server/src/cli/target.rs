//! Which node a command talks to, and as whom.

use std::path::{Path, PathBuf};

use anyhow::Context;
use precinto_client::Client;
use precinto_protocol::{identity::NodeId, registry::Node};

use super::{exit::Failure, login::session_file, suggest};
use crate::{
    keyfile,
    node_config::{NODE_FILE, NodeConfig},
    setup::{
        genesis::GENESIS_FILE,
        init::{local_nodes, node_dir, token_file},
    },
};

/// Options common to all commands that talk to a node.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which node, and as whom")]
pub struct TargetArgs {
    /// Directory of the network
    #[arg(long, global = true, env = "PRECINTO_DIR", default_value = "network")]
    pub dir: PathBuf,
    /// Whose node to ask: a member's id or a node's number in the network's directory
    #[arg(long, global = true, env = "PRECINTO_AT", value_name = "MEMBER|NODE")]
    pub at: Option<String>,
    /// Account whose token file is used; else the session of `precinto login`, else officer
    #[arg(long, global = true)]
    pub account: Option<String>,
    /// Address of a node elsewhere (http://host:port); log in first, or give --token-file
    #[arg(long, global = true, env = "PRECINTO_URL", conflicts_with = "at")]
    pub url: Option<String>,
    /// File with a bearer token for --url
    #[arg(long, global = true, env = "PRECINTO_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// A node and an account at it.
#[derive(Debug)]
pub struct Target {
    url: String,
    token_file: PathBuf,
    /// Directory of the network, where the node is on this machine.
    dir: Option<PathBuf>,
}

impl Target {
    /// What the options name; the network's first node if they name none.
    pub fn from_args(args: &TargetArgs) -> anyhow::Result<Target> {
        if let Some(url) = &args.url {
            let token_file = match &args.token_file {
                Some(file) => file.clone(),
                None => session_file(url)?,
            };
            return Ok(Target { url: url.clone(), token_file, dir: None });
        }
        let nodes = nodes(&args.dir)?;
        let node = match &args.at {
            Some(at) => node_named(&nodes, at)?,
            None => nodes.first().ok_or_else(|| no_network(&args.dir))?.id,
        };
        if let Some(account) = &args.account {
            return Self::of_account(&args.dir, node, account);
        }
        let target = Self::of_node(&args.dir, node)?;
        let session = session_file(&target.url)?;
        Ok(if session.exists() { Target { token_file: session, ..target } } else { target })
    }

    /// The officer's account at a member's node.
    pub fn of_member(dir: &Path, member: &str) -> anyhow::Result<Target> {
        Self::of_node(dir, node_named(&nodes(dir)?, member)?)
    }

    /// The officer's account at a node.
    pub fn of_node(dir: &Path, node: u64) -> anyhow::Result<Target> {
        Self::of_account(dir, node, "officer")
    }

    fn of_account(dir: &Path, node: u64, account: &str) -> anyhow::Result<Target> {
        let config = NodeConfig::read(&node_dir(dir, node).join(NODE_FILE))?;
        let token_file = token_file(dir, node, account);
        if !token_file.exists() {
            return Err(unknown_account(&token_file, account, node));
        }
        Ok(Target { url: format!("http://{}", config.api), token_file, dir: Some(dir.into()) })
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// File with the key of a member's admin, where `network init` left one on this machine.
    pub fn admin_key(&self, member: &str) -> Option<PathBuf> {
        let file = self.dir.as_ref()?.join("members").join(member).join("admin.key");
        file.exists().then_some(file)
    }

    /// A client for it.
    pub fn client(&self) -> anyhow::Result<Client> {
        let token = keyfile::read(&self.token_file)
            .with_context(|| format!("not logged in at {}: run `precinto login`", self.url))?;
        Ok(Client::new(&self.url, &hex::encode(*token))?)
    }
}

/// The nodes whose directories are in the network's.
fn nodes(dir: &Path) -> anyhow::Result<Vec<Node>> {
    if dir.join(GENESIS_FILE).exists() { local_nodes(dir) } else { Err(no_network(dir)) }
}

fn no_network(dir: &Path) -> anyhow::Error {
    let message = format!("there is no network in {}", dir.display());
    let hint = "make one (`make run`), or name one with --dir or --url";
    Failure::usage("no-network", message, hint).into()
}

/// The node of this number, or the first one of this member.
fn node_named(nodes: &[Node], at: &str) -> anyhow::Result<NodeId> {
    let is_it = |node: &&Node| node.member == at || node.id.to_string() == at;
    if let Some(node) = nodes.iter().find(is_it) {
        return Ok(node.id);
    }
    let mut known: Vec<String> = nodes.iter().map(|node| node.member.clone()).collect();
    known.dedup();
    known.extend(nodes.iter().map(|node| node.id.to_string()));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = suggest::hint(at, &known);
    let message = format!("no member {at:?} has a node here, and no node has this number");
    Err(Failure::usage("unknown-node", message, hint).into())
}

/// No token of this account is at hand; which ones are.
fn unknown_account(token_file: &Path, account: &str, node: NodeId) -> anyhow::Error {
    let files = token_file.parent().and_then(|tokens| tokens.read_dir().ok()).into_iter().flatten();
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let mut known: Vec<String> = names.collect();
    known.sort_unstable();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = suggest::hint(account, &known);
    let message = format!("node {node} has no token of an account {account:?} here");
    Failure::usage("unknown-account", message, hint).into()
}
