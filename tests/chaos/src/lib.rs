//! Rounds of faults on a network of real processes under load, and what must hold after each.
//!
//! # Mental model
//! A [`Trial`] is one network of three voters and a learner, each node a process in a network
//! namespace and (voters) on a disk of its own. A round draws [`faults`] from the seed and does them
//! ([`site`]) while [`clients`] write and read and note what they are told ([`told`]). Then everything is
//! healed, and must be: all nodes are ready, clients are served again, every transaction gets a final
//! status. What clients were told is compared with the ledger, which is the same at all nodes; each
//! register's history must be linearizable; and what the stopped nodes have on their disks must be
//! whole. Then the nodes start again, and the next round begins.
//!
//! # Invariants
//! * A seed and the means of the machine decide what is done and when, and who writes what. Nothing
//!   decides how threads and packets meet: a failure may need its round a few times.
//! * A failure is a panic, which says what was wrong. The trial then says how to repeat it and keeps all it has.
//! * Nothing is left behind when it ends well: processes, mounts and namespaces end with this process.
//!
//! # What this crate must never depend on
//! The crates of a node: what is tested is the program as it is shipped.
#![deny(unsafe_code)]

pub mod clients;
pub mod dice;
pub mod faults;
pub mod inside;
mod ledger;
pub mod links;
pub mod site;
pub mod told;
mod trial;

pub use trial::Trial;

/// Tells whoever watches.
#[expect(clippy::print_stdout, reason = "a program that is watched")]
pub fn say(line: impl std::fmt::Display) {
    println!("chaos: {line}");
}
