//! Deliberate bugs: what the simulator must find, to be worth its seeds.
//!
//! # Mental model
//! A mutation is one line at the place of a bug that a hurried programmer could have made: `if
//! mutated("skip-fsync") { ... }`. Product crates have these lines only with their cargo feature
//! `mutations`; without it the condition is the constant `false`, and the shipped code pays nothing.
//! With it, a mutation does something only on a thread that [`Active`] made it so: simulated worlds
//! are single-threaded, so several mutations can be tried at once, each in a world of its own.
#![forbid(unsafe_code)]

mod list;

pub use list::{MUTATIONS, Mutation};

use std::cell::Cell;

thread_local! {
    static ACTIVE: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Whether the bug of this name is to show itself on this thread.
pub fn active(name: &str) -> bool {
    debug_assert!(MUTATIONS.iter().any(|mutation| mutation.name == name), "{name} is not listed");
    ACTIVE.get() == Some(name)
}

/// Keeps one mutation active on this thread until dropped.
pub struct Active(());

impl Active {
    /// Makes `mutation` active.
    ///
    /// # Panics
    /// If another one is: what would be found then says nothing of either.
    pub fn new(mutation: &'static Mutation) -> Active {
        let before = ACTIVE.replace(Some(mutation.name));
        assert!(before.is_none(), "{before:?} is active on this thread");
        Active(())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        ACTIVE.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutation_is_active_on_its_thread_while_it_is_held() {
        let [first, second, ..] = MUTATIONS else { panic!("there are some") };
        assert!(!active(first.name));
        let held = Active::new(first);
        assert!(active(first.name) && !active(second.name));
        let elsewhere = std::thread::spawn(|| active(first.name));
        assert!(!elsewhere.join().unwrap());
        drop(held);
        assert!(!active(first.name));
    }

    #[test]
    fn names_are_unique_and_every_mutation_is_to_be_found() {
        let mut names: Vec<_> = MUTATIONS.iter().map(|mutation| mutation.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), MUTATIONS.len());
        assert!(MUTATIONS.iter().all(|mutation| mutation.seeds > 0 && !mutation.bug.is_empty()));
    }
}
