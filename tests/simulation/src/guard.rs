//! A panic within a process, caught: on a damaged disk it is how a node ends, elsewhere a violation.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    /// While a process is stepped: what it panicked with.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static GUARDED: RefCell<bool> = const { RefCell::new(false) };
}

/// Runs `step`; a panic comes back as what it said, and is not printed.
///
/// # Errors
/// The panic's message and place.
pub(crate) fn guarded<T>(step: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let ordinary = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.with_borrow(|guarded| *guarded) {
                PANIC.set(Some(info.to_string()));
            } else {
                ordinary(info);
            }
        }));
    });
    GUARDED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(step));
    GUARDED.set(false);
    result.map_err(|_| PANIC.take().unwrap_or_else(|| "a panic without a message".into()))
}
