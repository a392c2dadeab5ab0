//! Whose data: a merchant's account, and test or live. Every key the store is asked for carries a [`Scope`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, Ulid};

/// Test and live data never mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// No money moves.
    Test,
    /// Money moves.
    Live,
}

impl Mode {
    /// `true` for live data, as the API's `livemode` says it.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Live)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test",
            Self::Live => "live",
        })
    }
}

/// One merchant's test or live data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The merchant.
    pub account: AccountId,
    /// Test or live.
    pub mode: Mode,
}

impl Scope {
    /// What belongs to no merchant: accounts, API keys, the platform's own settings.
    pub const PLATFORM: Self = Self { account: AccountId::new(Ulid::NIL), mode: Mode::Live };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_live_data_is_live() {
        assert_eq!([Mode::Test, Mode::Live].map(Mode::is_live), [false, true]);
    }
}
