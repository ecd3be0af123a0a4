//! The names of the columns of a list.

use super::row::{COLUMNS, OPERATOR, WIDTH};
use crate::cli::suggest;

/// Column of each place of [`super::row::RawRow::values`]; `None` where the list has no such one.
pub type Places = [Option<usize>; WIDTH];

fn all() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain([OPERATOR])
}

/// Place of a column's name among a row's values.
pub fn place(name: &str) -> Option<usize> {
    all().position(|known| known == name)
}

/// Where each column of a list is.
///
/// # Errors
/// Every name that is unknown, missing or there twice.
pub fn places(headings: &[&str]) -> Result<Places, Vec<String>> {
    let mut places = Places::default();
    let mut problems = Vec::new();
    for (at, heading) in headings.iter().enumerate() {
        match place(heading) {
            Some(place) if places[place].is_some() => {
                problems.push(format!("column {heading:?} is there twice"));
            }
            Some(place) => places[place] = Some(at),
            None => problems.push(unknown(heading)),
        }
    }
    for (name, place) in COLUMNS.iter().zip(places) {
        if place.is_none() {
            problems.push(format!("column {name:?} is missing"));
        }
    }
    if problems.is_empty() { Ok(places) } else { Err(problems) }
}

/// What to say about a name that is no column's.
pub fn unknown(name: &str) -> String {
    format!("column {name:?} is unknown: {}", suggest::hint(name, &all().collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_in_any_order() {
        let mut headings = COLUMNS.to_vec();
        headings.reverse();
        let places = places(&headings).unwrap();
        assert_eq!(places[..9], [8, 7, 6, 5, 4, 3, 2, 1, 0].map(Some));
        assert_eq!(places[9], None);
    }

    #[test]
    fn unknown_missing_and_repeated_columns_are_named_at_once() {
        let mut headings = COLUMNS.to_vec();
        headings[0] = "shceme";
        headings[8] = "consent";
        let problems = places(&headings).unwrap_err().join("\n");
        assert!(problems.contains("\"shceme\" is unknown: did you mean \"scheme\"?"), "{problems}");
        assert!(problems.contains("\"scheme\" is missing"), "{problems}");
        assert!(problems.contains("\"consent\" is there twice"), "{problems}");
        assert!(problems.contains("\"publish\" is missing"), "{problems}");
    }
}
