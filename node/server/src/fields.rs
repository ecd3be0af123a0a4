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
    /// What was asked for, as far as it has a fixed name.
    asked: Vec<String>,
}

impl<'a> Fields<'a> {
    /// Reads `table`; `place` (such as `nodes[2]`) begins every message, and may be empty.
    pub fn new(
        table: Table,
        place: impl Into<String>,
        problems: &'a mut Vec<String>,
    ) -> Fields<'a> {
        Fields { table, place: place.into(), problems, asked: Vec::new() }
    }

    /// Notes a problem with `field`.
    pub fn problem(&mut self, field: &str, problem: impl fmt::Display) {
        let dot = if self.place.is_empty() { "" } else { "." };
        self.problems.push(format!("{}{dot}{field}: {problem}", self.place));
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        self.asked.push(field.to_owned());
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

    /// `true` or `false`.
    pub fn flag(&mut self, field: &str) -> Option<bool> {
        let value = self.take(field)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.problem(field, format_args!("expected true or false, found {value}"));
        }
        flag
    }

    /// A list of texts that parse as `T`; empty if it is not there.
    pub fn parsed_list<T: FromStr<Err: fmt::Display>>(&mut self, field: &str) -> Vec<T> {
        let Some(value) = self.table.remove(field) else { return Vec::new() };
        let Value::Array(items) = value else {
            self.problem(field, "expected a list of texts");
            return Vec::new();
        };
        let mut parsed = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let place = format!("{field}[{index}]");
            match item.as_str().map(str::parse) {
                Some(Ok(value)) => parsed.push(value),
                Some(Err(error)) => self.problem(&place, format_args!("{item}: {error}")),
                None => self.problem(&place, "expected a text"),
            }
        }
        parsed
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

    /// Notes every field nobody asked for, with the one that was probably meant.
    pub fn finish(mut self) {
        for name in self.names() {
            match closest(&name, &self.asked).map(str::to_owned) {
                Some(meant) => {
                    self.problem(&name, format_args!("unknown field; did you mean `{meant}`?"))
                }
                None => self.problem(&name, "unknown field"),
            }
        }
    }
}

/// Letters by which a misspelt name may differ from the one that was meant.
const MISSPELT: usize = 2;

/// The known name that is closest to `name`, if it is close.
fn closest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let distances = known.iter().map(|known| (distance(name, known), known.as_str()));
    let (distance, known) = distances.min()?;
    // Short names are all close to each other.
    (distance <= MISSPELT.min(known.len() / 2)).then_some(known)
}

/// How many letters must be put in, left out or replaced to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// Configurations as nobody should write them.
#[cfg(test)]
pub(crate) mod damage {
    use proptest::prelude::*;

    /// What is put in the place of values: of every kind, and at the ends of their ranges.
    const VALUES: &[&str] = &[
        "",
        "\"\"",
        "-1",
        "0",
        "99999999999999999999",
        "9223372036854775807",
        "1.5",
        "nan",
        "true",
        "[]",
        "[[]]",
        "{}",
        "\"x\"",
        "\"127.0.0.1:0\"",
        "[{ id = \"x\" }]",
        "1979-05-27",
    ];

    /// Something done to a line.
    #[derive(Debug, Clone)]
    enum Harm {
        Remove,
        Repeat,
        Value(&'static str),
        Cut(usize),
        Move(usize),
    }

    /// `text` with some of its lines harmed.
    pub(crate) fn harmed(text: &str) -> impl Strategy<Value = String> + use<> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let harm = prop_oneof![
            Just(Harm::Remove),
            Just(Harm::Repeat),
            prop::sample::select(VALUES).prop_map(Harm::Value),
            (0..40_usize).prop_map(Harm::Cut),
            (0..lines.len()).prop_map(Harm::Move),
        ];
        prop::collection::vec((any::<prop::sample::Index>(), harm), 1..6).prop_map(move |harms| {
            let mut lines = lines.clone();
            for (at, harm) in harms {
                if !lines.is_empty() {
                    let at = at.index(lines.len());
                    apply(&mut lines, at, harm);
                }
            }
            lines.join("\n")
        })
    }

    fn apply(lines: &mut Vec<String>, at: usize, harm: Harm) {
        match harm {
            Harm::Remove => drop(lines.remove(at)),
            Harm::Repeat => lines.insert(at, lines[at].clone()),
            Harm::Value(value) => {
                let name = lines[at].split('=').next().unwrap_or_default();
                lines[at] = format!("{name}= {value}");
            }
            Harm::Cut(from) => lines[at] = lines[at].chars().skip(from).collect(),
            Harm::Move(to) => {
                let line = lines.remove(at);
                lines.insert(to.min(lines.len()), line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_recognized_and_another_one_is_not() {
        assert_eq!(distance("kitten", "sitting"), 3);
        let known = ["genesis", "data", "p2p", "api"].map(str::to_owned);
        assert_eq!(closest("genessis", &known), Some("genesis"));
        assert_eq!(closest("date", &known), Some("data"));
        assert_eq!(closest("apy", &known), Some("api"));
        assert_eq!(closest("ipa", &known), None, "too short to be sure");
        assert_eq!(closest("colour", &known), None);
    }
}
