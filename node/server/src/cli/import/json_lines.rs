//! Lists as JSON Lines: one object per line, with the columns as names.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{
    columns,
    row::{COLUMNS, RawRow, RowError, WIDTH},
};

/// An object's names and values as they were written, also repeated ones.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// The rows of a list, and the lines that are none.
pub fn parse(text: &str) -> (Vec<RawRow>, Vec<RowError>) {
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        match serde_json::from_str(text) {
            Ok(Members(members)) => match row(line, members) {
                Ok(row) => rows.push(row),
                Err(errors) => bad.extend(errors),
            },
            Err(error) => {
                let hint = "write one JSON object per line, with the columns as names";
                bad.push(RowError::of_row(line, format!("no JSON object: {error}"), hint));
            }
        }
    }
    (rows, bad)
}

fn row(line: u64, members: Vec<(String, Value)>) -> Result<RawRow, Vec<RowError>> {
    let mut values: [Option<String>; WIDTH] = Default::default();
    let mut errors = Vec::new();
    let mut wrong = |field: &str, reason: String, hint: &str| {
        let row = RowError::of_row(line, reason, hint);
        errors.push(RowError { field: field.into(), ..row });
    };
    for (name, value) in members {
        match columns::place(&name) {
            None => wrong(&name, columns::unknown(&name), "correct or remove the name"),
            Some(at) if values[at].is_some() => {
                wrong(&name, format!("{name:?} is there twice"), "remove one of them");
            }
            Some(at) => match text_of(value) {
                Ok(text) => values[at] = Some(text),
                Err((reason, hint)) => wrong(&name, reason.into(), hint),
            },
        }
    }
    for (name, value) in COLUMNS.iter().zip(&values) {
        // An absent last day is written as no name at all by many programs.
        let optional = ["valid_until", "scheme", "identifier"].contains(name);
        if value.is_none() && !optional && errors.iter().all(|error| error.field != *name) {
            let row = RowError::of_row(line, "is missing", "add it");
            errors.push(RowError { field: (*name).into(), ..row });
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(RawRow { line, values: values.map(|value| value.unwrap_or_default().trim().to_owned()) })
}

/// A value as it would stand in a column.
fn text_of(value: Value) -> Result<String, (&'static str, &'static str)> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        Value::Bool(yes) => Ok(if yes { "yes" } else { "no" }.into()),
        Value::Number(_) => {
            Err(("is a number", "put it in quotes: numbers lose zeros, and some have letters"))
        }
        Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts.map(|texts| texts.join("+")).ok_or(("is no array of texts", "write texts only"))
        }
        Value::Object(_) => Err(("is an object", "write a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::row::Row;

    const GOOD: &str = r#"{"scheme":"uy-rut","identifier":"211000010012","number":"UY-1",
        "types":["AEOC","AEOS"],"roles":"importer","valid_from":"2026-01-01","valid_until":null,
        "consent":true,"publish":"no"}"#;

    fn one_line(text: &str) -> String {
        text.replace('\n', " ")
    }

    #[test]
    fn values_may_be_texts_arrays_and_booleans() {
        let (rows, bad) = parse(&format!("\n{}\n\n", one_line(GOOD)));
        assert_eq!(bad, []);
        assert_eq!(rows[0].line, 2);
        let row = Row::check(&rows[0]).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!((row.terms.types.len(), row.terms.consent), (2, true));
    }

    #[test]
    fn every_wrong_name_and_value_of_a_line_is_told() {
        let text = GOOD.replace("\"211000010012\"", "211000010012").replace("roles", "rolls");
        let text = one_line(&text.replace("\"publish\"", "\"consent\":true,\"publish\""));
        let (rows, bad) = parse(&format!("{text}\n[1]\n{}", one_line(GOOD)));
        assert_eq!((rows.len(), rows[0].line), (1, 3));
        let told: Vec<(u64, &str)> = bad.iter().map(|it| (it.line, it.field.as_str())).collect();
        let expected = [(1, "identifier"), (1, "rolls"), (1, "consent"), (1, "roles"), (2, "")];
        assert_eq!(told, expected, "{bad:?}");
        assert!(bad[1].reason.contains("did you mean \"roles\""), "{bad:?}");
    }
}
