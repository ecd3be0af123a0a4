//! Endorsement: the signatures of other members that a method's policy asks for.
//!
//! # Mental model
//! ```text
//! officer, client --> Collector --asks--> Endorser (of each node that is asked)
//!                        |                   checks as admission does, simulates the call,
//!                        |                   applies its member's rules, signs
//!                        +--> the exact set of endorsements --> submission
//! ```
//! The policy decides whether anybody is asked, and how many. One node per member is asked first; if
//! it gives no answer, another one of the member; if it refuses, that is the member's answer. An
//! endorsement says that the call succeeded against the endorser's state and broke none of its
//! member's rules. It promises nothing about the block that will execute it, and it ends with the
//! statement's expiry.
//!
//! A transaction with an endorsement too many is void, so only those are attached that the policy
//! asks for, although more may have been given.

mod collection;
mod collector;
mod endorser;
mod present;
mod rules;

pub(super) use collector::{CollectError, Collector, CollectorParts};
pub(super) use endorser::Endorser;
pub(super) use present::Present;
pub use rules::Rules;
