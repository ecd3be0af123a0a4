//! Which node a command talks to, and as whom.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use precinto_client::Client;

use crate::{
    keyfile,
    node_config::{NODE_FILE, NodeConfig},
    setup::init::{local_nodes, node_dir, token_file},
};

/// Options common to all commands that talk to a node.
#[derive(Debug, clap::Args)]
pub struct TargetArgs {
    /// Directory of the network
    #[arg(long, global = true, env = "PRECINTO_DIR", default_value = "network")]
    pub dir: PathBuf,
    /// Whose node to ask: a member's id or a node's number in the network's directory
    #[arg(long, global = true, env = "PRECINTO_AT", value_name = "MEMBER|NODE")]
    pub at: Option<String>,
    /// Account whose token is used
    #[arg(long, global = true, default_value = "officer")]
    pub account: String,
    /// Address of a node elsewhere (http://host:port); needs --token-file
    #[arg(
        long,
        global = true,
        env = "PRECINTO_URL",
        conflicts_with = "at",
        requires = "token_file"
    )]
    pub url: Option<String>,
    /// File with the bearer token for --url
    #[arg(long, global = true, env = "PRECINTO_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// A node and an account at it.
#[derive(Debug)]
pub struct Target {
    url: String,
    token_file: PathBuf,
}

impl Target {
    /// What the options name; the network's first node if they name none.
    pub fn from_args(args: &TargetArgs) -> anyhow::Result<Target> {
        if let (Some(url), Some(token_file)) = (&args.url, &args.token_file) {
            return Ok(Target { url: url.clone(), token_file: token_file.clone() });
        }
        match &args.at {
            Some(at) => match at.parse() {
                Ok(node) => Self::of_account(&args.dir, node, &args.account),
                Err(_) => Self::of_account(&args.dir, node_of(&args.dir, at)?, &args.account),
            },
            None => {
                let nodes = local_nodes(&args.dir)
                    .context("no network here: run `make run`, or name one with --dir or --url")?;
                let first = nodes.first().context("the network's directory has no node's")?;
                Self::of_account(&args.dir, first.id, &args.account)
            }
        }
    }

    /// The officer's account at a member's node.
    pub fn of_member(dir: &Path, member: &str) -> anyhow::Result<Target> {
        Self::of_node(dir, node_of(dir, member)?)
    }

    /// The officer's account at a node.
    pub fn of_node(dir: &Path, node: u64) -> anyhow::Result<Target> {
        Self::of_account(dir, node, "officer")
    }

    fn of_account(dir: &Path, node: u64, account: &str) -> anyhow::Result<Target> {
        let config = NodeConfig::read(&node_dir(dir, node).join(NODE_FILE))?;
        Ok(Target {
            url: format!("http://{}", config.api),
            token_file: token_file(dir, node, account),
        })
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client for it.
    pub fn client(&self) -> anyhow::Result<Client> {
        let token = keyfile::read(&self.token_file)?;
        Ok(Client::new(&self.url, &hex::encode(*token))?)
    }
}

/// The first node of a member.
fn node_of(dir: &Path, member: &str) -> anyhow::Result<u64> {
    let nodes = local_nodes(dir)?;
    match nodes.iter().find(|node| node.member == member) {
        Some(node) => Ok(node.id),
        None => {
            let members: Vec<_> = nodes.iter().map(|n| n.member.as_str()).collect();
            bail!("no node of a member {member:?}; there are: {}", members.join(", "))
        }
    }
}
