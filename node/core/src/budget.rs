//! Each member's share of what this node takes in: transactions and bytes per second.
//!
//! Every node keeps its own count, outside of what is executed: the node that answers a client, and
//! the leader again for what others forward, so that a member that floods, even through a node that
//! does not count, slows nobody else down. The shares are channel parameters.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
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
const DEFAULT_PENDING: u64 = crate::pending::MAX_PENDING as u64 / 2;

/// A member may send at once what its share is in this time. Two seconds: forwarded transactions
/// arrive at the leader in bursts of up to a second after they were counted by who forwards them.
const BURST: Duration = Duration::from_secs(2);

/// Shares of one member, from the channel's parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    transactions: u64,
    bytes: u64,
    /// Transactions of one member that may be unfinished at this node.
    pub(crate) pending: usize,
}

impl Shares {
    /// Those in force.
    pub(crate) fn read(registry: &Registry<'_>) -> Result<Shares, ViewError> {
        let read = |name, default| Ok(registry.parameter(name)?.unwrap_or(default));
        let pending = read(parameter::MEMBER_PENDING_MAX, DEFAULT_PENDING)?;
        Ok(Shares {
            transactions: read(parameter::MEMBER_TX_PER_SECOND, DEFAULT_TRANSACTIONS)?,
            bytes: read(parameter::MEMBER_BYTES_PER_SECOND, DEFAULT_BYTES)?,
            pending: usize::try_from(pending).unwrap_or(usize::MAX),
        })
    }
}

/// What a member may still send: token buckets, filled by time, in millionths: a share per second
/// is as many per microsecond.
struct Balance {
    transactions: i128,
    bytes: i128,
    at: Duration,
}

/// One transaction or byte.
const ONE: i128 = 1_000_000;

impl Balance {
    fn full(shares: &Shares, now: Duration) -> Balance {
        let mut balance = Balance { transactions: 0, bytes: 0, at: now };
        balance.fill(shares, BURST);
        balance
    }

    fn fill(&mut self, shares: &Shares, time: Duration) {
        let share_of = |share: u64, time: Duration| i128::from(share) * time.as_micros() as i128;
        let filled =
            |balance: i128, share| (balance + share_of(share, time)).min(share_of(share, BURST));
        self.transactions = filled(self.transactions, shares.transactions);
        self.bytes = filled(self.bytes, shares.bytes);
    }

    /// One more may be taken. The last may cost more than is left, so that a large one is not
    /// refused for ever; the debt is paid by time.
    fn allows(&self) -> bool {
        self.transactions >= ONE && self.bytes > 0
    }
}

/// The balances of all members; there are no more than the registry has.
#[derive(Default)]
pub(crate) struct Budgets(Mutex<BTreeMap<MemberId, Balance>>);

impl Budgets {
    /// Whether `member` may send now. Costs nothing: asked before a signature is checked.
    pub(crate) fn allows(&self, member: &str, shares: &Shares, now: Duration) -> bool {
        self.with(member, shares, now, |balance| balance.allows())
    }

    /// Charges `member` for an admitted transaction; `false` if it has used up its share.
    pub(crate) fn charge(
        &self,
        member: &str,
        shares: &Shares,
        bytes: usize,
        now: Duration,
    ) -> bool {
        self.with(member, shares, now, |balance| {
            let allowed = balance.allows();
            if allowed {
                balance.transactions -= ONE;
                balance.bytes -= bytes as i128 * ONE;
            }
            allowed
        })
    }

    fn with<T>(
        &self,
        member: &str,
        shares: &Shares,
        now: Duration,
        act: impl FnOnce(&mut Balance) -> T,
    ) -> T {
        let mut balances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !balances.contains_key(member) {
            balances.insert(member.to_owned(), Balance::full(shares, now));
        }
        let balance = balances.get_mut(member).expect("it was put there");
        balance.fill(shares, now.saturating_sub(balance.at));
        balance.at = now;
        act(balance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: Shares = Shares { transactions: 10, bytes: 10_000, pending: 5 };

    fn taken(budgets: &Budgets, member: &str, bytes: usize, now: Duration) -> usize {
        (0..1_000).take_while(|_| budgets.charge(member, &SHARES, bytes, now)).count()
    }

    #[test]
    fn a_burst_is_taken_then_the_share_and_another_member_is_free() {
        let (budgets, now) = (Budgets::default(), Duration::from_secs(7));
        assert_eq!(taken(&budgets, "br-rfb", 1, now), 20);
        assert!(!budgets.allows("br-rfb", &SHARES, now));
        assert!(budgets.allows("uy-dna", &SHARES, now));
        assert_eq!(taken(&budgets, "br-rfb", 1, now + Duration::from_secs(1)), 10);
        assert_eq!(taken(&budgets, "br-rfb", 1, now + Duration::from_secs(3600)), 20);
    }

    #[test]
    fn bytes_count_too_and_a_debt_is_paid_by_time() {
        let (budgets, now) = (Budgets::default(), Duration::from_secs(7));
        assert_eq!(taken(&budgets, "br-rfb", 60_000, now), 1);
        assert_eq!(taken(&budgets, "br-rfb", 1, now + Duration::from_secs(3)), 0);
        assert!(budgets.allows("br-rfb", &SHARES, now + Duration::from_secs(5)));
    }
}
