//! When the next request is sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

/// Sleep is cut into pieces of at most this, so that a pacer soon notices that nobody waits any more.
const NAP: Duration = Duration::from_millis(100);

/// A client's turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// It may send at once.
    Now,
    /// It was to send then: latency counts from there.
    Due(Instant),
}

/// Whose turn it is, and until when there are any. Shared by all clients.
#[derive(Debug)]
pub(crate) enum Pace {
    /// Whoever has an answer sends the next request, until then.
    Until(Instant),
    /// The same, so many requests in all.
    Requests(AtomicU64),
    /// By the clock.
    Open(Arc<Slots>),
}

impl Pace {
    /// A closed loop for so long.
    pub(crate) fn closed(time: Duration) -> Pace {
        Pace::Until(Instant::now() + time)
    }

    /// A closed loop of so many requests.
    pub(crate) fn requests(count: u64) -> Pace {
        Pace::Requests(count.into())
    }

    /// An open loop of so many requests per second, for so long.
    pub(crate) fn open(per_second: f64, time: Duration, clients: usize) -> Pace {
        let slots = Slots {
            began: Instant::now(),
            every: 1.0 / per_second,
            count: (per_second * time.as_secs_f64()) as u64,
            free: Semaphore::new(0),
            next: AtomicU64::new(0),
        };
        let slots = Arc::new(slots);
        let pacer = slots.clone();
        // A thread of its own: the runtime's timers are exact to a millisecond only.
        thread::spawn(move || pacer.release(clients));
        Pace::Open(slots)
    }

    /// Waits for the next turn; none when all are over.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        match self {
            Pace::Until(end) => (Instant::now() < *end).then_some(Turn::Now),
            Pace::Requests(left) => {
                let less = |left: u64| left.checked_sub(1);
                let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
                taken.is_ok().then_some(Turn::Now)
            }
            Pace::Open(slots) => slots.take().await.map(Turn::Due),
        }
    }
}

/// Times at which requests are due. One that no client is free for waits, and is late.
#[derive(Debug)]
pub(crate) struct Slots {
    began: Instant,
    /// Seconds between two.
    every: f64,
    count: u64,
    /// A permit per slot that has come and was not taken.
    free: Semaphore,
    next: AtomicU64,
}

impl Slots {
    fn due(&self, slot: u64) -> Instant {
        self.began + Duration::from_secs_f64(slot as f64 * self.every)
    }

    /// Releases each slot when it is due, and one more for each client, which ends it.
    fn release(self: Arc<Slots>, clients: usize) {
        for slot in 0..self.count {
            loop {
                let wait = self.due(slot).saturating_duration_since(Instant::now());
                if wait.is_zero() {
                    break;
                }
                if Arc::strong_count(&self) == 1 {
                    return;
                }
                thread::sleep(wait.min(NAP));
            }
            self.free.add_permits(1);
        }
        self.free.add_permits(clients);
    }

    async fn take(&self) -> Option<Instant> {
        self.free.acquire().await.expect("it is never closed").forget();
        let slot = self.next.fetch_add(1, Ordering::Relaxed);
        (slot < self.count).then(|| self.due(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_open_loop_has_all_its_turns_however_slow_its_client() {
        let began = Instant::now();
        let pace = Pace::open(1_000.0, Duration::from_millis(50), 1);
        let mut due = Vec::new();
        while let Some(Turn::Due(at)) = pace.turn().await {
            if due.is_empty() {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            due.push(at);
        }
        assert_eq!(due.len(), 50);
        // By the clock, and not from when the client was free again.
        let (first, last) = (due[0], due[49]);
        assert_eq!((last - first).as_micros(), 49_000);
        assert!(first >= began && began.elapsed() >= Duration::from_millis(49));
        assert!(matches!(pace, Pace::Open(_)));
    }

    #[tokio::test]
    async fn a_counted_loop_has_so_many_turns() {
        let pace = Pace::requests(2);
        assert_eq!(pace.turn().await, Some(Turn::Now));
        assert_eq!(pace.turn().await, Some(Turn::Now));
        assert_eq!(pace.turn().await, None);
        assert_eq!(pace.turn().await, None);
    }
}
