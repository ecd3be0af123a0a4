//! Calendar dates.

use core::fmt;

use minicbor::{Decode, Encode};

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

impl Date {
    /// 9999-12-31: later dates have no text form (RFC 3339).
    pub const LAST: Date = Date(2_932_896);

    /// The first millisecond (UTC) of the day.
    pub fn start_ms(self) -> u64 {
        u64::from(self.0) * DAY_MS
    }

    /// The first millisecond (UTC) after the day.
    pub fn end_ms(self) -> u64 {
        self.start_ms() + DAY_MS
    }
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
    fn the_last_date_is_the_last_with_a_text_form() {
        assert_eq!(Date::parse("9999-12-31"), Some(Date::LAST));
        assert_eq!(Date(1).start_ms(), Date(0).end_ms());
    }
}
