//! What clients did and were told, for the checkers.

use std::collections::BTreeMap;

pub(crate) use precinto_checkers::client::Told;
use precinto_checkers::{
    Violation,
    linear::{self, Growing, GrowingCall, Interval, Register, RegisterCall},
};

/// The calls of all clients, by key.
#[derive(Default)]
pub(crate) struct History {
    /// Keys that are set and read.
    registers: BTreeMap<Vec<u8>, Vec<Interval<RegisterCall<Vec<u8>>>>>,
    /// Keys that are appended to and counted.
    logs: BTreeMap<Vec<u8>, Vec<Interval<GrowingCall>>>,
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
