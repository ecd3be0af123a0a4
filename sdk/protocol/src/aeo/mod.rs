//! Calls, records and events of the `aeo` contract: who is an Authorized Economic Operator, and
//! to whom that is of use.
//!
//! # State
//! An operator is known by its lookup tag, HMAC-SHA-256(channel lookup key, scheme, normalized
//! identifier): searchable for those who hold the key, opaque to others.
//!
//! | key | value |
//! |---|---|
//! | ([`AUTHORIZATION`], tag, member, number) | [`Authorization`]: all of one operator are one provable prefix |
//! | ([`HISTORY`], tag, member, number) | record log of [`Transition`]s |
//! | ([`TIME_LINE`], tag, member, number) | [`Moment`]s, one per transition; absent while there is only the grant |
//! | ([`NUMBER`], member, number) | the operator's tag: a member uses a number once |
//! | ([`PENDING`], member, tag, number) | [`PendingAction`] that waits for a second person |
//! | ([`ALIAS`], alias tag, member, operator tag) | [`Alias`]: all meanings of one identifier are one provable prefix |
//! | ([`ALIAS_OF`], operator tag, member, alias tag) | empty: the same from the operator's side |
//! | ([`MRA`], id) | [`Mra`] |
//!
//! # Two times
//! Every transition has an *effective* time, which its member states, and a *recorded* time, which
//! the ledger adds. [`standing`] derives from a history what was the case at one time as it was
//! known at another.

pub mod authorization;
pub mod benefit;
pub mod date;
pub mod equivalence;
pub mod identifier;
pub mod mra;
pub mod pending;
pub mod query;
pub mod standing;

pub use authorization::{
    Action, AeoStatus, AeoType, Amend, Authorization, Certify, ChangeStatus, PublicIdentifier,
    ReasonClass, SupplyChainRole, Terms, Transition,
};
pub use benefit::{BenefitAnswer, BenefitQuery, BenefitReason};
pub use date::{DAY_MS, Date};
pub use equivalence::{Alias, AliasMode, DeclareAlias, Period, RetireAlias};
pub use identifier::{Scheme, lookup_tag};
pub use mra::{AcceptMra, LeaveMra, Mra, MraTerms, PairActivation, ProposeMra};
pub use pending::{Decide, PendingAction, Person};
pub use query::{AsOf, StandingAuthorization};
pub use standing::{Moment, Standing, standing};

/// Name of the contract.
pub const CONTRACT: &str = "aeo";

/// First component of the keys of [`Authorization`]s.
pub const AUTHORIZATION: &[u8] = b"a";
/// First component of the keys of the record logs of [`Transition`]s.
pub const HISTORY: &[u8] = b"h";
/// First component of the keys of time lines.
pub const TIME_LINE: &[u8] = b"t";
/// First component of the index of authorization numbers.
pub const NUMBER: &[u8] = b"n";
/// First component of the keys of [`PendingAction`]s.
pub const PENDING: &[u8] = b"p";
/// First component of the keys of [`Alias`]es, by alias.
pub const ALIAS: &[u8] = b"i";
/// First component of the index of [`Alias`]es by operator.
pub const ALIAS_OF: &[u8] = b"o";
/// First component of the keys of [`Mra`]s.
pub const MRA: &[u8] = b"m";

/// An authorization number, at most this many bytes (so that a key fits its limit).
pub const MAX_NUMBER_BYTES: usize = 24;
