//! How often somebody failed to prove who they are, and how long they are to wait.
//!
//! A few failures are anybody's; after that each costs a pause twice as long as the one before, up to a bound. What is tried during
//! a pause is refused without being looked at, right or wrong, and makes the pause no longer: whoever guesses cannot keep the
//! right person out for good by going on.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Failures in a row that cost nothing: people mistype.
const FREE: u32 = 5;
/// The pause after the first failure that costs one.
const FIRST_PAUSE_MS: i64 = 15_000;
/// The longest pause: some hundred guesses a day, which NIST SP 800-63B §5.2.2 takes as the most in a row, against a secret of a million
/// codes or of twelve characters.
const LONGEST_PAUSE_MS: i64 = 15 * 60_000;

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

impl Failures {
    /// Whether a try now is to be refused without being looked at.
    #[must_use]
    pub fn are_paused(&self, now: Timestamp) -> bool {
        self.last_at.is_some_and(|last| now.millis_since(last) < self.pause())
    }

    /// With one more.
    #[must_use]
    pub const fn and_one(self, now: Timestamp) -> Self {
        Self { count: self.count.saturating_add(1), last_at: Some(now) }
    }

    const fn pause(self) -> i64 {
        let Some(beyond) = self.count.checked_sub(FREE) else { return 0 };
        let doubled = match FIRST_PAUSE_MS.checked_shl(beyond) {
            Some(pause) if beyond < 16 => pause,
            _ => LONGEST_PAUSE_MS,
        };
        if doubled < LONGEST_PAUSE_MS { doubled } else { LONGEST_PAUSE_MS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_cost_nothing_and_each_after_that_twice_the_pause_up_to_a_quarter_of_an_hour() {
        let now = Timestamp::from_seconds(1_000_000);
        let mut failures = Failures::default();
        assert!(!failures.are_paused(now));
        let mut pauses = Vec::new();
        for _ in 0..60 {
            failures = failures.and_one(now);
            let pause = (0..=1_000).find(|seconds| !failures.are_paused(now.plus_millis(seconds * 1_000))).unwrap();
            pauses.push(pause);
        }
        assert_eq!(&pauses[..12], [0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900, 900]);
        assert!(pauses[12..].iter().all(|pause| *pause == 900));
    }

    #[test]
    fn any_number_of_failures_can_be_counted() {
        let failures = Failures { count: u32::MAX, last_at: Some(Timestamp::EPOCH) }.and_one(Timestamp::EPOCH);
        assert_eq!(failures.count, u32::MAX);
        assert!(failures.are_paused(Timestamp::from_seconds(899)) && !failures.are_paused(Timestamp::from_seconds(900)));
    }
}
