//! `precinto aeo import`: a list of authorizations becomes the member's state on the ledger.
//!
//! # Mental model
//! A list is read as a whole ([`list`]): a file of text with delimiters ([`delimited`]) or JSON Lines
//! ([`json_lines`]) becomes raw rows, and each is checked ([`row`]). What is good is compared with the
//! ledger ([`difference`]), and only the difference is written ([`apply`]). So an import that was
//! killed is simply started again: what it had written is no difference any more.

pub mod apply;
pub mod columns;
pub mod delimited;
pub mod difference;
pub mod json_lines;
pub mod ledger;
pub mod list;
pub mod report;
pub mod row;
pub mod text;

use std::path::{Path, PathBuf};

use super::{exit::Failure, output, target::Target};
use apply::Import;
use list::List;
use report::Report;

/// What a list looks like, as `--help` and docs/CLI.md tell it.
pub const HELP: &str = "\
A list is a text file in UTF-8: CSV (RFC 4180; semicolons or tabs are seen by themselves) with the columns below
in any order, or JSON Lines with the same names. `aeo export` writes what `aeo import` reads.

  scheme       register of the identifier, such as uy-rut, pe-ruc, br-cnpj, eori
  identifier   the operator's identifier; spaces, hyphens, dots and slashes do not matter
  number       authorization number: 1 to 24 capital letters, digits and hyphens; used once
  types        AEOC, AEOS or AEOC+AEOS
  roles        roles in the supply chain, separated by +, such as importer+exporter
  valid_from   first day, YYYY-MM-DD
  valid_until  last day, YYYY-MM-DD; empty if it is valid until it is ended
  consent      yes or no: the holder consents to benefits abroad
  publish      yes or no: the identifier is on the ledger in clear
  operator     (optional) lookup tag of an operator whose identifier the list does not have

Every row is checked before anything is written. Then the list is compared with the ledger, and only the
difference is written: new authorizations are granted, other terms amended. Nothing is ever suspended or ended
because it is missing from a list. A second import does nothing, and one that was interrupted is started again.
";

/// How to import.
#[derive(Debug, Default, clap::Args)]
pub struct Options {
    /// Compare with the ledger and print the difference; change nothing
    #[arg(long, visible_alias = "diff")]
    dry_run: bool,
    /// Import the good rows although others are bad
    #[arg(long)]
    skip_bad: bool,
    /// Leave authorizations as they are whose terms differ from the list
    #[arg(long)]
    no_amend: bool,
    /// Also list what is on the ledger and not in the list
    #[arg(long)]
    report_missing: bool,
    /// Write all errors of the list to this file: CSV, or JSON Lines by its name
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
}

impl Options {
    /// Grants what is new; leaves alone what the member did since.
    pub fn first_of_a_network() -> Options {
        Options { no_amend: true, ..Options::default() }
    }
}

/// Checks, compares and imports a list, prints what it found and did, and fails unless all of it is on
/// the ledger then.
///
/// # Errors
/// See [`HELP`].
pub async fn run(
    target: &Target,
    file: &Path,
    options: &Options,
    json: bool,
) -> anyhow::Result<()> {
    let report = import(target, file, options, !json).await?;
    if json {
        output::json(&report);
    }
    conclude(&report)
}

/// The same without the verdict on rows in conflict.
///
/// # Errors
/// If the list is bad, or the node cannot be asked.
pub async fn import(
    target: &Target,
    file: &Path,
    options: &Options,
    talk: bool,
) -> anyhow::Result<Report> {
    let list = List::read(file)?;
    let name = file.display().to_string();
    if let Some(errors) = &options.errors {
        report::write_errors(errors, &list.errors)?;
    }
    report::print_errors(&name, &list.errors);
    if list.bad() > 0 && !options.skip_bad {
        let (bad, all) = (list.bad(), list.bad() + list.rows.len());
        let message = format!("nothing was imported: {bad} of {all} rows are bad");
        let hint = "correct them, or import the others with --skip-bad";
        return Err(Failure::failed("bad-rows", message, hint).into());
    }
    let List { rows, errors } = list;
    let found = Report {
        file: name,
        dry_run: options.dry_run,
        rows: rows.len(),
        errors,
        ..Report::default()
    };
    Import::new(target.client()?, &rows).await?.run(options, found, talk).await
}

/// Whether all of the list is on the ledger.
fn conclude(report: &Report) -> anyhow::Result<()> {
    let again = "run the same import again: it goes on where it stopped";
    if report.unfinished > 0 {
        let message = format!("{} rows are not finished", report.unfinished);
        return Err(Failure::retry("unfinished", message, again).into());
    }
    let (refused, conflicts) = (report.refused.len(), report.conflicts.len());
    if refused + conflicts > 0 {
        let message = format!("{refused} rows were refused and {conflicts} are in conflict");
        let hint = "the others are done; the reasons are above";
        return Err(Failure::failed("rows-refused", message, hint).into());
    }
    Ok(())
}

/// The first operator of a list (scheme and identifier) and its authorization's number.
pub fn first(file: &Path) -> Option<(String, String)> {
    let row = List::read(file).ok()?.rows.into_iter().next()?;
    let (scheme, identifier) = row.identifier?;
    Some((format!("{scheme} {identifier}"), row.number))
}
