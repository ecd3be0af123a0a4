//! Which node a command talks to, and as whom.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use precinto_client::Client;

use super::login::session_file;
use crate::{
    keyfile,
    node_config::{NODE_FILE, NodeConfig},
    setup::{
        genesis::{GENESIS_FILE, read_genesis},
        init::{node_dir, token_file},
    },
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
}

impl Target {
    /// What the options name; the network's first node if they name none.
    pub fn from_args(args: &TargetArgs) -> anyhow::Result<Target> {
        if let Some(url) = &args.url {
            let token_file = match &args.token_file {
                Some(file) => file.clone(),
                None => session_file(url)?,
            };
            return Ok(Target { url: url.clone(), token_file });
        }
        let node = match &args.at {
            Some(at) => match at.parse() {
                Ok(node) => node,
                Err(_) => node_of(&args.dir, at)?,
            },
            None => {
                let genesis = read_genesis(&args.dir.join(GENESIS_FILE))
                    .context("no network here: run `make run`, or name one with --dir or --url")?;
                genesis.nodes[0].id
            }
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
        let token = keyfile::read(&self.token_file)
            .with_context(|| format!("not logged in at {}: run `precinto login`", self.url))?;
        Ok(Client::new(&self.url, &hex::encode(*token))?)
    }
}

/// The first node of a member.
fn node_of(dir: &Path, member: &str) -> anyhow::Result<u64> {
    let genesis = read_genesis(&dir.join(GENESIS_FILE))?;
    match genesis.nodes.iter().find(|node| node.member == member) {
        Some(node) => Ok(node.id),
        None => {
            let members: Vec<_> = genesis.nodes.iter().map(|n| n.member.as_str()).collect();
            bail!("no node of a member {member:?}; there are: {}", members.join(", "))
        }
    }
}
