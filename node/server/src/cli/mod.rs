//! The command line.

pub mod aeo;
pub mod audit;
pub mod block;
pub mod completions;
pub mod events;
pub mod exit;
pub mod fsck;
pub mod identity;
pub mod import;
pub mod login;
pub mod named;
pub mod network;
pub mod node;
pub mod output;
pub mod progress;
pub mod reference;
pub mod statement;
pub mod suggest;
pub mod target;
pub mod tx;
pub mod user;
pub mod webhook;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

use crate::{
    logging::{self, LogFormat},
    setup::{init, run},
};
use target::{Target, TargetArgs};

/// How long a command waits for its transaction to be final.
const WAIT: Duration = Duration::from_secs(20);

/// Precinto: a permissioned ledger with which customs administrations share data they can prove
#[derive(Debug, Parser)]
#[command(name = "precinto", version, propagate_version = true, after_long_help = exit::HELP)]
pub struct Cli {
    #[command(flatten)]
    target: TargetArgs,
    /// Print one JSON document (streams: one per line); errors too, on standard error
    #[arg(long, global = true)]
    json: bool,
    /// Form of the log lines of `node run`; node.toml says otherwise which
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The network: make it, run it on this machine, show it
    #[command(subcommand)]
    Network(NetworkCommand),
    /// One node: run it, show it, back it up, replace it
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Check, and repair, what a stopped node has on disk
    Fsck(fsck::FsckArgs),
    /// Keys of the members
    #[command(subcommand)]
    Identity(identity::IdentityCommand),
    /// Authorized Economic Operators
    #[command(subcommand)]
    Aeo(aeo::AeoCommand),
    /// Transactions
    #[command(subcommand)]
    Tx(tx::TxCommand),
    /// Blocks
    #[command(subcommand)]
    Block(block::BlockCommand),
    /// All nodes, as the asked node sees them
    Status,
    /// Events of committed transactions
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Log in at a node with name and password; later commands act as that account
    Login(login::LoginArgs),
    /// End the session at a node
    Logout,
    /// Accounts of a node
    #[command(subcommand)]
    User(user::UserCommand),
    /// Who read what at a node
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Whom the node tells by itself what happens
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Print a script that completes commands in a shell
    Completions {
        /// Which shell
        shell: completions::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum NetworkCommand {
    /// Make a network: genesis, keys, accounts and a directory per node
    Init {
        /// Network file
        #[arg(long, default_value = "network-configs/dev.toml")]
        config: PathBuf,
        /// Directory with the built contract modules
        #[arg(long)]
        contracts: PathBuf,
    },
    /// Run every node of the network until Ctrl-C; make it first if it does not exist
    Run(run::RunArgs),
    /// Members and contracts
    Show,
}

impl Cli {
    /// Whether machines read the output.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Does what was asked.
    pub async fn run(self) -> anyhow::Result<()> {
        let Cli { target, json, log_format, command } = self;
        // A node starts its log itself, as its configuration says.
        if !matches!(command, Command::Node(node::NodeCommand::Run { .. })) {
            logging::of_command();
        }
        let of = Target::from_args;
        match command {
            Command::Network(NetworkCommand::Init { config, contracts }) => {
                let genesis = init::init(&config, &contracts, &target.dir)?;
                let (name, dir) = (&genesis.name, target.dir.display());
                output::line(format_args!("Made network {name} in {dir}: {}", genesis.hash()));
                Ok(())
            }
            Command::Network(NetworkCommand::Run(args)) => run::run(&args, &target.dir).await,
            Command::Node(command) => node::run(command, &target, json, log_format).await,
            Command::Fsck(args) => fsck::run(&args, json),
            Command::Network(NetworkCommand::Show) => network::show(&of(&target)?, json).await,
            Command::Identity(command) => identity::run(command, &of(&target)?, json).await,
            Command::Aeo(command) => aeo::run(command, &of(&target)?, json).await,
            Command::Tx(command) => tx::run(command, &of(&target)?, json).await,
            Command::Block(command) => block::run(command, &of(&target)?, json).await,
            Command::Status => network::status(&of(&target)?, json).await,
            Command::Events(command) => events::run(command, &of(&target)?, json).await,
            Command::Webhook(command) => webhook::run(command, &of(&target)?, json).await,
            Command::Completions { shell } => {
                completions::print(shell);
                Ok(())
            }
            Command::Login(args) => login::log_in(args, &Target::from_args(&target)?).await,
            Command::Logout => login::log_out(&Target::from_args(&target)?).await,
            Command::User(command) => user::run(command, &Target::from_args(&target)?, json).await,
            Command::Audit(audit::AuditCommand::Verify { files }) => audit::verify(&files),
            Command::Audit(command) => {
                audit::run(command, &Target::from_args(&target)?, json).await
            }
        }
    }
}
