//! Transactions this node accepted and whose end it has not seen yet.
//!
//! What is here is sent to the leader again until it is executed or expires, so an accepted
//! transaction survives a change of leader; replay protection makes that harmless.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use precinto_protocol::transaction::TransactionId;
use tokio::sync::oneshot;

/// Accepted and unfinished transactions at most: some ten seconds at the target rate.
pub const MAX_PENDING: usize = 65_536;

/// Waiters at most, over all transactions.
const MAX_WAITERS: usize = 65_536;

/// Expired transactions remembered, so that their status does not turn back to unknown.
const MAX_EXPIRED: usize = 65_536;

/// How long a transaction may be unfinished before it is sent again.
const RESEND_AFTER: Duration = Duration::from_secs(1);

struct Entry {
    bytes: Vec<u8>,
    expires_ms: u64,
    sent: Instant,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<TransactionId, Entry>,
    by_expiry: BTreeSet<(u64, TransactionId)>,
    waiters: BTreeMap<TransactionId, Vec<oneshot::Sender<()>>>,
    waiter_count: usize,
    expired: BTreeSet<TransactionId>,
    expired_order: VecDeque<TransactionId>,
}

/// See the module.
#[derive(Default)]
pub struct Pending(Mutex<State>);

/// [`MAX_PENDING`] reached: the client should come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a broken invariant and ends the process.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an accepted transaction; a repetition changes nothing.
    pub fn insert(&self, id: TransactionId, bytes: Vec<u8>, expires_ms: u64) -> Result<(), Full> {
        let mut state = self.state();
        if state.entries.len() >= MAX_PENDING && !state.entries.contains_key(&id) {
            return Err(Full);
        }
        state.by_expiry.insert((expires_ms, id));
        let entry = Entry { bytes, expires_ms, sent: Instant::now() };
        state.entries.entry(id).or_insert(entry);
        Ok(())
    }

    /// Whether the transaction is unfinished.
    pub fn contains(&self, id: &TransactionId) -> bool {
        self.state().entries.contains_key(id)
    }

    /// Whether the transaction is known to have expired.
    pub fn is_expired(&self, id: &TransactionId) -> bool {
        self.state().expired.contains(id)
    }

    /// How many are unfinished.
    pub fn len(&self) -> usize {
        self.state().entries.len()
    }

    /// Completes when the transaction is finished. Subscribe first, then look up its status.
    pub fn wait(&self, id: TransactionId) -> Result<oneshot::Receiver<()>, Full> {
        let mut state = self.state();
        if state.waiter_count >= MAX_WAITERS {
            return Err(Full);
        }
        state.waiter_count += 1;
        let (sender, receiver) = oneshot::channel();
        state.waiters.entry(id).or_default().push(sender);
        Ok(receiver)
    }

    /// A block was executed: these are finished, and those that expire before its time, too.
    pub fn finish(&self, executed: impl Iterator<Item = TransactionId>, time_ms: u64) {
        let mut state = self.state();
        for id in executed {
            if let Some(entry) = state.entries.remove(&id) {
                state.by_expiry.remove(&(entry.expires_ms, id));
            }
            state.wake(&id);
        }
        while let Some(&(expires_ms, id)) = state.by_expiry.first()
            && expires_ms < time_ms
        {
            state.by_expiry.pop_first();
            state.entries.remove(&id);
            state.remember_expired(id);
            state.wake(&id);
        }
    }

    /// Those that were sent too long ago; they count as sent now. Called now and then, it also
    /// drops the waiters whose clients went away.
    pub fn overdue(&self) -> Vec<Vec<u8>> {
        let now = Instant::now();
        let mut state = self.state();
        state.forget_abandoned();
        let overdue = state.entries.values_mut().filter(|e| now - e.sent >= RESEND_AFTER);
        overdue
            .map(|entry| {
                entry.sent = now;
                entry.bytes.clone()
            })
            .collect()
    }
}

impl State {
    fn wake(&mut self, id: &TransactionId) {
        for waiter in self.waiters.remove(id).unwrap_or_default() {
            self.waiter_count -= 1;
            // Nobody listens any more: fine.
            let _ = waiter.send(());
        }
    }

    fn remember_expired(&mut self, id: TransactionId) {
        if self.expired.insert(id) {
            self.expired_order.push_back(id);
        }
        if self.expired_order.len() > MAX_EXPIRED
            && let Some(oldest) = self.expired_order.pop_front()
        {
            self.expired.remove(&oldest);
        }
    }

    fn forget_abandoned(&mut self) {
        let State { waiters, waiter_count, .. } = self;
        waiters.retain(|_, list| {
            let before = list.len();
            list.retain(|waiter| !waiter.is_closed());
            *waiter_count -= before - list.len();
            !list.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use precinto_protocol::hash::Hash;

    fn id(byte: u8) -> TransactionId {
        TransactionId(Hash([byte; 32]))
    }

    #[test]
    fn execution_finishes_and_wakes() {
        let pending = Pending::default();
        pending.insert(id(1), vec![1], 100).unwrap();
        let mut waiter = pending.wait(id(1)).unwrap();
        pending.finish([id(2)].into_iter(), 50);
        assert!(waiter.try_recv().is_err());
        pending.finish([id(1)].into_iter(), 60);
        assert!(waiter.try_recv().is_ok());
        assert!(!pending.contains(&id(1)) && !pending.is_expired(&id(1)));
    }

    #[test]
    fn ledger_time_beyond_the_expiry_is_final() {
        let pending = Pending::default();
        pending.insert(id(1), vec![1], 100).unwrap();
        pending.finish([].into_iter(), 100);
        assert!(pending.contains(&id(1)));
        pending.finish([].into_iter(), 101);
        assert!(pending.is_expired(&id(1)));
    }

    #[test]
    fn the_table_is_bounded_but_a_repetition_is_welcome() {
        let pending = Pending::default();
        for number in 0..MAX_PENDING {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            pending.insert(TransactionId(Hash(bytes)), vec![], 1).unwrap();
        }
        assert_eq!(pending.insert(id(9), vec![], 1), Err(Full));
        assert_eq!(pending.insert(TransactionId(Hash([0; 32])), vec![], 1), Ok(()));
    }
}
