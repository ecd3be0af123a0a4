//! The contract `aeo`: who is an Authorized Economic Operator, granted by whom, since when, and to
//! whom that is of use.
//!
//! # Mental model
//! An authorization is a small state machine, keyed by operator, granting member and number:
//!
//! ```text
//!            certify              suspend
//! (absent) ----------> valid ----------------> suspended     amend: other terms, same status
//!                        |  <----------------      |
//!                        |       reinstate         |
//!                        '-----------+-------------'
//!                                    |  withdraw (one person); revoke, annul (proposed by one
//!                                    v  person, approved by another)
//!                    withdrawn, revoked, annulled   (for ever)
//! ```
//! That it expired is not recorded: it follows from the validity and the time that is asked about.
//! Every change writes the authorization as it now stands, appends a
//! [`Transition`](precinto_protocol::aeo::Transition) to its record log and emits the same as an
//! event, so that the present, the past and the feed can never disagree. Two times are kept apart:
//! *effective* (when a change counts, stated by the member) and *recorded* (ledger time, added by
//! the host); [`precinto_protocol::aeo::standing`] says what follows from both.
//!
//! Beside it stand *aliases* (an identifier means an operator, as one member declares) and
//! *arrangements* (whose authorizations are recognized by whom).
//!
//! Methods: `certify`, `amend`, `suspend`, `reinstate`, `withdraw`, `revoke`, `annul`, `approve`,
//! `decline`, `declare-alias`, `retire-alias`, `propose-mra`, `accept-mra`, `leave-mra`. Queries:
//! `find`, `number`, `history`, `list`, `aliases`, `pending`, `mra`, `mras`, `benefit`. Arguments
//! and results are defined in [`precinto_protocol::aeo`], reasons of refusal in [`code`].
//!
//! # Invariants
//! * A member writes only what it granted, declared or is a party of: its id is part of the key and
//!   taken from the author, never from the arguments. That the author is an officer is for the
//!   endorsement policy to say.
//! * Every field that is stored was checked here: a value read by a partner is well-formed.
//! * Nothing is deleted but what waits for a second person; what ended stays so; a member uses a
//!   number once.
//! * What one member can add to the cost of a query is bounded, so that none can make another's
//!   question unanswerable.
//!
//! # What this crate must never depend on
//! Anything but the contract SDK and the formats.
#![deny(clippy::float_arithmetic)]
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod aliases;
pub mod code;
mod fields;
mod keys;
mod methods;
mod mra;
mod pending;
mod queries;
mod record;
mod scan;

pub use aliases::{MAX_ALIASES_PER_OPERATOR, MAX_OPERATORS_PER_ALIAS, MAX_PERIODS};
pub use fields::MAX_EFFECTIVE_DISTANCE_MS;
pub use methods::MAX_PER_OPERATOR;
pub use mra::{MAX_ACTIVATIONS, MAX_PARTIES};
pub use queries::{MAX_MRA_PAGE, MAX_PAGE};
pub use record::MAX_TRANSITIONS;

use alloc::vec::Vec;

use precinto_contract::{Contract, Host, Rejection, Result};
use precinto_protocol::aeo::Action;

/// The contract.
pub struct Aeo;

impl Contract for Aeo {
    fn call(host: &mut dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>> {
        match method {
            "certify" => methods::certify(host, args),
            "amend" => methods::amend(host, args),
            "suspend" => methods::change_status(host, Action::Suspend, args),
            "reinstate" => methods::change_status(host, Action::Reinstate, args),
            "withdraw" => methods::change_status(host, Action::Withdraw, args),
            "revoke" => pending::propose(host, Action::Revoke, args),
            "annul" => pending::propose(host, Action::Annul, args),
            "approve" => pending::approve(host, args),
            "decline" => pending::decline(host, args),
            "declare-alias" => aliases::declare(host, args),
            "retire-alias" => aliases::retire(host, args),
            "propose-mra" => mra::propose(host, args),
            "accept-mra" => mra::accept(host, args),
            "leave-mra" => mra::leave(host, args),
            other => Err(Rejection::unknown_method(other)),
        }
    }

    fn query(host: &dyn Host, method: &str, args: &[u8]) -> Result<Vec<u8>> {
        match method {
            "find" => queries::find(host, args),
            "number" => queries::number(host, args),
            "history" => queries::history(host, args),
            "list" => queries::list(host, args),
            "aliases" => queries::aliases(host, args),
            "pending" => queries::pending(host, args),
            "mra" => queries::mra(host, args),
            "mras" => queries::mras(host, args),
            "benefit" => queries::benefit(host, args),
            other => Err(Rejection::unknown_method(other)),
        }
    }
}

precinto_contract::export_contract!(Aeo);
