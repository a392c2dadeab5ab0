//! A second factor: codes of a time (RFC 6238), and recovery codes for whoever lost what makes them.
//!
//! A code is taken once: its step must lie after that of the last one that was taken (RFC 6238 §5.2). A recovery code is taken out
//! when it is used. Absent on purpose: making and checking codes, which needs the secret, and so the vault.

use serde::{Deserialize, Serialize};

use crate::sealed::SealedSecret;
use crate::time::Timestamp;

/// Seconds of a step (RFC 6238 §5.2 recommends 30).
pub const STEP_SECONDS: u64 = 30;
/// Steps before and after the present one that are taken: clocks differ, and people type slowly (RFC 6238 §5.2 recommends one).
pub const SKEW_STEPS: u16 = 1;
/// Recovery codes given at once.
pub const RECOVERY_CODES: usize = 10;
/// For how long the secret of a factor that is not in use yet can be confirmed.
const ENROLLING_MS: i64 = 15 * 60_000;

/// Where somebody stands with a second factor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SecondFactor {
    /// They have none.
    #[default]
    Off,
    /// They were given a secret, and have not shown yet that they can use it.
    Enrolling {
        /// The secret.
        secret: SealedSecret,
        /// When they were given it.
        at: Timestamp,
    },
    /// It must be shown.
    On {
        /// The secret.
        secret: SealedSecret,
        /// The step of the last code that was taken.
        last_step: u64,
        /// SHA-256 of each recovery code that was not used, hexadecimal.
        recovery: Vec<String>,
    },
}

impl SecondFactor {
    /// Whether it must be shown.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    /// The secret to be confirmed, if there is one and its time is not over.
    #[must_use]
    pub fn enrolling(&self, now: Timestamp) -> Option<&SealedSecret> {
        match self {
            Self::Enrolling { secret, at } if now.millis_since(*at) < ENROLLING_MS => Some(secret),
            Self::Off | Self::Enrolling { .. } | Self::On { .. } => None,
        }
    }

    /// After a code of that step was shown; `None` if no such code is taken any more.
    #[must_use]
    pub fn shown(&self, step: u64) -> Option<Self> {
        match self {
            Self::On { secret, last_step, recovery } if step > *last_step => {
                Some(Self::On { secret: secret.clone(), last_step: step, recovery: recovery.clone() })
            }
            Self::Off | Self::Enrolling { .. } | Self::On { .. } => None,
        }
    }

    /// After the recovery code of that hash was shown; `None` if it is none, or was used.
    #[must_use]
    pub fn recovered(&self, hash: &str) -> Option<Self> {
        match self {
            Self::On { secret, last_step, recovery } if recovery.iter().any(|code| code == hash) => {
                let recovery = recovery.iter().filter(|code| *code != hash).cloned().collect();
                Some(Self::On { secret: secret.clone(), last_step: *last_step, recovery })
            }
            Self::Off | Self::Enrolling { .. } | Self::On { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SealedSecret {
        SealedSecret { key_version: 1, data_key: String::new(), secret: String::new() }
    }

    fn on(last_step: u64, recovery: &[&str]) -> SecondFactor {
        SecondFactor::On { secret: secret(), last_step, recovery: recovery.iter().map(|code| (*code).to_owned()).collect() }
    }

    #[test]
    fn a_code_is_taken_once_and_none_of_a_step_before_it() {
        let factor = on(10, &[]);
        assert_eq!((factor.shown(9), factor.shown(10)), (None, None));
        let shown = factor.shown(11).unwrap();
        assert_eq!((shown.shown(11), shown.shown(12).is_some()), (None, true));
        assert_eq!((SecondFactor::Off.shown(1), SecondFactor::Enrolling { secret: secret(), at: Timestamp::EPOCH }.shown(1)), (None, None));
    }

    #[test]
    fn a_recovery_code_is_taken_once() {
        let factor = on(10, &["a", "b"]);
        let left = factor.recovered("a").unwrap();
        assert_eq!(left, on(10, &["b"]));
        assert_eq!((left.recovered("a"), left.recovered("c"), SecondFactor::Off.recovered("a")), (None, None, None));
    }

    #[test]
    fn a_secret_can_be_confirmed_for_a_quarter_of_an_hour() {
        let enrolling = SecondFactor::Enrolling { secret: secret(), at: Timestamp::EPOCH };
        assert!(enrolling.enrolling(Timestamp::from_seconds(899)).is_some() && enrolling.enrolling(Timestamp::from_seconds(900)).is_none());
        assert!(on(0, &[]).enrolling(Timestamp::EPOCH).is_none() && !enrolling.is_on() && on(0, &[]).is_on());
    }
}
