//! How long something is tried, and how long it pauses in between.

use std::time::{Duration, Instant};

use super::error::Failure;
use crate::contract::ReadError;

/// What the first pause is drawn from; each after it from twice as much.
const FIRST: Duration = Duration::from_millis(20);
/// What no pause is longer than.
const LONGEST: Duration = Duration::from_secs(1);

/// The tries at one thing.
pub(super) struct Pace {
    ends: Option<Instant>,
    within: Duration,
}

impl Pace {
    /// From now on, for so long.
    pub(super) fn new(time: Duration) -> Self {
        Self { ends: Instant::now().checked_add(time), within: FIRST }
    }

    /// A pause before the next try, drawn from all up to its longest: tries that failed together do not meet again. Answers
    /// whether there is time for another try.
    pub(super) async fn pause(&mut self) -> bool {
        let longest = u64::try_from(self.within.as_micros()).unwrap_or(u64::MAX);
        let pause = Duration::from_micros(rand::random_range(0..=longest));
        self.within = self.within.saturating_mul(2).min(LONGEST);
        let left = self.ends.map_or(Duration::ZERO, |ends| ends.saturating_duration_since(Instant::now()));
        if pause >= left {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }

    /// A pause after a read that failed, if another try may help.
    pub(super) async fn after(&mut self, failed: Failure) -> Result<(), ReadError> {
        match failed {
            Failure::Refused(why) => Err(ReadError::Unavailable(why)),
            Failure::Disturbed(why) | Failure::Lost(why) => {
                if self.pause().await {
                    Ok(())
                } else {
                    Err(ReadError::Unavailable(why))
                }
            }
        }
    }
}
