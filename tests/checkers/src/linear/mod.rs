//! Linearizability: is there an order of the calls, within their times, in which one sequential
//! object gives every answer that was given?
//!
//! The search is that of Wing and Gong with the memory of Lowe: it takes calls one after the other,
//! each one that nobody waited for, and never looks at the same set of taken calls in the same state
//! twice. Keys are searched apart (linearizability is local). A call without an answer may take
//! effect at any time after it was made, or never.

mod search;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Debug};

use self::search::{Finding, search};
use crate::Violation;

const CHECKER: &str = "linear";

/// Lines of a key's history that a violation shows.
const MAX_SHOWN: usize = 200;

/// An object that takes one call at a time.
pub trait Object: Clone + Ord + Debug {
    /// A call with the answer that was given to it.
    type Call: Clone + PartialEq + Debug;

    /// The state after a call; `None` if in this state its answer would have been another.
    fn after(&self, call: &Self::Call) -> Option<Self>;

    /// Whether a call never changes the state.
    fn only_reads(call: &Self::Call) -> bool;

    /// Whether a call without an answer, taken right before `next`, can be what makes the answer of
    /// `next` possible. `true` is always right, and slow.
    fn explains(unanswered: &Self::Call, next: &Self::Call) -> bool;
}

/// A call between when it was made and when its answer came. Leave out calls that certainly had no
/// effect and gave no answer: refused ones, and reads that were not answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interval<C> {
    /// When it was made, in any unit.
    pub invoked: u64,
    /// When the answer came, not earlier; `None` if it never did.
    pub returned: Option<u64>,
    /// The call, with its answer.
    pub call: C,
}

/// Something that holds a value or none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Register<V>(pub Option<V>);

/// A call of a [`Register`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegisterCall<V> {
    /// Sets or removes the value. Values should be written once each: the search is then short.
    Write(Option<V>),
    /// Was answered with this.
    Read(Option<V>),
}

impl<V: Clone + Ord + Debug> Object for Register<V> {
    type Call = RegisterCall<V>;

    fn after(&self, call: &RegisterCall<V>) -> Option<Register<V>> {
        match call {
            RegisterCall::Write(value) => Some(Register(value.clone())),
            RegisterCall::Read(value) => (*value == self.0).then(|| self.clone()),
        }
    }

    fn only_reads(call: &RegisterCall<V>) -> bool {
        matches!(call, RegisterCall::Read(_))
    }

    /// A write that is overwritten before anybody reads it might as well never have been.
    fn explains(unanswered: &RegisterCall<V>, next: &RegisterCall<V>) -> bool {
        match (unanswered, next) {
            (RegisterCall::Write(value), RegisterCall::Read(read)) => value == read,
            _ => false,
        }
    }
}

/// A log that only grows, of which the length alone is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Growing(pub u64);

/// A call of a [`Growing`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrowingCall {
    /// Adds an entry; the length after it, if an answer told.
    Append(Option<u64>),
    /// Was answered with this.
    Length(u64),
}

impl Object for Growing {
    type Call = GrowingCall;

    fn after(&self, call: &GrowingCall) -> Option<Growing> {
        match call {
            GrowingCall::Append(length) => {
                let after = self.0 + 1;
                length.is_none_or(|length| length == after).then_some(Growing(after))
            }
            GrowingCall::Length(length) => (*length == self.0).then_some(*self),
        }
    }

    fn only_reads(call: &GrowingCall) -> bool {
        matches!(call, GrowingCall::Length(_))
    }

    fn explains(unanswered: &GrowingCall, _: &GrowingCall) -> bool {
        matches!(unanswered, GrowingCall::Append(_))
    }
}

/// What a check came to, if it found no violation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked<K> {
    /// Calls of all keys.
    pub calls: usize,
    /// Keys whose search was given up: nothing is known of them.
    pub undecided: Vec<K>,
}

/// Checks each key's history against an object that begins as `initial`.
///
/// # Errors
/// The first key whose history is that of no such object.
pub fn check<K: Clone + Ord + Debug, O: Object>(
    initial: &O,
    histories: &BTreeMap<K, Vec<Interval<O::Call>>>,
) -> Result<Checked<K>, Violation> {
    let mut checked = Checked { calls: 0, undecided: Vec::new() };
    for (key, history) in histories {
        checked.calls += history.len();
        match search(initial, history) {
            Finding::Linearizable => {}
            Finding::Undecided => checked.undecided.push(key.clone()),
            Finding::Violated => return Err(violation(key, history)),
        }
    }
    Ok(checked)
}

fn violation<K: Debug, C: Debug + Clone>(key: &K, history: &[Interval<C>]) -> Violation {
    let mut calls: Vec<_> = history.iter().collect();
    calls.sort_by_key(|interval| interval.invoked);
    let lines = calls.iter().take(MAX_SHOWN).map(|Interval { invoked, returned, call }| {
        let returned = returned.map_or("-".to_owned(), |at| at.to_string());
        format!("\n  {invoked}..{returned} {call:?}")
    });
    let lines: String = lines.collect();
    Violation::new(CHECKER, format!("key {key:?}: no order explains {} calls{lines}", calls.len()))
}
