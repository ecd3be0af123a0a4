//! Times as people and machines write them, and the two times of a question.
//!
//! A time is milliseconds since 1970, an RFC 3339 time (`2026-11-22T10:00:00Z`), or a date, which
//! stands for a whole UTC day: a change made "on" a day takes effect with its first millisecond, a
//! question about a day is about its last.

use precinto_protocol::aeo::{self, Date};
use serde::Deserialize;
use utoipa::ToSchema;

use super::fields::{Wrong, bounded};
use crate::error::ApiError;

const EXPECTED: &str =
    "expected a date (2026-11-22), a time (2026-11-22T10:00:00Z) or milliseconds since 1970";

/// A time in a body.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TimeForm {
    /// Milliseconds since 1970.
    Milliseconds(u64),
    /// An RFC 3339 time, or a date, which stands for the first millisecond of the day in UTC.
    Text(String),
}

/// When a change takes effect; left open, the ledger's clock says, not this node's.
pub(super) fn takes_effect(form: Option<&TimeForm>) -> Result<Option<u64>, Wrong> {
    let name = "effective";
    let effective_ms = match form {
        None => return Ok(None),
        Some(TimeForm::Milliseconds(time_ms)) => in_range(name, *time_ms)?,
        Some(TimeForm::Text(text)) => match read(name, text)? {
            Time::Day(day) => day.start_ms(),
            Time::Moment(time_ms) => time_ms,
        },
    };
    Ok(Some(effective_ms))
}

/// The two times of a question; `None` for the present. What was effective is asked as of the time
/// that `known` names unless `effective` says otherwise; what is known is all that is recorded unless
/// `known` says otherwise.
pub(super) fn as_of(
    effective: Option<&str>,
    known: Option<&str>,
) -> Result<Option<aeo::AsOf>, ApiError> {
    let asked = |name, text: Option<&str>| {
        let read = text.map(|text| read(name, text)).transpose();
        read.map(|time| time.map(Time::last_ms)).map_err(Wrong::parameter)
    };
    let (effective_ms, known_ms) = (asked("effective", effective)?, asked("known", known)?);
    Ok(effective_ms.or(known_ms).map(|effective_ms| aeo::AsOf {
        effective_ms,
        // Nothing is recorded later than the state that is read.
        recorded_ms: known_ms.unwrap_or(u64::MAX),
    }))
}

/// The last millisecond that counts for what was known; everything if absent.
pub(super) fn known(text: Option<&str>) -> Result<u64, ApiError> {
    Ok(as_of(None, text)?.map_or(u64::MAX, |as_of| as_of.recorded_ms))
}

enum Time {
    Day(Date),
    Moment(u64),
}

impl Time {
    fn last_ms(self) -> u64 {
        match self {
            Time::Day(day) => day.end_ms() - 1,
            Time::Moment(time_ms) => time_ms,
        }
    }
}

fn read(name: &'static str, text: &str) -> Result<Time, Wrong> {
    let text = bounded(name, text)?;
    if let Some(day) = Date::parse(text) {
        return Ok(Time::Day(day));
    }
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time_ms = if is_number { text.parse().ok() } else { rfc_3339(text) };
    match time_ms {
        Some(time_ms) => in_range(name, time_ms).map(Time::Moment),
        None => Err(Wrong::new(name, format!("{text:?}: {EXPECTED}"))),
    }
}

/// Up to the end of the year 9999: later times have no text form.
fn in_range(name: &'static str, time_ms: u64) -> Result<u64, Wrong> {
    if time_ms < Date::LAST.end_ms() {
        Ok(time_ms)
    } else {
        Err(Wrong::new(name, format!("{time_ms} is after the year 9999; {EXPECTED}")))
    }
}

/// A time of RFC 3339 from 1970 on, milliseconds since 1970; finer fractions are cut off, a leap second
/// is the last millisecond before it.
fn rfc_3339(text: &str) -> Option<u64> {
    let (day, rest) = text.split_at_checked(10)?;
    let day = Date::parse(day)?;
    let (time, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            (milliseconds(&rest[..end])?, &rest[end..])
        }
    };
    let (hour, minute) = clock(time.get(..5)?)?;
    let second = two_digits(time.get(5..)?.strip_prefix(':')?, 60)?;
    let of_minute = if second == 60 { 59_999 } else { second * 1_000 + fraction };
    let local_ms = day.start_ms() + (hour * 60 + minute) * 60_000 + of_minute;
    if matches!(offset, "Z" | "z") {
        return Some(local_ms);
    }
    let (hour, minute) = clock(offset.get(1..)?)?;
    let ahead_ms = (hour * 60 + minute) * 60_000;
    match offset.as_bytes()[0] {
        b'+' => local_ms.checked_sub(ahead_ms),
        b'-' => local_ms.checked_add(ahead_ms),
        _ => None,
    }
}

/// `HH:MM`.
fn clock(text: &str) -> Option<(u64, u64)> {
    let (hour, minute) = text.split_once(':')?;
    Some((two_digits(hour, 23)?, two_digits(minute, 59)?))
}

fn two_digits(text: &str, max: u64) -> Option<u64> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= max)
}

/// The first three digits of a fraction of a second.
fn milliseconds(digits: &str) -> Option<u64> {
    (!digits.is_empty()).then_some(())?;
    let three: String = digits.chars().chain("00".chars()).take(3).collect();
    three.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 20_779 * aeo::DAY_MS;

    #[test]
    fn times_of_rfc_3339() {
        for (text, ms) in [
            ("2026-11-22T00:00:00Z", 0),
            ("2026-11-22t10:20:30.5z", 37_230_500),
            ("2026-11-22 10:20:30.123999Z", 37_230_123),
            ("2026-11-22T03:00:00+03:00", 0),
            ("2026-11-21T21:00:00-03:00", 0),
            ("2026-11-21T23:59:60Z", 0),
        ] {
            let expected = if text.contains(":60Z") { DAY_MS - 1 } else { DAY_MS + ms };
            assert_eq!(rfc_3339(text), Some(expected), "{text}");
        }
        for bad in [
            "2026-11-22T00:00:00",
            "2026-11-22T24:00:00Z",
            "2026-11-22T00:60:00Z",
            "2026-11-22T00:00:61Z",
            "2026-02-29T00:00:00Z",
            "2026-11-22T00:00:00.Z",
            "2026-11-22T00:00:00+0300",
            "2026-11-22T00:00:00é3:00",
            "1970-01-01T00:00:00+01:00",
            "2026-11-22T+1:00:00Z",
            "22/11/2026",
            "",
        ] {
            assert_eq!(rfc_3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_is_asked_at_its_end_and_begins_changes_at_its_start() {
        let asked = as_of(Some("2026-11-22"), None).unwrap().unwrap();
        assert_eq!(asked.effective_ms, DAY_MS + aeo::DAY_MS - 1);
        let form = TimeForm::Text("2026-11-22".into());
        assert_eq!(takes_effect(Some(&form)).unwrap(), Some(DAY_MS));
    }

    #[test]
    fn the_two_times_default_to_each_other_and_to_the_present() {
        let both = |effective, known| as_of(effective, known).unwrap();
        let at = |effective_ms, recorded_ms| Some(aeo::AsOf { effective_ms, recorded_ms });
        assert_eq!(both(None, None), None);
        assert_eq!(both(Some("5"), None), at(5, u64::MAX));
        assert_eq!(both(None, Some("7")), at(7, 7));
        assert_eq!(both(Some("5"), Some("7")), at(5, 7));
    }

    #[test]
    fn times_beyond_the_calendar_are_refused() {
        for text in ["253402300800000", "99999999999999999999", "soon", "-1"] {
            assert!(as_of(Some(text), None).is_err(), "{text}");
        }
        assert!(takes_effect(Some(&TimeForm::Milliseconds(u64::MAX))).is_err());
    }
}
