//! `aeo alias`: other identifiers of an operator.

use clap::{Args, Subcommand};
use precinto_client::{
    Client,
    types::{AliasRequest, RetireRequest, WrittenIdentifier},
};
use precinto_protocol::aeo::{AliasMode, Scheme};

use super::{
    args::{Operator, consistency},
    report,
};
use crate::cli::{
    WAIT,
    named::Named,
    network::print_as_of,
    output::{self, Table, short},
};

/// What to do about other identifiers.
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// Declare that another identifier means an operator
    Declare {
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        pair: Pair,
        /// receiver: you translate a partner's identifier, for yourself alone; sender: you translate yours into
        /// a partner's; adopted: a partner gave it; common: both use it
        #[arg(long, value_parser = Named(AliasMode::ALL, AliasMode::name))]
        mode: AliasMode,
        /// Put the other identifier on the ledger in clear, where your law publishes it
        #[arg(long)]
        publish: bool,
    },
    /// Retire a declaration
    Retire {
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        pair: Pair,
    },
    /// Declarations about an operator, also retired ones
    List {
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        operator: Operator,
        /// Ask a quorum first, so that the answer is not older than the question
        #[arg(long)]
        linearizable: bool,
    },
}

/// An operator and another identifier of it.
#[derive(Debug, Args)]
pub struct Pair {
    #[command(flatten)]
    operator: Operator,
    /// Register of the other identifier
    #[arg(value_parser = Named(Scheme::ALL, Scheme::name))]
    alias_scheme: Scheme,
    /// The other identifier
    alias: String,
}

impl Pair {
    fn alias(&self) -> WrittenIdentifier {
        WrittenIdentifier { scheme: self.alias_scheme.to_string(), identifier: self.alias.clone() }
    }
}

/// Does what was asked.
pub async fn run(command: AliasCommand, client: &Client, json: bool) -> anyhow::Result<()> {
    let done = match command {
        AliasCommand::Declare { pair, mode, publish } => {
            let (alias, operator, mode) = (pair.alias(), pair.operator.written(), mode.to_string());
            let request = AliasRequest { alias, operator, mode, publish };
            client.aeo_declare_alias(&request, Some(WAIT)).await?
        }
        AliasCommand::Retire { pair } => {
            let request = RetireRequest { alias: pair.alias(), operator: pair.operator.written() };
            client.aeo_retire_alias(&request, Some(WAIT)).await?
        }
        AliasCommand::List { operator, linearizable } => {
            return list(client, &operator, linearizable, json).await;
        }
    };
    report(&done, json)
}

async fn list(
    client: &Client,
    operator: &Operator,
    linearizable: bool,
    json: bool,
) -> anyhow::Result<()> {
    let (scheme, identifier) = (operator.scheme.name(), &operator.identifier);
    let answer = client.aeo_aliases(scheme, identifier, consistency(linearizable)).await?;
    if json {
        output::json(&answer);
        return Ok(());
    }
    let mut table = Table::new(["MEMBER", "MODE", "ALIAS", "FROM (UTC)", "UNTIL (UTC)"]);
    for alias in &answer.aliases {
        let name = alias.identifier.as_ref().map_or_else(
            || short(&alias.alias).to_owned(),
            |identifier| format!("{} {}", identifier.scheme, identifier.value),
        );
        for period in &alias.periods {
            table.row([
                alias.member.clone(),
                alias.mode.clone(),
                name.clone(),
                output::time(period.from_ms),
                period.until_ms.map_or_else(|| "-".to_owned(), output::time),
            ]);
        }
    }
    output::table(&table);
    print_as_of(&answer.as_of);
    Ok(())
}
