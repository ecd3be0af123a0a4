//! `precinto tx` and `precinto status`.

use clap::Subcommand;
use precinto_protocol::transaction::TransactionId;

use super::{
    aeo::print_as_of,
    output::{self, Table},
    target::Target,
};

/// What to do with transactions.
#[derive(Debug, Subcommand)]
pub enum TxCommand {
    /// What became of a transaction
    Show {
        /// Its id: 64 hexadecimal characters
        id: TransactionId,
    },
}

/// Shows a transaction.
pub async fn tx(command: TxCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let TxCommand::Show { id } = command;
    let answer = target.client()?.transaction(id).await?;
    if json {
        output::json(&answer);
        return Ok(());
    }
    let mut table = Table::new(["TRANSACTION", &id.to_string()]);
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            table.row([name.to_owned(), value]);
        }
    };
    row("status", Some(answer.status.to_string()));
    row("code", answer.code);
    row("message", answer.message);
    row("height", answer.height.map(|height| height.to_string()));
    row("time (UTC)", answer.time_ms.map(output::time));
    row("member", answer.member);
    row("author", answer.author);
    if let Some(call) = answer.call {
        row("call", Some(format!("{}.{}", call.contract, call.method)));
        let officer = call.on_behalf.map(|o| format!("{} {}", o.role, o.pseudonym));
        row("on behalf of", officer);
    }
    row("log leaf", answer.leaf.map(|leaf| leaf.to_string()));
    output::table(&table);
    Ok(())
}

/// Shows the network as one node sees it.
pub async fn status(target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    let nodes = client.nodes().await?;
    let checkpoints = client.checkpoints().await?;
    if json {
        output::json(&(client.status().await?, nodes, checkpoints));
        return Ok(());
    }
    let mut table =
        Table::new(["MEMBER", "NODE", "ROLE", "CONNECTED", "LEADER", "ENTRIES BEHIND", "SIGNED"]);
    for node in &nodes.nodes {
        let signed = checkpoints.checkpoints.iter().find(|checkpoint| checkpoint.node == node.id);
        table.row([
            node.member.clone(),
            node.id.to_string(),
            node.role.clone(),
            match (&node.refused, node.connected) {
                (_, true) => "yes".to_owned(),
                (Some(reason), false) => format!("refused: {reason}"),
                (None, false) => "no".to_owned(),
            },
            if node.leader { "leader" } else { "" }.to_owned(),
            node.lag.map(|lag| lag.to_string()).unwrap_or_default(),
            signed.map(|s| format!("{} leaves", s.size)).unwrap_or_default(),
        ]);
    }
    output::table(&table);
    let own = client.status().await?;
    output::line(format_args!(
        "Node {} of {}: {} leaves, log root {}",
        own.node, own.member, own.log_size, own.log_root
    ));
    if let Some(reason) = own.halted {
        output::line(format_args!("HALTED: {reason}"));
    }
    print_as_of(own.as_of);
    Ok(())
}
