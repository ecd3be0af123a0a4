//! `precinto network show`, `precinto node show` and `precinto status`: what a node sees.

use precinto_client::types::{AsOf, CheckpointsAnswer, NodeStatus, NodesAnswer};
use serde::Serialize;

use super::{
    output::{self, Table},
    target::Target,
};

/// When an answer was true.
pub fn print_as_of(as_of: &AsOf) {
    let (height, time, age) = (as_of.height, output::time(as_of.time_ms), as_of.age_ms as f64);
    output::line(format_args!("As of height {height}, {time} UTC ({:.1} s ago)", age / 1000.0));
}

/// Shows the network's members and contracts.
pub async fn show(target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    let (status, members) = (client.status().await?, client.members().await?);
    let contracts = client.contracts().await?;
    if json {
        output::json(&serde_json::json!({
            "network": status.network,
            "channel": status.channel.to_string(),
            "members": members.members,
            "contracts": contracts.contracts,
        }));
        return Ok(());
    }
    output::line(format_args!("Network {}, channel {}", status.network, status.channel));
    let mut table = Table::new(["MEMBER", "COUNTRY", "NAME"]);
    for member in members.members {
        table.row([member.id, member.country, member.name]);
    }
    output::table(&table);
    let mut table = Table::new(["CONTRACT", "VERSION", "METHOD", "POLICY"]);
    for contract in contracts.contracts {
        for method in contract.methods {
            let version = contract.version.to_string();
            table.row([contract.name.clone(), version, method.name, method.policy]);
        }
    }
    output::table(&table);
    print_as_of(&members.as_of);
    Ok(())
}

/// Shows the asked node itself.
pub async fn node(target: &Target, json: bool) -> anyhow::Result<()> {
    let status = target.client()?.status().await?;
    if json {
        output::json(&status);
        return Ok(());
    }
    let mut table = Table::new(["NODE", &status.node.to_string()]);
    let leader = status.leader.map_or_else(|| "unknown".to_owned(), |leader| leader.to_string());
    let rows = [
        ("member", status.member.clone()),
        ("network", status.network.clone()),
        ("role", format!("{}, {}", status.role, status.raft_role)),
        ("leader", leader),
        ("term", status.term.to_string()),
        ("blocks to execute", status.commit.saturating_sub(status.applied).to_string()),
        ("log", format!("{} leaves, root {}", status.log_size, status.log_root)),
        ("state root", status.state_root.to_string()),
        ("protocol version", status.protocol_version.to_string()),
    ];
    for (name, value) in rows {
        table.row([name.to_owned(), value]);
    }
    output::table(&table);
    print_halted(&status);
    print_as_of(&status.as_of);
    Ok(())
}

fn print_halted(status: &NodeStatus) {
    if let Some(reason) = &status.halted {
        output::line(format_args!("HALTED: {reason}"));
    }
}

/// The document of `precinto status --json`.
#[derive(Serialize)]
struct Overview {
    node: NodeStatus,
    nodes: NodesAnswer,
    checkpoints: CheckpointsAnswer,
}

/// Shows all nodes.
pub async fn status(target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    let nodes = client.nodes().await?;
    let checkpoints = client.checkpoints().await?;
    let node = client.status().await?;
    if json {
        output::json(&Overview { node, nodes, checkpoints });
        return Ok(());
    }
    let mut table =
        Table::new(["MEMBER", "NODE", "ROLE", "CONNECTED", "LEADER", "ENTRIES BEHIND", "SIGNED"]);
    for node in nodes.nodes {
        let signed = checkpoints.checkpoints.iter().find(|checkpoint| checkpoint.node == node.id);
        table.row([
            node.member,
            node.id.to_string(),
            if node.retired_ms.is_some() { "retired".to_owned() } else { node.role },
            match (node.refused, node.connected) {
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
    output::line(format_args!(
        "Node {} of {}: {} leaves, log root {}",
        node.node, node.member, node.log_size, node.log_root
    ));
    print_halted(&node);
    print_as_of(&node.as_of);
    Ok(())
}
