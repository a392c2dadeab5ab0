//! The key of an installation's fingerprints: of cards, and of requests.
//!
//! One key serves both: a request's bytes begin with a length, a card's with a digit, so neither can stand for the other.

use std::fmt;

use aws_lc_rs::hmac;

/// The key of an installation's fingerprints.
#[derive(Clone)]
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    /// From 32 secret bytes, which must stay the same for the fingerprints to stay the same.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub(crate) const fn hmac(&self) -> &hmac::Key {
        &self.0
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", FingerprintKey::new(&[7; 32])), "FingerprintKey(****)");
    }
}
