//! Transactions waiting for a block.

use std::collections::VecDeque;

use precinto_protocol::limits::MAX_BLOCK_ITEMS;

use crate::settings::{BATCH_BYTES, MAX_QUEUED_BYTES, MAX_QUEUED_TRANSACTIONS};

/// First in, first out; bounded in count and bytes.
#[derive(Default)]
pub(crate) struct Queue {
    transactions: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Queue {
    /// Gives the transaction back if the queue is full.
    pub(crate) fn push(&mut self, transaction: Vec<u8>) -> Result<(), Vec<u8>> {
        if self.transactions.len() == MAX_QUEUED_TRANSACTIONS
            || self.bytes + transaction.len() > MAX_QUEUED_BYTES
        {
            return Err(transaction);
        }
        self.bytes += transaction.len();
        self.transactions.push_back(transaction);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.transactions.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether waiting longer would not make the next batch larger.
    pub(crate) fn fills_a_batch(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.transactions.len() >= MAX_BLOCK_ITEMS
    }

    /// The oldest transactions that make a batch: within [`BATCH_BYTES`] unless a single one is
    /// larger, at most [`MAX_BLOCK_ITEMS`].
    pub(crate) fn cut(&mut self) -> Vec<Vec<u8>> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.transactions.front() {
            bytes += next.len();
            if !batch.is_empty() && (bytes > BATCH_BYTES || batch.len() == MAX_BLOCK_ITEMS) {
                break;
            }
            self.bytes -= next.len();
            batch.extend(self.transactions.pop_front());
        }
        batch
    }

    /// Everything, oldest first.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.bytes = 0;
        self.transactions.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_order_and_limits() {
        let mut queue = Queue::default();
        for n in 0..10_u8 {
            queue.push(vec![n; BATCH_BYTES / 4]).expect("room");
        }
        assert!(queue.fills_a_batch());
        let mut cut = Vec::new();
        while !queue.is_empty() {
            let batch = queue.cut();
            assert!(batch.len() <= 4);
            cut.extend(batch.into_iter().map(|transaction| transaction[0]));
        }
        assert_eq!(cut, (0..10).collect::<Vec<_>>());
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn many_small_ones_are_limited_by_count() {
        let mut queue = Queue::default();
        for _ in 0..MAX_BLOCK_ITEMS + 1 {
            queue.push(vec![0]).expect("room");
        }
        assert_eq!(queue.cut().len(), MAX_BLOCK_ITEMS);
        assert_eq!(queue.cut().len(), 1);
    }

    #[test]
    fn a_full_queue_gives_the_transaction_back() {
        let mut queue = Queue::default();
        queue.push(vec![0; MAX_QUEUED_BYTES]).expect("room");
        assert_eq!(queue.push(vec![7]), Err(vec![7]));
        assert_eq!(queue.cut().len(), 1);
        assert_eq!(queue.push(vec![7]), Ok(()));
    }
}
