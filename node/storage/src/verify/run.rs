//! Walking tables beside what is expected of them.

use std::{collections::VecDeque, iter::Peekable};

use super::{Findings, Problem};
use crate::{
    engine::{Row, Rows, Table, View},
    error::StorageError,
    keys, pages,
};

/// What stands at an expected place.
pub(super) enum At<T> {
    /// This.
    There(T),
    /// Something that cannot be read; told by the check of values.
    Unreadable,
    /// Nothing.
    Absent,
}

/// A table whose keys are heights or Raft indices, walked upwards. What was not asked for is
/// surplus.
pub(super) struct Numbered<'a> {
    table: Table,
    rows: Peekable<Rows<'a>>,
}

impl<'a> Numbered<'a> {
    pub(super) fn new(view: &'a View, table: Table) -> Numbered<'a> {
        Numbered { table, rows: view.rows(table, Vec::new(), None).peekable() }
    }

    pub(super) fn at(
        &mut self,
        number: u64,
        found: &mut Findings,
    ) -> Result<At<Vec<u8>>, StorageError> {
        let key = keys::number(number);
        self.surplus_below(Some(&key), found)?;
        if !matches!(self.rows.peek(), Some(Ok(row)) if row.key == key) {
            return Ok(At::Absent);
        }
        match self.rows.next().transpose()? {
            Some(Row { body: Ok(body), .. }) => Ok(At::There(body)),
            _ => Ok(At::Unreadable),
        }
    }

    /// Whatever is left is surplus.
    pub(super) fn finish(mut self, found: &mut Findings) -> Result<(), StorageError> {
        self.surplus_below(None, found)
    }

    fn surplus_below(
        &mut self,
        key: Option<&[u8]>,
        found: &mut Findings,
    ) -> Result<(), StorageError> {
        let below = |row: &Result<Row, StorageError>| match (row, key) {
            (Ok(row), Some(key)) => row.key.as_slice() < key,
            _ => true,
        };
        while let Some(row) = self.rows.next_if(below) {
            found.add(Problem::Surplus, self.table, &row?.key, "nothing refers to it");
        }
        Ok(())
    }
}

/// A run of pages, walked upwards item by item. What was not asked for is surplus.
pub(super) struct Run<'a> {
    table: Table,
    rows: Rows<'a>,
    /// Items of the page being read, with their keys as if each were a page of its own.
    items: VecDeque<(Vec<u8>, Vec<u8>)>,
    /// A page that cannot be read was passed, and no item since: what is absent may be in it.
    unreadable: bool,
    /// Items handed out.
    pub(super) count: u64,
}

impl<'a> Run<'a> {
    /// The run of the keys that start with `prefix`.
    pub(super) fn new(view: &'a View, table: Table, prefix: &[u8]) -> Run<'a> {
        let rows = view.rows(table, prefix.to_vec(), keys::after_prefix(prefix));
        Run { table, rows, items: VecDeque::new(), unreadable: false, count: 0 }
    }

    /// The item at `index` of the run `prefix`.
    pub(super) fn at(
        &mut self,
        prefix: &[u8],
        index: u64,
        found: &mut Findings,
    ) -> Result<At<Vec<u8>>, StorageError> {
        let key = keys::page(prefix, index);
        while self.fill(found)? {
            match self.items.front() {
                Some((front, _)) if *front < key => self.drop_surplus(found),
                Some((front, _)) if *front == key => {
                    let (_, item) = self.items.pop_front().expect("it was just looked at");
                    self.unreadable = false;
                    self.count += 1;
                    return Ok(At::There(item));
                }
                _ => break,
            }
        }
        Ok(if self.unreadable { At::Unreadable } else { At::Absent })
    }

    /// Passes by the items of `prefix`, whose number is not known.
    pub(super) fn skip(&mut self, prefix: &[u8], found: &mut Findings) -> Result<(), StorageError> {
        while self.fill(found)? {
            match self.items.front() {
                Some((front, _)) if front.starts_with(prefix) => drop(self.items.pop_front()),
                Some((front, _)) if front.as_slice() < prefix => self.drop_surplus(found),
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Whatever is left is surplus.
    pub(super) fn finish(mut self, found: &mut Findings) -> Result<(), StorageError> {
        while self.fill(found)? {
            self.drop_surplus(found);
        }
        Ok(())
    }

    fn drop_surplus(&mut self, found: &mut Findings) {
        if let Some((key, _)) = self.items.pop_front() {
            self.unreadable = false;
            found.add(Problem::Surplus, self.table, &key, "nothing refers to it");
        }
    }

    /// Whether there is an item to look at.
    fn fill(&mut self, found: &mut Findings) -> Result<bool, StorageError> {
        while self.items.is_empty() {
            let Some(row) = self.rows.next().transpose()? else { return Ok(false) };
            let Some((prefix, first)) = keys::parse_page(&row.key) else {
                found.add(Problem::BadKey, self.table, &row.key, "not a page's key");
                continue;
            };
            let page = row.body.map(|page| pages::decode(self.table, &row.key, &page));
            match page {
                Ok(Ok(items)) => {
                    let keys = (first..).map(|index| keys::page(prefix, index));
                    self.items.extend(keys.zip(items));
                }
                Ok(Err(_)) => {
                    found.add(Problem::Undecodable, self.table, &row.key, "not a page of items");
                    self.unreadable = true;
                }
                Err(_) => self.unreadable = true,
            }
        }
        Ok(true)
    }
}
