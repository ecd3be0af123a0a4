//! Reads a TOML table field by field and collects every problem, so that a person who made three
//! mistakes is told of all three.

use std::{fmt, path::PathBuf, str::FromStr};

use toml::{Table, Value};

/// Everything that is wrong with one file.
#[derive(Debug, thiserror::Error)]
pub struct Problems {
    file: PathBuf,
    problems: Vec<String>,
}

impl Problems {
    /// One problem with `file` as a whole.
    pub fn one(file: impl Into<PathBuf>, problem: impl Into<String>) -> Problems {
        Problems { file: file.into(), problems: vec![problem.into()] }
    }

    /// `Err` if there are any.
    pub fn check(file: impl Into<PathBuf>, problems: Vec<String>) -> Result<(), Problems> {
        if problems.is_empty() { Ok(()) } else { Err(Problems { file: file.into(), problems }) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{}: {count} problem{plural}", self.file.display())?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

/// A table that is being read. Every field that is there must be asked for.
pub struct Fields<'a> {
    table: Table,
    place: String,
    problems: &'a mut Vec<String>,
}

impl<'a> Fields<'a> {
    /// Reads `table`; `place` (such as `nodes[2]`) begins every message, and may be empty.
    pub fn new(
        table: Table,
        place: impl Into<String>,
        problems: &'a mut Vec<String>,
    ) -> Fields<'a> {
        Fields { table, place: place.into(), problems }
    }

    /// Notes a problem with `field`.
    pub fn problem(&mut self, field: &str, problem: impl fmt::Display) {
        let dot = if self.place.is_empty() { "" } else { "." };
        self.problems.push(format!("{}{dot}{field}: {problem}", self.place));
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        let value = self.table.remove(field);
        if value.is_none() {
            self.problem(field, "missing");
        }
        value
    }

    /// Whether the field is there and was not asked for yet.
    pub fn has(&self, field: &str) -> bool {
        self.table.contains_key(field)
    }

    /// A text.
    pub fn text(&mut self, field: &str) -> Option<String> {
        match self.take(field)? {
            Value::String(text) => Some(text),
            other => {
                self.problem(field, format_args!("expected a text, found {}", other.type_str()));
                None
            }
        }
    }

    /// A text that parses as `T`.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, field: &str) -> Option<T> {
        let text = self.text(field)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(field, format_args!("{text:?}: {error}"));
                None
            }
        }
    }

    /// A number of at least `least`.
    pub fn number(&mut self, field: &str, least: u64) -> Option<u64> {
        let value = self.take(field)?;
        match value.as_integer().and_then(|n| u64::try_from(n).ok()) {
            Some(number) if number >= least => Some(number),
            _ => {
                self.problem(
                    field,
                    format_args!("expected a number of at least {least}, found {value}"),
                );
                None
            }
        }
    }

    /// A table.
    pub fn table(&mut self, field: &str) -> Option<Table> {
        match self.take(field)? {
            Value::Table(table) => Some(table),
            other => {
                self.problem(field, format_args!("expected a table, found {}", other.type_str()));
                None
            }
        }
    }

    /// An array of tables (`[[field]]`).
    pub fn tables(&mut self, field: &str) -> Vec<Table> {
        let Some(value) = self.take(field) else { return Vec::new() };
        let tables: Option<Vec<Table>> = match value {
            Value::Array(items) => items
                .into_iter()
                .map(|item| if let Value::Table(table) = item { Some(table) } else { None })
                .collect(),
            _ => None,
        };
        tables.unwrap_or_else(|| {
            self.problem(field, "expected [[tables]]");
            Vec::new()
        })
    }

    /// The field names that are left, in order.
    pub fn names(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Notes every field nobody asked for.
    pub fn finish(mut self) {
        for name in self.names() {
            self.problem(&name, "unknown field");
        }
    }
}
