//! What people and machines read on standard output.

use std::{
    fmt,
    io::{self, Write},
};

/// Prints a line. A closed pipe (`| head`) ends the program quietly.
pub fn line(text: fmt::Arguments<'_>) {
    if writeln!(io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Prints a notice that is no result, to standard error.
pub fn notice(text: fmt::Arguments<'_>) {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A table for people.
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new<const N: usize>(headings: [&str; N]) -> Table {
        Table { headings: headings.map(str::to_owned).into(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Prints a table, or nothing but its headings.
pub fn table(table: &Table) {
    let mut rendered = comfy_table::Table::new();
    rendered.load_style(comfy_table::presets::NOTHING);
    rendered.set_header(&table.headings);
    for row in &table.rows {
        rendered.add_row(row);
    }
    for text in rendered.to_string().lines() {
        line(format_args!("{}", text.trim_end()));
    }
}

/// Prints a value as JSON, for machines.
pub fn json<T: serde::Serialize>(value: &T) {
    let text = serde_json::to_string_pretty(value).expect("our own types serialize");
    line(format_args!("{text}"));
}

/// The beginning of a tag or hash, enough to tell it from others on one page.
pub fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

/// A time in milliseconds since 1970 as `YYYY-MM-DD HH:MM:SS` UTC.
pub fn time(time_ms: u64) -> String {
    let date = precinto_protocol::aeo::Date::of_ms(time_ms);
    let seconds = time_ms / 1000 % 86_400;
    format!("{date} {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
