//! The key under which a provider knows one of our operations.
//!
//! It is a function of the attempt (or refund) and the operation, so it is the same across retries,
//! restarts and machines: a provider that is idempotent by it cannot be made to act twice.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{PaymentAttemptId, RefundId, SetupAttemptId, Ulid};

/// A provider's idempotency key for one operation of ours: at most 40 ASCII letters, digits and underscores.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderKey(String);

impl ProviderKey {
    /// The authorisation of an attempt.
    #[must_use]
    pub fn authorize(attempt: PaymentAttemptId) -> Self {
        Self(format!("{attempt}_auth"))
    }

    /// The check that a card can be saved.
    #[must_use]
    pub fn verify_card(attempt: SetupAttemptId) -> Self {
        Self(format!("{attempt}_vfy"))
    }

    /// The capture of an attempt's authorisation. `sequence` counts captures that the provider refused before.
    #[must_use]
    pub fn capture(attempt: PaymentAttemptId, sequence: u32) -> Self {
        Self(format!("{attempt}_cap{sequence}"))
    }

    /// The void of an attempt's authorisation. `sequence` counts voids that the provider refused before.
    #[must_use]
    pub fn void(attempt: PaymentAttemptId, sequence: u32) -> Self {
        Self(format!("{attempt}_void{sequence}"))
    }

    /// A refund.
    #[must_use]
    pub fn refund(refund: RefundId) -> Self {
        Self(format!("{refund}_rfnd"))
    }

    /// The void or refund that puts a late contradiction right. `sequence` counts the attempt's contradictions.
    #[must_use]
    pub fn compensate(attempt: PaymentAttemptId, sequence: u32) -> Self {
        Self(format!("{attempt}_comp{sequence}"))
    }

    /// From its text, as a provider hands it back.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ULID of the attempt or refund inside the key, if it is one of ours.
    #[must_use]
    pub fn subject(&self) -> Option<Ulid> {
        self.0.split('_').nth(1)?.parse().ok()
    }
}

impl fmt::Display for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_operation_and_name_their_subject() {
        let attempt = PaymentAttemptId::new(Ulid::from_bits(7));
        let keys = [
            ProviderKey::authorize(attempt),
            ProviderKey::capture(attempt, 0),
            ProviderKey::capture(attempt, 1),
            ProviderKey::void(attempt, 0),
            ProviderKey::void(attempt, 1),
            ProviderKey::compensate(attempt, 0),
            ProviderKey::compensate(attempt, 1),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(key.subject(), Some(attempt.ulid()));
            assert!(key.as_str().len() <= 40);
            assert!(keys.iter().skip(i + 1).all(|other| other != key));
        }
    }

    #[test]
    fn a_key_is_its_text_however_it_is_shown() {
        let key = ProviderKey::from_text("pa_1_auth");
        assert_eq!((key.as_str(), key.to_string(), format!("{key:?}")), ("pa_1_auth", "pa_1_auth".to_owned(), "pa_1_auth".to_owned()));
    }
}
