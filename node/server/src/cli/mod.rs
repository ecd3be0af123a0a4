//! The command line.

pub mod aeo;
pub mod events;
pub mod import;
pub mod ledger;
pub mod node;
pub mod output;
pub mod target;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

use crate::setup::{init, run};
use target::{Target, TargetArgs};

/// How long a command waits for its transaction to be final.
const WAIT: Duration = Duration::from_secs(20);

/// Precinto: a permissioned ledger with which customs administrations share data they can prove
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON, for machines
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make or run a whole network on this machine
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Run, back up or replace one node
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Authorized Economic Operators
    #[command(subcommand)]
    Aeo(aeo::AeoCommand),
    /// Transactions
    #[command(subcommand)]
    Tx(ledger::TxCommand),
    /// All nodes, as the asked node sees them
    Status,
    /// Events of committed transactions
    #[command(subcommand)]
    Events(events::EventsCommand),
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
}

impl Cli {
    /// Does what was asked.
    pub async fn run(self) -> anyhow::Result<()> {
        let Cli { target, json, command } = self;
        match command {
            Command::Network(NetworkCommand::Init { config, contracts }) => {
                let genesis = init::init(&config, &contracts, &target.dir)?;
                let (name, dir) = (&genesis.name, target.dir.display());
                output::line(format_args!("Made network {name} in {dir}: {}", genesis.hash()));
                Ok(())
            }
            Command::Network(NetworkCommand::Run(args)) => run::run(&args, &target.dir).await,
            Command::Node(command) => node::run(command, &target).await,
            Command::Aeo(command) => aeo::run(command, &Target::from_args(&target)?, json).await,
            Command::Tx(command) => ledger::tx(command, &Target::from_args(&target)?, json).await,
            Command::Status => ledger::status(&Target::from_args(&target)?, json).await,
            Command::Events(command) => {
                events::run(command, &Target::from_args(&target)?, json).await
            }
        }
    }
}
