//! What clients did and were told, for the checkers.

use std::collections::BTreeMap;

pub(crate) use precinto_checkers::client::Told;
use precinto_checkers::{
    Violation,
    linear::{self, Growing, GrowingCall, Interval, Register, RegisterCall},
};

/// Calls of one kind, by key.
type Calls<C> = BTreeMap<Vec<u8>, Vec<Interval<C>>>;

/// The calls of all clients.
#[derive(Default)]
pub(crate) struct History {
    /// Of keys that are set and read.
    registers: Calls<RegisterCall<Vec<u8>>>,
    /// Of keys that are appended to and counted.
    logs: Calls<GrowingCall>,
}

impl History {
    /// A call of a register.
    pub(crate) fn register(&mut self, key: &[u8], interval: Interval<RegisterCall<Vec<u8>>>) {
        self.registers.entry(key.to_vec()).or_default().push(interval);
    }

    /// A call of a log.
    pub(crate) fn log(&mut self, key: &[u8], interval: Interval<GrowingCall>) {
        self.logs.entry(key.to_vec()).or_default().push(interval);
    }

    /// Calls, and keys of which nothing is known because the search was given up.
    ///
    /// # Errors
    /// A key whose calls are those of no register or log.
    pub(crate) fn check(&self) -> Result<(usize, usize), Violation> {
        let registers = linear::check(&Register(None), &self.registers)?;
        let logs = linear::check(&Growing::default(), &self.logs)?;
        Ok((registers.calls + logs.calls, registers.undecided.len() + logs.undecided.len()))
    }
}
