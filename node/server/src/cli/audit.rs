//! `precinto audit`: who read what at a node.

use std::{fs::File, io::BufReader, path::PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use precinto_api::audit::{self, Head};
use precinto_client::{
    AuditKind,
    types::{AuditEntry, AuditFilter},
};

use super::{
    output::{self, Table},
    target::Target,
};

/// Lines asked for at once: the most that the interface gives.
const PAGE: u32 = 100;

/// What to do with the audit trail.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Reads of records
    Reads(Filter),
    /// Logins and changes of accounts
    Accounts(Filter),
    /// Check that files of the trail were not changed, without a node
    Verify {
        /// Files of one trail (audit/trail-*.jsonl), oldest first
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Which lines.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only of this account
    #[arg(long)]
    of: Option<String>,
    /// Not before this time, milliseconds since 1970
    #[arg(long)]
    from_ms: Option<u64>,
    /// Before this time, milliseconds since 1970
    #[arg(long)]
    to_ms: Option<u64>,
}

/// Shows a part of the trail.
pub async fn run(command: AuditCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let (kind, filter) = match command {
        AuditCommand::Reads(filter) => (AuditKind::Reads, filter),
        AuditCommand::Accounts(filter) => (AuditKind::Accounts, filter),
        AuditCommand::Verify { files } => return verify(&files),
    };
    let client = target.client()?;
    let Filter { of, from_ms, to_ms } = filter;
    let mut filter = AuditFilter { account: of, from_ms, to_ms, after: None, limit: Some(PAGE) };
    let mut entries: Vec<AuditEntry> = Vec::new();
    let head = loop {
        let page = client.audit(kind, &filter).await?;
        entries.extend(page.entries);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break (page.head_seq, page.head_hash),
        }
    };
    if json {
        output::json(&entries);
        return Ok(());
    }
    let mut table = Table::new(["TIME (UTC)", "ACCOUNT", "ROUTE", "ASKED", "HEIGHT", "RESULTS"]);
    for entry in entries {
        table.row([
            output::time(entry.time_ms),
            entry.account,
            entry.route,
            entry.asked.to_string(),
            entry.height.map(|height| height.to_string()).unwrap_or_default(),
            entry.results.map(|results| results.to_string()).unwrap_or_default(),
        ]);
    }
    output::table(&table);
    output::line(format_args!("The trail ends with line {}, hash {}", head.0, head.1));
    Ok(())
}

/// Checks files of a trail.
pub fn verify(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut head: Option<Head> = None;
    let mut lines = 0;
    for path in files {
        let name = path.display();
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        let checked = audit::verify(BufReader::new(file), &mut head);
        lines += checked.with_context(|| format!("{name} is not as the node wrote it"))?;
    }
    let Some(Head { seq, hash }) = head else { bail!("there is no line in these files") };
    output::line(format_args!(
        "{lines} lines are whole, from {} to {seq}; the last hash is {hash}",
        seq + 1 - lines
    ));
    Ok(())
}
