//! `precinto aeo`.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use precinto_client::{
    Client, Consistency,
    types::{CertifyRequest, ChangeRequest, HistoryEntry, OperatorAnswer, TransactionAnswer},
};

use super::{
    WAIT, import,
    output::{self, Table},
    target::Target,
};

/// What to do about operators.
#[derive(Debug, Subcommand)]
pub enum AeoCommand {
    /// Is this operator an AEO? All its authorizations, by any member
    Show {
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        operator: Operator,
        /// Ask a quorum first, so that the answer is not older than the question
        #[arg(long)]
        linearizable: bool,
    },
    /// Who asserted what about this operator, and when
    History {
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        operator: Operator,
    },
    /// Grant an authorization
    Certify {
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        operator: Operator,
        /// Authorization number: capital letters, digits and hyphens
        number: String,
        /// AEOC, AEOS or AEOC+AEOS
        #[arg(long, default_value = "AEOC")]
        types: String,
        /// First day of validity, YYYY-MM-DD
        #[arg(long)]
        from: String,
        /// Last day of validity, YYYY-MM-DD
        #[arg(long)]
        until: String,
        /// Put the identifier on the ledger in clear, where your law publishes it
        #[arg(long)]
        publish: bool,
    },
    /// Suspend an authorization
    Suspend(Change),
    /// Reinstate a suspended authorization
    Reinstate(Change),
    /// Revoke an authorization for ever
    Revoke(Change),
    /// Import a list of authorizations (CSV)
    Import {
        /// The file; columns scheme,identifier,number,types,valid_from,valid_until,publish
        file: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        options: import::Options,
    },
}

/// An operator.
#[derive(Debug, Args)]
pub struct Operator {
    /// Scheme of the identifier, such as rut, ruc, cnpj, eori
    scheme: String,
    /// The identifier; spaces, hyphens, dots and slashes do not matter
    identifier: String,
}

/// A change of an authorization's status.
#[derive(Debug, Args)]
pub struct Change {
    #[command(flatten)]
    operator: Operator,
    /// Authorization number
    number: String,
    /// Why: a short code of lower-case letters, digits and hyphens
    #[arg(long)]
    reason: String,
    /// When it takes effect, milliseconds since 1970; now if not given
    #[arg(long)]
    effective_ms: Option<u64>,
}

impl From<Change> for ChangeRequest {
    fn from(change: Change) -> ChangeRequest {
        ChangeRequest {
            scheme: change.operator.scheme,
            identifier: change.operator.identifier,
            number: change.number,
            reason: change.reason,
            effective_ms: change.effective_ms,
        }
    }
}

/// Does what was asked.
pub async fn run(command: AeoCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    let done = match command {
        AeoCommand::Show { operator, linearizable } => {
            return show(&client, &operator, linearizable, json).await;
        }
        AeoCommand::History { operator } => return history(&client, &operator, json).await,
        AeoCommand::Import { file, options } => {
            return import::import(target, &file, &options).await;
        }
        AeoCommand::Certify { operator, number, types, from, until, publish } => {
            let request = CertifyRequest {
                scheme: operator.scheme,
                identifier: operator.identifier,
                number,
                types: types.split('+').map(str::to_owned).collect(),
                valid_from: from,
                valid_until: until,
                publish,
            };
            client.aeo_certify(&request, Some(WAIT)).await?
        }
        AeoCommand::Suspend(change) => client.aeo_suspend(&change.into(), Some(WAIT)).await?,
        AeoCommand::Reinstate(change) => client.aeo_reinstate(&change.into(), Some(WAIT)).await?,
        AeoCommand::Revoke(change) => client.aeo_revoke(&change.into(), Some(WAIT)).await?,
    };
    report(&done, json)
}

fn report(done: &TransactionAnswer, json: bool) -> anyhow::Result<()> {
    if json {
        output::json(done);
    }
    match done.height {
        Some(_) if json => {}
        Some(height) => {
            let id = &done.id;
            output::line(format_args!("{} at height {height}: transaction {id}", done.status));
        }
        None => bail!(
            "transaction {} is {} after {WAIT:?}: ask again with `precinto tx show {}`",
            done.id,
            done.status,
            done.id
        ),
    }
    Ok(())
}

async fn show(
    client: &Client,
    operator: &Operator,
    linearizable: bool,
    json: bool,
) -> anyhow::Result<()> {
    let consistency = if linearizable { Consistency::Linearizable } else { Consistency::Local };
    let answer = client.aeo_operator(&operator.scheme, &operator.identifier, consistency).await?;
    if json {
        output::json(&answer);
        return Ok(());
    }
    print_operator(&answer);
    Ok(())
}

fn print_operator(answer: &OperatorAnswer) {
    if answer.authorizations.is_empty() {
        let (scheme, identifier) = (&answer.scheme, &answer.identifier);
        output::line(format_args!("{scheme} {identifier} has no authorization by any member"));
    } else {
        let mut table =
            Table::new(["MEMBER", "NUMBER", "TYPES", "STATUS", "IN FORCE", "FROM", "UNTIL"]);
        for standing in &answer.authorizations {
            let authorization = &standing.authorization;
            table.row([
                authorization.member.clone(),
                authorization.number.clone(),
                authorization.types.join("+"),
                authorization.status.clone(),
                if standing.in_force { "yes" } else { "no" }.to_owned(),
                authorization.valid_from.clone(),
                authorization.valid_until.clone(),
            ]);
        }
        output::table(&table);
    }
    print_as_of(answer.as_of.height, answer.as_of.time_ms, answer.as_of.age_ms);
}

/// When an answer was true.
pub fn print_as_of(height: u64, time_ms: u64, age_ms: u64) {
    let (time, age) = (output::time(time_ms), age_ms as f64 / 1000.0);
    output::line(format_args!("As of height {height}, {time} UTC ({age:.1} s ago)"));
}

async fn history(client: &Client, operator: &Operator, json: bool) -> anyhow::Result<()> {
    let (scheme, identifier) = (operator.scheme.as_str(), operator.identifier.as_str());
    let known = client.aeo_operator(scheme, identifier, Consistency::Local).await?;
    let mut entries: Vec<HistoryEntry> = Vec::new();
    for standing in &known.authorizations {
        let (member, number) = (&standing.authorization.member, &standing.authorization.number);
        let mut from = 0;
        loop {
            let page = client.aeo_history((scheme, identifier), member, number, from).await?;
            let last = page.entries.is_empty();
            from = page.next;
            entries.extend(page.entries);
            if last {
                break;
            }
        }
    }
    if json {
        output::json(&entries);
        return Ok(());
    }
    print_history(&known, &entries);
    Ok(())
}

fn print_history(known: &OperatorAnswer, entries: &[HistoryEntry]) {
    if entries.is_empty() {
        print_operator(known);
        return;
    }
    let mut table = Table::new([
        "RECORDED (UTC)",
        "MEMBER",
        "NUMBER",
        "ACTION",
        "REASON",
        "EFFECTIVE (UTC)",
        "HEIGHT",
        "TRANSACTION",
    ]);
    for entry in entries {
        table.row([
            output::time(entry.recorded_ms),
            entry.member.clone(),
            entry.authorization.number.clone(),
            entry.action.clone(),
            entry.reason.clone(),
            output::time(entry.effective_ms),
            entry.recorded_height.to_string(),
            entry.transaction.to_string(),
        ]);
    }
    output::table(&table);
    print_as_of(known.as_of.height, known.as_of.time_ms, known.as_of.age_ms);
}
