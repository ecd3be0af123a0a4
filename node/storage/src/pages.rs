//! Runs of consecutive items, stored as pages.
//!
//! A put costs about 3 us whatever its size, and a block appends hundreds of leaves, node hashes,
//! outcomes and events to the end of their sequences. So consecutive items share a value: a page,
//! keyed by the run's prefix and the index of its first item. A page is written once and never
//! touched again; the page of an item is the one with the greatest key not above the item's.
//!
//! A page is a CBOR sequence (RFC 8742) of byte strings.

use minicbor::{Decoder, Encoder};

use crate::{
    engine::{Batch, Table, View},
    error::StorageError,
    keys,
};

/// A page is closed once it holds this much. Reading an item costs reading and checking its page
/// (about 1 us per 2 KiB), writing one costs a put: here neither is felt.
const PAGE_BYTES: usize = 2 * 1024;

/// An item with the prefix of its run and its index there.
pub(crate) struct Item {
    pub(crate) prefix: Vec<u8>,
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Appends `items` to the run `prefix`, from index `first` on.
pub(crate) fn put<T: AsRef<[u8]>>(
    batch: &mut Batch,
    table: Table,
    prefix: &[u8],
    first: u64,
    items: &[T],
) {
    let mut page = Vec::new();
    let mut page_first = first;
    for (index, item) in (first..).zip(items) {
        if page.len() >= PAGE_BYTES {
            batch.put(table, keys::page(prefix, page_first), &page);
            page.clear();
            page_first = index;
        }
        let written = Encoder::new(&mut page).bytes(item.as_ref()).is_ok();
        assert!(written, "encoding into a vector does not fail");
    }
    if !page.is_empty() {
        batch.put(table, keys::page(prefix, page_first), &page);
    }
}

/// The item at `index` of the run `prefix`.
pub(crate) fn get(
    view: &View,
    table: Table,
    prefix: &[u8],
    index: u64,
) -> Result<Option<Vec<u8>>, StorageError> {
    let Some((key, page)) = view.floor(table, &keys::page(prefix, index))? else {
        return Ok(None);
    };
    let (page_prefix, first) = parse_key(table, &key)?;
    if page_prefix != prefix {
        return Ok(None);
    }
    for (at, bytes) in (first..).zip(items(table, &key, &page)) {
        let bytes = bytes?;
        if at == index {
            return Ok(Some(bytes.to_vec()));
        }
    }
    Ok(None)
}

/// Up to `limit` items from `index` of the run `prefix` on, through the runs that follow, to
/// before the key `upper` (or the table's end).
pub(crate) fn read(
    view: &View,
    table: Table,
    from: (&[u8], u64),
    upper: Option<Vec<u8>>,
    limit: usize,
) -> Result<Vec<Item>, StorageError> {
    let start = keys::page(from.0, from.1);
    // The page that holds the first item starts at or before it.
    let lower = match view.floor(table, &start)? {
        Some((key, _)) if parse_key(table, &key)?.0 == from.0 => key,
        _ => start,
    };
    let mut found = Vec::new();
    for pair in view.scan(table, lower, upper) {
        let (key, page) = pair?;
        let (prefix, first) = parse_key(table, &key)?;
        for (index, bytes) in (first..).zip(items(table, &key, &page)) {
            if found.len() == limit {
                return Ok(found);
            }
            let bytes = bytes?;
            if prefix != from.0 || index >= from.1 {
                found.push(Item { prefix: prefix.to_vec(), index, bytes: bytes.to_vec() });
            }
        }
    }
    Ok(found)
}

/// All items of a page.
pub(crate) fn decode(table: Table, key: &[u8], page: &[u8]) -> Result<Vec<Vec<u8>>, StorageError> {
    items(table, key, page).map(|item| item.map(<[u8]>::to_vec)).collect()
}

fn parse_key(table: Table, key: &[u8]) -> Result<(&[u8], u64), StorageError> {
    keys::parse_page(key)
        .ok_or_else(|| StorageError::corrupt(table.name(), key, "not a page's key"))
}

fn items<'a>(
    table: Table,
    key: &'a [u8],
    page: &'a [u8],
) -> impl Iterator<Item = Result<&'a [u8], StorageError>> {
    let mut decoder = Decoder::new(page);
    std::iter::from_fn(move || {
        (decoder.position() < page.len()).then(|| {
            decoder.bytes().map_err(|_| {
                // Nothing after an undecodable item can be found.
                decoder.set_position(page.len());
                StorageError::corrupt(table.name(), key, "not a page of byte strings")
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Durability, Store},
        memory::MemoryDisk,
    };
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_item_is_found_at_its_index(
            sizes in prop::collection::vec(prop_oneof![0usize..40, 3000usize..9000], 0..40),
            runs in prop::collection::vec(1usize..12, 1..8),
            limit in 1usize..30,
        ) {
            let all: Vec<Vec<u8>> =
                sizes.iter().enumerate().map(|(i, size)| vec![i as u8; *size]).collect();
            let store = Store::new(MemoryDisk::new());
            let mut batch = Batch::default();
            let mut first = 0;
            for run in runs.iter().cycle().take_while(|_| !all.is_empty()) {
                if first == all.len() {
                    break;
                }
                let end = (first + run).min(all.len());
                put(&mut batch, Table::Leaves, &[7], first as u64, &all[first..end]);
                first = end;
            }
            put(&mut batch, Table::Leaves, &[9], 0, &[b"of another run"]);
            store.write(batch, Durability::Buffered).unwrap();
            let view = store.view();
            for index in 0..all.len() + 3 {
                let item = get(&view, Table::Leaves, &[7], index as u64).unwrap();
                prop_assert_eq!(item.as_ref(), all.get(index), "index {}", index);
                let from = (&[7][..], index as u64);
                let some = read(&view, Table::Leaves, from, Some(vec![8]), limit).unwrap();
                let expected = all.iter().skip(index).take(limit);
                prop_assert!(some.iter().map(|item| &item.bytes).eq(expected));
                prop_assert!(some.iter().map(|item| item.index).eq((index as u64..).take(some.len())));
            }
            prop_assert!(get(&view, Table::Leaves, &[8], 0).unwrap().is_none());
        }
    }
}
