//! When a card ends: a month of a year, valid through its last day (UTC).
//!
//! Absent on purpose: a clock. Whether a card has ended is asked with the time.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Card schemes print years of this century and the next; anything else is a typing error.
const YEARS: std::ops::RangeInclusive<i64> = 2000..=2199;
/// No issuer makes cards that last longer; a year beyond is a typing error.
const YEARS_AHEAD_MAX: i64 = 50;
const SECONDS_PER_DAY: i64 = 86_400;

/// The last month in which a card is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Expiry {
    year: u16,
    month: u8,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    month: u8,
    year: u16,
}

/// Why a month and year cannot be a card's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryError {
    /// Not a month, or one of this year that has ended.
    #[error("the card's expiry month is invalid")]
    Month,
    /// Not a year, one that has ended, or one too far ahead.
    #[error("the card's expiry year is invalid")]
    Year,
}

impl Expiry {
    /// A month (1 to 12) and a year; two digits mean 20xx.
    ///
    /// # Errors
    /// No card carries that month or year.
    pub fn new(month: i64, year: i64) -> Result<Self, ExpiryError> {
        if !(1..=12).contains(&month) {
            return Err(ExpiryError::Month);
        }
        let year = if (0..100).contains(&year) { year + 2000 } else { year };
        if !YEARS.contains(&year) {
            return Err(ExpiryError::Year);
        }
        Ok(Self { year: u16::try_from(year).map_err(|_| ExpiryError::Year)?, month: u8::try_from(month).map_err(|_| ExpiryError::Month)? })
    }

    /// 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Four digits.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The first moment at which the card is no longer valid.
    #[must_use]
    pub fn ends_at(self) -> Timestamp {
        let (year, month) = if self.month == 12 { (self.year + 1, 1) } else { (self.year, self.month + 1) };
        Timestamp::from_seconds(days_to_month(i64::from(year), i64::from(month)) * SECONDS_PER_DAY)
    }

    /// Whether the card has ended.
    #[must_use]
    pub fn is_past(self, now: Timestamp) -> bool {
        now >= self.ends_at()
    }

    /// Whether a new card can carry it: it has not ended, and lies at most 50 years ahead.
    ///
    /// # Errors
    /// The part that is to blame: the year, or the month of the running year.
    pub fn check(self, now: Timestamp) -> Result<(), ExpiryError> {
        let this_year = year_of(now);
        let year = i64::from(self.year);
        if year < this_year || year > this_year.saturating_add(YEARS_AHEAD_MAX) {
            return Err(ExpiryError::Year);
        }
        if self.is_past(now) { Err(ExpiryError::Month) } else { Ok(()) }
    }
}

impl TryFrom<Stored> for Expiry {
    type Error = ExpiryError;

    fn try_from(stored: Stored) -> Result<Self, ExpiryError> {
        Self::new(i64::from(stored.month), i64::from(stored.year))
    }
}

impl From<Expiry> for Stored {
    fn from(expiry: Expiry) -> Self {
        Self { month: expiry.month, year: expiry.year }
    }
}

/// Days from the epoch to the first of a month. The year is counted from March, so that a leap day ends it.
const fn days_to_month(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months_since_march = (month + 9) % 12;
    let day_of_year = (153 * months_since_march + 2) / 5;
    let days_to_the_epoch_from_year_0 = 719_468;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - days_to_the_epoch_from_year_0
}

/// The calendar year (UTC) of a time.
fn year_of(now: Timestamp) -> i64 {
    let day = now.seconds().div_euclid(SECONDS_PER_DAY);
    // 400 years have 146,097 days: a first estimate that is at most one year off.
    let estimate = day.saturating_mul(400).div_euclid(146_097).saturating_add(1970);
    [estimate.saturating_add(1), estimate].into_iter().find(|year| days_to_month(*year, 1) <= day).unwrap_or(estimate - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// The plain way: day by day.
    fn days_by_counting(year: i64, month: i64) -> i64 {
        let leap = |y: i64| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
        let years: i64 = (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum();
        let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        years + lengths.iter().take(usize::try_from(month - 1).unwrap()).sum::<i64>()
    }

    #[test]
    fn days_to_a_month_are_those_of_counting_them() {
        for year in 1970..=2200 {
            for month in 1..=12 {
                assert_eq!(days_to_month(year, month), days_by_counting(year, month), "{year}-{month}");
            }
            let first = days_by_counting(year, 1) * SECONDS_PER_DAY;
            assert_eq!((year_of(at(first)), year_of(at(first - 1))), (year, year - 1));
        }
    }

    #[test]
    fn a_card_is_valid_through_the_last_second_of_its_month() {
        let leap_day_ends = 1_709_251_200; // 2024-03-01T00:00:00Z
        let expiry = Expiry::new(2, 2024).unwrap();
        assert!(!expiry.is_past(at(leap_day_ends - 1)));
        assert!(expiry.is_past(at(leap_day_ends)));
        let new_year = 1_735_689_600; // 2025-01-01T00:00:00Z
        assert_eq!(Expiry::new(12, 2024).unwrap().ends_at(), at(new_year));
    }

    #[test]
    fn the_part_that_is_to_blame_is_named() {
        let now = at(1_781_524_800); // 2026-06-15
        let check = |month, year| Expiry::new(month, year).and_then(|expiry| expiry.check(now));
        assert_eq!(check(6, 2026), Ok(()));
        assert_eq!(check(5, 2026), Err(ExpiryError::Month));
        assert_eq!(check(12, 2025), Err(ExpiryError::Year));
        assert_eq!(check(12, 2076), Ok(()));
        assert_eq!(check(1, 2077), Err(ExpiryError::Year));
        assert_eq!(check(13, 2030), Err(ExpiryError::Month));
        assert_eq!(check(0, 2030), Err(ExpiryError::Month));
        assert_eq!(check(1, -1), Err(ExpiryError::Year));
        assert_eq!(check(1, 1999), Err(ExpiryError::Year));
    }

    #[test]
    fn two_digits_mean_this_century() {
        assert_eq!(Expiry::new(1, 34), Expiry::new(1, 2034));
    }

    proptest! {
        #[test]
        fn any_numbers_and_times_give_an_answer(month: i64, year: i64, small in 1_i64..13, near in 1990_i64..2210, now: i64) {
            let now = Timestamp::from_millis(now);
            let _ = Expiry::new(month, year).and_then(|expiry| expiry.check(now));
            let _ = Expiry::new(small, near).and_then(|expiry| expiry.check(now));
        }

        #[test]
        fn what_is_stored_is_read_back(month in 1_i64..13, year in 2000_i64..2200) {
            let expiry = Expiry::new(month, year).unwrap();
            let text = serde_json::to_string(&expiry).unwrap();
            prop_assert_eq!(serde_json::from_str::<Expiry>(&text).unwrap(), expiry);
        }
    }
}
