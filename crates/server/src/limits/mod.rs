//! How much one client, and all of them together, may ask of a server.
//!
//! - [`rate`]: so many requests a second with one key, and of one account.
//! - [`guesses`]: so many failed authentications a minute from one address.
//! - [`load`]: so many requests under way at the same time; [`patient`] leaves out those that wait for a provider.
//!
//! Invariants:
//! - A limit that is off costs nothing, and one that is on costs a request one look into memory.
//! - What is remembered is bounded ([`MAX_REMEMBERED`]); what is forgotten had its whole allowance back already.
//! - Who is limited is told so before the request's body is read, and nothing was begun.
//!
//! Absent on purpose: limits that several servers share, which would cost each request a journey to where they are counted; so
//! each server counts what comes to it. Sizes of requests (`api/body.rs`) and connections are limited elsewhere.

pub(crate) mod guesses;
pub(crate) mod load;
mod patient;
pub(crate) mod rate;

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;

use domain::audit::Actor;
use domain::id::AccountId;
use providers::Connector;

use self::guesses::Guesses;
use self::load::{Load, Place};
use self::patient::Patient;
use self::rate::{Rates, Standing};

/// Keys, accounts and addresses remembered by each limit: some 400 bytes each, so a few megabytes.
const MAX_REMEMBERED: u64 = 10_000;
/// So many seconds' requests may come at once: shops are bursty, and after a pause they need not be slowed down.
const BURST_SECONDS: u32 = 2;

/// How much is allowed. By default, everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Requests a second with one key.
    pub per_key: Option<NonZeroU32>,
    /// Requests a second of one account, with all its keys.
    pub per_account: Option<NonZeroU32>,
    /// Failed authentications a minute from one address.
    pub failures: Option<NonZeroU32>,
    /// Requests under way at the same time.
    pub in_flight: Option<NonZeroUsize>,
    /// Open connections.
    pub connections: Option<NonZeroUsize>,
}

/// Whose allowance is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// That of a key.
    Key,
    /// That of an account.
    Account,
    /// That of an address whose keys open nothing.
    Address,
}

impl Allowance {
    /// Its name in figures.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Account => "account",
            Self::Address => "address",
        }
    }
}

/// A request that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// What was used up.
    pub of: Allowance,
    /// When there will be more.
    pub standing: Standing,
}

/// Counts requests, as far as they are limited.
#[derive(Default)]
pub(crate) struct Limits {
    callers: Option<Rates<Actor>>,
    accounts: Option<Rates<AccountId>>,
    guesses: Option<Guesses>,
    load: Option<Arc<Load>>,
}

impl Limits {
    pub(crate) fn new(rules: &Rules) -> Self {
        Self {
            callers: rules.per_key.map(Rates::a_second),
            accounts: rules.per_account.map(Rates::a_second),
            guesses: rules.failures.map(Guesses::a_minute),
            load: rules.in_flight.map(|most| Arc::new(Load::new(most))),
        }
    }

    /// The connector, so that who waits for it is known; as it is, if that makes no difference.
    pub(crate) fn watch(&self, connector: Arc<dyn Connector>) -> Arc<dyn Connector> {
        match &self.load {
            Some(load) => Arc::new(Patient { connector, load: Arc::clone(load) }),
            None => connector,
        }
    }

    /// A place for one more request; `None` if it is one too many.
    pub(crate) fn enter(&self) -> Option<Place> {
        self.load.as_ref().map_or(Some(Place::uncounted()), Load::enter)
    }

    /// Counts a request of this caller. What its key allowed and its account did not is counted for the key all the same. Tells
    /// where the narrower of the two limits stands.
    pub(crate) fn admit(&self, caller: &Actor, account: AccountId) -> Result<Option<Standing>, Limited> {
        let counted = |of, taken: Result<Standing, Standing>| taken.map_err(|standing| Limited { of, standing });
        let of_key = self.callers.as_ref().map(|callers| counted(Allowance::Key, callers.take(caller.clone()))).transpose()?;
        let of_account = self.accounts.as_ref().map(|all| counted(Allowance::Account, all.take(account))).transpose()?;
        Ok([of_key, of_account].into_iter().flatten().min_by_key(|standing| standing.remaining))
    }

    /// Counts a try of a key that is not known to be good; nothing, if it is known to have been good from there.
    pub(crate) fn try_key(&self, from: Option<IpAddr>, text: &str) -> Result<Option<Standing>, Limited> {
        let (Some(guesses), Some(from)) = (&self.guesses, from) else { return Ok(None) };
        guesses.take(from, text).map_err(|standing| Limited { of: Allowance::Address, standing })
    }

    /// The key that was tried is good.
    pub(crate) fn key_is_good(&self, from: Option<IpAddr>, text: &str) {
        if let (Some(guesses), Some(from)) = (&self.guesses, from) {
            guesses.good(from, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{ApiKeyId, Ulid};

    use super::*;

    /// A key, and whose it is.
    type Caller = (Actor, AccountId);

    fn key(id: u128, account: u128) -> Caller {
        (Actor::ApiKey { id: ApiKeyId::new(Ulid::from_bits(id)) }, AccountId::new(Ulid::from_bits(account)))
    }

    fn admit(limits: &Limits, (caller, account): Caller) -> Result<Option<Standing>, Limited> {
        limits.admit(&caller, account)
    }

    fn limits(per_key: u32, per_account: u32) -> Limits {
        let [per_key, per_account] = [per_key, per_account].map(NonZeroU32::new);
        Limits::new(&Rules { per_key, per_account, ..Rules::default() })
    }

    fn admitted(limits: &Limits, key: &Caller) -> usize {
        (0..100).filter(|_| admit(limits, key.clone()).is_ok()).count()
    }

    #[test]
    fn by_default_nothing_is_limited() {
        let limits = Limits::new(&Rules::default());
        assert_eq!(admit(&limits, key(1, 1)), Ok(None));
        assert_eq!(limits.try_key(Some([192, 0, 2, 7].into()), "sk"), Ok(None));
        assert!(limits.callers.is_none() && limits.accounts.is_none() && limits.guesses.is_none());
    }

    #[test]
    fn a_key_is_held_to_two_seconds_worth_and_leaves_others_alone() {
        let limits = limits(10, 0);
        assert_eq!(admitted(&limits, &key(1, 1)), 20);
        assert_eq!(admit(&limits, key(1, 1)).unwrap_err().of, Allowance::Key);
        assert_eq!(admitted(&limits, &key(2, 1)), 20);
    }

    #[test]
    fn the_keys_of_an_account_share_what_it_may() {
        let limits = limits(0, 10);
        assert_eq!((admitted(&limits, &key(1, 1)), admitted(&limits, &key(2, 1)), admitted(&limits, &key(3, 2))), (20, 0, 20));
        assert_eq!(admit(&limits, key(2, 1)).unwrap_err().of, Allowance::Account);
    }

    #[test]
    fn the_narrower_limit_is_told() {
        let told = |per_key, per_account| admit(&limits(per_key, per_account), key(1, 1)).unwrap().unwrap().limit;
        assert_eq!((told(10, 20), told(20, 10)), (20, 20));
    }

    #[test]
    fn any_number_can_be_given() {
        let limits = limits(u32::MAX, u32::MAX);
        assert!(admit(&limits, key(1, 1)).is_ok());
    }
}
