//! Failed authentications from one address are few: whoever guesses keys is slowed down.
//!
//! Each key that is not known to be good takes one of its address' allowance before it is looked up, so that a thousand guesses at once
//! are no better than one after another. A key that turns out to be good gives the allowance back, and has no need of it from that
//! address for an hour: a shop that shares its address with a guesser, behind a proxy for instance, goes on.
//!
//! A guess that was refused was not looked up. So a good key that is new to an address is refused while others use its allowance up.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use governor::clock::{Clock, DefaultClock};
use moka::sync::Cache;

use super::MAX_REMEMBERED;
use super::rate::{Rates, Standing};

/// For how long a key is known to be good from an address since it was last looked up there.
const KNOWN_FOR: Duration = Duration::from_secs(3_600);

/// The tries of each address.
pub(crate) struct Guesses<C: Clock = DefaultClock> {
    tries: Rates<IpAddr, C>,
    /// Hashes of an address with a key. They are under a secret of this process, so that nobody can make up two that are the same.
    known: Cache<u64, ()>,
    hasher: RandomState,
}

impl Guesses {
    /// So many tries a minute, all of which may come at once.
    pub(crate) fn a_minute(tries: NonZeroU32) -> Self {
        Self::new(Quota::per_minute(tries), DefaultClock::default())
    }
}

impl<C> Guesses<C>
where
    C: Clock + Clone + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    fn new(quota: Quota, clock: C) -> Self {
        let known = Cache::builder().max_capacity(MAX_REMEMBERED).time_to_live(KNOWN_FOR).build();
        Self { tries: Rates::new(quota, clock), known, hasher: RandomState::new() }
    }

    /// Takes one try of the address, unless the key was good from there before.
    pub(crate) fn take(&self, from: IpAddr, key: &str) -> Result<Option<Standing>, Standing> {
        let from = network(from);
        if self.known.contains_key(&self.hasher.hash_one((from, key))) {
            return Ok(None);
        }
        self.tries.take(from).map(Some)
    }

    /// The key is good.
    pub(crate) fn good(&self, from: IpAddr, key: &str) {
        let from = network(from);
        let pair = self.hasher.hash_one((from, key));
        if !self.known.contains_key(&pair) {
            self.tries.restore(&from);
        }
        self.known.insert(pair, ());
    }
}

/// An address, or of IPv6 its network of 2^64: whoever has one of those addresses has all of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 8));

    fn five_a_minute() -> (Guesses<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Guesses::new(Quota::per_minute(NonZeroU32::new(5).unwrap()), clock.clone()), clock)
    }

    /// How many of twenty different keys are looked up.
    fn guesses(guesses: &Guesses<FakeRelativeClock>, from: IpAddr) -> usize {
        (0..20).filter(|n| guesses.take(from, &format!("sk_{n}")).is_ok()).count()
    }

    #[test]
    fn an_address_has_a_few_guesses_and_gets_more_slowly() {
        let (all, clock) = five_a_minute();
        assert_eq!((guesses(&all, HERE), guesses(&all, THERE)), (5, 5));
        clock.advance(Duration::from_secs(24));
        assert_eq!(guesses(&all, HERE), 2);
    }

    #[test]
    fn a_key_that_was_good_from_an_address_passes_whoever_guesses_there_and_only_there() {
        let (all, _clock) = five_a_minute();
        assert!(all.take(HERE, "good").unwrap().is_some());
        all.good(HERE, "good");
        guesses(&all, HERE);
        guesses(&all, THERE);
        assert_eq!(all.take(HERE, "good"), Ok(None));
        assert!(all.take(THERE, "good").is_err());
    }

    #[test]
    fn good_keys_do_not_use_up_what_guesses_may_and_one_key_gives_it_back_once() {
        let (all, _clock) = five_a_minute();
        for n in 0..100 {
            let key = format!("good {n}");
            assert!(all.take(HERE, &key).is_ok(), "{n}");
            all.good(HERE, &key);
        }
        assert_eq!(guesses(&all, HERE), 5);
        all.good(HERE, "good 1");
        assert_eq!(guesses(&all, HERE), 0);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let (all, _clock) = five_a_minute();
        assert_eq!(guesses(&all, "2001:db8::1".parse().unwrap()), 5);
        assert_eq!(guesses(&all, "2001:db8::ffff:2".parse().unwrap()), 0);
        assert_eq!(guesses(&all, "2001:db8:0:1::1".parse().unwrap()), 5);
    }
}
