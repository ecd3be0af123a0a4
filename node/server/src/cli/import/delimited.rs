//! Lists as text with delimiters (RFC 4180).

use anyhow::{Context, bail};

use super::{
    columns::{self, Places},
    row::{RawRow, RowError},
};

/// The rows of a list, and those that are none.
///
/// # Errors
/// If the columns are not those of a list.
pub fn parse(text: &str, delimiter: u8) -> anyhow::Result<(Vec<RawRow>, Vec<RowError>)> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headings = reader.headers().context("line 1")?.clone();
    let names: Vec<&str> = headings.iter().collect();
    let places = match columns::places(&names) {
        Ok(places) => places,
        Err(problems) => bail!("line 1: {}", problems.join("; ")),
    };
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    for record in reader.records() {
        let record = record.expect("the text is UTF-8, and a row may have any number of fields");
        let line = lines.number(record.position().map_or(0, |at| at.byte() as usize));
        if record.len() == names.len() {
            rows.push(row(line, &record, &places));
        } else {
            let reason = format!("{} fields instead of {}", record.len(), names.len());
            let hint = "write every field, empty ones too; put quotes around a field that holds \
                        the delimiter";
            bad.push(RowError::of_row(line, reason, hint));
        }
    }
    Ok((rows, bad))
}

/// Numbers of lines at ascending places of a text. (The reader's own are those of the row before
/// where lines end with CR LF or are empty.)
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first row at or after a place.
    fn number(&mut self, place: usize) -> u64 {
        let ends = self.text[place..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let row = place + ends.count();
        let passed = self.text[self.at..row].iter().filter(|byte| **byte == b'\n').count();
        self.line += passed as u64;
        self.at = row;
        self.line
    }
}

fn row(line: u64, record: &csv::StringRecord, places: &Places) -> RawRow {
    RawRow { line, values: places.map(|at| at.map_or_else(String::new, |at| record[at].into())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::row::{COLUMNS, tests::GOOD};

    #[test]
    fn rows_keep_their_lines_and_fields_their_columns() {
        let mut headings = COLUMNS;
        headings.reverse();
        let mut good = GOOD.map(|value| format!("\"{value}\""));
        good.reverse();
        let text = format!("{}\r\n\r\n{}\r\na;\"b\nc\"\r\nd\n", headings.join(";"), good.join(";"));
        let (rows, bad) = parse(&text, b';').unwrap();
        assert_eq!((rows.len(), rows[0].line), (1, 3));
        assert_eq!(rows[0].values[..9], GOOD);
        assert_eq!(bad.iter().map(|error| error.line).collect::<Vec<_>>(), [4, 6]);
        assert_eq!(bad[0].reason, "2 fields instead of 9");
    }

    #[test]
    fn other_columns_refuse_the_list() {
        let error = format!("{:#}", parse("a,b\n", b',').unwrap_err());
        assert!(error.contains("\"a\" is unknown") && error.contains("\"scheme\" is missing"));
    }
}
