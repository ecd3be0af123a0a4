//! The contract `aeo`: who is an Authorized Economic Operator, granted by whom, since when.
//!
//! # Mental model
//! An authorization is a small state machine, keyed by operator, granting member and number:
//!
//! ```text
//!            certify              suspend
//! (absent) ----------> valid ----------------> suspended
//!                        |  <----------------      |
//!                        |       reinstate         |
//!                        '-------> revoked <-------'   (for ever)
//! ```
//! Every change writes the authorization as it now stands, appends a
//! [`Transition`](precinto_protocol::aeo::Transition) to its record log and emits the same as an
//! event, so that the present, the past and the feed can never disagree. Two times are kept apart:
//! *effective* (when a change counts, stated by the member) and *recorded* (ledger time, added by
//! the host).
//!
//! Methods: `certify`, `suspend`, `reinstate`, `revoke`. Queries: `operator`, `history`, `list`.
//! Arguments and results are defined in [`precinto_protocol::aeo`].
//!
//! # Invariants
//! * A member writes only what it granted: its id is part of the key and taken from the author,
//!   never from the arguments. That the author is an officer is for the endorsement policy to say.
//! * Every field that is stored was checked here: a value read by a partner is well-formed.
//! * A revoked authorization stays revoked; a number is never granted twice to one operator.
//!
//! # What this crate must never depend on
//! Anything but the contract SDK and the formats.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod fields;
mod keys;
mod methods;
mod queries;

pub use fields::MAX_EFFECTIVE_DISTANCE_MS;
pub use methods::{MAX_PER_OPERATOR, code};
pub use queries::MAX_PAGE;

use alloc::vec::Vec;

use precinto_contract::{Contract, Host, Rejection, Result};
use precinto_protocol::aeo::Action;

/// The contract.
pub struct Aeo;

impl Contract for Aeo {
    fn call(host: &mut dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>> {
        match method {
            "certify" => methods::certify(host, args),
            "suspend" => methods::change_status(host, Action::Suspend, args),
            "reinstate" => methods::change_status(host, Action::Reinstate, args),
            "revoke" => methods::change_status(host, Action::Revoke, args),
            other => Err(Rejection::unknown_method(other)),
        }
    }

    fn query(host: &dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>> {
        match method {
            "operator" => queries::operator(host, args),
            "history" => queries::history(host, args),
            "list" => queries::list(host, args),
            other => Err(Rejection::unknown_method(other)),
        }
    }
}

precinto_contract::export_contract!(Aeo);
