//! Runs many worlds, each on one thread.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    ops::Range,
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use precinto_vm::limits::THREAD_STACK_BYTES;

use crate::world::{Report, run};

/// Runs the worlds of `seeds` on `threads` threads and hands each report to `each` as it comes, until
/// that says `false`.
///
/// # Panics
/// If a thread cannot be started, or a world panics outside of a node's process.
pub fn run_seeds(seeds: Range<u64>, threads: usize, mut each: impl FnMut(u64, Report) -> bool) {
    let (next, enough) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let (sender, reports) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let (next, enough, end) = (&next, &enough, seeds.end);
            let work = move || {
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens any more: that is enough.
                    if seed >= end || sender.send((seed, run(seed, None))).is_err() {
                        return;
                    }
                }
            };
            let thread = thread::Builder::new().stack_size(THREAD_STACK_BYTES);
            thread.spawn_scoped(scope, work).expect("a thread can be started");
        }
        drop(sender);
        for (seed, report) in reports {
            if !each(seed, report) {
                enough.store(true, Ordering::Relaxed);
                return;
            }
        }
    });
}

impl Report {
    /// What to tell people about a violation: what was violated, in which world, and how to see it
    /// again. `None` if there was none.
    pub fn failure(&self, seed: u64) -> Option<String> {
        let violation = self.violation.as_ref()?;
        let mut text = format!("seed {seed} violates {violation}\n");
        let seconds = self.time / 1_000_000;
        write!(
            text,
            "after {seconds} s of virtual time, in the world of {:#?}\n\
             again: cargo run -p precinto-simulation -- --seed {seed} --verbose",
            self.parameters
        )
        .expect("writing to memory does not fail");
        Some(text)
    }
}

/// Adds what happened in one world to what happened in all.
pub fn add_counts(total: &mut BTreeMap<&'static str, u64>, counts: &BTreeMap<&'static str, u64>) {
    for (what, count) in counts {
        *total.entry(what).or_default() += count;
    }
}
