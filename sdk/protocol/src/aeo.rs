//! Calls, records and events of the `aeo` contract: who is an Authorized Economic Operator.
//!
//! # State
//! An operator is known by its lookup tag, HMAC-SHA-256(channel lookup key, scheme, normalized
//! identifier): searchable for those who hold the key, opaque to others. An authorization is keyed
//! ([`AUTHORIZATION`], tag, member, number), so all authorizations of one operator are one provable
//! prefix; its history is the record log ([`HISTORY`], tag, member, number) whose entries are
//! [`Transition`]s.

use alloc::{string::String, vec::Vec};
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use minicbor::{Decode, Encode};
use sha2::Sha256;

use crate::{hash::Hash, identity::MemberId};

/// Name of the contract.
pub const CONTRACT: &str = "aeo";

/// First component of the keys of [`Authorization`]s.
pub const AUTHORIZATION: &[u8] = b"a";
/// First component of the keys of the record logs of [`Transition`]s.
pub const HISTORY: &[u8] = b"h";

/// An authorization number, at most this many bytes (so that a key fits its limit).
pub const MAX_NUMBER_BYTES: usize = 24;

/// A published identifier or its scheme, at most this many bytes (WCO TIN: up to 35 characters).
pub const MAX_IDENTIFIER_BYTES: usize = 35;

/// The operator's lookup tag in a channel. `scheme` is lower-case (`eori`, `cnpj`), `identifier`
/// normalized (upper-case, without separators).
pub fn lookup_tag(lookup_key: &[u8; 32], scheme: &str, identifier: &str) -> Hash {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(lookup_key).expect("HMAC takes a key of any length");
    mac.update(b"precinto/lookup-tag");
    mac.update(&(scheme.len() as u32).to_be_bytes());
    mac.update(scheme.as_bytes());
    mac.update(identifier.as_bytes());
    Hash(mac.finalize().into_bytes().into())
}

/// Upper-case letters and digits only: drops spaces, hyphens, dots and slashes, which countries
/// write differently. `None` if anything else is in the identifier or nothing is left.
pub fn normalize_identifier(identifier: &str) -> Option<String> {
    let mut normalized = String::with_capacity(identifier.len());
    for character in identifier.chars() {
        match character {
            ' ' | '-' | '.' | '/' => {}
            c if c.is_ascii_alphanumeric() => normalized.push(c.to_ascii_uppercase()),
            _ => return None,
        }
    }
    (!normalized.is_empty() && normalized.len() <= MAX_IDENTIFIER_BYTES).then_some(normalized)
}

/// A calendar date as days since 1970-01-01 (RFC 8943).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct Date(#[n(0)] pub u32);

/// Milliseconds in a day.
pub const DAY_MS: u64 = 86_400_000;

impl Date {
    /// The UTC date of a time in milliseconds since 1970.
    pub fn of_ms(time_ms: u64) -> Date {
        Date(u32::try_from(time_ms / DAY_MS).unwrap_or(u32::MAX))
    }

    /// Parses `YYYY-MM-DD`, from 1970 on. `None` if it is no such date.
    pub fn parse(text: &str) -> Option<Date> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |range: core::ops::Range<usize>| -> Option<u32> {
            let digits = &text[range];
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        if year < 1970 || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        let months: u32 = (1..month).map(|m| days_in(year, m)).sum();
        Some(Date(days_before_year(year) + months + day - 1))
    }

    /// Year, month (1 to 12) and day (1 to 31).
    pub fn civil(self) -> (u32, u32, u32) {
        // The estimate is never too high and at most one year too low.
        let mut year = 1970 + (u64::from(self.0) * 400 / 146_097) as u32;
        while days_before_year(year + 1) <= self.0 {
            year += 1;
        }
        while days_before_year(year) > self.0 {
            year -= 1;
        }
        let mut day = self.0 - days_before_year(year);
        let mut month = 1;
        while day >= days_in(year, month) {
            day -= days_in(year, month);
            month += 1;
        }
        (year, month, day + 1)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

fn leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to 1 January of `year`.
fn days_before_year(year: u32) -> u32 {
    let before = year - 1;
    let leaps = |y: u32| y / 4 - y / 100 + y / 400;
    (year - 1970) * 365 + leaps(before) - leaps(1969)
}

/// What an authorization is for (UCC Art. 38); an operator may hold both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum AeoType {
    /// Customs simplifications.
    #[n(0)]
    C,
    /// Security and safety.
    #[n(1)]
    S,
}

impl fmt::Display for AeoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AeoType::C => "AEOC",
            AeoType::S => "AEOS",
        })
    }
}

/// An identifier that the member's law publishes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PublicIdentifier {
    /// Lower-case scheme: `eori`, `ruc`.
    #[n(0)]
    pub scheme: String,
    /// Normalized identifier.
    #[n(1)]
    pub value: String,
}

/// Status of an authorization.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum AeoStatus {
    /// In force within its validity.
    #[n(0)]
    Valid,
    /// Not in force until reinstated.
    #[n(1)]
    Suspended,
    /// Ended for ever; a new grant gets a new number.
    #[n(2)]
    Revoked,
}

impl fmt::Display for AeoStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AeoStatus::Valid => "valid",
            AeoStatus::Suspended => "suspended",
            AeoStatus::Revoked => "revoked",
        })
    }
}

/// The public part of an authorization as it stands.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Authorization {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// The member that granted it; only its officers change it.
    #[n(1)]
    pub member: MemberId,
    /// The member's authorization number.
    #[n(2)]
    pub number: String,
    /// Sorted, unique, not empty.
    #[n(3)]
    pub types: Vec<AeoType>,
    /// First day of validity.
    #[n(4)]
    pub valid_from: Date,
    /// Last day of validity.
    #[n(5)]
    pub valid_until: Date,
    /// Status.
    #[n(6)]
    pub status: AeoStatus,
    /// Present where the member's law publishes it.
    #[n(7)]
    pub identifier: Option<PublicIdentifier>,
}

/// Method `certify`: the caller's member grants an authorization.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Certify {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// A number the member has not used for this operator: `[A-Z0-9-]{1,24}`.
    #[n(1)]
    pub number: String,
    /// Sorted, unique, not empty.
    #[n(2)]
    pub types: Vec<AeoType>,
    /// First day of validity.
    #[n(3)]
    pub valid_from: Date,
    /// Last day of validity, not before the first.
    #[n(4)]
    pub valid_until: Date,
    /// Present where the member's law publishes it.
    #[n(5)]
    pub identifier: Option<PublicIdentifier>,
}

/// Methods `suspend`, `reinstate` and `revoke`: arguments.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ChangeStatus {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
    /// The authorization's number.
    #[n(1)]
    pub number: String,
    /// When the change takes effect, milliseconds since 1970; may differ from when it is recorded.
    #[n(2)]
    pub effective_ms: u64,
    /// Why, a short code: `[a-z0-9-]{1,64}`.
    #[n(3)]
    pub reason: String,
}

/// What happened to an authorization.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Action {
    /// Granted.
    #[n(0)]
    Certify,
    /// Suspended.
    #[n(1)]
    Suspend,
    /// Reinstated.
    #[n(2)]
    Reinstate,
    /// Revoked.
    #[n(3)]
    Revoke,
}

impl Action {
    /// The method's name.
    pub fn name(self) -> &'static str {
        match self {
            Action::Certify => "certify",
            Action::Suspend => "suspend",
            Action::Reinstate => "reinstate",
            Action::Revoke => "revoke",
        }
    }
}

/// An entry of an authorization's record log. The host adds height, recorded time, transaction
/// and member. Also the payload of the events `aeo.certified`, `aeo.suspended`, `aeo.reinstated`
/// and `aeo.revoked`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Transition {
    /// What happened.
    #[n(0)]
    pub action: Action,
    /// When it takes effect, milliseconds since 1970.
    #[n(1)]
    pub effective_ms: u64,
    /// Why; empty for `certify`.
    #[n(2)]
    pub reason: String,
    /// The authorization after it.
    #[n(3)]
    pub authorization: Authorization,
}

/// Query `operator`: all authorizations of one operator. Arguments; the result is a CBOR array of
/// [`Authorization`]s in key order.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct OperatorQuery {
    /// The operator's lookup tag.
    #[n(0)]
    pub operator: Hash,
}

/// Query `history`: the transitions of one authorization. Arguments; the result is a CBOR array of
/// at most 100 [`crate::state::RecordLogEntry`]s, oldest first; go on with a higher `from`.
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

/// Query `list`: authorizations of all members, in key order, after a cursor. The result is
/// [`AuthorizationPage`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ListQuery {
    /// Key suffix of the last authorization of the page before; empty for the first page.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub after: Vec<u8>,
    /// At most this many: 1 to 100.
    #[n(1)]
    pub limit: u32,
}

/// A page of authorizations.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct AuthorizationPage {
    /// In key order.
    #[n(0)]
    pub items: Vec<Authorization>,
    /// Cursor of the next page; empty when this is the last.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub next: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn dates_round_trip_over_leap_years_and_centuries() {
        assert_eq!(Date::parse("1970-01-01"), Some(Date(0)));
        assert_eq!(Date::parse("2000-03-01"), Some(Date(11_017)));
        assert_eq!(Date::parse("2026-11-22"), Some(Date(20_779)));
        for day in (0..60_000).chain([100_000, 1_000_000]) {
            let text = Date(day).to_string();
            assert_eq!(Date::parse(&text), if text.len() == 10 { Some(Date(day)) } else { None });
        }
        for bad in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "1969-12-31",
            "26-1-1",
            "2026/01/01",
            "２026-1-1",
        ] {
            assert_eq!(Date::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn identifiers_are_normalized() {
        assert_eq!(normalize_identifier("11.222.333/0001-81").as_deref(), Some("11222333000181"));
        assert_eq!(normalize_identifier("slmsbn-abc").as_deref(), Some("SLMSBNABC"));
        assert_eq!(normalize_identifier(" -"), None);
        assert_eq!(normalize_identifier("ab_c"), None);
        assert_eq!(normalize_identifier(&"9".repeat(36)), None);
    }

    #[test]
    fn the_tag_separates_scheme_and_identifier() {
        let key = [7; 32];
        assert_ne!(lookup_tag(&key, "eori", "X1"), lookup_tag(&key, "eoriX", "1"));
        assert_ne!(lookup_tag(&key, "eori", "X1"), lookup_tag(&[8; 32], "eori", "X1"));
    }
}
