//! `aeo export`: the authorizations of a member as a list that `aeo import` reads.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use precinto_client::{
    Client, Consistency,
    types::{ListFilter, StandingAuthorization},
};

use super::list::Pages;
use crate::cli::{
    exit::Failure,
    identity::known_member,
    import::row::{COLUMNS, OPERATOR, WIDTH},
    progress::Progress,
};

/// Authorizations of one page: the most that the interface gives.
const PAGE: u32 = 100;

/// `aeo export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The member; that of the asked node if not given
    #[arg(long)]
    member: Option<String>,
    /// Also what is expired, revoked, withdrawn or annulled
    #[arg(long)]
    all: bool,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Where to write it; standard output if not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How a list is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// RFC 4180
    Csv,
    /// One JSON object per line
    Jsonl,
}

/// What ended, or will not begin again.
const ENDED: [&str; 4] = ["expired", "revoked", "withdrawn", "annulled"];

impl Export {
    /// Writes the list.
    pub async fn run(self, client: &Client) -> anyhow::Result<()> {
        let member = match &self.member {
            Some(member) => known_member(client, member).await.map(|()| member.clone())?,
            None => client.status().await?.member,
        };
        let filter = ListFilter {
            member: Some(member),
            asked: Consistency::Linearizable.into(),
            ..ListFilter::default()
        };
        let Some(file) = &self.output else {
            return self.write(client, filter, &mut io::stdout().lock(), false).await;
        };
        // Beside it and then renamed, so that nobody reads half of a list.
        let unfinished = unfinished(file)?;
        let context = || format!("cannot write {}", unfinished.display());
        let mut out = File::create(&unfinished).with_context(context)?;
        self.write(client, filter, &mut out, true).await?;
        out.sync_all().with_context(context)?;
        std::fs::rename(&unfinished, file)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    async fn write(
        &self,
        client: &Client,
        filter: ListFilter,
        out: &mut dyn Write,
        talk: bool,
    ) -> anyhow::Result<()> {
        let mut pages = Pages::new(client, filter);
        let mut progress = Progress::new("Exporting", None, talk);
        if self.format == Format::Csv {
            let headings = COLUMNS.into_iter().chain([OPERATOR]);
            csv_row(out, &headings.map(str::to_owned).collect::<Vec<_>>())?;
        }
        while pages.more() {
            let (authorizations, _) = pages.next(PAGE).await?;
            progress.add(authorizations.len());
            let wanted = authorizations
                .iter()
                .filter(|it| self.all || !ENDED.contains(&it.standing.as_str()));
            for standing in wanted {
                match self.format {
                    Format::Csv => csv_row(out, &columns(standing))?,
                    Format::Jsonl => writeln!(out, "{}", object(standing))?,
                }
            }
        }
        out.flush().context("cannot write the list")
    }
}

fn unfinished(file: &Path) -> anyhow::Result<PathBuf> {
    let Some(name) = file.file_name() else {
        let message = format!("{} is no file's name", file.display());
        return Err(Failure::usage("bad-file", message, "name a file to write").into());
    };
    let mut name = name.to_owned();
    name.push(".unfinished");
    Ok(file.with_file_name(name))
}

fn csv_row(out: &mut dyn Write, fields: &[String]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    let row = writer.into_inner().context("cannot write a row")?;
    out.write_all(&row).context("cannot write the list")
}

/// The columns of an authorization.
fn columns(standing: &StandingAuthorization) -> [String; WIDTH] {
    let authorization = &standing.authorization;
    let terms = &authorization.terms;
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let (scheme, identifier) = match &terms.identifier {
        Some(identifier) => (identifier.scheme.clone(), identifier.value.clone()),
        None => Default::default(),
    };
    [
        scheme,
        identifier,
        authorization.number.clone(),
        terms.types.join("+"),
        terms.roles.join("+"),
        authorization.valid_from.clone(),
        terms.valid_until.clone().unwrap_or_default(),
        yes(terms.consent),
        yes(terms.identifier.is_some()),
        authorization.operator.clone(),
    ]
}

/// The same as an object.
fn object(standing: &StandingAuthorization) -> serde_json::Value {
    let authorization = &standing.authorization;
    let terms = &authorization.terms;
    let identifier = terms.identifier.as_ref();
    serde_json::json!({
        "scheme": identifier.map(|it| &it.scheme),
        "identifier": identifier.map(|it| &it.value),
        "number": authorization.number,
        "types": terms.types,
        "roles": terms.roles,
        "valid_from": authorization.valid_from,
        "valid_until": terms.valid_until,
        "consent": terms.consent,
        "publish": identifier.is_some(),
        "operator": authorization.operator,
    })
}
