//! Each member's share of what this node takes in: transactions and bytes per second.
//!
//! Every node keeps its own count, outside of what is executed: the node that answers a client, and
//! the leader again for what others forward, so that a member that floods, even through a node that
//! does not count, slows nobody else down. The shares are channel parameters.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use precinto_execution::{Registry, ViewError};
use precinto_protocol::{identity::MemberId, registry::parameter};

/// Transactions per second where the parameter does not say: above what two cores order in all
/// (some 6,000), so that a share is felt only where a network sets one.
const DEFAULT_TRANSACTIONS: u64 = 20_000;

/// Bytes per second where the parameter does not say: the same transactions at a kilobyte and a half.
const DEFAULT_BYTES: u64 = 32 * 1024 * 1024;

/// Unfinished transactions where the parameter does not say: half of what a node notes in all, so
/// that no member fills it alone.
const DEFAULT_PENDING: u64 = super::pending::MAX_PENDING as u64 / 2;

/// A member may send at once what its share is in this many seconds. Two: forwarded transactions
/// arrive at the leader in bursts of up to a second after they were counted by who forwards them.
const BURST_SECONDS: f64 = 2.0;

/// Shares of one member, from the channel's parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    transactions: u64,
    bytes: u64,
    /// Transactions of one member that may be unfinished at this node.
    pub(super) pending: usize,
}

impl Shares {
    /// Those in force.
    pub(super) fn read(registry: &Registry<'_>) -> Result<Shares, ViewError> {
        let read = |name, default| Ok(registry.parameter(name)?.unwrap_or(default));
        let pending = read(parameter::MEMBER_PENDING_MAX, DEFAULT_PENDING)?;
        Ok(Shares {
            transactions: read(parameter::MEMBER_TX_PER_SECOND, DEFAULT_TRANSACTIONS)?,
            bytes: read(parameter::MEMBER_BYTES_PER_SECOND, DEFAULT_BYTES)?,
            pending: usize::try_from(pending).unwrap_or(usize::MAX),
        })
    }
}

/// What a member may still send: token buckets, filled by time.
struct Balance {
    transactions: f64,
    bytes: f64,
    at: Instant,
}

impl Balance {
    fn full(shares: &Shares, now: Instant) -> Balance {
        let mut balance = Balance { transactions: 0.0, bytes: 0.0, at: now };
        balance.fill(shares, BURST_SECONDS);
        balance
    }

    fn fill(&mut self, shares: &Shares, seconds: f64) {
        let filled = |balance: f64, share: u64| {
            (balance + share as f64 * seconds).min(share as f64 * BURST_SECONDS)
        };
        self.transactions = filled(self.transactions, shares.transactions);
        self.bytes = filled(self.bytes, shares.bytes);
    }

    /// One more may be taken. The last may cost more than is left, so that a large one is not
    /// refused for ever; the debt is paid by time.
    fn allows(&self) -> bool {
        self.transactions >= 1.0 && self.bytes > 0.0
    }
}

/// The balances of all members; there are no more than the registry has.
#[derive(Default)]
pub(super) struct Budgets(Mutex<BTreeMap<MemberId, Balance>>);

impl Budgets {
    /// Whether `member` may send now. Costs nothing: asked before a signature is checked.
    pub(super) fn allows(&self, member: &str, shares: &Shares, now: Instant) -> bool {
        self.with(member, shares, now, |balance| balance.allows())
    }

    /// Charges `member` for an admitted transaction; `false` if it has used up its share.
    pub(super) fn charge(&self, member: &str, shares: &Shares, bytes: usize, now: Instant) -> bool {
        self.with(member, shares, now, |balance| {
            let allowed = balance.allows();
            if allowed {
                balance.transactions -= 1.0;
                balance.bytes -= bytes as f64;
            }
            allowed
        })
    }

    fn with<T>(
        &self,
        member: &str,
        shares: &Shares,
        now: Instant,
        act: impl FnOnce(&mut Balance) -> T,
    ) -> T {
        let mut balances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !balances.contains_key(member) {
            balances.insert(member.to_owned(), Balance::full(shares, now));
        }
        let balance = balances.get_mut(member).expect("it was put there");
        balance.fill(shares, now.saturating_duration_since(balance.at).as_secs_f64());
        balance.at = now;
        act(balance)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SHARES: Shares = Shares { transactions: 10, bytes: 10_000, pending: 5 };

    fn taken(budgets: &Budgets, member: &str, bytes: usize, now: Instant) -> usize {
        (0..1_000).take_while(|_| budgets.charge(member, &SHARES, bytes, now)).count()
    }

    #[test]
    fn a_burst_is_taken_then_the_share_and_another_member_is_free() {
        let (budgets, now) = (Budgets::default(), Instant::now());
        assert_eq!(taken(&budgets, "br-rfb", 1, now), 20);
        assert!(!budgets.allows("br-rfb", &SHARES, now));
        assert!(budgets.allows("uy-dna", &SHARES, now));
        assert_eq!(taken(&budgets, "br-rfb", 1, now + Duration::from_secs(1)), 10);
        assert_eq!(taken(&budgets, "br-rfb", 1, now + Duration::from_secs(3600)), 20);
    }

    #[test]
    fn bytes_count_too_and_a_debt_is_paid_by_time() {
        let (budgets, now) = (Budgets::default(), Instant::now());
        assert_eq!(taken(&budgets, "br-rfb", 60_000, now), 1);
        assert_eq!(taken(&budgets, "br-rfb", 1, now + Duration::from_secs(3)), 0);
        assert!(budgets.allows("br-rfb", &SHARES, now + Duration::from_secs(5)));
    }
}
