//! Rust client of a Precinto node.
//!
//! # Mental model
//! A [`Client`] speaks to one node's HTTP interface with the token of an account at it: typed
//! methods in, typed answers ([`types`]) or a [`ClientError`] out. [`Signer`] builds signed
//! transactions for authors who hold their own key; officers let their node sign (`aeo_*`).
//! [`Client::events`] follows the ledger and resumes by itself.
//!
//! # Invariants
//! * A time-out never means "failed": the transaction may have been ordered. Submitting the same
//!   bytes again is safe (the id is the same); see [`ClientError::retryable`].
//! * Answers of newer nodes with fields this client does not know are read all the same.
//!
//! # What this crate must never depend on
//! A crate of a node. It is what others build on.
#![forbid(unsafe_code)]

mod aeo;
mod client;
mod error;
mod events;
mod signer;
mod sse;
pub mod types;

pub use client::{Client, Consistency};
pub use error::{ClientError, Problem, Retry};
pub use events::{EventFilter, EventStream};
pub use signer::{NewCall, Signer};
