//! What can be asked about authorizations. Every query that takes an [`AsOf`] answers for the
//! present, both times being ledger time, where it is absent.

use alloc::{string::String, vec::Vec};

use minicbor::{Decode, Encode};

use super::{
    AeoType, AliasMode, Authorization, Date, Mra, PendingAction, Standing, SupplyChainRole,
};
use crate::{hash::Hash, identity::MemberId};

/// What was the case at one time as it was known at another, milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct AsOf {
    /// The time that is asked about.
    #[n(0)]
    pub effective_ms: u64,
    /// Only what the ledger had recorded by then counts.
    #[n(1)]
    pub recorded_ms: u64,
}

/// An authorization as it stood.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct StandingAuthorization {
    /// With the status and terms that counted then.
    #[n(0)]
    pub authorization: Authorization,
    /// How it stood.
    #[n(1)]
    pub standing: Standing,
    /// Since when it stood so, milliseconds since 1970.
    #[n(2)]
    pub since_ms: u64,
    /// Since when its terms were what they were, milliseconds since 1970.
    #[n(3)]
    pub terms_ms: u64,
}

/// Query `find`: what an identifier leads to, directly and by aliases. The result is [`FindAnswer`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct FindQuery {
    /// Lookup tag of the identifier.
    #[n(0)]
    pub tag: Hash,
    /// Who looks: its own translations count too ([`AliasMode::Receiver`]).
    #[n(1)]
    pub viewer: Option<MemberId>,
    /// As of when.
    #[n(2)]
    pub as_of: Option<AsOf>,
}

/// What an identifier leads to.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct FindAnswer {
    /// The times it is true for.
    #[n(0)]
    pub as_of: AsOf,
    /// The operator of the tag itself first, then those that aliases lead to, by tag. Operators
    /// without an authorization then are left out.
    #[n(1)]
    pub operators: Vec<FoundOperator>,
}

/// An operator and its authorizations.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct FoundOperator {
    /// Its lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// The declarations that led to it; none where the tag is its own.
    #[n(1)]
    pub via: Vec<Via>,
    /// By member and number.
    #[n(2)]
    pub authorizations: Vec<StandingAuthorization>,
}

/// A declaration that led from an identifier to an operator.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Via {
    /// Who declared it.
    #[n(0)]
    pub member: MemberId,
    /// How it came about.
    #[n(1)]
    pub mode: AliasMode,
}

/// Query `number`: the authorization of this number. The result is an optional
/// [`StandingAuthorization`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct NumberQuery {
    /// The member that granted it.
    #[n(0)]
    pub member: MemberId,
    /// Its number.
    #[n(1)]
    pub number: String,
    /// As of when.
    #[n(2)]
    pub as_of: Option<AsOf>,
}

/// Query `history`: the transitions of one authorization. The result is a CBOR array of at most
/// 100 [`crate::state::RecordLogEntry`]s, oldest first; go on with a higher `from`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct HistoryQuery {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// The member that granted it.
    #[n(1)]
    pub member: MemberId,
    /// The authorization's number.
    #[n(2)]
    pub number: String,
    /// Index of the first entry to return.
    #[n(3)]
    pub from: u64,
}

/// Query `list`: authorizations in key order, after a cursor. The result is [`ListPage`]. Pages that
/// are asked with one `as_of` fit together, whatever is recorded meanwhile.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ListQuery {
    /// Which ones.
    #[n(0)]
    pub filter: ListFilter,
    /// As of when.
    #[n(1)]
    pub as_of: Option<AsOf>,
    /// Cursor of the page before; empty for the first page.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub after: Vec<u8>,
    /// At most this many: 1 to 100.
    #[n(3)]
    pub limit: u32,
}

/// Which authorizations are listed: those that meet every condition that is present.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct ListFilter {
    /// Granted by this member.
    #[n(0)]
    pub member: Option<MemberId>,
    /// Stood so.
    #[n(1)]
    pub standing: Option<Standing>,
    /// Has this type.
    #[n(2)]
    pub aeo_type: Option<AeoType>,
    /// Has this role.
    #[n(3)]
    pub role: Option<SupplyChainRole>,
    /// Of a kind that this arrangement recognizes ([`super::MraTerms::covers`]).
    #[n(4)]
    pub mra: Option<String>,
    /// Its last day comes by this day.
    #[n(5)]
    pub ends_by: Option<Date>,
}

/// A page of authorizations. May hold fewer than asked for, even none, although more follow: a
/// query looks at a bounded number of keys.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ListPage {
    /// The times it is true for.
    #[n(0)]
    pub as_of: AsOf,
    /// In key order.
    #[n(1)]
    pub items: Vec<StandingAuthorization>,
    /// Cursor of the next page; empty when this is the last.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub next: Vec<u8>,
}

/// Query `aliases`: the declarations about one operator, by member and alias, also retired ones. The
/// result is a CBOR array of [`super::Alias`]es.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct AliasesQuery {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
}

/// Query `pending`: what waits for a second person of a member. The result is [`PendingPage`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PendingQuery {
    /// The member.
    #[n(0)]
    pub member: MemberId,
    /// Cursor of the page before; empty for the first page.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub after: Vec<u8>,
    /// At most this many: 1 to 100.
    #[n(2)]
    pub limit: u32,
}

/// A page of pending actions; those that expired are among them until they are replaced.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PendingPage {
    /// In key order.
    #[n(0)]
    pub items: Vec<PendingAction>,
    /// Cursor of the next page; empty when this is the last.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub next: Vec<u8>,
}

/// Query `mra`: the arrangement of this id. The result is an optional [`Mra`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MraQuery {
    /// Its id.
    #[n(0)]
    pub id: String,
}

/// Query `mras`: all arrangements by id. The result is [`MraPage`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MrasQuery {
    /// Id of the last arrangement of the page before; empty for the first page.
    #[n(0)]
    pub after: String,
    /// At most this many: 1 to 100.
    #[n(1)]
    pub limit: u32,
}

/// A page of arrangements; may hold fewer than asked for although more follow.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MraPage {
    /// By id.
    #[n(0)]
    pub items: Vec<Mra>,
    /// Whether more follow the last one.
    #[n(1)]
    pub more: bool,
}
