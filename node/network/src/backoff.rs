//! Growing, jittered pauses between attempts.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// First pause: long enough not to spin, short enough not to be noticed.
const FIRST: Duration = Duration::from_millis(100);

/// Longest pause: a peer that comes back is found within two seconds even if only we can dial.
pub(crate) const LONGEST: Duration = Duration::from_secs(2);

/// Doubling pauses from [`FIRST`] to [`LONGEST`], each shortened by up to a quarter so that peers
/// do not move in step.
#[derive(Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(1 << self.attempts.min(16)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        pause - pause.mul_f64(jitter() / 4.0)
    }

    /// Starts over: the last attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// A number in 0..1. The keys of the standard hasher are random, which is all jitter needs.
fn jitter() -> f64 {
    random() as f64 / u64::MAX as f64
}

/// A number that differs between calls and processes. Not for secrets.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_start_over() {
        let mut backoff = Backoff::default();
        for attempt in 0..40 {
            let full = FIRST.saturating_mul(1 << attempt.min(16)).min(LONGEST);
            let pause = backoff.next();
            assert!(pause <= full && pause >= full.mul_f64(0.74), "{attempt}: {pause:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
