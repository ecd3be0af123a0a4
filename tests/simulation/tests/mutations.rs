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
    thread::{available_parallelism, scope},
};

use precinto_mutation::{Active, MUTATIONS, Mutation};
use precinto_simulation::run;

/// What trying a mutation came to.
struct Tried {
    mutation: &'static Mutation,
    /// The seed that found it, and the checker.
    found: Option<(u64, String)>,
}

/// Tries seeds from 1 on until one finds the bug.
fn hunt(mutation: &'static Mutation) -> Tried {
    let _active = Active::new(mutation);
    let found = (1..=mutation.seeds).find_map(|seed| {
        // A panic in the world itself is a bug that shows, too.
        let violation = match catch_unwind(|| run(seed, None)) {
            Ok(report) => report.violation?.checker,
            Err(_) => "panic",
        };
        Some((seed, violation.to_owned()))
    });
    Tried { mutation, found }
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
            threads.spawn(|| {
                for mutation in iter::from_fn(|| left.lock().unwrap().next()) {
                    let result = hunt(mutation);
                    tried.lock().unwrap().push(result);
                }
            });
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
