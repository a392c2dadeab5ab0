//! The fingerprint of a request: tells whether a repeated idempotency key came with the same request.
//!
//! It is HMAC-SHA-256 under a key of the installation over method, path and body. Keyed, because a body may hold
//! a card number, and a plain hash of a body with an otherwise known form could be searched for it. Each part is
//! preceded by its length, so that no two different requests give the same bytes. Absent on purpose: any
//! reading of the body; two spellings of the same parameters are two requests.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const LENGTH: usize = 32;

/// The key of an installation's request fingerprints.
#[derive(Clone)]
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    /// From 32 secret bytes, which must stay the same as long as idempotency records are kept.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(****)")
    }
}

/// The fingerprint of a request; comparing two takes the same time wherever they differ.
#[derive(Clone, Copy)]
pub struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// The fingerprint of a request's method, path (with its query) and body as they came.
    #[must_use]
    pub fn of(key: &FingerprintKey, method: &str, path: &str, body: &[u8]) -> Self {
        let mut context = hmac::Context::with_key(&key.0);
        for part in [method.as_bytes(), path.as_bytes(), body] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            context.update(&length.to_be_bytes());
            context.update(part);
        }
        let mut bytes = [0; LENGTH];
        for (slot, byte) in bytes.iter_mut().zip(context.sign().as_ref()) {
            *slot = *byte;
        }
        Self(bytes)
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Fingerprint {}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut bytes = [0; LENGTH];
        hex::decode_to_slice(text.as_bytes(), &mut bytes).map_err(|_| serde::de::Error::custom("not a request's fingerprint"))?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(method: &str, path: &str, body: &[u8]) -> Fingerprint {
        Fingerprint::of(&FingerprintKey::new(&[1; 32]), method, path, body)
    }

    #[test]
    fn moving_bytes_between_the_parts_makes_another_request() {
        let original = of("POST", "/v1/refunds", b"amount=1");
        assert_eq!(original, of("POST", "/v1/refunds", b"amount=1"));
        assert_ne!(original, of("POST", "/v1/refundsa", b"mount=1"));
        assert_ne!(original, of("POST/", "v1/refunds", b"amount=1"));
        assert_ne!(original, of("DELETE", "/v1/refunds", b"amount=1"));
    }

    #[test]
    fn another_key_gives_another_fingerprint() {
        let other = Fingerprint::of(&FingerprintKey::new(&[2; 32]), "POST", "/", b"");
        assert_ne!(other, of("POST", "/", b""));
    }

    #[test]
    fn a_fingerprint_never_changes_between_versions() {
        assert_eq!(of("POST", "/v1/refunds", b"amount=1").to_string(), "ea0f9651709c3a0e9ab2cd4068cd844bf211ce8d04733f0e74a56914420ffbc7");
    }

    #[test]
    fn texts_that_are_no_fingerprint_are_not_read() {
        for bad in ["\"\"".to_owned(), format!("\"{}\"", "g".repeat(64)), format!("\"{}\"", "a".repeat(66)), "1".to_owned()] {
            assert!(serde_json::from_str::<Fingerprint>(&bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn different_requests_have_different_fingerprints(a in "[a-b]{0,3}", b in "[a-b]{0,3}", c: Vec<u8>, d: Vec<u8>) {
            prop_assert_eq!(of(&a, &b, &c) == of(&b, &a, &c), a == b);
            prop_assert_eq!(of(&a, &b, &c) == of(&a, &b, &d), c == d);
        }

        #[test]
        fn what_is_stored_is_read_back(body: Vec<u8>) {
            let print = of("POST", "/", &body);
            let text = serde_json::to_string(&print).unwrap();
            prop_assert_eq!(text.len(), 66);
            prop_assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), print);
        }
    }
}
