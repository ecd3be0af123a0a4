//! Identifier equivalence: one operator, several identifiers.
//!
//! A declaration says that an identifier (the *alias*) means an operator. Whom it concerns depends
//! on who declares it, so that nobody can borrow the good name of another's operator:
//! * by the member that granted the authorizations (modes `sender`, `adopted`, `common`): the alias
//!   leads everybody to *that member's* authorizations of the operator;
//! * by a member that receives (mode `receiver`): the alias leads *that member alone* to the
//!   operator's authorizations.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::PublicIdentifier;
use crate::{hash::Hash, identity::MemberId, names::named};

named! {
    /// How two administrations come to speak of one operator (identity models of the WCO's AEO
    /// arrangements).
    pub enum AliasMode {
        /// The receiving member translates the sender's identifier into its own.
        Receiver = 0, "receiver";
        /// The granting member translates into the partner's identifier.
        Sender = 1, "sender";
        /// The granting member adopted an identifier that a partner gave.
        Adopted = 2, "adopted";
        /// Both use a common identifier (DUNS, TIN).
        Common = 3, "common";
    }
}

/// From when to when a declaration was in force, in ledger time, milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Period {
    /// First.
    #[n(0)]
    pub from_ms: u64,
    /// When it was retired, exclusive.
    #[n(1)]
    pub until_ms: Option<u64>,
    /// How it came about, as declared for this period.
    #[n(2)]
    pub mode: AliasMode,
}

/// A declaration. Also the payload of the events `aeo.alias-declared` and `aeo.alias-retired`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Alias {
    /// Lookup tag of the alias.
    #[n(0)]
    pub alias: Hash,
    /// Lookup tag of the operator it means.
    #[n(1)]
    pub operator: Hash,
    /// Who declared it.
    #[n(2)]
    pub member: MemberId,
    /// How it came about, as last declared.
    #[n(3)]
    pub mode: AliasMode,
    /// The alias in clear where the member's law publishes it.
    #[n(4)]
    pub identifier: Option<PublicIdentifier>,
    /// When it was in force, oldest first; only the last can be open.
    #[n(5)]
    pub periods: Vec<Period>,
}

impl Alias {
    /// How the declaration in force at a ledger time came about; none if none was.
    pub fn mode_at(&self, time_ms: u64) -> Option<AliasMode> {
        let covers = |period: &&Period| {
            period.from_ms <= time_ms && period.until_ms.is_none_or(|until| time_ms < until)
        };
        self.periods.iter().find(covers).map(|period| period.mode)
    }

    /// Whether it is in force until it is retired.
    pub fn is_open(&self) -> bool {
        self.periods.last().is_some_and(|period| period.until_ms.is_none())
    }

    /// Whether, declared in `mode`, it leads `viewer` to the authorizations that `granting` gave the
    /// operator.
    pub fn leads(&self, mode: AliasMode, viewer: Option<&str>, granting: &str) -> bool {
        match mode {
            AliasMode::Receiver => viewer == Some(self.member.as_str()),
            AliasMode::Sender | AliasMode::Adopted | AliasMode::Common => self.member == granting,
        }
    }
}

/// Method `declare-alias`: arguments.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct DeclareAlias {
    /// Lookup tag of the alias.
    #[n(0)]
    pub alias: Hash,
    /// Lookup tag of the operator; another than the alias.
    #[n(1)]
    pub operator: Hash,
    /// How it came about.
    #[n(2)]
    pub mode: AliasMode,
    /// The alias in clear where the member's law publishes it.
    #[n(3)]
    pub identifier: Option<PublicIdentifier>,
}

/// Method `retire-alias`: arguments.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct RetireAlias {
    /// Lookup tag of the alias.
    #[n(0)]
    pub alias: Hash,
    /// Lookup tag of the operator.
    #[n(1)]
    pub operator: Hash,
}
