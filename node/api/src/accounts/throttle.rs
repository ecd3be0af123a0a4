//! Throttling of logins, per account and per source address, with delays that double.
//!
//! An attempt counts as failed from its beginning on, so that many at once gain nothing, and is
//! forgiven when it succeeds. Names that no account has are throttled like others: being refused
//! tells nothing.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// Failed attempts that cost an account no delay: a person who mistypes.
const ACCOUNT: Rule = Rule { free: 5, longest: Duration::from_secs(60) };

/// The same per source: several people behind one address. The delay may grow longer than an
/// account's, because locking a source out does not lock its account's owner out elsewhere.
const SOURCE: Rule = Rule { free: 20, longest: Duration::from_secs(15 * 60) };

/// First delay; it doubles with every further failure.
const FIRST: Duration = Duration::from_secs(1);

/// Failures are forgotten this long after the last one.
const FORGET: Duration = Duration::from_secs(60 * 60);

/// Accounts and sources remembered, each some hundred bytes. Beyond it, whoever failed longest ago
/// is forgotten.
const MAX_REMEMBERED: usize = 4_096;

struct Rule {
    free: u32,
    longest: Duration,
}

impl Rule {
    /// How long to wait after the last of `failures`.
    fn delay(&self, failures: u32) -> Duration {
        let Some(beyond) = failures.checked_sub(self.free) else { return Duration::ZERO };
        // 2^10 seconds are beyond the longest of both rules.
        FIRST.saturating_mul(1 << beyond.min(10)).min(self.longest)
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
enum Key {
    Account(String),
    Source(IpAddr),
}

impl Key {
    fn rule(&self) -> Rule {
        match self {
            Key::Account(_) => ACCOUNT,
            Key::Source(_) => SOURCE,
        }
    }
}

struct Failures {
    count: u32,
    last: Instant,
}

/// See the module.
#[derive(Default)]
pub(super) struct Throttle(BTreeMap<Key, Failures>);

impl Throttle {
    /// Begins an attempt.
    ///
    /// # Errors
    /// How long to wait, if it comes too early; then it does not count.
    pub(super) fn begin(
        &mut self,
        account: &str,
        source: IpAddr,
        now: Instant,
    ) -> Result<(), Duration> {
        let keys = keys(account, source);
        let wait = keys.iter().map(|key| self.wait(key, now)).max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for key in keys {
            self.make_room(&key, now);
            let failures = self.0.entry(key).or_insert(Failures { count: 0, last: now });
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
        }
        Ok(())
    }

    /// The attempt was no failure. The account begins anew; the source is forgiven this attempt
    /// alone, so that who holds one good account cannot guess others without end.
    pub(super) fn succeeded(&mut self, account: &str, source: IpAddr) {
        let [account, source] = keys(account, source);
        self.0.remove(&account);
        if let Some(failures) = self.0.get_mut(&source) {
            failures.count = failures.count.saturating_sub(1);
        }
    }

    fn wait(&self, key: &Key, now: Instant) -> Duration {
        let Some(failures) = self.0.get(key) else { return Duration::ZERO };
        let passed = now.saturating_duration_since(failures.last);
        key.rule().delay(failures.count).saturating_sub(passed)
    }

    fn make_room(&mut self, key: &Key, now: Instant) {
        if self.0.get(key).is_some_and(|f| now.saturating_duration_since(f.last) >= FORGET) {
            self.0.remove(key);
        }
        if self.0.len() >= MAX_REMEMBERED && !self.0.contains_key(key) {
            let oldest = self.0.iter().min_by_key(|(_, failures)| failures.last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.0.remove(&oldest);
            }
        }
    }
}

fn keys(account: &str, source: IpAddr) -> [Key; 2] {
    // One line of IPv6 is a network of 2^64 addresses.
    let source = match source.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        v4 => v4,
    };
    // Longer names are nobody's.
    let account = account.chars().take(super::account::MAX_NAME_BYTES).collect();
    [Key::Account(account), Key::Source(source)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn source(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn delays_double_up_to_the_longest_and_another_account_is_free() {
        let (mut throttle, mut now) = (Throttle::default(), Instant::now());
        for _ in 0..ACCOUNT.free {
            throttle.begin("ana", source(1), now).unwrap();
        }
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            // From another address each time: only the account is slowed down.
            let from = source(10 + expected);
            let wait = throttle.begin("ana", from, now).unwrap_err();
            assert_eq!(wait, u32::from(expected) * SECOND);
            throttle.begin("beto", source(2), now).unwrap();
            throttle.succeeded("beto", source(2));
            now += wait;
            throttle.begin("ana", from, now).unwrap();
        }
    }

    #[test]
    fn a_source_that_tries_many_names_is_slowed_down_whatever_succeeds_in_between() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..SOURCE.free {
            throttle.begin(&format!("name{n}"), source(1), now).unwrap();
            if n % 5 == 0 {
                let early = throttle.begin("own", source(1), now);
                early.unwrap();
                throttle.succeeded("own", source(1));
            }
        }
        assert!(throttle.begin("another", source(1), now).is_err());
        assert!(throttle.begin("another", source(2), now).is_ok());
        assert!(throttle.begin("third", source(1), now + FORGET).is_ok());
    }

    #[test]
    fn success_forgives_the_account() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..ACCOUNT.free {
            throttle.begin("ana", source(1), now).unwrap();
        }
        throttle.succeeded("ana", source(1));
        throttle.begin("ana", source(1), now).unwrap();
    }

    #[test]
    fn one_line_of_ipv6_is_one_source_and_the_table_is_bounded() {
        let (one, two) = ("2001:db8::1".parse().unwrap(), "2001:db8::ffff:2".parse().unwrap());
        assert!(keys("a", one) == keys("a", two));
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..MAX_REMEMBERED as u32 {
            let from = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            throttle.begin(&format!("n{n}"), from, now).unwrap();
        }
        assert!(throttle.0.len() <= MAX_REMEMBERED);
    }
}
