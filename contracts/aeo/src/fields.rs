//! What each field may be. Partners read these values for years: nothing is stored unchecked.

use alloc::format;

use precinto_contract::{Rejection, Result};
use precinto_protocol::{
    aeo::{Authorization, DAY_MS, Date, MAX_NUMBER_BYTES, PublicIdentifier, normalize_identifier},
    host::is_code,
};

/// How far from ledger time a change may take effect, in milliseconds: a year either way. Farther
/// is a typing error.
pub const MAX_EFFECTIVE_DISTANCE_MS: u64 = 366 * DAY_MS;

/// A scheme of identifiers, in bytes: room for a country and a register (`br-cnpj`).
const MAX_SCHEME_BYTES: usize = 16;

/// 9999-12-31: later dates have no text form (RFC 3339).
const LAST_DATE: Date = Date(2_932_896);

/// `field` is not what it must be: `rule` says what that is.
pub(crate) fn bad(field: &str, rule: &str) -> Rejection {
    Rejection::new(Rejection::BAD_ARGUMENTS, format!("{field}: {rule}"))
}

/// Checks all that the author chose of a new authorization.
pub(crate) fn check_authorization(authorization: &Authorization) -> Result<()> {
    check_number(&authorization.number)?;
    if authorization.types.is_empty() || !authorization.types.is_sorted_by(|a, b| a < b) {
        return Err(bad("types", "at least one, sorted, each once"));
    }
    if authorization.valid_until < authorization.valid_from {
        return Err(bad("valid_until", "not before valid_from"));
    }
    if authorization.valid_until > LAST_DATE {
        return Err(bad("valid_until", "not after 9999-12-31"));
    }
    authorization.identifier.as_ref().map_or(Ok(()), check_identifier)
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

fn check_identifier(identifier: &PublicIdentifier) -> Result<()> {
    let scheme = identifier.scheme.as_bytes();
    if scheme.len() > MAX_SCHEME_BYTES || !is_code(scheme) {
        return Err(bad("identifier.scheme", "1 to 16 lower-case letters, digits and hyphens"));
    }
    if normalize_identifier(&identifier.value).as_ref() != Some(&identifier.value) {
        return Err(bad(
            "identifier.value",
            "1 to 35 capital letters and digits, without separators",
        ));
    }
    Ok(())
}

/// A reason: `[a-z0-9-]{1,64}`.
pub(crate) fn check_reason(reason: &str) -> Result<()> {
    if is_code(reason.as_bytes()) {
        Ok(())
    } else {
        Err(bad("reason", "a code of 1 to 64 lower-case letters, digits and hyphens"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_date_is_the_last_with_a_text_form() {
        assert_eq!(Date::parse("9999-12-31"), Some(LAST_DATE));
    }

    #[test]
    fn numbers_and_reasons_at_their_limits() {
        for good in ["A", "UY-OEC-0001", &"9".repeat(24)] {
            assert_eq!(check_number(good), Ok(()), "{good}");
        }
        for bad in ["", "uy", "A B", "A/1", "É", &"9".repeat(25)] {
            assert!(check_number(bad).is_err(), "{bad}");
        }
        for good in ["a", "financial-solvency", &"a".repeat(64)] {
            assert_eq!(check_reason(good), Ok(()), "{good}");
        }
        for bad in ["", "Fraud", "a b", "a.b", &"a".repeat(65)] {
            assert!(check_reason(bad).is_err(), "{bad}");
        }
    }
}
