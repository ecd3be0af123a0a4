//! `precinto node`: one node, and one node after another.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use precinto_client::{Client, Consistency, types::Status};
use precinto_protocol::{
    cbor,
    governance::{CONTRACT, PromoteNode, ReplaceNode},
    identity::NodeId,
    registry::Node,
};
use tokio::time::{Instant, sleep};

use super::{
    network, output, statement,
    target::{Target, TargetArgs},
};
use crate::{
    keyfile,
    logging::LogFormat,
    node,
    node_config::{self, CONTACTS_FILE, NODE_FILE},
    setup::{backup::Backup, successor, successor::NewNode},
};

/// How long the voters that are left may take to elect a leader, on slow machines and links.
const ELECTED_WITHIN: Duration = Duration::from_secs(15);

/// Pause between two questions.
const PAUSE: Duration = Duration::from_millis(250);

/// What to do with a node.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Run the node whose directory this is, until Ctrl-C
    Run {
        /// Directory with node.toml
        node_dir: PathBuf,
    },
    /// Print the configuration in force: every setting, its meaning, and where its value comes from
    Config {
        /// Directory with node.toml
        node_dir: PathBuf,
    },
    /// The asked node: place in the network, log, health
    Show,
    /// Save what peers cannot give back: configuration, accounts, lookup key. Holds secrets
    Backup {
        /// Directory with node.toml; the node may run
        node_dir: PathBuf,
        /// The new file (mode 0600, not encrypted)
        #[arg(long)]
        to: PathBuf,
    },
    /// Make a new node from a backup, in place of the node it is of
    Restore {
        /// File made by `node backup`
        file: PathBuf,
        /// The new node's directory
        #[arg(long)]
        to: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        new: NewNode,
    },
    /// Make a new node from the directory of the one it replaces
    Prepare {
        /// The new node's directory
        new_dir: PathBuf,
        /// The old node's directory; its data may be lost
        #[arg(long)]
        from: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        new: NewNode,
    },
    /// Register a new node in place of the old one, as the member's admin, through any node
    Replace {
        /// replace-node.cbor in the new node's directory
        #[arg(long)]
        request: PathBuf,
        /// The member's admin key
        #[arg(long)]
        admin_key: PathBuf,
    },
    /// Make a node that replaced a voter a voter, as the member's admin, through any node
    Promote {
        /// The node's number
        node: NodeId,
        /// The member's admin key
        #[arg(long)]
        admin_key: PathBuf,
    },
}

/// Does it.
pub async fn run(
    command: NodeCommand,
    target: &TargetArgs,
    json: bool,
    log_format: Option<LogFormat>,
) -> anyhow::Result<()> {
    match command {
        NodeCommand::Run { node_dir } => node::run(&node_dir, log_format).await,
        NodeCommand::Config { node_dir } => {
            let explained = node_config::explain(&node_dir.join(NODE_FILE))?;
            output::line(format_args!("{}", explained.trim_end()));
            Ok(())
        }
        NodeCommand::Show => network::node(&Target::from_args(target)?, json).await,
        NodeCommand::Backup { node_dir, to } => {
            let backup = Backup::take(&node_dir)?;
            backup.write(&to)?;
            let (node, to) = (backup.node, to.display());
            output::line(format_args!("Saved node {node} to {to}. It holds secrets: keep it safe"));
            Ok(())
        }
        NodeCommand::Restore { file, to, new } => make(&Backup::read(&file)?, &new, &to),
        NodeCommand::Prepare { new_dir, from, new } => make(&Backup::take(&from)?, &new, &new_dir),
        NodeCommand::Replace { request, admin_key } => {
            replace(&request, &admin_key, &Target::from_args(target)?.client()?).await
        }
        NodeCommand::Promote { node, admin_key } => {
            let client = Target::from_args(target)?.client()?;
            let args = cbor::encode(&PromoteNode { node });
            govern(&client, "promote-node", args, &admin_key).await?;
            output::line(format_args!("Node {node} becomes a voter as soon as it has caught up"));
            Ok(())
        }
    }
}

fn make(backup: &Backup, new: &NewNode, dir: &Path) -> anyhow::Result<()> {
    successor::make(backup, new, dir)?;
    let request = dir.join(successor::REQUEST_FILE);
    output::line(format_args!(
        "Made node {} in place of node {} in {}. Next, as the member's admin:\n\n  \
         precinto node replace --request {} --admin-key FILE\n",
        new.node,
        backup.node,
        dir.display(),
        request.display(),
    ));
    Ok(())
}

async fn replace(request: &Path, admin_key: &Path, client: &Client) -> anyhow::Result<()> {
    let bytes = fs::read(request).with_context(|| format!("cannot read {}", request.display()))?;
    let args: ReplaceNode = cbor::decode(&bytes)
        .with_context(|| format!("{} is no registration of a node", request.display()))?;
    // Repeated after an interruption, all that is left to do is the list.
    if !nodes(client).await?.iter().any(|node| node.storage_id == args.successor.storage_id) {
        govern(client, "replace-node", bytes, admin_key).await?;
    }
    let contacts = request.with_file_name(CONTACTS_FILE);
    fs::write(&contacts, cbor::encode(&nodes(client).await?))
        .with_context(|| format!("cannot write {}", contacts.display()))?;
    let (new, old) = (args.successor.id, args.successor.replaces);
    let place = request.parent().unwrap_or(Path::new(".")).display();
    output::line(format_args!(
        "Node {old} is retired, node {new} registered in its place. Next:\n\n  \
         precinto node run {place}\n  \
         precinto node promote {new} --admin-key FILE   (if it replaces a voter)\n"
    ));
    Ok(())
}

/// The registry's nodes, not older than the question. Where a voter was lost the others may still be
/// electing a leader.
async fn nodes(client: &Client) -> anyhow::Result<Vec<Node>> {
    let (args, fresh) = (cbor::encode(&()), Consistency::Linearizable);
    let deadline = Instant::now() + ELECTED_WITHIN;
    loop {
        match client.query(CONTRACT, "nodes", &args, fresh).await {
            Ok(answer) => return Ok(cbor::decode(&answer.result)?),
            Err(error) if error.retryable() && Instant::now() < deadline => sleep(PAUSE).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Submits a call of the governance contract that the admin signs.
async fn govern(
    client: &Client,
    method: &str,
    args: Vec<u8>,
    admin_key: &Path,
) -> anyhow::Result<()> {
    let key = keyfile::read_signing_key(admin_key)?;
    let answer = statement::submit(client, key, (CONTRACT, method), args).await?;
    if answer.status == Status::Committed {
        return Ok(());
    }
    let code = answer.code.unwrap_or_else(|| answer.status.to_string());
    bail!("{method}: {} [{code}] (transaction {})", answer.message.unwrap_or_default(), answer.id)
}
