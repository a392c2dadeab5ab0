//! Buyers the merchant knows.

use serde::{Deserialize, Serialize};

use crate::contact::{Address, Shipping};
use crate::id::{CustomerId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::time::Timestamp;

/// The longest name of a language: RFC 5646 (4.4.1) has 35 characters hold every one that is likely.
pub const MAX_LOCALE: usize = 35;

/// Whether a buyer pays no tax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as in the API
pub enum TaxExempt {
    #[default]
    None,
    Exempt,
    Reverse,
}

impl TaxExempt {
    /// The buyer pays tax like everybody.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// A buyer the merchant knows. Cards are attached to it (see [`PaymentMethod`](crate::payment_method::PaymentMethod)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the field names say all there is to say
pub struct Customer {
    pub id: CustomerId,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Shipping>,
    /// Languages the buyer reads, the preferred first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_locales: Vec<String>,
    /// What the numbers of its invoices begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "TaxExempt::is_none")]
    pub tax_exempt: TaxExempt,
    /// The card that invoices and future payments take by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_payment_method: Option<PaymentMethodId>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// A deleted customer stays readable as deleted, and can be used for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Counts this object's events.
    #[serde(default)]
    pub sequence: u32,
}

/// Whether invoice numbers can begin so: 3 to 12 upper-case letters and digits.
#[must_use]
pub fn is_invoice_prefix(text: &str) -> bool {
    (3..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_prefix_is_short_and_of_capitals_and_digits() {
        assert!(["ABC", "123", "A1B2C3D4E5F6"].into_iter().all(is_invoice_prefix));
        assert!(!["", "AB", "abc", "A-C", "ÄBC", "A1B2C3D4E5F6G"].into_iter().any(is_invoice_prefix));
    }

    #[test]
    fn only_a_buyer_who_pays_tax_like_everybody_is_exempt_of_none() {
        assert_eq!([TaxExempt::None, TaxExempt::Exempt, TaxExempt::Reverse].map(|of| of.is_none()), [true, false, false]);
    }
}
