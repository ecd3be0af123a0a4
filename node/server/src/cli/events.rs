//! `precinto events`.

use clap::Subcommand;
use futures::StreamExt;
use precinto_client::{Client, EventFilter, types::Event};

use super::{
    exit::Failure,
    output::{self, short},
    suggest,
    target::Target,
};

/// What to do with events.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Print events as they are committed, until Ctrl-C
    Follow {
        /// First event: a height or HEIGHT-INDEX; 0 for everything. From now on if not given
        #[arg(long)]
        from: Option<String>,
        /// Only events of this contract
        #[arg(long)]
        contract: Option<String>,
        /// Only events of this topic, such as aeo.suspended
        #[arg(long)]
        topic: Option<String>,
    },
}

/// Follows events.
pub async fn run(command: EventsCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let EventsCommand::Follow { from, contract, topic } = command;
    let client = target.client()?;
    if let Some(contract) = &contract {
        known_contract(&client, contract).await?;
    }
    let mut events = client.events(EventFilter { from, contract, topic });
    while let Some(event) = events.next().await {
        let event = event?;
        if json {
            // One line each, for `| while read`.
            output::line(format_args!("{}", serde_json::to_string(&event)?));
        } else {
            output::line(format_args!("{}", describe(&event)));
        }
    }
    Ok(())
}

/// Refuses what is no contract: its events would never come.
async fn known_contract(client: &Client, contract: &str) -> anyhow::Result<()> {
    let contracts = client.contracts().await?.contracts;
    let known: Vec<&str> = contracts.iter().map(|known| known.name.as_str()).collect();
    if known.contains(&contract) {
        return Ok(());
    }
    let message = format!("there is no contract {contract:?}");
    Err(Failure::usage("unknown-contract", message, suggest::hint(contract, &known)).into())
}

fn describe(event: &Event) -> String {
    let place = format!("{}-{}", event.height, event.index);
    let (time, topic, member) = (output::time(event.time_ms), &event.topic, &event.member);
    format!("{time} {place:>10}  {topic:<20} {member} {}", about(event)).trim_end().to_owned()
}

/// What an event of the contract `aeo` is about.
fn about(event: &Event) -> String {
    if let Some(transition) = &event.transition {
        let authorization = &transition.authorization;
        let identifier = authorization.terms.identifier.as_ref().map_or_else(
            || format!("operator {}", short(&authorization.operator)),
            |identifier| format!("{} {}", identifier.scheme, identifier.value),
        );
        let class = transition.class.as_deref().unwrap_or_default();
        return format!("{} {identifier} {class}", authorization.number);
    }
    if let Some(pending) = &event.pending {
        return format!("{} {} {}", pending.number, pending.action, pending.class);
    }
    if let Some(alias) = &event.alias {
        return format!("operator {} {}", short(&alias.operator), alias.mode);
    }
    event.mra.as_ref().map(|mra| mra.proposal.id.clone()).unwrap_or_default()
}
