//! Transactions this node accepted and whose end it has not seen yet.
//!
//! Noted both where a transaction was submitted and where it was forwarded to. What is here is sent
//! again whenever the leadership changes, and now and then, until it is executed or expires: so an
//! accepted transaction survives a change of leader. Replay protection makes that harmless; that it
//! is noted once keeps a busy leader from being flooded with what it has already.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use precinto_protocol::{identity::MemberId, transaction::TransactionId};

use crate::mutated::mutated;

/// Accepted and unfinished transactions at most: some ten seconds at the target rate.
pub const MAX_PENDING: usize = 65_536;

/// Expired transactions remembered, so that their status does not turn back to unknown.
const MAX_EXPIRED: usize = 65_536;

/// How long a transaction may be unfinished under one leadership before it is sent again: longer
/// than a full queue takes to be worked off.
const RESEND_AFTER: Duration = Duration::from_secs(10);

/// How long the leader has no room for what it put off (its member's share is used up).
const PUT_OFF: Duration = Duration::from_secs(1);

/// An accepted transaction.
pub struct Accepted {
    /// Its id.
    pub id: TransactionId,
    /// As it is sent on.
    pub bytes: Vec<u8>,
    /// When it expires, in ledger time.
    pub expires_ms: u64,
    /// The author's member.
    pub member: MemberId,
}

struct Entry {
    bytes: Vec<u8>,
    expires_ms: u64,
    member: MemberId,
    /// Sent in the order in which they came: a client may rely on it within a request.
    sequence: u64,
    /// In which Raft term it was sent to the leader, and when.
    sent: Option<(u64, Duration)>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<TransactionId, Entry>,
    by_expiry: BTreeSet<(u64, TransactionId)>,
    /// Unfinished ones by member; there are no more members than the registry has.
    members: BTreeMap<MemberId, usize>,
    unsent: Vec<TransactionId>,
    next_sequence: u64,
    expired: BTreeSet<TransactionId>,
    expired_order: VecDeque<TransactionId>,
}

/// See the module.
#[derive(Default)]
pub struct Pending(Mutex<State>);

/// No room: the client should come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// [`MAX_PENDING`] reached.
    Node,
    /// The member has as many unfinished ones as it may.
    Member,
}

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a broken invariant and ends the process.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an accepted transaction, to be sent with the next [`Pending::take_due`]; a repetition
    /// changes nothing. `at_most` of its member may be unfinished.
    pub fn insert(&self, accepted: Accepted, at_most: usize) -> Result<(), Full> {
        let Accepted { id, bytes, expires_ms, member } = accepted;
        let mut state = self.state();
        if state.entries.contains_key(&id) {
            return Ok(());
        }
        if state.entries.len() >= MAX_PENDING {
            return Err(Full::Node);
        }
        let of_member = state.members.entry(member.clone()).or_default();
        if *of_member >= at_most {
            return Err(Full::Member);
        }
        *of_member += 1;
        state.by_expiry.insert((expires_ms, id));
        state.unsent.push(id);
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        state.entries.insert(id, Entry { bytes, expires_ms, member, sequence, sent: None });
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
    pub fn unfinished(&self) -> usize {
        self.state().entries.len()
    }

    /// A block was executed: these are finished, and those that expire before its time, too.
    /// Returns the expired ones.
    pub fn finish(
        &self,
        executed: impl Iterator<Item = TransactionId>,
        time_ms: u64,
    ) -> Vec<TransactionId> {
        let mut state = self.state();
        for id in executed {
            if let Some(entry) = state.remove(&id) {
                state.by_expiry.remove(&(entry.expires_ms, id));
            }
        }
        let mut expired = Vec::new();
        while let Some(&(expires_ms, id)) = state.by_expiry.first()
            && expires_ms < time_ms
        {
            state.by_expiry.pop_first();
            state.remove(&id);
            state.remember_expired(id);
            expired.push(id);
        }
        expired
    }

    /// A snapshot took the ledger's place, with ledger time `time_ms`. What expires before that may
    /// have been executed or not; what `is_executed` by the snapshot's state has an outcome that this
    /// node does not hold. Of both nothing is known any more. Returns them.
    ///
    /// # Errors
    /// Those of `is_executed`, which gets expiry and id.
    pub fn forget_overtaken<E>(
        &self,
        time_ms: u64,
        is_executed: impl Fn(u64, &TransactionId) -> Result<bool, E>,
    ) -> Result<Vec<TransactionId>, E> {
        let mut state = self.state();
        let mut overtaken = Vec::new();
        for (expires_ms, id) in &state.by_expiry {
            if *expires_ms < time_ms || is_executed(*expires_ms, id)? {
                overtaken.push((*expires_ms, *id));
            }
        }
        for (expires_ms, id) in &overtaken {
            state.by_expiry.remove(&(*expires_ms, *id));
            state.remove(id);
        }
        Ok(overtaken.into_iter().map(|(_, id)| id).collect())
    }

    /// Those that were not sent yet; they count as sent in `term` now.
    pub fn take_unsent(&self, term: u64, now: Duration) -> Vec<(TransactionId, Vec<u8>)> {
        let mut state = self.state();
        let unsent = std::mem::take(&mut state.unsent);
        state.send(unsent, term, now)
    }

    /// Those that were not sent in `term`, or too long ago; they count as sent now.
    pub fn take_due(&self, term: u64, now: Duration) -> Vec<(TransactionId, Vec<u8>)> {
        let mut state = self.state();
        state.unsent.clear();
        let due = |entry: &Entry| {
            entry
                .sent
                .is_none_or(|(sent, at)| sent != term || now.saturating_sub(at) >= RESEND_AFTER)
                && !(mutated("forward-once") && entry.sent.is_some())
        };
        let due = state.entries.iter().filter(|(_, entry)| due(entry)).map(|(id, _)| *id).collect();
        state.send(due, term, now)
    }

    /// These did not get to the leader: they are due at once.
    pub fn unsend(&self, ids: impl IntoIterator<Item = TransactionId>) {
        let mut state = self.state();
        for id in ids {
            if let Some(entry) = state.entries.get_mut(&id)
                && !mutated("forward-once")
            {
                entry.sent = None;
            }
        }
    }

    /// The leader put these off: they are due again after [`PUT_OFF`].
    pub fn put_off(&self, ids: impl IntoIterator<Item = TransactionId>, now: Duration) {
        let early = now.checked_sub(RESEND_AFTER - PUT_OFF);
        let mut state = self.state();
        for id in ids {
            if let Some(Entry { sent: Some((_, at)), .. }) = state.entries.get_mut(&id) {
                *at = early.unwrap_or(*at);
            }
        }
    }
}

impl State {
    fn remove(&mut self, id: &TransactionId) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        if let Some(of_member) = self.members.get_mut(&entry.member) {
            *of_member -= 1;
        }
        Some(entry)
    }

    fn send(
        &mut self,
        ids: Vec<TransactionId>,
        term: u64,
        now: Duration,
    ) -> Vec<(TransactionId, Vec<u8>)> {
        let mut sent = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.sent = Some((term, now));
                sent.push((entry.sequence, id, entry.bytes.clone()));
            }
        }
        sent.sort_unstable_by_key(|(sequence, ..)| *sequence);
        sent.into_iter().map(|(_, id, bytes)| (id, bytes)).collect()
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use precinto_protocol::hash::Hash;

    const NOW: Duration = Duration::ZERO;

    fn id(byte: u8) -> TransactionId {
        TransactionId(Hash([byte; 32]))
    }

    fn insert(pending: &Pending, id: TransactionId, expires_ms: u64) -> Result<(), Full> {
        let bytes = vec![id.0.as_bytes()[0]];
        let accepted = Accepted { id, bytes, expires_ms, member: "uy-dna".into() };
        pending.insert(accepted, MAX_PENDING)
    }

    #[test]
    fn a_member_has_its_share_and_gets_it_back() {
        let pending = Pending::default();
        let accepted = |byte, member: &str| Accepted {
            id: id(byte),
            bytes: vec![],
            expires_ms: 100,
            member: member.into(),
        };
        pending.insert(accepted(1, "br-rfb"), 2).unwrap();
        pending.insert(accepted(2, "br-rfb"), 2).unwrap();
        assert_eq!(pending.insert(accepted(3, "br-rfb"), 2), Err(Full::Member));
        pending.insert(accepted(2, "br-rfb"), 2).unwrap();
        pending.insert(accepted(4, "uy-dna"), 2).unwrap();
        pending.finish([id(1)].into_iter(), 1);
        pending.insert(accepted(3, "br-rfb"), 2).unwrap();
        pending.finish([].into_iter(), 101);
        pending.insert(accepted(5, "br-rfb"), 1).unwrap();
    }

    #[test]
    fn what_was_put_off_is_due_a_second_later() {
        let pending = Pending::default();
        insert(&pending, id(1), 100).unwrap();
        let now = Duration::from_secs(60);
        assert_eq!(pending.take_unsent(5, now).len(), 1);
        pending.put_off([id(1)], now);
        assert!(pending.take_due(5, now).is_empty());
        assert_eq!(pending.take_due(5, now + PUT_OFF).len(), 1);
    }

    #[test]
    fn execution_finishes() {
        let pending = Pending::default();
        insert(&pending, id(1), 100).unwrap();
        pending.finish([id(2)].into_iter(), 50);
        assert!(pending.contains(&id(1)));
        pending.finish([id(1)].into_iter(), 60);
        assert!(!pending.contains(&id(1)) && !pending.is_expired(&id(1)));
    }

    #[test]
    fn ledger_time_beyond_the_expiry_is_final() {
        let pending = Pending::default();
        insert(&pending, id(1), 100).unwrap();
        assert_eq!(pending.finish([].into_iter(), 100), []);
        assert!(pending.contains(&id(1)));
        assert_eq!(pending.finish([].into_iter(), 101), [id(1)]);
        assert!(pending.is_expired(&id(1)));
    }

    #[test]
    fn of_what_a_snapshot_overtook_nothing_is_known() {
        let pending = Pending::default();
        for (byte, expires_ms) in [(1, 90), (2, 200), (3, 200)] {
            insert(&pending, id(byte), expires_ms).unwrap();
        }
        let executed = |_, executed: &TransactionId| Ok::<_, ()>(*executed == id(2));
        assert_eq!(pending.forget_overtaken(100, executed), Ok(vec![id(1), id(2)]));
        for gone in [id(1), id(2)] {
            assert!(!pending.contains(&gone) && !pending.is_expired(&gone));
        }
        assert!(pending.contains(&id(3)));
        assert_eq!(pending.take_due(1, NOW).len(), 1);
    }

    #[test]
    fn a_transaction_is_sent_once_per_leadership() {
        let pending = Pending::default();
        insert(&pending, id(1), 100).unwrap();
        assert_eq!(pending.take_unsent(5, NOW), [(id(1), vec![1])]);
        insert(&pending, id(1), 100).unwrap();
        assert!(pending.take_unsent(5, NOW).is_empty());
        assert!(pending.take_due(5, NOW).is_empty());
        assert_eq!(pending.take_due(6, NOW).len(), 1);
        pending.unsend([id(1), id(2)]);
        assert_eq!(pending.take_due(6, NOW).len(), 1);
        pending.finish([id(1)].into_iter(), 1);
        assert!(pending.take_due(7, NOW).is_empty());
    }

    #[test]
    fn transactions_are_sent_in_the_order_in_which_they_came() {
        let pending = Pending::default();
        for byte in [9, 1, 5] {
            insert(&pending, id(byte), 100).unwrap();
        }
        let order = |sent: Vec<(TransactionId, Vec<u8>)>| -> Vec<u8> {
            sent.into_iter().map(|(_, bytes)| bytes[0]).collect()
        };
        assert_eq!(order(pending.take_unsent(1, NOW)), [9, 1, 5]);
        assert_eq!(order(pending.take_due(2, NOW)), [9, 1, 5]);
    }

    #[test]
    fn the_table_is_bounded_but_a_repetition_is_welcome() {
        let pending = Pending::default();
        for number in 0..MAX_PENDING {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            insert(&pending, TransactionId(Hash(bytes)), 1).unwrap();
        }
        assert_eq!(insert(&pending, id(9), 1), Err(Full::Node));
        assert_eq!(insert(&pending, TransactionId(Hash([0; 32])), 1), Ok(()));
    }
}
