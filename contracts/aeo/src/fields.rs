//! What each field may be. Partners read these values for years: nothing is stored unchecked.

use alloc::format;

use precinto_contract::{CallContext, Rejection, Result};
use precinto_protocol::{
    aeo::{DAY_MS, Date, MAX_NUMBER_BYTES, PublicIdentifier, Scheme, Terms},
    call::Signer,
    genesis::is_member_id,
};

use crate::code;

/// How far from ledger time a change may take effect, in milliseconds: a year either way. Farther
/// is a typing error.
pub const MAX_EFFECTIVE_DISTANCE_MS: u64 = 366 * DAY_MS;

/// A member's reference of its decision, in bytes.
const MAX_REFERENCE_BYTES: usize = 64;

/// `field` is not what it must be: `rule` says what that is.
pub(crate) fn bad(field: &str, rule: &str) -> Rejection {
    Rejection::new(Rejection::BAD_ARGUMENTS, format!("{field}: {rule}"))
}

/// Who signed the transaction as its author.
pub(crate) fn author(context: &CallContext) -> Result<&Signer> {
    context.author().ok_or_else(|| Rejection::new(code::NO_AUTHOR, "the call has no author"))
}

/// Checks the terms of an authorization that is valid from a day on.
pub(crate) fn check_terms(valid_from: Date, terms: &Terms) -> Result<()> {
    check_set("types", &terms.types)?;
    check_set("roles", &terms.roles)?;
    check_validity(valid_from, terms.valid_until)?;
    terms.identifier.as_ref().map_or(Ok(()), check_identifier)
}

/// Checks first and last day.
pub(crate) fn check_validity(valid_from: Date, valid_until: Option<Date>) -> Result<()> {
    if valid_from > Date::LAST {
        return Err(bad("valid_from", "not after 9999-12-31"));
    }
    match valid_until {
        Some(last) if last < valid_from => Err(bad("valid_until", "not before valid_from")),
        Some(last) if last > Date::LAST => Err(bad("valid_until", "not after 9999-12-31")),
        _ => Ok(()),
    }
}

/// Checks a set that is written as a list.
pub(crate) fn check_set<T: Ord>(field: &str, items: &[T]) -> Result<()> {
    if items.is_empty() || !items.is_sorted_by(|a, b| a < b) {
        return Err(bad(field, "at least one, sorted, each once"));
    }
    Ok(())
}

/// An authorization number: `[A-Z0-9-]{1,24}`.
pub(crate) fn check_number(number: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    if (1..=MAX_NUMBER_BYTES).contains(&number.len()) && number.bytes().all(allowed) {
        Ok(())
    } else {
        Err(bad("number", "1 to 24 capital letters, digits and hyphens"))
    }
}

/// A member's id, as it is written; whether there is such a member cannot be seen from here.
pub(crate) fn check_member(field: &str, member: &str) -> Result<()> {
    match is_member_id(member) {
        true => Ok(()),
        false => Err(bad(field, "a member's id: 1 to 16 lower-case letters, digits and hyphens")),
    }
}

/// An identifier in clear: of a known scheme, written as the scheme normalizes it.
pub(crate) fn check_identifier(identifier: &PublicIdentifier) -> Result<()> {
    let scheme: Scheme =
        identifier.scheme.parse().map_err(|error| bad("identifier.scheme", &format!("{error}")))?;
    let normalized = scheme
        .normalize(&identifier.value)
        .map_err(|error| bad("identifier.value", &format!("{error}")))?;
    match normalized == identifier.value {
        true => Ok(()),
        false => Err(bad("identifier.value", &format!("normalized it is {normalized:?}"))),
    }
}

/// A reference of a decision: `[A-Za-z0-9./-]{0,64}`.
pub(crate) fn check_reference(reference: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'-');
    match reference.len() <= MAX_REFERENCE_BYTES && reference.bytes().all(allowed) {
        true => Ok(()),
        false => Err(bad("reference", "at most 64 letters, digits, full stops, slashes, hyphens")),
    }
}

/// When a change of an authorization takes effect: when its author says, or as soon as it is recorded.
pub(crate) fn effective(now_ms: u64, valid_from: Date, stated_ms: Option<u64>) -> Result<u64> {
    let Some(effective_ms) = stated_ms else { return Ok(now_ms.max(valid_from.start_ms())) };
    if effective_ms < valid_from.start_ms() {
        return Err(Rejection::new(
            code::EFFECTIVE_BEFORE_GRANT,
            format!("effective_ms: not before {valid_from}, the first day of validity"),
        ));
    }
    check_distance(now_ms, effective_ms)?;
    Ok(effective_ms)
}

/// A time that is meant to be near the present.
pub(crate) fn check_distance(now_ms: u64, effective_ms: u64) -> Result<()> {
    if now_ms.abs_diff(effective_ms) <= MAX_EFFECTIVE_DISTANCE_MS {
        return Ok(());
    }
    Err(Rejection::new(
        code::EFFECTIVE_TIME_OUT_OF_RANGE,
        "effective_ms: at most 366 days from ledger time, in milliseconds since 1970",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_at_their_limits() {
        for good in ["A", "UY-OEC-0001", &"9".repeat(24)] {
            assert_eq!(check_number(good), Ok(()), "{good}");
        }
        for bad in ["", "uy", "A B", "A/1", "É", &"9".repeat(25)] {
            assert!(check_number(bad).is_err(), "{bad}");
        }
        for good in ["", "RG 12/2026-a.1", &"a".repeat(64)] {
            assert_eq!(check_reference(&good.replace(' ', "-")), Ok(()), "{good}");
        }
        for bad in ["a b", "a_b", "é", "a\n", &"a".repeat(65)] {
            assert!(check_reference(bad).is_err(), "{bad}");
        }
        for good in ["a", "uy-dna", &"m".repeat(16)] {
            assert_eq!(check_member("member", good), Ok(()), "{good}");
        }
        for bad in ["", "UY", "uy_dna", &"m".repeat(17)] {
            assert!(check_member("member", bad).is_err(), "{bad}");
        }
    }
}
