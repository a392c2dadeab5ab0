//! A card's fingerprint: the same for the same number, and useless for finding the number.
//!
//! It is HMAC-SHA-256 under a key of the installation, cut to 95 bits. A plain hash would not do: there are so
//! few card numbers that all of them can be tried.

use std::fmt;

use aws_lc_rs::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::CardNumber;
use crate::fingerprint_key::FingerprintKey;

/// 16 letters of 62 hold 95 bits: no two of a billion cards share them.
const LENGTH: usize = 16;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Tells whether two cards have the same number: 16 letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// The fingerprint of a number.
    #[must_use]
    pub fn of(number: &CardNumber, key: &FingerprintKey) -> Self {
        let tag = hmac::sign(key.hmac(), number.reveal().as_bytes());
        let mut rest = tag.as_ref().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut text = [b'0'; LENGTH];
        for slot in &mut text {
            let digit = usize::try_from(rest % 62).unwrap_or(0);
            *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
            rest /= 62;
        }
        Self(text)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        match <[u8; LENGTH]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_alphanumeric) => Ok(Self(bytes)),
            _ => Err(serde::de::Error::custom("not a card's fingerprint")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: &str, secret: u8) -> Fingerprint {
        Fingerprint::of(&CardNumber::parse(number).unwrap(), &FingerprintKey::new(&[secret; 32]))
    }

    #[test]
    fn the_same_number_under_the_same_key_has_the_same_fingerprint() {
        assert_eq!(of("4242424242424242", 1), of("4242 4242-4242 4242", 1));
        assert_ne!(of("4242424242424242", 1), of("4012888888881881", 1));
        assert_ne!(of("4242424242424242", 1), of("4242424242424242", 2));
    }

    #[test]
    fn a_fingerprint_never_changes_between_versions() {
        assert_eq!(of("4242424242424242", 1).as_str(), "gSPmCEG1iUuD9Y4j");
    }

    #[test]
    fn the_stored_form_is_sixteen_letters_and_digits() {
        let print = of("4242424242424242", 1);
        let text = serde_json::to_string(&print).unwrap();
        assert_eq!(text, format!("\"{print}\""));
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), print);
        for bad in ["\"\"", "\"short\"", "\"0123456789abcde-\"", "7"] {
            assert!(serde_json::from_str::<Fingerprint>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fingerprint_is_shown_as_its_text() {
        let print = of("4242424242424242", 1);
        assert_eq!(format!("{print:?}"), print.to_string());
        assert_eq!(print.to_string().len(), LENGTH);
    }
}
