//! The contract `governance`: who takes part in a channel, and with which keys.
//!
//! # Mental model
//! Its state is the registry ([`precinto_protocol::registry`]) that execution, admission and
//! clients read. Genesis fills it; afterwards only this contract writes it. Each member manages its
//! own identities: an admin of the member enrols a key, rotates it (the new key takes over the
//! roles, both are valid until the overlap ends) or revokes it. Every change writes the
//! [`Identity`](precinto_protocol::registry::Identity) as it now stands, appends it to the key's
//! record log and emits `governance.identity`; a rotation does so for both keys (`rotate` for the
//! old, `enrol` for the new). Each member also replaces its own nodes: one retires, another one is
//! registered in its place and, if a voter was replaced, promoted when it has caught up.
//!
//! Methods: `enrol`, `rotate`, `revoke`, `replace-node`, `promote-node`. Queries: `members`, `nodes`, `identities`, `contracts`,
//! `parameters`. Arguments and results are defined in [`precinto_protocol::governance`].
//!
//! # Invariants
//! * A member changes its own identities only. That the author is an admin is for the endorsement
//!   policy to say.
//! * A key belongs to one identity for ever: its member and roles never change, and it is not
//!   enrolled a second time.
//! * Nothing reaches into the past: times before ledger time are raised to it, so no signature that
//!   was made becomes valid or invalid afterwards.
//! * A member keeps at least one admin who can sign; it could not help itself otherwise.
//! * Whoever enrols a key shows that he holds it.
//! * The number of voters' seats is that of genesis; ids of nodes rise and are never used again; a
//!   node stays listed when it is retired.
//! * A voter is replaced only if the others are a majority of the seats.
//! * Keys of nodes are not enrolled or rotated here: they come and go with their node.
//!
//! # What this crate must never depend on
//! Anything but the contract SDK and the formats.
#![deny(clippy::float_arithmetic)]
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod identities;
mod methods;
mod nodes;
mod queries;
mod scan;

pub use methods::{MAX_START_AHEAD_MS, MAX_VALIDITY_MS, code};
pub use nodes::{MAX_ADDRESS_BYTES, MAX_ADDRESSES};
pub use queries::MAX_PAGE;

use alloc::vec::Vec;

use precinto_contract::{Contract, Host, Rejection, Result};

/// The contract.
pub struct Governance;

impl Contract for Governance {
    fn call(host: &mut dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>> {
        match method {
            "enrol" => methods::enrol(host, args),
            "rotate" => methods::rotate(host, args),
            "revoke" => methods::revoke(host, args),
            "replace-node" => nodes::replace(host, args),
            "promote-node" => nodes::promote(host, args),
            other => Err(Rejection::unknown_method(other)),
        }
    }

    fn query(host: &dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>> {
        match method {
            "members" => queries::members(host, args),
            "nodes" => queries::nodes(host, args),
            "identities" => queries::identities(host, args),
            "contracts" => queries::contracts(host, args),
            "parameters" => queries::parameters(host, args),
            other => Err(Rejection::unknown_method(other)),
        }
    }
}

precinto_contract::export_contract!(Governance);
