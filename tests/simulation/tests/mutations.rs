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

use precinto_mutation::{Active, MUTATIONS, Mutation};
use precinto_simulation::run;
use precinto_vm::limits::THREAD_STACK_BYTES;

/// What trying a mutation came to.
struct Tried {
    mutation: &'static Mutation,
    /// The seed that found it, and the checker.
    found: Option<(u64, String)>,
}

/// Tries seeds from 1 on until one finds the bug: one whose world is sound without it.
fn hunt(mutation: &'static Mutation) -> Tried {
    let finds = |seed| {
        let active = Active::new(mutation);
        let checker = violated(seed)?;
        drop(active);
        violated(seed).is_none().then(|| (seed, checker.to_owned()))
    };
    let found = (1..=mutation.seeds).find_map(finds);
    Tried { mutation, found }
}

/// The checker that a world violates, if it does.
fn violated(seed: u64) -> Option<&'static str> {
    match catch_unwind(|| run(seed, None)) {
        Ok(report) => Some(report.violation?.checker),
        // A panic in the world itself is a bug that shows, too.
        Err(_) => Some("panic"),
    }
}

/// Tries all that were asked for, one world per core at a time.
fn hunt_all() -> Vec<Tried> {
    let only = env::var("MUTATION").ok();
    let asked = |mutation: &&Mutation| only.as_ref().is_none_or(|name| name == mutation.name);
    let left = Mutex::new(MUTATIONS.iter().filter(asked));
    let tried = Mutex::new(Vec::new());
    // What the bugs make nodes say is of no interest.
    set_hook(Box::new(|_| {}));
    scope(|threads| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            let work = || {
                for mutation in iter::from_fn(|| left.lock().unwrap().next()) {
                    let result = hunt(mutation);
                    tried.lock().unwrap().push(result);
                }
            };
            let thread = Builder::new().stack_size(THREAD_STACK_BYTES);
            thread.spawn_scoped(threads, work).unwrap();
        }
    });
    drop(take_hook());
    let mut tried = tried.into_inner().unwrap();
    tried.sort_by_key(|tried| tried.mutation.name);
    tried
}

#[test]
fn every_mutation_is_found_within_its_seeds() {
    let tried = hunt_all();
    assert!(!tried.is_empty(), "no mutation has this name");
    println!("| mutation | allowed | found by seed | by |\n|---|---|---|---|");
    for Tried { mutation: Mutation { name, seeds, .. }, found } in &tried {
        let (seed, checker) = match found {
            Some((seed, checker)) => (seed.to_string(), checker.as_str()),
            None => ("-".to_owned(), "-"),
        };
        println!("| {name} | {seeds} | {seed} | {checker} |");
    }
    let survivors: Vec<_> =
        tried.iter().filter(|it| it.found.is_none()).map(|it| it.mutation.name).collect();
    assert!(survivors.is_empty(), "not found: {survivors:?}");
}
