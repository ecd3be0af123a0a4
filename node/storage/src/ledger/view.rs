//! Reading the ledger as of one moment.

use precinto_protocol::hash::Hash;

use super::{BlockSummary, Head, HeadRecord, Position, RecordLogHead, StoredEvent, StoredOutcome};
use crate::{
    engine::{Table, View},
    error::StorageError,
    identity::decode,
    keys::{self, meta},
    pages,
};

/// The most items one call reads, whatever limit it is given: bounds what a request holds in
/// memory. Callers page on from the last item.
pub const MAX_READ_ITEMS: usize = 4096;

/// Key and value of a plain state entry.
pub type StateEntry = (Vec<u8>, Vec<u8>);

/// Plain state entries in key order.
pub type StateEntries<'a> = Box<dyn Iterator<Item = Result<StateEntry, StorageError>> + Send + 'a>;

/// Record logs in key order.
pub type RecordLogs<'a> =
    Box<dyn Iterator<Item = Result<(Vec<u8>, RecordLogHead), StorageError>> + Send + 'a>;

/// The ledger as of one moment. Clones are the same view. Errors are [`StorageError::Corrupt`]
/// and I/O errors throughout; what is not there is `None` or left out.
#[derive(Clone)]
pub struct LedgerView {
    pub(super) view: View,
}

impl LedgerView {
    pub(crate) fn new(view: View) -> LedgerView {
        LedgerView { view }
    }

    pub(crate) fn tables(&self) -> &View {
        &self.view
    }

    /// Where the ledger is; `None` before the genesis.
    pub fn head(&self) -> Result<Option<Head>, StorageError> {
        let Some(bytes) = self.view.get(Table::Meta, meta::HEAD)? else {
            return Ok(None);
        };
        let record: HeadRecord = decode(Table::Meta, meta::HEAD, &bytes)?;
        let block = self.summary(record.height)?.ok_or_else(|| {
            StorageError::corrupt(Table::Meta.name(), meta::HEAD, "the newest block has no summary")
        })?;
        let HeadRecord { applied, frontier, membership, .. } = record;
        Ok(Some(Head { block, applied, frontier, membership }))
    }

    /// The value of a plain state entry.
    pub fn state(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.view.get(Table::State, key)
    }

    /// The values of plain state entries, in the order of `keys`. Cheaper than single reads.
    pub fn state_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.view.get_many(Table::State, keys)
    }

    /// Up to `limit` plain entries whose keys start with `prefix`, in key order, those above
    /// `after` if it is given.
    pub fn state_scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<StateEntry>, StorageError> {
        let lower =
            after.map_or_else(|| prefix.to_vec(), |key| prefix.to_vec().max(keys::after(key)));
        self.view
            .scan(Table::State, lower, keys::after_prefix(prefix))
            .take(limit.min(MAX_READ_ITEMS))
            .collect()
    }

    /// Every plain entry, to build the state tree from.
    pub fn state_entries(&self) -> StateEntries<'_> {
        self.view.scan_all(Table::State)
    }

    /// Length and commitment of a record log.
    pub fn record_log(&self, key: &[u8]) -> Result<Option<RecordLogHead>, StorageError> {
        let bytes = self.view.get(Table::RecordLogs, key)?;
        bytes.map(|bytes| decode(Table::RecordLogs, key, &bytes)).transpose()
    }

    /// Every record log, to build the state tree from.
    pub fn record_logs(&self) -> RecordLogs<'_> {
        Box::new(self.view.scan_all(Table::RecordLogs).map(|pair| {
            let (key, bytes) = pair?;
            let head = decode(Table::RecordLogs, &key, &bytes)?;
            Ok((key, head))
        }))
    }

    /// An entry of a record log.
    pub fn record_log_entry(
        &self,
        key: &[u8],
        index: u64,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        self.view.get(Table::RecordEntries, &keys::record_entry(key, index))
    }

    /// Up to `limit` entries of a record log, from index `first` on.
    pub fn record_log_entries(
        &self,
        key: &[u8],
        first: u64,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StorageError> {
        let lower = keys::record_entry(key, first);
        let upper = keys::after(&keys::record_entry(key, u64::MAX));
        self.view
            .scan(Table::RecordEntries, lower, Some(upper))
            .take(limit.min(MAX_READ_ITEMS))
            .map(|pair| pair.map(|(_, entry)| entry))
            .collect()
    }

    /// The encoded block at `height`.
    pub fn block(&self, height: u64) -> Result<Option<Vec<u8>>, StorageError> {
        self.view.get(Table::Blocks, &keys::number(height))
    }

    /// The summary of the block at `height`.
    pub fn summary(&self, height: u64) -> Result<Option<BlockSummary>, StorageError> {
        let key = keys::number(height);
        let bytes = self.view.get(Table::Summaries, &key)?;
        bytes.map(|bytes| decode(Table::Summaries, &key, &bytes)).transpose()
    }

    /// Up to `limit` summaries, from `height` on.
    pub fn summaries(&self, height: u64, limit: usize) -> Result<Vec<BlockSummary>, StorageError> {
        self.view
            .scan(Table::Summaries, keys::number(height).to_vec(), None)
            .take(limit.min(MAX_READ_ITEMS))
            .map(|pair| {
                let (key, bytes) = pair?;
                decode(Table::Summaries, &key, &bytes)
            })
            .collect()
    }

    /// The log's leaf at `index`.
    pub fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, StorageError> {
        pages::get(&self.view, Table::Leaves, &[], index)
    }

    /// Up to `limit` leaves, from `index` on.
    pub fn leaves(&self, index: u64, limit: usize) -> Result<Vec<Vec<u8>>, StorageError> {
        let limit = limit.min(MAX_READ_ITEMS);
        let items = pages::read(&self.view, Table::Leaves, (&[], index), None, limit)?;
        Ok(items.into_iter().map(|item| item.bytes).collect())
    }

    /// A complete node of the log's tree.
    pub fn log_node(&self, level: u8, index: u64) -> Result<Option<Hash>, StorageError> {
        let Some(bytes) = pages::get(&self.view, Table::LogNodes, &[level], index)? else {
            return Ok(None);
        };
        let hash = bytes.as_slice().try_into().map_err(|_| {
            let key = keys::page(&[level], index);
            StorageError::corrupt(Table::LogNodes.name(), &key, "a hash has 32 bytes")
        })?;
        Ok(Some(Hash(hash)))
    }

    /// The outcome of a transaction.
    pub fn outcome(&self, id: &Hash) -> Result<Option<StoredOutcome>, StorageError> {
        let table = Table::Transactions;
        let Some(bytes) = self.view.get(table, id.as_bytes())? else {
            return Ok(None);
        };
        let corrupt = |reason| StorageError::corrupt(table.name(), id.as_bytes(), reason);
        let (height, index) =
            bytes.split_first_chunk::<8>().ok_or_else(|| corrupt("not a position"))?;
        let index = index.try_into().map_err(|_| corrupt("not a position"))?;
        let position =
            Position { height: u64::from_be_bytes(*height), index: u32::from_be_bytes(index) };
        let item = pages::get(&self.view, Table::Outcomes, height, u64::from(position.index))?;
        let item = item.ok_or_else(|| corrupt("no outcome where the index points"))?;
        let outcome = split_outcome(position, item)?;
        if outcome.id != *id {
            return Err(corrupt("another transaction's outcome where the index points"));
        }
        Ok(Some(outcome))
    }

    /// Up to `limit` outcomes of the block at `height`, from `index` on.
    pub fn outcomes(
        &self,
        height: u64,
        index: u32,
        limit: usize,
    ) -> Result<Vec<StoredOutcome>, StorageError> {
        let prefix = keys::number(height);
        let (from, upper) = ((&prefix[..], u64::from(index)), keys::after_prefix(&prefix));
        let limit = limit.min(MAX_READ_ITEMS);
        pages::read(&self.view, Table::Outcomes, from, upper, limit)?
            .into_iter()
            .map(|item| split_outcome(position(Table::Outcomes, &item)?, item.bytes))
            .collect()
    }

    /// Up to `limit` events from the cursor on, across blocks.
    pub fn events(&self, from: Position, limit: usize) -> Result<Vec<StoredEvent>, StorageError> {
        let prefix = keys::number(from.height);
        let from = (&prefix[..], u64::from(from.index));
        pages::read(&self.view, Table::Events, from, None, limit.min(MAX_READ_ITEMS))?
            .into_iter()
            .map(|item| {
                Ok(StoredEvent { position: position(Table::Events, &item)?, bytes: item.bytes })
            })
            .collect()
    }
}

fn position(table: Table, item: &pages::Item) -> Result<Position, StorageError> {
    let height = keys::parse_number(&item.prefix);
    let index = u32::try_from(item.index).ok();
    match (height, index) {
        (Some(height), Some(index)) => Ok(Position { height, index }),
        _ => Err(StorageError::corrupt(table.name(), &item.prefix, "not a position in a block")),
    }
}

fn split_outcome(position: Position, mut item: Vec<u8>) -> Result<StoredOutcome, StorageError> {
    let Some(id) = item.first_chunk::<32>().copied() else {
        let key = keys::page(&keys::number(position.height), u64::from(position.index));
        return Err(StorageError::corrupt(
            Table::Outcomes.name(),
            &key,
            "an outcome without its id",
        ));
    };
    item.drain(..32);
    Ok(StoredOutcome { id: Hash(id), position, bytes: item })
}
