//! A row of a list: what it must look like.

use precinto_protocol::{
    aeo::{AeoType, Date, MAX_NUMBER_BYTES, Scheme, SupplyChainRole},
    hash::Hash,
};
use serde::Serialize;

use crate::cli::suggest;

/// Columns that every list has, in the order in which they are written.
pub const COLUMNS: [&str; 9] = [
    "scheme",
    "identifier",
    "number",
    "types",
    "roles",
    "valid_from",
    "valid_until",
    "consent",
    "publish",
];

/// The column that a list may have: the lookup tag, where the identifier is not known.
pub const OPERATOR: &str = "operator";

/// Columns a list may have: [`COLUMNS`] and [`OPERATOR`].
pub const WIDTH: usize = COLUMNS.len() + 1;

/// Characters of a bad value that are repeated to its author.
const MAX_VALUE_SHOWN: usize = 60;

/// A row as it was written: the text of each column, empty where there is none.
#[derive(Debug)]
pub struct RawRow {
    /// Line of the file on which it begins, from 1.
    pub line: u64,
    /// In the order of [`COLUMNS`], then [`OPERATOR`].
    pub values: [String; WIDTH],
}

/// What is wrong with a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RowError {
    /// Line of the file, from 1.
    pub line: u64,
    /// The column; empty where the row as a whole is wrong.
    pub field: String,
    /// What was written there, cut short.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

impl RowError {
    /// An error of the row as a whole.
    pub fn of_row(line: u64, reason: impl Into<String>, hint: impl Into<String>) -> RowError {
        let (field, value) = (String::new(), String::new());
        RowError { line, field, value, reason: reason.into(), hint: hint.into() }
    }
}

/// What an authorization of a list grants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedTerms {
    /// Sorted, unique, not empty.
    pub types: Vec<AeoType>,
    /// Sorted, unique, not empty.
    pub roles: Vec<SupplyChainRole>,
    /// Last day of validity, if it has one.
    pub valid_until: Option<Date>,
    /// Whether the holder consents to benefits abroad.
    pub consent: bool,
    /// Whether the identifier is on the ledger in clear.
    pub publish: bool,
}

/// A row that is as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Line of the file on which it begins, from 1.
    pub line: u64,
    /// The operator's identifier, normalized. Without it the row has a lookup tag.
    pub identifier: Option<(Scheme, String)>,
    /// The operator's lookup tag, where the list has it.
    pub operator: Option<Hash>,
    /// Authorization number.
    pub number: String,
    /// First day of validity.
    pub valid_from: Date,
    /// What is granted.
    pub terms: ListedTerms,
}

impl Row {
    /// Checks every field of a row.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check(raw: &RawRow) -> Result<Row, Vec<RowError>> {
        let mut fields = Fields { raw, errors: Vec::new() };
        let operator = fields.operator();
        let identifier = fields.identifier();
        let number = fields.number();
        let types = fields.set("types", AeoType::ALL);
        let roles = fields.set("roles", SupplyChainRole::ALL);
        let valid_from = fields.date("valid_from");
        let valid_until = fields.valid_until(valid_from);
        let (consent, publish) = (fields.yes_or_no("consent"), fields.yes_or_no("publish"));
        if !fields.errors.is_empty() {
            return Err(fields.errors);
        }
        let read = || {
            let (consent, publish, valid_until) = (consent?, publish?, valid_until?);
            let terms = ListedTerms { types: types?, roles: roles?, valid_until, consent, publish };
            let (number, valid_from) = (number?, valid_from?);
            Some(Row { line: raw.line, identifier, operator, number, valid_from, terms })
        };
        Ok(read().expect("a field that cannot be read is an error"))
    }
}

/// The fields of a row that is being checked.
struct Fields<'a> {
    raw: &'a RawRow,
    errors: Vec<RowError>,
}

impl<'a> Fields<'a> {
    fn get(&self, column: &str) -> &'a str {
        let known = COLUMNS.iter().chain([&OPERATOR]).position(|known| *known == column);
        &self.raw.values[known.expect("columns are named by the constants")]
    }

    fn wrong(&mut self, column: &str, reason: impl Into<String>, hint: impl Into<String>) {
        let value = self.get(column);
        let mut shown: String = value.chars().take(MAX_VALUE_SHOWN).collect();
        if shown.len() < value.len() {
            shown.push_str("...");
        }
        let mut hint = hint.into();
        if value.contains(['\n', '\r']) {
            hint = "the field goes on over the end of its line: is a quote not closed?".into();
        }
        self.errors.push(RowError {
            line: self.raw.line,
            field: column.into(),
            value: shown,
            reason: reason.into(),
            hint,
        });
    }

    fn required(&mut self, column: &str, hint: &str) -> Option<&'a str> {
        let value = self.get(column);
        if value.is_empty() {
            self.wrong(column, "is empty", hint);
            return None;
        }
        Some(value)
    }

    fn operator(&mut self) -> Option<Hash> {
        let value = self.get(OPERATOR);
        if value.is_empty() {
            return None;
        }
        let tag = value.parse().ok();
        if tag.is_none() {
            self.wrong(OPERATOR, "is no lookup tag", "leave it empty, or write 64 hex digits");
        }
        tag
    }

    fn identifier(&mut self) -> Option<(Scheme, String)> {
        if self.get("scheme").is_empty()
            && self.get("identifier").is_empty()
            && !self.get(OPERATOR).is_empty()
        {
            return None;
        }
        let scheme = self.one_of("scheme", Scheme::ALL);
        let written = self.required("identifier", "write the operator's identifier")?;
        match scheme?.normalize(written) {
            Ok(identifier) => scheme.map(|scheme| (scheme, identifier)),
            Err(error) => {
                let hint = if written.contains("E+") || written.contains("e+") {
                    "a spreadsheet rounded it: format the column as text and fill it in again"
                } else {
                    "correct it; identifiers are never guessed"
                };
                // The value stands before it.
                let reason = error.to_string();
                let reason = reason.strip_prefix(&format!("{written:?} ")).unwrap_or(&reason);
                self.wrong("identifier", reason.to_owned(), hint);
                None
            }
        }
    }

    fn number(&mut self) -> Option<String> {
        let number = self.required("number", "write the authorization's number")?;
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        if number.len() <= MAX_NUMBER_BYTES && number.bytes().all(fits) {
            return Some(number.into());
        }
        let hint = format!("write 1 to {MAX_NUMBER_BYTES} capital letters, digits and hyphens");
        self.wrong("number", "is no authorization number", hint);
        None
    }

    /// One of an enumeration's names.
    fn one_of<T: Copy + ToString>(&mut self, column: &str, all: &[T]) -> Option<T> {
        let value = self.required(column, "write one of the known names")?;
        self.named(column, value, all)
    }

    fn named<T: Copy + ToString>(&mut self, column: &str, name: &str, all: &[T]) -> Option<T> {
        let found = all.iter().find(|known| known.to_string() == name);
        if found.is_none() {
            let names: Vec<String> = all.iter().map(ToString::to_string).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let hint = suggest::hint(name, &names);
            self.wrong(column, format!("{name:?} is unknown"), hint);
        }
        found.copied()
    }

    /// Names of an enumeration, separated by `+`, in its order.
    fn set<T: Copy + Ord + ToString>(&mut self, column: &str, all: &[T]) -> Option<Vec<T>> {
        let value = self.required(column, "write one or more names, separated by +")?;
        let names: Vec<&str> = value.split('+').map(str::trim).collect();
        let found: Vec<Option<T>> =
            names.into_iter().map(|name| self.named(column, name, all)).collect();
        let mut set = found.into_iter().collect::<Option<Vec<T>>>()?;
        set.sort_unstable();
        set.dedup();
        Some(set)
    }

    fn date(&mut self, column: &str) -> Option<Date> {
        let value = self.required(column, "write a date as YYYY-MM-DD")?;
        let date = Date::parse(value);
        if date.is_none() {
            self.wrong(column, "is no date", "write a day that exists as YYYY-MM-DD");
        }
        date
    }

    /// `Some(None)` where there is none.
    fn valid_until(&mut self, valid_from: Option<Date>) -> Option<Option<Date>> {
        if self.get("valid_until").is_empty() {
            return Some(None);
        }
        let until = self.date("valid_until")?;
        if valid_from.is_some_and(|from| until < from) {
            let hint = "the last day of validity is not before the first";
            self.wrong("valid_until", "is before valid_from", hint);
        }
        Some(Some(until))
    }

    fn yes_or_no(&mut self, column: &str) -> Option<bool> {
        match self.required(column, "write yes or no")? {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => {
                self.wrong(column, "is neither yes nor no", "write yes or no");
                None
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A row of these values, [`OPERATOR`] being empty.
    pub(crate) fn raw(line: u64, values: [&str; 9]) -> RawRow {
        let mut row = RawRow { line, values: Default::default() };
        for (place, value) in row.values.iter_mut().zip(values) {
            *place = value.into();
        }
        row
    }

    pub(crate) const GOOD: [&str; 9] = [
        "uy-rut",
        "21 100001 001-2",
        "UY-1",
        "AEOS+AEOC",
        "exporter+importer",
        "2026-01-01",
        "",
        "yes",
        "no",
    ];

    #[test]
    fn a_good_row_is_normalized() {
        let row = Row::check(&raw(2, GOOD)).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(row.identifier, Some((Scheme::UyRut, "211000010012".to_owned())));
        assert_eq!(row.terms.types, [AeoType::C, AeoType::S]);
        assert_eq!(row.terms.roles, [SupplyChainRole::Importer, SupplyChainRole::Exporter]);
        assert_eq!((row.terms.valid_until, row.terms.consent), (None, true));
    }

    #[test]
    fn every_wrong_field_is_told_with_what_to_do() {
        let bad = ["rut", "1", "uy 1", "AEOX", "", "2026-02-30", "31/12/2026", "si", "perhaps"];
        let errors = Row::check(&raw(7, bad)).unwrap_err();
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let expected = [
            "scheme",
            "number",
            "types",
            "roles",
            "valid_from",
            "valid_until",
            "consent",
            "publish",
        ];
        assert_eq!(fields, expected);
        assert!(errors.iter().all(|error| error.line == 7 && !error.hint.is_empty()));
        assert_eq!(errors[0].hint, "did you mean \"cl-rut\" or \"uy-rut\"?");
        assert_eq!(errors[2].reason, "\"AEOX\" is unknown");
    }

    #[test]
    fn paradoxes_and_spoilt_identifiers_are_told() {
        let mut values = GOOD;
        values[1] = "2.11E+11";
        values[6] = "2025-12-31";
        let errors = Row::check(&raw(3, values)).unwrap_err();
        assert!(errors[0].hint.contains("spreadsheet"), "{errors:?}");
        assert_eq!(errors[1].reason, "is before valid_from");
        values[1] = "211000010018";
        let errors = Row::check(&raw(3, values)).unwrap_err();
        assert!(errors[0].reason.contains("check digit"), "{errors:?}");
    }

    #[test]
    fn a_lookup_tag_takes_the_place_of_an_identifier() {
        let mut row = raw(2, GOOD);
        row.values[0].clear();
        assert!(Row::check(&row).is_err(), "an identifier without a scheme");
        row.values[1].clear();
        assert!(Row::check(&row).is_err(), "neither");
        row.values[9] = Hash([7; 32]).to_string();
        let row = Row::check(&row).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!((row.identifier, row.operator), (None, Some(Hash([7; 32]))));
    }
}
