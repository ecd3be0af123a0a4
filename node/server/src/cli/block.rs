//! `precinto block`.

use clap::Subcommand;
use precinto_client::types::{Block, BlockDetail};

use super::{
    network::print_as_of,
    output::{self, Table},
    target::Target,
};

/// What to do with blocks.
#[derive(Debug, Subcommand)]
pub enum BlockCommand {
    /// A block and what became of its transactions
    Show {
        /// Its height, from 1
        height: u64,
    },
    /// Blocks by height
    List {
        /// First height; the newest blocks if not given
        #[arg(long)]
        from: Option<u64>,
        /// How many, at most 100
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
    },
}

/// Shows blocks.
pub async fn run(command: BlockCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    match command {
        BlockCommand::Show { height } => {
            let detail = client.block(height).await?;
            if json { output::json(&detail) } else { print_block(&detail) }
        }
        BlockCommand::List { from, limit } => {
            let answer = client.blocks(from, Some(limit)).await?;
            if json {
                output::json(&answer);
                return Ok(());
            }
            print_list(&answer.blocks);
            print_as_of(&answer.as_of);
        }
    }
    Ok(())
}

fn print_block(detail: &BlockDetail) {
    let block = &detail.block;
    let mut table = Table::new(["BLOCK", &block.height.to_string()]);
    let rows = [
        ("time (UTC)", output::time(block.time_ms)),
        ("content", block.content.to_string()),
        ("previous", block.previous.to_string()),
        ("state root", block.state_root.to_string()),
        ("leader's key", block.leader.clone()),
        ("term", block.term.to_string()),
        ("epoch", block.epoch.to_string()),
        ("protocol version", block.protocol_version.to_string()),
    ];
    for (name, value) in rows {
        table.row([name.to_owned(), value]);
    }
    output::table(&table);
    if detail.transactions.is_empty() {
        return output::line(format_args!("No transactions"));
    }
    let mut table = Table::new(["INDEX", "STATUS", "CODE", "TRANSACTION"]);
    for item in &detail.transactions {
        table.row([
            item.index.to_string(),
            item.status.to_string(),
            item.code.clone().unwrap_or_default(),
            item.id.to_string(),
        ]);
    }
    output::table(&table);
}

fn print_list(blocks: &[Block]) {
    let mut table = Table::new(["HEIGHT", "TIME (UTC)", "COMMITTED", "REJECTED", "CONTENT"]);
    for block in blocks {
        table.row([
            block.height.to_string(),
            output::time(block.time_ms),
            block.committed.to_string(),
            block.rejected.to_string(),
            block.content.to_string(),
        ]);
    }
    output::table(&table);
}
