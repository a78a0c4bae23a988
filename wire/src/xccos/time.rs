//! Timestamps (`xccos.md` §4.3), with their own calendar: UTC, no leap seconds, four-digit years.

use std::fmt;

#[cfg(test)]
mod tests;

/// UTC time in ticks of 100 ns since 1970-01-01, the original's resolution (`xccos.md` §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

const TICKS_PER_SECOND: i64 = 10_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// The last tick of the year 9999, beyond which ISO 8601 needs a fifth digit.
const TICKS_MAX: i64 = 253_402_300_800 * TICKS_PER_SECOND - 1;

impl Timestamp {
    /// Reads ISO 8601 `YYYY-MM-DDThh:mm:ss[.fraction][Z]`; without zone it is UTC; offsets are
    /// understood. `None` when unreadable or out of years 1970 to 9999.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let mut reader = Digits(text.as_bytes());
        let (year, month, day) = (reader.number(4, b'-')?, reader.number(2, b'-')?, reader.day()?);
        let (hour, minute) = (reader.number(2, b':')?, reader.number(2, b':')?);
        let second = reader.digits(2)?;
        let in_range = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && (hour < 24 && minute < 60 && second < 60);
        if !in_range {
            return None;
        }
        let fraction = reader.fraction()?;
        let minutes = hour * 60 + minute - reader.offset_minutes()?;
        let seconds = days_since_1970(year, month, day) * SECONDS_PER_DAY + minutes * 60 + second;
        let ticks = seconds * TICKS_PER_SECOND + fraction;
        (0..=TICKS_MAX).contains(&ticks).then_some(Timestamp(ticks))
    }
}

impl fmt::Display for Timestamp {
    /// `2024-03-08T07:16:05.4417000Z`: seven digits and `Z`, the only zone SIPE understands. Times
    /// that four-digit years from 1970 cannot show are shown as the nearest one that they can.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ticks = self.0.clamp(0, TICKS_MAX);
        let seconds = ticks / TICKS_PER_SECOND;
        let (year, month, day) = civil_date(seconds / SECONDS_PER_DAY);
        let mut text = *b"0000-00-00T00:00:00.0000000Z";
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], seconds / 3600 % 24);
        put(&mut text[14..16], seconds / 60 % 60);
        put(&mut text[17..19], seconds % 60);
        put(&mut text[20..27], ticks % TICKS_PER_SECOND);
        f.write_str(std::str::from_utf8(&text).expect("digits and punctuation are ASCII"))
    }
}

/// Writes a number's last digits, as many as there is room for.
fn put(field: &mut [u8], mut number: i64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// What is left of the text.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        let push = |number, b: &u8| b.is_ascii_digit().then(|| number * 10 + i64::from(b - b'0'));
        digits.iter().try_fold(0, push)
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self, count: usize, behind: u8) -> Option<i64> {
        let number = self.digits(count)?;
        (self.byte()? == behind).then_some(number)
    }

    fn day(&mut self) -> Option<i64> {
        let day = self.digits(2)?;
        matches!(self.byte()?, b'T' | b't').then_some(day)
    }

    /// The fraction of a second in ticks; digits beyond the seventh are cut off.
    fn fraction(&mut self) -> Option<i64> {
        let Some(rest) = self.0.strip_prefix(b".") else { return Some(0) };
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.0 = &rest[count..];
        let kept = &rest[..count.min(7)];
        let number = kept.iter().fold(0, |number, b| number * 10 + i64::from(b - b'0'));
        (count > 0).then(|| number * 10_i64.pow(7 - kept.len() as u32))
    }

    /// The zone: nothing, `Z`, or `±hh:mm`; then the text must end.
    fn offset_minutes(&mut self) -> Option<i64> {
        let sign = match self.byte() {
            None => return Some(0),
            Some(b'Z' | b'z') => return self.0.is_empty().then_some(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        let (hours, minutes) = (self.number(2, b':')?, self.digits(2)?);
        let is_valid = hours < 24 && minutes < 60 && self.0.is_empty();
        is_valid.then_some(sign * (hours * 60 + minutes))
    }
}

// Years are counted from March below, so that the leap day is the last of its year and the months
// before it have a fixed pattern: 153 days in each five months.

const DAYS_PER_ERA: i64 = 146_097;
/// 1970-01-01 in days since 0000-03-01.
const EPOCH_DAY: i64 = 719_468;

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - EPOCH_DAY
}

fn civil_date(days_since_1970: i64) -> (i64, i64, i64) {
    let days = days_since_1970 + EPOCH_DAY;
    let era = days / DAYS_PER_ERA;
    let day_of_era = days % DAYS_PER_ERA;
    // Take the leap days out, so that a division by 365 gives the year.
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
