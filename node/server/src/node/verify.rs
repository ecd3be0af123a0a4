//! The verify thread: decodes committed blocks and checks their signatures, ahead of the apply
//! thread and on all cores.

use std::{
    num::NonZero,
    sync::{Arc, mpsc},
    thread,
};

use minicbor::bytes::ByteVec;
use precinto_consensus::Committed;
use precinto_core::apply;
use precinto_execution::{KeyCache, Prechecked, precheck};

use super::{
    apply::{Install, Job},
    owner,
};

/// Items per thread at least: fewer are checked faster than a thread starts.
const ITEMS_PER_THREAD: usize = 16;

/// What is on its way to the apply thread, in order.
pub(super) enum Work {
    /// A committed entry.
    Entry(Committed),
    /// A snapshot to be installed once the entries before it are executed.
    Install(Box<Install>),
}

/// Starts the thread between the raft thread and the apply thread.
pub(super) fn start(keys: Arc<KeyCache>, work: mpsc::Receiver<Work>, jobs: mpsc::SyncSender<Job>) {
    owner::spawn("verify", move || {
        for work in work {
            let job = match work {
                Work::Entry(entry) => prepare(entry, &keys),
                Work::Install(install) => Job::Install(install),
            };
            if jobs.send(job).is_err() {
                return;
            }
        }
    });
}

fn prepare(entry: Committed, keys: &KeyCache) -> Job {
    let bytes = entry.block.len();
    Job::Entry { job: apply::prepare(entry, |items| check(items, keys)), bytes }
}

fn check(items: &[ByteVec], keys: &KeyCache) -> Vec<Prechecked> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(cores).max(ITEMS_PER_THREAD);
    if items.len() <= ITEMS_PER_THREAD {
        return items.iter().map(|item| precheck(item, keys)).collect();
    }
    thread::scope(|scope| {
        let check = |items| {
            move || -> Vec<Prechecked> {
                let items: &[ByteVec] = items;
                items.iter().map(|item| precheck(item, keys)).collect()
            }
        };
        let threads: Vec<_> = items.chunks(share).map(|chunk| scope.spawn(check(chunk))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a signature check does not panic"))
            .collect()
    })
}
