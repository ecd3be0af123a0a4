//! Clients that wait for a transaction to finish.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use precinto_protocol::transaction::TransactionId;
use tokio::sync::oneshot;

/// Waiters at most, over all transactions.
const MAX_WAITERS: usize = 65_536;

/// Too many clients wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

#[derive(Default)]
struct State {
    waiters: BTreeMap<TransactionId, Vec<oneshot::Sender<()>>>,
    count: usize,
}

/// See the module.
#[derive(Default)]
pub(super) struct Waiters(Mutex<State>);

impl Waiters {
    /// Completes when the transaction is finished. Subscribe first, then look up its status.
    pub(super) fn wait(&self, id: TransactionId) -> Result<oneshot::Receiver<()>, TooMany> {
        let mut state = self.state();
        if state.count >= MAX_WAITERS {
            return Err(TooMany);
        }
        state.count += 1;
        let (sender, receiver) = oneshot::channel();
        state.waiters.entry(id).or_default().push(sender);
        Ok(receiver)
    }

    /// These are finished.
    pub(super) fn wake(&self, ids: impl IntoIterator<Item = TransactionId>) {
        let mut state = self.state();
        for id in ids {
            for waiter in state.waiters.remove(&id).unwrap_or_default() {
                state.count -= 1;
                // Nobody listens any more: fine.
                let _ = waiter.send(());
            }
        }
    }

    /// Drops the waiters whose clients went away.
    pub(super) fn forget_abandoned(&self) {
        let mut state = self.state();
        let State { waiters, count } = &mut *state;
        waiters.retain(|_, list| {
            let before = list.len();
            list.retain(|waiter| !waiter.is_closed());
            *count -= before - list.len();
            !list.is_empty()
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a broken invariant and ends the process.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use precinto_protocol::hash::Hash;

    use super::*;

    const ID: TransactionId = TransactionId(Hash([1; 32]));
    const OTHER: TransactionId = TransactionId(Hash([2; 32]));

    #[test]
    fn all_who_wait_for_it_are_woken_and_nobody_else() {
        let waiters = Waiters::default();
        let mut both = [waiters.wait(ID).unwrap(), waiters.wait(ID).unwrap()];
        let mut other = waiters.wait(OTHER).unwrap();
        waiters.wake([ID]);
        assert!(both.iter_mut().all(|waiter| waiter.try_recv().is_ok()));
        assert!(other.try_recv().is_err());
    }

    #[test]
    fn they_are_bounded_and_make_room_when_they_leave() {
        let waiters = Waiters::default();
        let waiting: Vec<_> = (0..MAX_WAITERS).map(|_| waiters.wait(ID).unwrap()).collect();
        assert_eq!(waiters.wait(OTHER).err(), Some(TooMany));
        drop(waiting);
        waiters.forget_abandoned();
        waiters.wait(OTHER).unwrap();
    }
}
