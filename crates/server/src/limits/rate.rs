//! Allowances that fill up again: each key of a kind has one, and a request takes one from it.
//!
//! An allowance holds so many requests at most, and gets them back evenly (GCRA, as the `governor` crate has it). Those used least
//! recently are forgotten when there are too many, and each once it has been left alone for so long that it is full again.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::{BURST_SECONDS, MAX_REMEMBERED};

/// Where an allowance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many requests may come at once after a pause.
    pub limit: u32,
    /// How many may come now.
    pub remaining: u32,
    /// Seconds until there are as many as there can be.
    pub reset: u64,
    /// Seconds until there is one; `None` if it was not refused.
    pub retry_after: Option<u64>,
}

type Bucket<C> = RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>;

/// An allowance each.
pub(crate) struct Rates<K, C: Clock = DefaultClock> {
    quota: Quota,
    clock: C,
    buckets: Cache<K, Arc<Bucket<C>>>,
}

impl<K: Hash + Eq + Send + Sync + 'static> Rates<K> {
    /// So many requests a second, and a few seconds' at once.
    pub(crate) fn a_second(requests: NonZeroU32) -> Self {
        let burst = requests.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
        Self::new(Quota::per_second(requests).allow_burst(burst), DefaultClock::default())
    }
}

impl<K, C> Rates<K, C>
where
    K: Hash + Eq + Send + Sync + 'static,
    C: Clock + Clone + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    pub(crate) fn new(quota: Quota, clock: C) -> Self {
        let full_again = quota.burst_size_replenished_in().saturating_add(Duration::from_secs(1));
        let buckets = Cache::builder()
            .max_capacity(MAX_REMEMBERED)
            // By frequency of use, a newcomer among many busy ones would be forgotten at once, and never limited.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(full_again)
            .build();
        Self { quota, clock, buckets }
    }

    /// Takes one of the key's allowance, or tells when there will be one.
    pub(crate) fn take(&self, key: K) -> Result<Standing, Standing> {
        let bucket = || Arc::new(RateLimiter::direct_with_clock(self.quota, self.clock.clone()).with_middleware());
        match self.buckets.get_with(key, bucket).check() {
            Ok(snapshot) => Ok(self.standing(&snapshot)),
            Err(until) => {
                let wait = until.wait_time_from(self.clock.now());
                Err(self.used_up(wait))
            }
        }
    }

    /// Gives the key its whole allowance.
    pub(crate) fn restore(&self, key: &K) {
        self.buckets.invalidate(key);
    }

    fn standing(&self, snapshot: &StateSnapshot) -> Standing {
        let (limit, remaining) = (self.quota.burst_size().get(), snapshot.remaining_burst_capacity());
        let missing = self.quota.replenish_interval().saturating_mul(limit.saturating_sub(remaining));
        Standing { limit, remaining, reset: whole_seconds(missing), retry_after: None }
    }

    fn used_up(&self, wait: Duration) -> Standing {
        Standing {
            limit: self.quota.burst_size().get(),
            remaining: 0,
            reset: whole_seconds(self.quota.burst_size_replenished_in()),
            // A client that comes back at once would be refused again.
            retry_after: Some(whole_seconds(wait).max(1)),
        }
    }
}

/// Rounded up: a second less would be too early.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn three_a_second() -> (Rates<u32, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let quota = Quota::per_second(NonZeroU32::new(3).unwrap()).allow_burst(NonZeroU32::new(6).unwrap());
        (Rates::new(quota, clock.clone()), clock)
    }

    #[test]
    fn a_burst_passes_one_more_is_refused_and_time_brings_more() {
        let (rates, clock) = three_a_second();
        for remaining in (0..6).rev() {
            let reset = if remaining >= 3 { 1 } else { 2 };
            assert_eq!(rates.take(1), Ok(Standing { limit: 6, remaining, reset, retry_after: None }));
        }
        assert_eq!(rates.take(1), Err(Standing { limit: 6, remaining: 0, reset: 2, retry_after: Some(1) }));
        clock.advance(Duration::from_millis(334));
        assert!(rates.take(1).is_ok() && rates.take(1).is_err(), "a third of a second is worth one");
        clock.advance(Duration::from_secs(60));
        assert_eq!((0..10).filter(|_| rates.take(1).is_ok()).count(), 6, "a pause is worth no more than a burst");
    }

    #[test]
    fn who_comes_back_when_told_is_let_through() {
        let clock = FakeRelativeClock::default();
        let quota = Quota::with_period(Duration::from_millis(7_300)).unwrap();
        let rates = Rates::new(quota, clock.clone());
        assert!(rates.take(1).is_ok());
        let wait = rates.take(1).unwrap_err().retry_after.unwrap();
        assert_eq!(wait, 8);
        clock.advance(Duration::from_secs(wait));
        assert!(rates.take(1).is_ok());
    }

    #[test]
    fn each_key_has_an_allowance_of_its_own() {
        let (rates, _clock) = three_a_second();
        while rates.take(1).is_ok() {}
        assert!(rates.take(2).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_who_comes_last_is_limited_all_the_same() {
        let (rates, _clock) = three_a_second();
        let many = u32::try_from(MAX_REMEMBERED * 3).unwrap();
        // Each is used more often than the last one, until it is the last one's turn.
        for key in 0..many {
            let _ = (rates.take(key), rates.take(key), rates.take(key));
        }
        rates.buckets.run_pending_tasks();
        assert!(rates.buckets.entry_count() <= MAX_REMEMBERED, "{}", rates.buckets.entry_count());
        let again = |_: &i32| {
            rates.buckets.run_pending_tasks();
            rates.take(many).is_ok()
        };
        assert_eq!((0..10).filter(again).count(), 6);
    }
}
