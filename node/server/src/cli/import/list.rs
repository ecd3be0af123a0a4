//! A whole list: every row checked, and none twice.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use anyhow::{Context, bail};

use super::{
    delimited, json_lines,
    row::{Row, RowError},
    text::{self, Format},
};

/// What a file holds.
#[derive(Debug)]
pub struct List {
    /// Rows that are as they must be, by line.
    pub rows: Vec<Row>,
    /// What is wrong with the others, by line.
    pub errors: Vec<RowError>,
}

impl List {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// If it is no list at all, or an empty one. Bad rows are in the answer.
    pub fn read(file: &Path) -> anyhow::Result<List> {
        let text = text::read(file)?;
        List::parse(&text).with_context(|| format!("{} is no list", file.display()))
    }

    fn parse(text: &str) -> anyhow::Result<List> {
        let (raw, mut errors) = match Format::of(text)? {
            Format::Delimited(delimiter) => delimited::parse(text, delimiter)?,
            Format::JsonLines => json_lines::parse(text),
        };
        if raw.is_empty() && errors.is_empty() {
            bail!("it has no rows");
        }
        let mut rows: Vec<Row> = Vec::with_capacity(raw.len());
        let mut numbers: HashMap<String, u64> = HashMap::with_capacity(raw.len());
        for raw in &raw {
            match Row::check(raw) {
                Ok(row) => match numbers.get(&row.number) {
                    Some(first) => errors.push(repeated(&row, *first)),
                    None => {
                        numbers.insert(row.number.clone(), row.line);
                        rows.push(row);
                    }
                },
                Err(found) => errors.extend(found),
            }
        }
        errors.sort_by_key(|error| error.line);
        Ok(List { rows, errors })
    }

    /// How many rows are bad.
    pub fn bad(&self) -> usize {
        self.errors.iter().map(|error| error.line).collect::<BTreeSet<_>>().len()
    }
}

fn repeated(row: &Row, first: u64) -> RowError {
    RowError {
        field: "number".into(),
        value: row.number.clone(),
        ..RowError::of_row(
            row.line,
            format!("the number is on line {first} already"),
            "remove one of the two rows; a number is used once",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::row::{COLUMNS, tests::GOOD};

    #[test]
    fn a_number_that_comes_again_is_an_error_of_the_later_row() {
        let row = GOOD.join(",");
        let text = [COLUMNS.join(","), row.clone(), row.replace("AEOS+AEOC", "X"), row];
        let list = List::parse(&text.join("\n")).unwrap();
        assert_eq!((list.rows.len(), list.bad()), (1, 2));
        assert_eq!((list.errors[0].line, list.errors[0].field.as_str()), (3, "types"));
        assert_eq!((list.errors[1].line, list.errors[1].field.as_str()), (4, "number"));
        assert!(list.errors[1].reason.contains("line 2"));
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert!(List::parse(&COLUMNS.join(",")).is_err());
        assert!(List::parse("").is_err());
    }
}
