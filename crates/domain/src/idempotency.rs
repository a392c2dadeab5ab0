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

use crate::card::{Brand, CardNumber};
use crate::fingerprint_key::FingerprintKey;

const LENGTH: usize = 32;
/// The shortest hexadecimal word that is taken for a random number or a hash: 128 bits.
const RANDOM_LENGTH: usize = 32;
/// So many groups of digits at most make a card number, which has 19 digits at most.
const GROUPS_MAX: usize = 19;

/// Whether a client's key, which is stored and shown, holds a card number, in one piece or in groups of digits: one with
/// a brand's first digits and length and the right check digit. UUIDs and hashes hold none, whatever their digits:
/// otherwise clients that choose their keys at random were refused now and then.
#[must_use]
pub fn holds_card_number(key: &str) -> bool {
    let words: Vec<&str> = key.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut chosen = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    loop {
        rest = match rest {
            [a, b, c, d, e, rest @ ..] if is_uuid([a, b, c, d, e]) => {
                chosen.push("uuid");
                rest
            }
            [word, rest @ ..] => {
                chosen.push(if is_random(word) { "random" } else { word });
                rest
            }
            [] => break,
        };
    }
    chosen.join("-").split(|c: char| c != '-' && !c.is_ascii_digit()).any(is_around_card_number)
}

fn is_uuid(words: [&str; 5]) -> bool {
    words.iter().zip([8, 4, 4, 4, 12]).all(|(word, length)| word.len() == length && is_hexadecimal(word))
}

fn is_random(word: &str) -> bool {
    word.len() >= RANDOM_LENGTH && is_hexadecimal(word) && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_hexadecimal(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether some groups of digits, one after the other, are a card number.
fn is_around_card_number(digits: &str) -> bool {
    let groups: Vec<&str> = digits.split('-').filter(|group| !group.is_empty()).collect();
    let are_card_number = |groups: &[&str]| CardNumber::parse(&groups.concat()).is_ok_and(|number| number.brand() != Brand::Unknown);
    (1..=GROUPS_MAX).any(|length| groups.windows(length).any(are_card_number))
}

/// The fingerprint of a request; comparing two takes the same time wherever they differ.
#[derive(Clone, Copy)]
pub struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// The fingerprint of a request's method, path (with its query) and body as they came.
    #[must_use]
    pub fn of(key: &FingerprintKey, method: &str, path: &str, body: &[u8]) -> Self {
        let mut context = hmac::Context::with_key(key.hmac());
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

    #[test]
    fn a_key_with_a_card_number_in_it_is_told_from_one_without() {
        for key in [
            "4242424242424242",
            "order-4242424242424242-1",
            "4242 4242 4242 4242",
            "pay_4242-4242-4242-4242",
            "20261124-378282246310005",
            "visa4242424242424242x",
            "123e4567-e89b-42d3-a456-426614174000/4242424242424242",
        ] {
            assert!(holds_card_number(key), "{key}");
        }
        for key in ["", "order-1", "order-1732485600123", "2026-11-24-0000-0001", "4242424242424241", "1234567812345670"] {
            assert!(!holds_card_number(key), "{key}");
        }
    }

    #[test]
    fn a_random_key_is_no_card_number_whatever_its_digits() {
        let uuid = "42424242-4242-4242-4242-424242424242";
        for key in
            [uuid.to_owned(), format!("stripe-node-retry-{uuid}"), format!("order_{uuid}_2"), format!("a{}", "4242424242424242".repeat(2))]
        {
            assert!(!holds_card_number(&key), "{key}");
        }
    }

    proptest! {
        #[test]
        fn any_key_can_be_asked_about(key: String) {
            let _ = holds_card_number(&key);
        }

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

    #[test]
    fn a_word_is_random_only_if_it_is_long_hexadecimal_and_not_digits_alone() {
        let number = "4242424242424242";
        let hash = format!("a{number}b{}", "0".repeat(14));
        assert_eq!(hash.len(), RANDOM_LENGTH);
        assert!(!holds_card_number(&hash));
        let (shorter, no_hash, digits) = (&hash[..RANDOM_LENGTH - 1], hash.replace('b', "z"), format!("{}{number}", "1".repeat(20)));
        assert!(holds_card_number(shorter) && holds_card_number(&no_hash));
        // No card's number is as long, so what is digits alone is none, but not since it were random.
        assert!(!is_random(&digits) && !holds_card_number(&digits));
        for no_uuid in ["42424242-4242-4242-zzzz-424242424242", "4242-4242-4242-4242-4242"] {
            assert!(holds_card_number(no_uuid), "{no_uuid}");
        }
    }

    #[test]
    fn a_fingerprint_is_shown_as_it_is_stored() {
        let print = of("POST", "/", b"");
        assert_eq!(format!("\"{print:?}\""), serde_json::to_string(&print).unwrap());
    }
}
