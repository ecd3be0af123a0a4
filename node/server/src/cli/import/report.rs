//! What an import found and did, for people and for machines.

use std::{fmt, fs::File, io::Write, path::Path};

use anyhow::Context;
use serde::Serialize;

use super::{
    difference::{Change, Verdict},
    row::{Row, RowError},
};
use crate::cli::output;

/// Lines of one kind that people are shown; `--errors` and `--json` give all.
const MAX_SHOWN: usize = 50;

/// A row that would change an authorization.
#[derive(Debug, Serialize)]
pub struct Amendment {
    line: u64,
    number: String,
    changes: Vec<Change>,
}

/// A row that cannot be done.
#[derive(Debug, Serialize)]
pub struct Conflict {
    line: u64,
    number: String,
    reason: String,
    hint: &'static str,
}

/// Place and number of a row.
#[derive(Debug, Serialize)]
pub struct Addition {
    line: u64,
    number: String,
}

/// What an import found and did: the document of `--json`.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The list.
    pub file: String,
    /// Whether it was only compared.
    pub dry_run: bool,
    /// Rows of the list that are as they must be.
    pub rows: usize,
    /// What is wrong with the others.
    pub errors: Vec<RowError>,
    /// Rows that the ledger did not have.
    pub new: Vec<Addition>,
    /// Rows that differed from the ledger.
    pub to_amend: Vec<Amendment>,
    /// Rows that were on the ledger as they are.
    pub unchanged: usize,
    /// Rows that cannot be done.
    pub conflicts: Vec<Conflict>,
    /// Numbers on the ledger that the list does not have, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    /// Rows that were granted or amended.
    pub done: usize,
    /// Rows that the ledger refused.
    pub refused: Vec<RowError>,
    /// Rows of which it is not known what became of them.
    pub unfinished: usize,
}

impl Report {
    /// Notes what a row means.
    pub fn note(&mut self, row: &Row, verdict: Verdict) {
        let (line, number) = (row.line, row.number.clone());
        match verdict {
            Verdict::New => self.new.push(Addition { line, number }),
            Verdict::Unchanged => self.unchanged += 1,
            Verdict::Amend(changes) => self.to_amend.push(Amendment { line, number, changes }),
            Verdict::Conflict { reason, hint } => {
                self.conflicts.push(Conflict { line, number, reason, hint });
            }
        }
    }

    /// Prints what the rows mean.
    pub fn print_difference(&self) {
        let file = &self.file;
        let place = |line: u64, number: &str| format!("{file}:{line}: {number}");
        if self.dry_run {
            shown(&self.new, |it| format!("{}: new", place(it.line, &it.number)), output::line);
        }
        let amendment = |it: &Amendment| {
            let changes = it
                .changes
                .iter()
                .map(|change| format!("{} {:?} -> {:?}", change.field, change.from, change.to));
            let changes = changes.collect::<Vec<_>>().join(", ");
            format!("{}: to amend: {changes}", place(it.line, &it.number))
        };
        shown(&self.to_amend, amendment, output::line);
        let conflict = |it: &Conflict| {
            format!("{}: conflict: {}; {}", place(it.line, &it.number), it.reason, it.hint)
        };
        shown(&self.conflicts, conflict, output::notice);
        if let Some(missing) = &self.missing {
            shown(
                missing,
                |number| format!("{number}: on the ledger, not in the list"),
                output::line,
            );
        }
        output::line(format_args!(
            "{file}: {} rows: {} new, {} to amend, {} unchanged, {} in conflict",
            self.rows,
            self.new.len(),
            self.to_amend.len(),
            self.unchanged,
            self.conflicts.len()
        ));
    }
}

/// Prints bad rows.
pub fn print_errors(file: &str, errors: &[RowError]) {
    let text = |error: &RowError| {
        let RowError { line, field, value, reason, hint } = error;
        let value = if value.is_empty() { String::new() } else { format!(" {value:?}") };
        let field = if field.is_empty() { String::new() } else { format!("{field}{value} ") };
        format!("{file}:{line}: {field}{reason} ({hint})")
    };
    shown(errors, text, output::notice);
}

fn shown<T>(all: &[T], text: impl Fn(&T) -> String, print: impl Fn(fmt::Arguments<'_>)) {
    for one in all.iter().take(MAX_SHOWN) {
        print(format_args!("{}", text(one)));
    }
    if all.len() > MAX_SHOWN {
        print(format_args!("... and {} more", all.len() - MAX_SHOWN));
    }
}

/// Writes all bad rows to a file: JSON Lines if its name says so, else CSV.
///
/// # Errors
/// If the file cannot be written.
pub fn write_errors(file: &Path, errors: &[RowError]) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", file.display());
    let mut out = File::create(file).with_context(context)?;
    let extension = file.extension().and_then(|extension| extension.to_str());
    if matches!(extension, Some("json" | "jsonl" | "ndjson")) {
        for error in errors {
            writeln!(out, "{}", serde_json::to_string(error)?).with_context(context)?;
        }
        return Ok(());
    }
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["line", "field", "value", "reason", "hint"])?;
    for RowError { line, field, value, reason, hint } in errors {
        writer.write_record([&line.to_string(), field, value, reason, hint])?;
    }
    writer.flush().with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_written_as_csv_or_json_lines() {
        let error = RowError {
            field: "types".into(),
            value: "AEO\"C".into(),
            ..RowError::of_row(3, "is unknown", "did you mean, perhaps, AEOC?")
        };
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("errors.csv");
        write_errors(&file, std::slice::from_ref(&error)).unwrap();
        let expected = "line,field,value,reason,hint\n\
                        3,types,\"AEO\"\"C\",is unknown,\"did you mean, perhaps, AEOC?\"\n";
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        let file = dir.path().join("errors.jsonl");
        write_errors(&file, &[error]).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let value: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!((value["line"].as_u64(), value["value"].as_str()), (Some(3), Some("AEO\"C")));
    }
}
