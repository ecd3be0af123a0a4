//! Every deliberate bug must be found: a checker that finds none of them says nothing about the
//! nodes either.
//!
//! `MUTATION=name` tries one of them alone.
#![cfg(feature = "mutations")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    env, iter,
    panic::{catch_unwind, set_hook, take_hook},
    sync::Mutex,
    thread::{Builder, available_parallelism, scope},
};

use precinto_checkers::Violation;
use precinto_mutation::{Active, MUTATIONS, Mutation};
use precinto_simulation::run;
use precinto_vm::limits::THREAD_STACK_BYTES;

/// Characters of a violation that the table shows.
const MAX_SHOWN: usize = 120;

/// What trying a mutation came to.
struct Tried {
    mutation: &'static Mutation,
    /// The seed that found it, and how.
    found: Option<(u64, Violation)>,
}

/// Tries seeds from 1 on until one finds the bug: one whose world is sound without it.
fn hunt(mutation: &'static Mutation) -> Tried {
    let finds = |seed| {
        let active = Active::new(mutation);
        let violation = violated(seed)?;
        drop(active);
        violated(seed).is_none().then_some((seed, violation))
    };
    let found = (1..=mutation.seeds).find_map(finds);
    Tried { mutation, found }
}

/// What a world violates, if it does.
fn violated(seed: u64) -> Option<Violation> {
    match catch_unwind(|| run(seed, None)) {
        Ok(report) => report.violation,
        // A panic in the world itself is a bug that shows, too.
        Err(_) => Some(Violation::new("panic", "the world panicked")),
    }
}

/// A row of the table.
fn tell(Tried { mutation: Mutation { name, seeds, .. }, found }: &Tried) {
    match found {
        Some((seed, Violation { checker, what })) => {
            let line = what.lines().next().unwrap_or_default();
            let shown: String = line.chars().take(MAX_SHOWN).collect();
            println!("| {name} | {seeds} | {seed} | {checker} | {shown} |");
        }
        None => println!("| {name} | {seeds} | not found | - |"),
    }
}

/// Tries all that were asked for, one world per core at a time, and tells of each.
fn hunt_all() -> Vec<Tried> {
    let only = env::var("MUTATION").ok();
    let asked = |mutation: &&Mutation| only.as_ref().is_none_or(|name| name == mutation.name);
    let left = Mutex::new(MUTATIONS.iter().filter(asked));
    let tried = Mutex::new(Vec::new());
    // What the bugs make nodes say is of no interest.
    set_hook(Box::new(|_| {}));
    println!("| mutation | seeds allowed | found by seed | by | because |\n|---|---|---|---|---|");
    scope(|threads| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            let work = || {
                for mutation in iter::from_fn(|| left.lock().unwrap().next()) {
                    let result = hunt(mutation);
                    tell(&result);
                    tried.lock().unwrap().push(result);
                }
            };
            let thread = Builder::new().stack_size(THREAD_STACK_BYTES);
            thread.spawn_scoped(threads, work).unwrap();
        }
    });
    drop(take_hook());
    tried.into_inner().unwrap()
}

#[test]
fn every_mutation_is_found_within_its_seeds() {
    let tried = hunt_all();
    assert!(!tried.is_empty(), "no mutation has this name");
    let survivors: Vec<_> =
        tried.iter().filter(|it| it.found.is_none()).map(|it| it.mutation.name).collect();
    assert!(survivors.is_empty(), "not found: {survivors:?}");
}
