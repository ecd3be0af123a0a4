//! `precinto aeo`.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use precinto_client::{
    Client, Consistency,
    types::{AsOf, CertifyRequest, ChangeRequest, FoundAnswer, HistoryEntry, TransactionAnswer},
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
        /// What the operator does in the supply chain, such as importer+exporter
        #[arg(long)]
        roles: String,
        /// First day of validity, YYYY-MM-DD
        #[arg(long)]
        from: String,
        /// Last day of validity, YYYY-MM-DD; without one it is valid until it is ended
        #[arg(long)]
        until: Option<String>,
        /// The holder consents to benefits abroad
        #[arg(long)]
        consent: bool,
        /// Put the identifier on the ledger in clear, where your law publishes it
        #[arg(long)]
        publish: bool,
    },
    /// Suspend an authorization
    Suspend(Change),
    /// Reinstate a suspended authorization
    Reinstate(Change),
    /// Propose to revoke an authorization for ever: a second person must approve
    Revoke(Change),
    /// Import a list of authorizations (CSV)
    Import {
        /// The file; columns scheme,identifier,number,types,roles,valid_from,valid_until,consent,publish
        file: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        options: import::Options,
    },
}

/// An operator.
#[derive(Debug, Args)]
pub struct Operator {
    /// Scheme of the identifier, such as uy-rut, pe-ruc, br-cnpj, eori
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
    /// Why: a class such as examination, infringement, solvency, holder-request
    #[arg(long)]
    reason: String,
    /// Your own reference of the decision
    #[arg(long, default_value = "")]
    reference: String,
    /// When it takes effect: a date or RFC 3339 time; now if not given
    #[arg(long)]
    effective: Option<String>,
}

impl From<Change> for ChangeRequest {
    fn from(change: Change) -> ChangeRequest {
        ChangeRequest {
            scheme: change.operator.scheme,
            identifier: change.operator.identifier,
            number: change.number,
            class: change.reason,
            reference: change.reference,
            effective: change.effective,
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
        AeoCommand::Certify { operator, number, types, roles, from, until, consent, publish } => {
            let request = CertifyRequest {
                scheme: operator.scheme,
                identifier: operator.identifier,
                number,
                types: types.split('+').map(str::to_owned).collect(),
                roles: roles.split('+').map(str::to_owned).collect(),
                valid_from: from,
                valid_until: until,
                consent,
                publish,
                record: None,
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
    let answer = client.aeo_find(&operator.scheme, &operator.identifier, consistency).await?;
    if json {
        output::json(&answer);
        return Ok(());
    }
    print_operator(&answer);
    Ok(())
}

fn print_operator(answer: &FoundAnswer) {
    if answer.operators.is_empty() {
        let (scheme, identifier) = (&answer.scheme, &answer.identifier);
        output::line(format_args!("{scheme} {identifier} has no authorization by any member"));
    } else {
        let mut table =
            Table::new(["MEMBER", "NUMBER", "TYPES", "STATUS", "IN FORCE", "FROM", "UNTIL"]);
        for standing in answer.authorizations() {
            let authorization = &standing.authorization;
            table.row([
                authorization.member.clone(),
                authorization.number.clone(),
                authorization.terms.types.join("+"),
                standing.standing.clone(),
                if standing.in_force { "yes" } else { "no" }.to_owned(),
                authorization.valid_from.clone(),
                authorization.terms.valid_until.clone().unwrap_or_default(),
            ]);
        }
        output::table(&table);
    }
    print_as_of(answer.as_of.state);
}

/// When an answer was true.
pub fn print_as_of(as_of: AsOf) {
    let AsOf { height, time_ms, age_ms } = as_of;
    let (time, age) = (output::time(time_ms), age_ms as f64 / 1000.0);
    output::line(format_args!("As of height {height}, {time} UTC ({age:.1} s ago)"));
}

async fn history(client: &Client, operator: &Operator, json: bool) -> anyhow::Result<()> {
    let (scheme, identifier) = (operator.scheme.as_str(), operator.identifier.as_str());
    let known = client.aeo_find(scheme, identifier, Consistency::Local).await?;
    let mut entries: Vec<HistoryEntry> = Vec::new();
    for standing in known.authorizations() {
        let (member, number) = (&standing.authorization.member, &standing.authorization.number);
        let mut from = 0;
        loop {
            let page = client.aeo_history(member, number, from, None).await?;
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

fn print_history(known: &FoundAnswer, entries: &[HistoryEntry]) {
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
            entry.transition.authorization.number.clone(),
            entry.transition.action.clone(),
            entry.transition.class.clone().unwrap_or_default(),
            output::time(entry.transition.effective_ms),
            entry.recorded_height.to_string(),
            entry.transaction.to_string(),
        ]);
    }
    output::table(&table);
    print_as_of(known.as_of.state);
}
