//! What a list says that the ledger does not.

use std::collections::{BTreeMap, BTreeSet};

use precinto_protocol::{
    aeo::{Date, Standing},
    hash::Hash,
};
use serde::Serialize;

use super::row::{ListedTerms, Row};

/// An authorization of the member as it stands on the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The operator's lookup tag.
    pub operator: Hash,
    /// First day of validity.
    pub valid_from: Date,
    /// What is granted.
    pub terms: ListedTerms,
    /// Commitment of the private record, which no list has.
    pub record: Option<String>,
    /// How it stands.
    pub standing: Standing,
}

/// The member's authorizations by number.
pub type Ledger = BTreeMap<String, Recorded>;

/// What a row means for the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// To be granted.
    New,
    /// On the ledger as it is in the list.
    Unchanged,
    /// To be amended: these fields differ.
    Amend(Vec<Change>),
    /// Cannot be done: why, and what to do.
    Conflict {
        /// Why.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
}

/// A field that differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// The column.
    pub field: &'static str,
    /// On the ledger.
    pub from: String,
    /// In the list.
    pub to: String,
}

impl Verdict {
    fn conflict(reason: impl Into<String>, hint: &'static str) -> Verdict {
        Verdict::Conflict { reason: reason.into(), hint }
    }

    /// What a row means, `tag` being the lookup tag of its identifier.
    pub fn of(row: &Row, tag: Option<Hash>, ledger: &Ledger) -> Verdict {
        let operator = match (tag, row.operator) {
            (Some(tag), Some(written)) if tag != written => {
                let hint = "correct one of the two, or leave the operator column empty";
                return Verdict::conflict("identifier and operator belong to different ones", hint);
            }
            (tag, written) => tag.or(written),
        };
        let Some(recorded) = ledger.get(&row.number) else {
            if row.identifier.is_some() {
                return Verdict::New;
            }
            let hint = "add scheme and identifier: a lookup tag alone cannot be granted anything";
            return Verdict::conflict("not on the ledger", hint);
        };
        if operator != Some(recorded.operator) {
            let hint = "a number is used once: choose another";
            return Verdict::conflict("another operator has this number", hint);
        }
        Self::of_known(row, recorded)
    }

    fn of_known(row: &Row, recorded: &Recorded) -> Verdict {
        let changes = changes(&row.terms, &recorded.terms);
        let begins_otherwise = row.valid_from != recorded.valid_from;
        match recorded.standing {
            Standing::Revoked | Standing::Withdrawn | Standing::Annulled => {
                let hint = "what ended never begins again: grant it under a new number";
                Verdict::conflict(format!("it is {}", recorded.standing), hint)
            }
            _ if begins_otherwise => {
                let reason = format!("its first day is {}", recorded.valid_from);
                let hint = "the first day cannot be amended: correct the list, or annul the \
                            authorization and grant it under a new number";
                Verdict::conflict(reason, hint)
            }
            _ if changes.is_empty() => Verdict::Unchanged,
            Standing::Expired => {
                let hint = "what expired cannot be amended: grant it under a new number";
                Verdict::conflict("it is expired", hint)
            }
            _ if row.identifier.is_none() => {
                let hint = "add scheme and identifier to amend it";
                Verdict::conflict(format!("{} differs", fields(&changes)), hint)
            }
            _ => Verdict::Amend(changes),
        }
    }
}

/// The names of the fields that differ.
pub fn fields(changes: &[Change]) -> String {
    changes.iter().map(|change| change.field).collect::<Vec<_>>().join(", ")
}

fn changes(listed: &ListedTerms, recorded: &ListedTerms) -> Vec<Change> {
    let [listed, recorded] = [listed, recorded].map(texts);
    let pairs = recorded.into_iter().zip(listed);
    let differ = pairs.filter(|((_, from), (_, to))| from != to);
    differ.map(|((field, from), (_, to))| Change { field, from, to }).collect()
}

/// The terms as a list writes them, by column.
pub fn texts(terms: &ListedTerms) -> [(&'static str, String); 5] {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    [
        ("types", joined(&terms.types)),
        ("roles", joined(&terms.roles)),
        ("valid_until", terms.valid_until.map(|date| date.to_string()).unwrap_or_default()),
        ("consent", yes(terms.consent)),
        ("publish", yes(terms.publish)),
    ]
}

fn joined<T: ToString>(names: &[T]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

/// Numbers of authorizations that go on, and that the list does not have.
pub fn missing<'a>(rows: &[Row], ledger: &'a Ledger) -> Vec<&'a str> {
    let listed: BTreeSet<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    let goes_on = |recorded: &Recorded| {
        matches!(recorded.standing, Standing::NotYetValid | Standing::Valid | Standing::Suspended)
    };
    let missing = ledger
        .iter()
        .filter(|(number, recorded)| goes_on(recorded) && !listed.contains(number.as_str()));
    missing.map(|(number, _)| number.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::row::tests::{GOOD, raw};

    const TAG: Hash = Hash([7; 32]);

    fn row() -> Row {
        Row::check(&raw(2, GOOD)).unwrap()
    }

    fn recorded(row: &Row, standing: Standing) -> Recorded {
        let (terms, valid_from) = (row.terms.clone(), row.valid_from);
        Recorded { operator: TAG, valid_from, terms, record: None, standing }
    }

    fn verdict(row: &Row, recorded: Recorded) -> Verdict {
        Verdict::of(row, Some(TAG), &Ledger::from([(row.number.clone(), recorded)]))
    }

    #[test]
    fn a_number_that_nobody_has_is_new_and_the_same_terms_are_unchanged() {
        let row = row();
        assert_eq!(Verdict::of(&row, Some(TAG), &Ledger::new()), Verdict::New);
        for standing in
            [Standing::NotYetValid, Standing::Valid, Standing::Suspended, Standing::Expired]
        {
            assert_eq!(verdict(&row, recorded(&row, standing)), Verdict::Unchanged);
        }
    }

    #[test]
    fn other_terms_are_amended_with_every_field_that_differs() {
        let row = row();
        let mut there = recorded(&row, Standing::Suspended);
        there.terms.types.remove(0);
        there.terms.valid_until = Date::parse("2027-01-01");
        there.terms.publish = true;
        let Verdict::Amend(changes) = verdict(&row, there) else { panic!("not amended") };
        assert_eq!(fields(&changes), "types, valid_until, publish");
        assert_eq!((changes[0].from.as_str(), changes[0].to.as_str()), ("AEOS", "AEOC+AEOS"));
        assert_eq!((changes[1].from.as_str(), changes[1].to.as_str()), ("2027-01-01", ""));
    }

    #[test]
    fn what_cannot_be_done_is_a_conflict() {
        let reason = |row: &Row, recorded: Recorded| match verdict(row, recorded) {
            Verdict::Conflict { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        let mut row = row();
        let there = |standing| recorded(&row, standing);
        let (valid, revoked, expired) =
            (there(Standing::Valid), there(Standing::Revoked), there(Standing::Expired));
        assert_eq!(reason(&row, revoked), "it is revoked");
        let other = Recorded { operator: Hash([8; 32]), ..valid.clone() };
        assert_eq!(reason(&row, other), "another operator has this number");
        let earlier = Recorded { valid_from: Date(0), ..valid.clone() };
        assert_eq!(reason(&row, earlier), "its first day is 1970-01-01");
        row.terms.consent = false;
        assert_eq!(reason(&row, expired), "it is expired");
        row.operator = Some(Hash([9; 32]));
        assert!(reason(&row, valid).contains("different"));
    }

    #[test]
    fn a_row_with_a_lookup_tag_alone_is_compared_and_never_written() {
        let mut row = row();
        (row.identifier, row.operator) = (None, Some(TAG));
        let there = recorded(&row, Standing::Valid);
        let ledger = Ledger::from([(row.number.clone(), there)]);
        assert_eq!(Verdict::of(&row, None, &ledger), Verdict::Unchanged);
        assert!(matches!(Verdict::of(&row, None, &Ledger::new()), Verdict::Conflict { .. }));
        row.terms.consent = false;
        assert!(matches!(Verdict::of(&row, None, &ledger), Verdict::Conflict { .. }));
    }

    #[test]
    fn only_what_goes_on_is_missed() {
        let row = row();
        let ledger = Ledger::from([
            ("A".to_owned(), recorded(&row, Standing::Valid)),
            ("B".to_owned(), recorded(&row, Standing::Revoked)),
            (row.number.clone(), recorded(&row, Standing::Valid)),
        ]);
        assert_eq!(missing(&[row], &ledger), ["A"]);
    }
}
