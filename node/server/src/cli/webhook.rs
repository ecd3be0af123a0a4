//! `precinto webhook`.

use clap::Subcommand;

use super::{
    output::{self, Table},
    target::Target,
};

/// Whom the node tells by itself what happens. Needs an account with the role `admin`.
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Let the node post events to an address; shows the secret that deliveries are signed with
    Add {
        /// Where events are posted (https://host/path)
        address: String,
        /// A topic such as aeo.suspended, or a beginning that ends with a full stop such as aeo.;
        /// may be repeated; all topics if absent
        #[arg(long = "topic")]
        topics: Vec<String>,
        /// First event: a height or HEIGHT-INDEX; from the next block if absent
        #[arg(long)]
        from: Option<String>,
    },
    /// All webhooks, and how their deliveries fare
    List,
    /// Remove a webhook
    Remove {
        /// Its id
        id: String,
    },
}

/// Does what was asked.
pub async fn run(command: WebhookCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    match command {
        WebhookCommand::Add { address, topics, from } => {
            let added = client.add_webhook(&address, &topics, from.as_deref()).await?;
            if json {
                output::json(&added);
                return Ok(());
            }
            output::line(format_args!(
                "added webhook {}, from event {} on",
                added.id, added.cursor
            ));
            output::line(format_args!("secret: {}", added.secret));
            output::notice(format_args!("The secret is not shown again: give it to the receiver."));
        }
        WebhookCommand::List => {
            let answer = client.webhooks().await?;
            if json {
                output::json(&answer);
                return Ok(());
            }
            let mut table = Table::new([
                "WEBHOOK",
                "URL",
                "TOPICS",
                "NEXT EVENT",
                "DELIVERED (UTC)",
                "PROBLEM",
            ]);
            for webhook in answer.webhooks {
                let problem = webhook.problem.map(|it| format!("{it} ({}x)", webhook.failures));
                table.row([
                    webhook.id,
                    webhook.url,
                    webhook.topics.join(" "),
                    webhook.cursor,
                    webhook.delivered_ms.map(output::time).unwrap_or_default(),
                    problem.unwrap_or_default(),
                ]);
            }
            output::table(&table);
        }
        WebhookCommand::Remove { id } => {
            client.remove_webhook(&id).await?;
            if !json {
                output::line(format_args!("removed webhook {id}"));
            }
        }
    }
    Ok(())
}
