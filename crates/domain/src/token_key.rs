//! The keys that sign access tokens: each in turn, and each known to whoever verifies before it signs and for as long as what it
//! signed opens anything.
//!
//! Nobody decides that a key's turn is over: it follows from when the next one was made. So servers that share a store agree
//! without a word. Absent on purpose: signing.

use serde::{Deserialize, Serialize};

use crate::access_token::{CLOCK_SKEW_MS, LIFETIME_MS};
use crate::id::TokenKeyId;
use crate::sealed::SealedSecret;
use crate::time::Timestamp;

const HOUR_MS: i64 = 3_600 * 1_000;

/// A key is followed by another one so long after it was made.
pub const REPLACED_AFTER_MS: i64 = 30 * 24 * HOUR_MS;
/// A key can be read by whoever verifies for so long before it signs: longer than they remember keys.
pub const KNOWN_BEFORE_MS: i64 = HOUR_MS;
/// Keys that are kept; those before them verify nothing any more, unless somebody makes them by the hour.
pub const MAX_KEYS: usize = 8;

/// A key that signs access tokens (Ed25519, RFC 8032).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenKey {
    /// Its name, which tokens give.
    pub id: TokenKeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its public half: 32 bytes, hexadecimal.
    pub public: String,
    /// Its secret half: 32 bytes, hexadecimal, sealed.
    pub secret: SealedSecret,
    /// When somebody took it back: it neither signs nor verifies since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
}

impl TokenKey {
    /// It neither signs nor verifies from now on; one that was withdrawn before stays as it was.
    #[must_use]
    pub fn withdrawn(self, now: Timestamp) -> Self {
        Self { withdrawn_at: self.withdrawn_at.or(Some(now)), ..self }
    }

    const fn signs_from(&self) -> Timestamp {
        self.created_at.plus_millis(KNOWN_BEFORE_MS)
    }
}

fn good(keys: &[TokenKey]) -> impl Iterator<Item = &TokenKey> {
    keys.iter().filter(|key| key.withdrawn_at.is_none())
}

/// Who signs: the latest that was known for long enough, or the first of all.
#[must_use]
pub fn signer(keys: &[TokenKey], now: Timestamp) -> Option<&TokenKey> {
    let known = good(keys).filter(|key| key.signs_from() <= now).max_by_key(|key| (key.created_at, key.id));
    known.or_else(|| good(keys).min_by_key(|key| (key.created_at, key.id)))
}

/// Whose signatures are good, the latest first: those of whoever signs, of whoever will, and of whoever did as long as what it
/// signed may open anything.
#[must_use]
pub fn verifiers(keys: &[TokenKey], now: Timestamp) -> Vec<&TokenKey> {
    let over = |key: &TokenKey| {
        let next = good(keys).filter(|other| (other.created_at, other.id) > (key.created_at, key.id)).map(TokenKey::signs_from).min();
        next.is_some_and(|at| at.plus_millis(LIFETIME_MS + CLOCK_SKEW_MS) <= now)
    };
    let mut verifying: Vec<&TokenKey> = good(keys).filter(|key| !over(key)).collect();
    verifying.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
    verifying
}

/// Whether another one is to be made.
#[must_use]
pub fn is_next_due(keys: &[TokenKey], now: Timestamp) -> bool {
    let latest = good(keys).map(|key| key.created_at).max();
    latest.is_none_or(|at| at.plus_millis(REPLACED_AFTER_MS) <= now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Ulid;

    fn key(bits: u128, created_ms: i64) -> TokenKey {
        TokenKey {
            id: TokenKeyId::new(Ulid::from_bits(bits)),
            created_at: Timestamp::from_millis(created_ms),
            public: String::new(),
            secret: SealedSecret { key_version: 1, data_key: String::new(), secret: String::new() },
            withdrawn_at: None,
        }
    }

    fn ids(keys: Vec<&TokenKey>) -> Vec<u128> {
        keys.into_iter().map(|key| key.id.ulid().bits()).collect()
    }

    #[test]
    fn the_first_key_signs_at_once_and_the_next_once_it_was_known_for_long_enough() {
        let keys = [key(1, 0), key(2, REPLACED_AFTER_MS)];
        let signs = |ms| signer(&keys, Timestamp::from_millis(ms)).unwrap().id.ulid().bits();
        assert_eq!(signer(&keys[..1], Timestamp::EPOCH), Some(&keys[0]));
        let turn = REPLACED_AFTER_MS + KNOWN_BEFORE_MS;
        assert_eq!((signs(turn - 1), signs(turn)), (1, 2));
        let verify = |ms| ids(verifiers(&keys, Timestamp::from_millis(ms)));
        let over = turn + LIFETIME_MS + CLOCK_SKEW_MS;
        assert_eq!((verify(REPLACED_AFTER_MS), verify(over - 1), verify(over)), (vec![2, 1], vec![2, 1], vec![2]));
    }

    #[test]
    fn the_next_is_due_in_time_and_where_there_is_none() {
        assert!(is_next_due(&[], Timestamp::EPOCH) && signer(&[], Timestamp::EPOCH).is_none());
        let keys = [key(1, 0)];
        assert!(!is_next_due(&keys, Timestamp::from_millis(REPLACED_AFTER_MS - 1)));
        assert!(is_next_due(&keys, Timestamp::from_millis(REPLACED_AFTER_MS)));
    }

    #[test]
    fn a_key_that_was_withdrawn_neither_signs_nor_verifies_and_is_replaced() {
        let now = Timestamp::from_millis(5);
        let keys = [key(1, 0).withdrawn(now)];
        assert!(signer(&keys, now).is_none() && verifiers(&keys, now).is_empty() && is_next_due(&keys, now));
        assert_eq!(key(1, 0).withdrawn(now).withdrawn(Timestamp::from_millis(9)).withdrawn_at, Some(now));
        let keys = [key(1, 0), key(2, 1).withdrawn(now)];
        assert_eq!(ids(verifiers(&keys, Timestamp::from_millis(REPLACED_AFTER_MS))), [1]);
    }

    proptest! {
        /// Whatever was signed verifies for as long as it opens anything, whichever keys are made meanwhile.
        #[test]
        fn what_was_signed_verifies_until_it_expires(
            times in prop::collection::vec(0..10 * HOUR_MS, 1..8),
            signed_at in 0..12 * HOUR_MS,
            later in 0..LIFETIME_MS + CLOCK_SKEW_MS,
        ) {
            let keys: Vec<TokenKey> = times.iter().zip(1..).map(|(ms, bits)| key(bits, *ms)).collect();
            let (signed_at, read_at) = (Timestamp::from_millis(signed_at), Timestamp::from_millis(signed_at + later));
            let made = |until: Timestamp| keys.iter().filter(|key| key.created_at <= until).cloned().collect::<Vec<_>>();
            let before = made(signed_at);
            if let Some(by) = signer(&before, signed_at) {
                let after = made(read_at);
                prop_assert!(verifiers(&after, read_at).contains(&by));
            }
        }
    }
}
