//! `precinto aeo`: Authorized Economic Operators.

pub mod alias;
pub mod args;
pub mod change;
pub mod export;
pub mod list;
pub mod mra;
pub mod show;

use std::path::PathBuf;

use clap::Subcommand;
use precinto_client::types::TransactionAnswer;

use super::{import, output, target::Target, tx};

/// What to do about operators.
#[derive(Debug, Subcommand)]
pub enum AeoCommand {
    /// Is this operator an AEO? All its authorizations, by any member
    Show(show::Show),
    /// Who asserted what about this operator, and when
    History(show::History),
    /// Is a benefit due to this operator under an arrangement, and why
    Benefit(show::Benefit),
    /// Authorizations that meet all conditions
    List(list::List),
    /// Grant an authorization
    Certify(change::Certify),
    /// Change what is granted; what is not named stays as it is
    Amend(change::Amend),
    /// Suspend an authorization
    Suspend(change::Change),
    /// Reinstate a suspended authorization
    Reinstate(change::Change),
    /// End an authorization that its holder gave up, for ever
    Withdraw(change::Change),
    /// Propose to revoke an authorization for ever; another person must approve
    Revoke(change::Change),
    /// Propose to declare an authorization void from the beginning; another person must approve
    Annul(change::Change),
    /// Proposals of this member that wait for another person
    Pending,
    /// Approve what another person proposed
    Approve(change::Decide),
    /// Decline what was proposed
    Decline(change::Decide),
    /// Other identifiers of an operator
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// Mutual recognition arrangements
    #[command(subcommand)]
    Mra(mra::MraCommand),
    /// Import a list of authorizations
    #[command(after_long_help = import::HELP)]
    Import {
        /// The file: CSV or JSON Lines
        file: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        options: import::Options,
    },
    /// Write the authorizations of a member as a list
    Export(export::Export),
}

/// Does what was asked.
pub async fn run(command: AeoCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    match command {
        AeoCommand::Show(show) => show.run(&client, json).await,
        AeoCommand::History(history) => history.run(&client, json).await,
        AeoCommand::Benefit(benefit) => benefit.run(&client, json).await,
        AeoCommand::List(list) => list.run(&client, json).await,
        AeoCommand::Certify(certify) => certify.run(&client, json).await,
        AeoCommand::Amend(amend) => amend.run(&client, json).await,
        AeoCommand::Suspend(change) => change.run(&client, change::Kind::Suspend, json).await,
        AeoCommand::Reinstate(change) => change.run(&client, change::Kind::Reinstate, json).await,
        AeoCommand::Withdraw(change) => change.run(&client, change::Kind::Withdraw, json).await,
        AeoCommand::Revoke(change) => change.run(&client, change::Kind::Revoke, json).await,
        AeoCommand::Annul(change) => change.run(&client, change::Kind::Annul, json).await,
        AeoCommand::Pending => change::pending(&client, json).await,
        AeoCommand::Approve(decide) => decide.run(&client, true, json).await,
        AeoCommand::Decline(decide) => decide.run(&client, false, json).await,
        AeoCommand::Alias(command) => alias::run(command, &client, json).await,
        AeoCommand::Mra(command) => mra::run(command, &client, json).await,
        AeoCommand::Import { file, options } => import::run(target, &file, &options, json).await,
        AeoCommand::Export(export) => export.run(&client).await,
    }
}

/// Prints what became of a command.
///
/// # Errors
/// If it is not final in time.
fn report(done: &TransactionAnswer, json: bool) -> anyhow::Result<()> {
    if json {
        output::json(done);
    }
    match done.height {
        Some(_) if json => Ok(()),
        Some(height) => {
            let id = &done.id;
            output::line(format_args!("{} at height {height}: transaction {id}", done.status));
            Ok(())
        }
        None => Err(tx::pending(done.id, done.status).into()),
    }
}
