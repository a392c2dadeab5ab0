//! Names the bank gives: transaction references, authorisation codes, challenge ids, fingerprints.
//!
//! All are keyed hashes under the bank's own secret, so that they need not be kept, are the same for ever, and
//! cannot be guessed. Absent on purpose: any way back from a fingerprint to a card number without the secret.

use aws_lc_rs::hmac;
use domain::provider_key::ProviderKey;

/// Bytes of the bank's secret.
pub(super) const SECRET_LENGTH: usize = 32;
const CARD_FINGERPRINT_LENGTH: usize = 8;
const PARAMETERS_FINGERPRINT_LENGTH: usize = 16;
const CHALLENGE_LENGTH: usize = 16;
const REFERENCE_LENGTH: usize = 10;
const AUTHORIZATION_CODES: u64 = 1_000_000;
const NETWORK_IDS: u64 = 1_000_000_000_000_000;

/// The bank's secret, from which every name is made.
pub(super) struct Secret(hmac::Key);

/// What the bank calls one transaction.
pub(super) struct Names {
    pub(super) reference: String,
    pub(super) authorization_code: String,
    pub(super) network_transaction_id: String,
}

impl Secret {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn hash(&self, purpose: &str, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose.as_bytes());
        for part in parts {
            // A length before each part keeps ("a", "bc") and ("ab", "c") apart.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }

    pub(super) fn names(&self, key: &ProviderKey) -> Names {
        let tag = self.hash("names", &[key.as_str().as_bytes()]);
        let bytes = tag.as_ref();
        let number = |from: usize| {
            let eight: [u8; 8] = bytes.get(from..from.saturating_add(8)).and_then(|b| b.try_into().ok()).unwrap_or_default();
            u64::from_be_bytes(eight)
        };
        Names {
            reference: format!("sim_{}", hex::encode(bytes.get(..REFERENCE_LENGTH).unwrap_or_default())),
            authorization_code: format!("{:06}", number(10) % AUTHORIZATION_CODES),
            network_transaction_id: format!("{:015}", number(18) % NETWORK_IDS),
        }
    }

    pub(super) fn challenge(&self, key: &ProviderKey) -> String {
        let tag = self.hash("challenge", &[key.as_str().as_bytes()]);
        hex::encode(tag.as_ref().get(..CHALLENGE_LENGTH).unwrap_or_default())
    }

    pub(super) fn card(&self, number: &str) -> Vec<u8> {
        let tag = self.hash("card", &[number.as_bytes()]);
        tag.as_ref().get(..CARD_FINGERPRINT_LENGTH).unwrap_or_default().to_vec()
    }

    pub(super) fn parameters(&self, parts: &[&[u8]]) -> Vec<u8> {
        let tag = self.hash("parameters", parts);
        tag.as_ref().get(..PARAMETERS_FINGERPRINT_LENGTH).unwrap_or_default().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_for_ever_and_differ_by_key_and_secret() {
        let (one, other) = (Secret::new(&[1; 32]), Secret::new(&[2; 32]));
        let (a, b) = (ProviderKey::from_text("a"), ProviderKey::from_text("b"));
        assert_eq!(one.names(&a).reference, one.names(&a).reference);
        assert_ne!(one.names(&a).reference, one.names(&b).reference);
        assert_ne!(one.challenge(&a), other.challenge(&a));
        assert_eq!(one.challenge(&a).len(), 2 * CHALLENGE_LENGTH);
        assert_eq!(one.names(&a).authorization_code.len(), 6);
        assert_eq!(one.names(&a).network_transaction_id.len(), 15);
    }

    #[test]
    fn moving_a_byte_between_parameters_changes_the_fingerprint() {
        let secret = Secret::new(&[1; 32]);
        assert_ne!(secret.parameters(&[b"a", b"bc"]), secret.parameters(&[b"ab", b"c"]));
    }
}
