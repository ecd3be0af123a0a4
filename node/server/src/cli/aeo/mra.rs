//! `aeo mra`: mutual recognition arrangements.

use std::str::FromStr;

use clap::{Args, Subcommand};
use precinto_client::{
    Client,
    types::{Activation, Mra, NewMra},
};

use super::{
    args::{Kinds, names},
    report,
};
use crate::cli::{
    WAIT,
    identity::known_member,
    network::print_as_of,
    output::{self, Table},
};

/// What to do about arrangements.
#[derive(Debug, Subcommand)]
pub enum MraCommand {
    /// Propose an arrangement, and accept it by that
    Propose(Propose),
    /// Accept an arrangement
    Accept {
        /// Its id
        id: String,
    },
    /// Leave an arrangement, for ever
    Leave {
        /// Its id
        id: String,
        /// When it takes effect: a date (its beginning) or a time; now if not given
        #[arg(long, value_name = "TIME")]
        effective: Option<String>,
    },
    /// One arrangement
    Show {
        /// Its id
        id: String,
    },
    /// All arrangements
    List,
}

/// Terms of an arrangement.
#[derive(Debug, Args)]
pub struct Propose {
    /// A new id: lower-case letters, digits and hyphens
    id: String,
    /// A party, by its member's id; two or more, your own among them
    #[arg(long = "party", required = true, value_name = "MEMBER")]
    parties: Vec<String>,
    #[command(flatten)]
    kinds: Kinds,
    /// Benefits need the holder's consent
    #[arg(long)]
    needs_consent: bool,
    /// First day, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    from: String,
    /// Last day, YYYY-MM-DD, if it ends by itself
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Two parties between whom it starts later; may be repeated
    #[arg(long, value_name = "MEMBER:MEMBER:DATE")]
    activate: Vec<Pair>,
    /// SHA-256 of the legal text: 64 hexadecimal characters
    #[arg(long, value_name = "HASH")]
    text: Option<String>,
}

/// `MEMBER:MEMBER:DATE`.
#[derive(Clone, Debug)]
struct Pair(Activation);

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Pair, Self::Err> {
        let parts: Vec<String> = text.split(':').map(str::to_owned).collect();
        match <[String; 3]>::try_from(parts) {
            Ok([a, b, from]) => Ok(Pair(Activation { a, b, from })),
            Err(_) => Err("expected two members and a date, such as br-rfb:uy-dna:2027-01-01"),
        }
    }
}

/// Does what was asked.
pub async fn run(command: MraCommand, client: &Client, json: bool) -> anyhow::Result<()> {
    let done = match command {
        MraCommand::Propose(propose) => propose.run(client).await?,
        MraCommand::Accept { id } => client.aeo_accept_mra(&id, Some(WAIT)).await?,
        MraCommand::Leave { id, effective } => {
            client.aeo_leave_mra(&id, effective.as_deref(), Some(WAIT)).await?
        }
        MraCommand::Show { id } => {
            let answer = client.aeo_mra(&id).await?;
            if json {
                output::json(&answer);
            } else {
                print_mra(&answer.mra);
                print_as_of(&answer.as_of);
            }
            return Ok(());
        }
        MraCommand::List => return list(client, json).await,
    };
    report(&done, json)
}

impl Propose {
    async fn run(
        self,
        client: &Client,
    ) -> anyhow::Result<precinto_client::types::TransactionAnswer> {
        for party in &self.parties {
            known_member(client, party).await?;
        }
        let mra = NewMra {
            id: self.id,
            parties: self.parties,
            types: names(&self.kinds.types),
            roles: names(&self.kinds.roles),
            needs_consent: self.needs_consent,
            valid_from: self.from,
            valid_until: self.until,
            activations: self.activate.into_iter().map(|pair| pair.0).collect(),
            text: self.text,
        };
        Ok(client.aeo_propose_mra(&mra, Some(WAIT)).await?)
    }
}

fn print_mra(mra: &Mra) {
    let terms = &mra.proposal;
    let mut table = Table::new(["ARRANGEMENT", &terms.id]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("types", terms.types.join("+"));
    row("roles", terms.roles.join("+"));
    row("needs consent", if terms.needs_consent { "yes" } else { "no" }.to_owned());
    row("from", terms.valid_from.clone());
    row("until", terms.valid_until.clone().unwrap_or_else(|| "-".to_owned()));
    for pair in &terms.activations {
        row("starts later", format!("{} and {} from {}", pair.a, pair.b, pair.from));
    }
    if let Some(text) = &terms.text {
        row("legal text", text.clone());
    }
    row("proposed by", mra.proposed_by.clone());
    for party in &terms.parties {
        row(&format!("party {party}"), party_stands(mra, party));
    }
    output::table(&table);
}

/// Whether a party accepted or left, in words.
fn party_stands(mra: &Mra, party: &str) -> String {
    let accepted = mra.acceptances.iter().find(|it| it.member == party);
    let Some(accepted) = accepted else { return "has not accepted".to_owned() };
    let accepted = format!("accepted {} UTC", output::time(accepted.accepted_ms));
    match mra.departures.iter().find(|it| it.member == party) {
        Some(left) => format!("{accepted}, leaves {} UTC", output::time(left.effective_ms)),
        None => accepted,
    }
}

async fn list(client: &Client, json: bool) -> anyhow::Result<()> {
    let (mut all, mut cursor): (Vec<Mra>, Option<String>) = (Vec::new(), None);
    let as_of = loop {
        let page = client.aeo_mras(cursor.as_deref(), None).await?;
        all.extend(page.mras);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break page.as_of,
        }
    };
    if json {
        output::json(&serde_json::json!({ "mras": all, "as_of": as_of }));
        return Ok(());
    }
    let mut table =
        Table::new(["ARRANGEMENT", "PARTIES", "ACCEPTED", "LEFT", "TYPES", "FROM", "UNTIL"]);
    for mra in &all {
        let terms = &mra.proposal;
        table.row([
            terms.id.clone(),
            terms.parties.join("+"),
            format!("{} of {}", mra.acceptances.len(), terms.parties.len()),
            mra.departures.len().to_string(),
            terms.types.join("+"),
            terms.valid_from.clone(),
            terms.valid_until.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    output::table(&table);
    print_as_of(&as_of);
    Ok(())
}
