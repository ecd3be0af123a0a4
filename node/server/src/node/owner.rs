//! Owner threads: each owns mutable state that nobody else touches. Should one panic, its state is
//! in doubt, so the process ends at once; what was acknowledged is on disk.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{Builder, JoinHandle},
};

use futures::FutureExt;

/// Stack of an owner thread: contracts run on the apply thread, with native frames of their own.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// The owner threads of this process.
static THREADS: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

fn threads() -> MutexGuard<'static, Vec<JoinHandle<()>>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts an owner thread.
pub(super) fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) {
    let run = move || {
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            tracing::error!(thread = name, "an owner thread panicked: the process ends");
            std::process::abort();
        }
    };
    let thread = Builder::new()
        .name(name.into())
        .stack_size(STACK_BYTES)
        .spawn(run)
        .expect("a system that cannot start a thread cannot run a node");
    threads().push(thread);
}

/// Starts a task that the node cannot do without. Should it panic, the process ends, as with an
/// owner thread: a node that silently no longer hears its peers is worse than none.
pub(super) fn spawn_task(name: &'static str, body: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        if AssertUnwindSafe(body).catch_unwind().await.is_err() {
            halt(&format!("the task {name} panicked"));
        }
    });
}

/// Waits until every owner thread has ended: each does when the raft thread was stopped and the
/// runtime's tasks are gone, so that nobody can ask it anything any more. The last act of the
/// process, for a thread that closes RocksDB while the process exits would find RocksDB's own
/// statics gone and abort.
pub fn join_all() {
    let threads = mem::take(&mut *threads());
    for thread in threads {
        // Its panic would have ended the process.
        let _ = thread.join();
    }
}

/// Ends the process: going on would break a promise. The reason is logged first.
pub(super) fn halt(reason: &str) -> ! {
    tracing::error!(reason, "halt");
    std::process::abort()
}
