//! `precinto events`.

use clap::Subcommand;
use futures::StreamExt;
use precinto_client::{EventFilter, types::Event};

use super::{output, target::Target};

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
    let mut events = target.client()?.events(EventFilter { from, contract, topic });
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

fn describe(event: &Event) -> String {
    let place = format!("{}-{}", event.height, event.index);
    let head = format!(
        "{} {place:>10}  {:<16} {}",
        output::time(event.time_ms),
        event.topic,
        event.member
    );
    match &event.transition {
        Some(transition) => {
            let authorization = &transition.authorization;
            let identifier = authorization.terms.identifier.as_ref().map_or_else(
                || format!("operator {}", &authorization.operator[..16]),
                |identifier| format!("{} {}", identifier.scheme, identifier.value),
            );
            let class = transition.class.as_deref().unwrap_or_default();
            format!("{head} {} {identifier} {class}", authorization.number)
        }
        None => head,
    }
}
