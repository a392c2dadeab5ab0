//! What may be shown and kept of a card.

use serde::{Deserialize, Serialize};

use super::{Brand, CardNumber, Expiry, Fingerprint, Funding, issuer};
use crate::fingerprint_key::FingerprintKey;
use crate::time::Timestamp;

/// A card without its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardDetails {
    /// Its brand.
    pub brand: Brand,
    /// The number's last four digits.
    pub last4: String,
    /// The last month in which it is valid, 1 to 12.
    pub exp_month: u8,
    /// That month's year, four digits.
    pub exp_year: u16,
    /// The same for the same number.
    pub fingerprint: Fingerprint,
    /// Whose money it spends.
    pub funding: Funding,
    /// The issuer's country, ISO 3166 alpha-2.
    pub country: String,
}

impl CardDetails {
    /// What may be shown of a card.
    #[must_use]
    pub fn of(number: &CardNumber, expiry: Expiry, key: &FingerprintKey) -> Self {
        let issuer = issuer::of(number);
        Self {
            brand: number.brand(),
            last4: number.last4().to_owned(),
            exp_month: expiry.month(),
            exp_year: expiry.year(),
            fingerprint: Fingerprint::of(number, key),
            funding: issuer.funding,
            country: issuer.country.to_owned(),
        }
    }

    /// Whether the card has ended; also when its month or year are none.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        Expiry::new(i64::from(self.exp_month), i64::from(self.exp_year)).map_or(true, |expiry| expiry.is_past(now))
    }

    /// Changes the expiry, as a shop does when a card was renewed under the same number.
    pub fn set_expiry(&mut self, expiry: Expiry) {
        self.exp_month = expiry.month();
        self.exp_year = expiry.year();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_say_all_but_the_number() {
        let number = CardNumber::parse("4000058260000005").unwrap();
        let details = CardDetails::of(&number, Expiry::new(12, 34).unwrap(), &FingerprintKey::new(&[1; 32]));
        assert_eq!((details.brand, details.last4.as_str()), (Brand::Visa, "0005"));
        assert_eq!((details.exp_month, details.exp_year), (12, 2034));
        assert_eq!((details.funding, details.country.as_str()), (Funding::Debit, "GB"));
        let text = serde_json::to_string(&details).unwrap();
        assert!(!text.contains("400005826"), "{text}");
        assert_eq!(serde_json::from_str::<CardDetails>(&text).unwrap(), details);
    }

    #[test]
    fn a_card_expires_with_its_month() {
        let number = CardNumber::parse("4242424242424242").unwrap();
        let mut details = CardDetails::of(&number, Expiry::new(12, 2024).unwrap(), &FingerprintKey::new(&[1; 32]));
        let new_year = Timestamp::from_seconds(1_735_689_600); // 2025-01-01
        assert!(details.is_expired(new_year));
        assert!(!details.is_expired(new_year.plus_millis(-1)));
        details.set_expiry(Expiry::new(1, 2025).unwrap());
        assert!(!details.is_expired(new_year));
    }
}
