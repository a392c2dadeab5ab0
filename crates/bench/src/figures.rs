//! Figures as integers: latencies in microseconds, ratios in hundredths, and how they are printed.
//!
//! Absent on purpose: floating point.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest latency that is told apart: two minutes, beyond any time limit used here.
const LATENCY_MAX_MICROS: u64 = 120_000_000;
/// Significant digits kept of each latency.
const DIGITS: u8 = 3;

/// Latencies of one measurement.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet.
    ///
    /// # Errors
    /// Never with the constants here; the histogram's own check is passed on.
    pub fn new() -> Result<Self, hdrhistogram::CreationError> {
        Histogram::new_with_bounds(1, LATENCY_MAX_MICROS, DIGITS).map(Self)
    }

    /// Counts one; what is longer than the longest is counted as that.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX_MICROS));
    }

    /// Adds another measurement's.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, the only condition there is.
        if self.0.add(&other.0).is_err() {
            self.0.reset();
        }
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The median.
    #[must_use]
    pub fn p50(&self) -> Micros {
        Micros(self.0.value_at_quantile(0.5))
    }

    /// Ninety-nine of a hundred are no longer.
    #[must_use]
    pub fn p99(&self) -> Micros {
        Micros(self.0.value_at_quantile(0.99))
    }

    /// All but one of a thousand are no longer.
    #[must_use]
    pub fn p999(&self) -> Micros {
        Micros(self.0.value_at_quantile(0.999))
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Micros {
        Micros(self.0.max())
    }
}

/// A time in microseconds, printed in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub u64);

impl From<Duration> for Micros {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} ms", self.0 / 1000, self.0 % 1000 / 10)
    }
}

/// A ratio in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(pub u64);

impl Ratio {
    /// `part ÷ whole`, rounded down; none if the whole is zero.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        part.saturating_mul(100).checked_div(whole).map(Self)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A number of bytes, printed in the unit that suits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KILO: u64 = 1000;
        const MEGA: u64 = 1024 * 1024;
        if self.0 < MEGA {
            write!(f, "{}.{} kB", self.0 / KILO, self.0 % KILO / 100)
        } else {
            write!(f, "{}.{} MB", self.0 / MEGA, self.0 % MEGA * 10 / MEGA)
        }
    }
}

/// The number of events in a second, rounded down.
#[must_use]
pub fn per_second(events: u64, elapsed: Duration) -> u64 {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    events.saturating_mul(1000).checked_div(millis).unwrap_or(0)
}

/// The middle one of several figures; the lower middle of an even number.
pub fn median<T: Ord + Copy>(figures: impl IntoIterator<Item = T>) -> Option<T> {
    let mut sorted: Vec<T> = figures.into_iter().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_printed_in_their_units() {
        assert_eq!(Micros(12_345).to_string(), "12.34 ms");
        assert_eq!(Micros(50).to_string(), "0.05 ms");
        assert_eq!(Ratio::of(2, 3).unwrap().to_string(), "0.66");
        assert_eq!(Ratio::of(2, 0), None);
        assert_eq!(Bytes(4_250).to_string(), "4.2 kB");
        assert_eq!(Bytes(64 * 1024 * 1024 + 600_000).to_string(), "64.5 MB");
        assert_eq!(per_second(500, Duration::from_millis(250)), 2000);
        assert_eq!(per_second(500, Duration::ZERO), 0);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median([3, 1, 2]), Some(2));
        assert_eq!(median([4, 1, 2, 3]), Some(2));
        assert_eq!(median::<u8>([]), None);
    }

    #[test]
    fn merged_latencies_count_for_both() {
        let mut one = Latencies::new().unwrap();
        let mut two = Latencies::new().unwrap();
        for millis in 1..=50 {
            one.record(Duration::from_millis(millis));
            two.record(Duration::from_millis(millis + 50));
        }
        one.merge(&two);
        assert_eq!(one.count(), 100);
        assert_eq!(one.p50().0 / 1000, 50);
        assert_eq!(one.p99().0 / 1000, 99);
        two.record(Duration::from_secs(10_000));
        assert!(two.max().0 >= LATENCY_MAX_MICROS);
    }
}
