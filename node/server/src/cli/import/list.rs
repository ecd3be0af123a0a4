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
    use precinto_protocol::aeo::{AeoType, Date, SupplyChainRole};
    use proptest::prelude::*;

    use super::*;
    use crate::cli::import::{
        difference::texts,
        row::{COLUMNS, ListedTerms, tests::GOOD},
    };

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

    proptest! {
        /// Whatever a list grants is read back as it was, with each delimiter and with quotes.
        #[test]
        fn what_is_written_is_read(
            types in prop::sample::subsequence(AeoType::ALL, 1..=2),
            roles in prop::sample::subsequence(SupplyChainRole::ALL, 1..=15),
            (from, days) in (0u32..40_000, prop::option::of(0u32..4_000)),
            (consent, publish) in any::<(bool, bool)>(),
            (delimiter, end) in (prop::sample::select(vec![",", ";", "\t"]), "\r?\n"),
        ) {
            let valid_until = days.map(|days| Date(from + days));
            let terms = ListedTerms { types, roles, valid_until, consent, publish };
            let from = Date(from).to_string();
            let [types, roles, until, consent, publish] = texts(&terms).map(|(_, text)| text);
            let row = ["duns", "15-048-3782", "N-1", &types, &roles, &from, &until, &consent, &publish];
            let text = [COLUMNS, row].map(|row| row.map(|it| format!("\"{it}\"")).join(delimiter));
            let list = List::parse(&text.join(&end)).unwrap();
            prop_assert_eq!(&list.errors, &[]);
            prop_assert_eq!(&list.rows[0].terms, &terms);
            prop_assert_eq!(list.rows[0].valid_from.to_string(), from);
        }

        /// No bytes make the parser panic, and every error has a line of the text.
        #[test]
        fn any_text_is_answered(text in "[\"a,;\\r\\n{}:é0-9-]{0,200}") {
            let text = format!("{}\n{text}", COLUMNS.join(","));
            if let Ok(list) = List::parse(&text) {
                let lines = text.lines().count() as u64;
                prop_assert!(list.errors.iter().all(|error| (2..=lines + 1).contains(&error.line)));
            }
        }
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert!(List::parse(&COLUMNS.join(",")).is_err());
        assert!(List::parse("").is_err());
    }
}
