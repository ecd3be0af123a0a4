//! Owner threads: each owns mutable state that nobody else touches. Should one panic, its state is
//! in doubt, so the process ends at once; what was acknowledged is on disk.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{Builder, JoinHandle},
};

/// Stack of an owner thread: contracts run on the apply thread, with native frames of their own.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Starts an owner thread.
pub(super) fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let run = move || {
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            tracing::error!(thread = name, "an owner thread panicked: the process ends");
            std::process::abort();
        }
    };
    Builder::new()
        .name(name.into())
        .stack_size(STACK_BYTES)
        .spawn(run)
        .expect("a system that cannot start a thread cannot run a node")
}

/// Ends the process: going on would break a promise. The reason is logged first.
pub(super) fn halt(reason: &str) -> ! {
    tracing::error!(reason, "halt");
    std::process::abort()
}
