//! The search of one key's history.

use std::collections::BTreeSet;

use super::{Interval, Object};

/// Points after which a search is given up. A history without a violation needs little more than one
/// for each call; this many take about a second.
const MAX_POINTS: usize = 200_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Finding {
    Linearizable,
    Violated,
    Undecided,
}

/// How far an order has got.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Point<O> {
    /// All answered calls before this one have been taken.
    done: usize,
    /// Those at or after it that have been.
    ahead: Vec<usize>,
    /// Unanswered calls that have been taken. Both in order.
    pending: Vec<usize>,
    state: O,
}

/// One key's calls, in order of when they were made.
struct Calls<C> {
    answered: Vec<Interval<C>>,
    pending: Vec<Interval<C>>,
}

impl<C: Clone + PartialEq> Calls<C> {
    fn of(history: &[Interval<C>]) -> Calls<C> {
        let mut history = history.to_vec();
        history.sort_by_key(|interval| interval.invoked);
        let (answered, pending) =
            history.into_iter().partition(|interval| interval.returned.is_some());
        Calls { answered, pending }
    }

    /// The answered calls that may come next, by when their answers came, and the time up to which
    /// an unanswered one must have been made to come next.
    fn next_answered<O>(&self, point: &Point<O>) -> (Vec<usize>, u64) {
        let mut first_return = u64::MAX;
        let mut next = Vec::new();
        for (index, interval) in self.answered.iter().enumerate().skip(point.done) {
            if interval.invoked > first_return {
                break;
            }
            if point.ahead.binary_search(&index).is_err() {
                first_return = first_return.min(self.returned(index));
                next.push(index);
            }
        }
        next.retain(|index| self.answered[*index].invoked <= first_return);
        next.sort_by_key(|index| self.returned(*index));
        (next, first_return)
    }

    /// The unanswered calls made up to `until` that are worth taking, because they may explain a
    /// call that does not fit yet. Of equal ones the earliest stands for all.
    fn next_pending<O>(&self, point: &Point<O>, until: u64, misfits: &[usize]) -> Vec<usize>
    where
        O: Object<Call = C>,
    {
        let mut next: Vec<usize> = Vec::new();
        for (index, interval) in self.pending.iter().enumerate() {
            let is_free = interval.invoked <= until && point.pending.binary_search(&index).is_err();
            let explains =
                |misfit: &usize| O::explains(&interval.call, &self.answered[*misfit].call);
            let is_twin = |other: &usize| self.pending[*other].call == interval.call;
            if is_free && misfits.iter().any(explains) && !next.iter().any(is_twin) {
                next.push(index);
            }
        }
        next
    }

    fn returned(&self, index: usize) -> u64 {
        self.answered[index].returned.expect("an answered call has returned")
    }

    fn is_complete<O>(&self, point: &Point<O>) -> bool {
        point.done == self.answered.len()
    }

    /// The points one call further, the most promising last.
    fn successors<O: Object<Call = C>>(&self, point: &Point<O>) -> Vec<Point<O>> {
        let (answered, until) = self.next_answered(point);
        let (mut successors, mut misfits) = (Vec::new(), Vec::new());
        for index in answered {
            let call = &self.answered[index].call;
            match point.state.after(call) {
                // It fits here and disturbs nothing: no order is lost by taking it now.
                Some(state) if O::only_reads(call) => return vec![self.take(point, index, state)],
                Some(state) => successors.push(self.take(point, index, state)),
                None => misfits.push(index),
            }
        }
        for index in self.next_pending(point, until, &misfits) {
            if let Some(state) = point.state.after(&self.pending[index].call) {
                let mut next = Point { state, ..point.clone() };
                insert(&mut next.pending, index);
                successors.push(next);
            }
        }
        successors.reverse();
        successors
    }

    fn take<O: Object<Call = C>>(&self, point: &Point<O>, index: usize, state: O) -> Point<O> {
        let mut next = Point { state, ..point.clone() };
        insert(&mut next.ahead, index);
        let passed = next.ahead.iter().zip(next.done..).take_while(|(a, b)| **a == *b).count();
        next.ahead.drain(..passed);
        next.done += passed;
        next
    }
}

/// Into a vector in order that lacks it.
fn insert(ordered: &mut Vec<usize>, index: usize) {
    let at = ordered.partition_point(|other| *other < index);
    ordered.insert(at, index);
}

pub(super) fn search<O: Object>(initial: &O, history: &[Interval<O::Call>]) -> Finding {
    let calls = Calls::of(history);
    let start = Point { done: 0, ahead: Vec::new(), pending: Vec::new(), state: initial.clone() };
    let mut open = vec![start];
    let mut seen = BTreeSet::new();
    while let Some(point) = open.pop() {
        if calls.is_complete(&point) {
            return Finding::Linearizable;
        }
        if seen.len() == MAX_POINTS {
            return Finding::Undecided;
        }
        let successors = calls.successors(&point);
        if seen.insert(point) {
            open.extend(successors);
        }
    }
    Finding::Violated
}
