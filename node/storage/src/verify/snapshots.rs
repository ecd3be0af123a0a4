//! The newest snapshot kept for peers.

use super::{Findings, Problem};
use crate::{
    channel::ChannelDirectory, engine::Table, error::StorageError, snapshot::SnapshotFiles,
};

/// Reads every chunk; gives their number.
pub(super) fn check(
    directory: &ChannelDirectory,
    found: &mut Findings,
) -> Result<u64, StorageError> {
    let mut rows = 0;
    let read = (|| {
        let Some(files) = SnapshotFiles::open_newest(&directory.snapshots())? else {
            return Ok(());
        };
        while files.chunk(rows)?.is_some() {
            rows += 1;
        }
        Ok(())
    })();
    match read {
        Err(error @ StorageError::BadSnapshot(_)) => {
            // No table of a store: the nearest name is that of what snapshots are made of.
            found.add_store(Problem::SnapshotDamaged, Table::State, "snapshots", error);
        }
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    Ok(rows as u64)
}
