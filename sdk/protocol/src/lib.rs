//! Formats shared by every part of Precinto: nodes, contracts, clients, verifiers.
//!
//! # Mental model
//! An author signs a [`statement`]; the leader orders statements (with their endorsements:
//! [`transaction`]) into a [`block`]; every node executes the block and appends leaves to one
//! RFC 6962 [`log`] per channel, whose block leaf also binds the root of the [`state`] tree.
//! A [`checkpoint`] is one node's signature over the log's size and root. Who may do what is in
//! the [`registry`] (members, nodes, identities, contracts), written by the governance contract
//! and by [`genesis`], and expressed as endorsement [`policy`].
//!
//! # Invariants
//! * Every encoding is deterministic CBOR (RFC 8949 section 4.2): decoding goes through
//!   [`cbor::decode`], which refuses any byte string that re-encodes differently.
//! * Every hash is SHA-256 with a domain tag ([`hash::tagged`]), except the RFC 6962 log, whose
//!   0x00/0x01 prefixes are its own domain separation.
//! * Every signature check is [`keys::PublicKey::verify`] (strict Ed25519).
//!
//! # What this crate must never depend on
//! I/O, async, clocks, randomness, floats, threads, or any other crate of the workspace. It is
//! `no_std` + `alloc` and is compiled into contracts (without the `signatures` feature).
#![deny(clippy::float_arithmetic)]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod aeo;
pub mod block;
pub mod call;
pub mod cbor;
pub mod checkpoint;
pub mod genesis;
pub mod governance;
pub mod hash;
pub mod host;
pub mod identity;
#[cfg(feature = "signatures")]
pub mod keys;
pub mod leaf;
pub mod limits;
pub mod log;
pub mod membership;
pub mod names;
pub mod outcome;
pub mod policy;
pub mod registry;
pub mod state;
pub mod statement;
pub mod transaction;
