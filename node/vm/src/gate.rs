//! Bounds how many calls run at a time.

use std::sync::{Condvar, Mutex, PoisonError};

/// A counting semaphore: a call waits for a free instance instead of failing.
pub(crate) struct Gate {
    free: Mutex<u32>,
    freed: Condvar,
}

impl Gate {
    pub(crate) fn new(places: u32) -> Gate {
        Gate { free: Mutex::new(places), freed: Condvar::new() }
    }

    /// Waits for a place, which is free again when the pass is dropped.
    pub(crate) fn enter(&self) -> Pass<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Pass(self)
    }
}

pub(crate) struct Pass<'g>(&'g Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
