//! `precinto tx`.

use std::{io::Read, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Subcommand;
use precinto_client::types::{Status, TransactionAnswer};
use precinto_protocol::{
    limits::MAX_STATEMENT_BYTES,
    transaction::{Transaction, TransactionId},
};

use super::{
    WAIT,
    exit::Failure,
    output::{self, Table},
    target::Target,
};

/// What to do with transactions.
#[derive(Debug, Subcommand)]
pub enum TxCommand {
    /// What the node knows of a transaction
    Show {
        /// Its id: 64 hexadecimal characters
        id: TransactionId,
    },
    /// Submit a signed transaction; submitting it again is safe
    Submit {
        /// File with the encoded transaction; - for standard input
        file: PathBuf,
        /// Do not wait until its status is final
        #[arg(long)]
        no_wait: bool,
    },
    /// Wait until a transaction's status is final
    Wait {
        /// Its id: 64 hexadecimal characters
        id: TransactionId,
        /// Seconds to wait at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=30))]
        timeout: u64,
    },
}

/// Does what was asked.
pub async fn run(command: TxCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    match command {
        TxCommand::Show { id } => {
            let answer = client.transaction(id).await?;
            print(&answer, json);
            Ok(())
        }
        TxCommand::Submit { file, no_wait } => {
            let transaction = read(&file)?;
            let answer = client.submit(&transaction, (!no_wait).then_some(WAIT)).await?;
            print(&answer, json);
            if no_wait { Ok(()) } else { committed(&answer) }
        }
        TxCommand::Wait { id, timeout } => {
            let answer = client.wait(id, Duration::from_secs(timeout)).await?;
            print(&answer, json);
            committed(&answer)
        }
    }
}

/// A transaction with endorsements, several times over: more is no transaction.
const MAX_FILE_BYTES: u64 = 4 * MAX_STATEMENT_BYTES as u64;

fn read(file: &PathBuf) -> anyhow::Result<Transaction> {
    let name = file.display();
    let source: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(|| format!("cannot read {name}"))?)
    };
    let mut bytes = Vec::new();
    source
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {name}"))?;
    let hint = "write the bytes of a signed transaction (docs/FORMATS.md), not its hex text";
    Transaction::decode(&bytes).map_err(|error| {
        Failure::failed("malformed", format!("{name} holds no transaction: {error}"), hint).into()
    })
}

/// Whether it is committed.
///
/// # Errors
/// If it is not, or not yet.
pub fn committed(answer: &TransactionAnswer) -> anyhow::Result<()> {
    let (id, status) = (answer.id, answer.status);
    match status {
        Status::Committed => Ok(()),
        Status::Rejected => {
            let why = answer.code.as_deref().unwrap_or_default();
            let message = answer.message.as_deref().unwrap_or_default();
            let message = format!("transaction {id} was rejected with {why}: {message}");
            Err(Failure::failed("rejected", message, "correct what was refused and sign anew")
                .into())
        }
        Status::Expired => {
            let message = format!("transaction {id} expired before it was executed");
            Err(Failure::failed("expired", message, "sign it anew with a later expiry").into())
        }
        Status::Unknown | Status::Pending => Err(pending(id, status).into()),
    }
}

/// A transaction that is not final in time.
pub fn pending(id: TransactionId, status: Status) -> Failure {
    let message = format!("transaction {id} is {status}");
    Failure::retry("not-final", message, format!("ask again: precinto tx wait {id}"))
}

/// Prints what is known of a transaction.
fn print(answer: &TransactionAnswer, json: bool) {
    if json {
        return output::json(answer);
    }
    let mut table = Table::new(["TRANSACTION", &answer.id.to_string()]);
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            table.row([name.to_owned(), value]);
        }
    };
    row("status", Some(answer.status.to_string()));
    row("code", answer.code.clone());
    row("message", answer.message.clone());
    row("height", answer.height.map(|height| height.to_string()));
    row("time (UTC)", answer.time_ms.map(output::time));
    row("member", answer.member.clone());
    row("author", answer.author.clone());
    if let Some(call) = &answer.call {
        row("call", Some(format!("{}.{}", call.contract, call.method)));
        let officer = call.on_behalf.as_ref().map(|o| format!("{} {}", o.role, o.pseudonym));
        row("on behalf of", officer);
    }
    row("log leaf", answer.leaf.map(|leaf| leaf.to_string()));
    row("fuel", answer.fuel.map(|fuel| fuel.to_string()));
    output::table(&table);
}
