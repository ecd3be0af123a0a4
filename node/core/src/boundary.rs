//! Finding the block at which the log had a given size.

use precinto_storage::{BlockSummary, LedgerView, StorageError};

/// Where a log size stands in a ledger.
pub enum Boundary {
    /// After this block.
    At(BlockSummary),
    /// Beyond the newest block.
    Ahead,
    /// Between the leaves of one block.
    Within,
    /// Below the snapshot that this ledger came by.
    Unknown,
}

/// Finds the block after which the log had `size` leaves: log sizes increase with heights.
///
/// # Errors
/// Those of storage.
pub fn boundary(view: &LedgerView, size: u64) -> Result<Boundary, StorageError> {
    let Some(head) = view.head()? else { return Ok(Boundary::Ahead) };
    if size > head.block.log_size {
        return Ok(Boundary::Ahead);
    }
    let (mut low, mut high) = (0, head.block.height + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match view.summary(middle)? {
            Some(summary) if summary.log_size == size => return Ok(Boundary::At(summary)),
            Some(summary) if summary.log_size > size => high = middle,
            // A ledger that came by snapshot lacks the oldest blocks.
            Some(_) | None => low = middle + 1,
        }
    }
    // `low` is the first block beyond `size`.
    let before = view.summary(low.saturating_sub(1))?;
    Ok(if before.is_some() { Boundary::Within } else { Boundary::Unknown })
}
