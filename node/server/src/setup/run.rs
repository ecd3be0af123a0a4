//! `precinto network run`: a whole network on this machine, one process per node.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use precinto_client::Client;
use precinto_protocol::{genesis::Genesis, registry::Node};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep, timeout},
};

use super::{
    genesis::{GENESIS_FILE, read_genesis},
    init::{self, node_dir},
};
use crate::cli::{
    import,
    output::{self, Table},
    target::Target,
};

/// How long the nodes may take to elect a leader and answer.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How often a starting node is asked whether it is ready.
const READY_POLL: Duration = Duration::from_millis(50);

/// How long a node may take to hand over and stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Network file, used when the directory does not exist yet
    #[arg(long, default_value = "network-configs/dev.toml")]
    config: PathBuf,
    /// Directory with the built contract modules
    #[arg(long)]
    contracts: PathBuf,
    /// AEO list to import at the node of a member, as MEMBER=FILE; may be repeated
    #[arg(long, value_name = "MEMBER=FILE")]
    import: Vec<String>,
}

/// Runs the network in `dir` until Ctrl-C or SIGTERM.
pub async fn run(args: &RunArgs, dir: &Path) -> anyhow::Result<()> {
    let imports = parse_imports(&args.import)?;
    if !dir.exists() {
        init::init(&args.config, &args.contracts, dir)?;
        output::line(format_args!(
            "Made the network of {} in {}",
            args.config.display(),
            dir.display()
        ));
    }
    let genesis = read_genesis(&dir.join(GENESIS_FILE))?;
    let mut nodes = Vec::new();
    for node in &genesis.nodes {
        nodes.push((node.id, start(dir, node)?));
    }
    let served = serve(&genesis, &imports, dir, &mut nodes).await;
    stop(&mut nodes).await;
    served
}

fn parse_imports(imports: &[String]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    imports
        .iter()
        .map(|import| match import.split_once('=') {
            Some((member, file)) => Ok((member.to_owned(), PathBuf::from(file))),
            None => bail!("--import {import}: expected MEMBER=FILE"),
        })
        .collect()
}

fn start(dir: &Path, node: &Node) -> anyhow::Result<Child> {
    let place = node_dir(dir, node.id);
    let log = std::fs::File::options().create(true).append(true).open(place.join("node.log"))?;
    Command::new(std::env::current_exe()?)
        .args(["node", "run"])
        .arg(&place)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C in the terminal reaches this process alone, which then stops the nodes in turn.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start node {}", node.id))
}

async fn serve(
    genesis: &Genesis,
    imports: &[(String, PathBuf)],
    dir: &Path,
    nodes: &mut [(u64, Child)],
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let prepared = async {
        for node in &genesis.nodes {
            ready(dir, node.id).await?;
        }
        for (member, file) in imports {
            let target = Target::of_member(dir, member)?;
            import::import(&target, file, &import::Options::default()).await?;
        }
        present(genesis, imports, dir).await
    };
    tokio::select! {
        result = prepared => result?,
        result = first_exit(nodes) => return result,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    }
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            (node, status) = next_exit(nodes) => output::line(format_args!(
                "Node {node} stopped ({status}). Start it again with: precinto node run {}",
                node_dir(dir, node).display()
            )),
        }
    }
}

/// Waits until the node answers that it is ready.
async fn ready(dir: &Path, node: u64) -> anyhow::Result<()> {
    let client = Target::of_node(dir, node)?.client()?;
    let until = Instant::now() + READY_WITHIN;
    while !client.readiness().await.is_ok_and(|readiness| readiness.ready) {
        if Instant::now() >= until {
            let log = node_dir(dir, node).join("node.log");
            bail!("node {node} is not ready after {READY_WITHIN:?}: see {}", log.display());
        }
        sleep(READY_POLL).await;
    }
    Ok(())
}

/// An exit before the network is ready is an error.
async fn first_exit(nodes: &mut [(u64, Child)]) -> anyhow::Result<()> {
    let (node, status) = next_exit(nodes).await;
    bail!("node {node} stopped while starting ({status}): see its node.log")
}

/// The next node that exits, and how. A node that has exited before is passed over.
async fn next_exit(nodes: &mut [(u64, Child)]) -> (u64, std::process::ExitStatus) {
    let exits = nodes
        .iter_mut()
        .filter(|(_, child)| child.id().is_some())
        .map(|(node, child)| Box::pin(async move { (*node, child.wait().await) }));
    let exits: Vec<_> = exits.collect();
    if exits.is_empty() {
        return std::future::pending().await;
    }
    let ((node, status), _, _) = futures::future::select_all(exits).await;
    (node, status.expect("waiting for a child of ours cannot fail"))
}

async fn stop(nodes: &mut [(u64, Child)]) {
    for (_, child) in nodes.iter() {
        if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id as i32)) {
            // It may have exited in between.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }
    for (node, child) in nodes {
        if timeout(STOP_WITHIN, child.wait()).await.is_err() {
            output::line(format_args!("Node {node} does not stop; it is killed"));
            let _ = child.kill().await;
        }
    }
}

async fn present(
    genesis: &Genesis,
    imports: &[(String, PathBuf)],
    dir: &Path,
) -> anyhow::Result<()> {
    let mut table = Table::new(["MEMBER", "NODE", "ROLE", "API", "LEADER", "HEIGHT"]);
    let mut clients: Vec<(&Node, Client)> = Vec::new();
    for node in &genesis.nodes {
        clients.push((node, Target::of_node(dir, node.id)?.client()?));
    }
    for (node, client) in &clients {
        let status = client.status().await?;
        let target = Target::of_node(dir, node.id)?;
        let leads = if status.leader == Some(node.id) { "leader" } else { "" };
        table.row([
            node.member.clone(),
            node.id.to_string(),
            node.role.to_string(),
            target.url().to_owned(),
            leads.to_owned(),
            status.as_of.height.to_string(),
        ]);
    }
    output::table(&table);
    output::line(format_args!("{}", next_steps(genesis, imports, dir)));
    Ok(())
}

/// What to try next, with an operator of the first imported list.
fn next_steps(genesis: &Genesis, imports: &[(String, PathBuf)], dir: &Path) -> String {
    let example = imports.first().and_then(|(member, file)| Some((member, import::first(file)?)));
    let (owner, operator, number) = match &example {
        Some((member, row)) => {
            (member.as_str(), format!("{} {}", row.scheme, row.identifier), row.number.as_str())
        }
        None => (genesis.members[0].id.as_str(), "SCHEME IDENTIFIER".to_owned(), "NUMBER"),
    };
    let other = genesis.nodes.iter().map(|node| node.member.as_str()).find(|id| *id != owner);
    let other = other.unwrap_or(owner);
    let at = if dir == Path::new("network") {
        String::new()
    } else {
        format!("--dir {} ", dir.display())
    };
    let me = std::env::current_exe().map(|path| path.display().to_string());
    let me = me.unwrap_or_else(|_| "precinto".into());
    format!(
        "\nThe network runs. In another terminal, try:\n\
         \n  alias precinto={me}\n\
         \n  precinto {at}--at {other} aeo show {operator}\
         \n      another administration asks its own node whether this operator is an AEO\
         \n  precinto {at}--at {other} aeo history {operator}\
         \n      who asserted what, when\
         \n  precinto {at}--at {owner} aeo suspend {operator} {number} --reason examination\
         \n      only the member that granted it can\
         \n  precinto {at}--at {other} events follow --from 0\
         \n      news as they are committed\
         \n  precinto {at}status\
         \n      all nodes, and what each one signed\n\
         \nCtrl-C stops the network; started again, it goes on with the same ledger."
    )
}
