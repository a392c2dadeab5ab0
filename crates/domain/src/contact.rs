//! Who pays and where goods go: addresses, billing and shipping details, as the shop gave them.

use serde::{Deserialize, Serialize};

/// A postal address; every line as the shop wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the field names say all there is to say
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 3166 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The cardholder as the shop knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the field names say all there is to say
pub struct BillingDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl BillingDetails {
    /// Nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, and where they say nothing, the others. An address is taken as a whole: the lines of two would make a third,
    /// where nobody lives.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            address: self.address.or(others.address),
            email: self.email.or(others.email),
            name: self.name.or(others.name),
            phone: self.phone.or(others.phone),
        }
    }
}

/// Where the goods go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the field names say all there is to say
pub struct Shipping {
    pub address: Address,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
}

// What Bursar keeps of a payment must fit a record whatever it says: these bounds are in characters, each of up to four
// bytes. The API documents 5,000 for most of them, which no buyer needs.

/// The longest line of an address: ten times what fits a label.
pub const MAX_ADDRESS_LINE: usize = 500;
/// The longest name of a person or firm: as long as the API documents a customer's.
pub const MAX_NAME: usize = 256;
/// The longest telephone number: those of E.164 have 15 digits; extensions and words come on top.
pub const MAX_PHONE: usize = 50;
/// The longest name of a carrier, and the longest list of a shipment's tracking numbers.
pub const MAX_TRACKING: usize = 500;
/// The longest e-mail address taken: as long as the API documents it.
pub const MAX_EMAIL: usize = 512;

/// Whether a text has the form of an e-mail address. Only sending to it could tell more.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels_are_whole = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    text.len() <= MAX_EMAIL && !local.is_empty() && !local.contains('@') && labels_are_whole && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_fill_up_what_others_leave_out_and_mix_no_addresses() {
        let street = Some(Address { line1: Some("Main Street 1".to_owned()), ..Address::default() });
        let city = Some(Address { city: Some("Berlin".to_owned()), ..Address::default() });
        let named = BillingDetails { address: street.clone(), name: Some("Ada".to_owned()), ..BillingDetails::default() };
        let others = BillingDetails { address: city, name: Some("Eve".to_owned()), phone: Some("1".to_owned()), email: None };
        let both = BillingDetails { phone: Some("1".to_owned()), ..named.clone() };
        assert_eq!(named.or(others.clone()), both);
        assert_eq!(BillingDetails::default().or(others.clone()), others);
    }

    #[test]
    fn an_email_address_has_one_at_and_a_domain_with_a_dot() {
        for good in ["a@b.co", "jenny.rosen+1@sub.example.com", "zoë@exämple.de"] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(MAX_EMAIL));
        for bad in ["", "a", "@", "a@b", "a@.com", "a@b..com", "@b.com", "a@b.com.", "a b@c.com", "a@b@c.com", &long] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn details_are_empty_only_if_nothing_is_known() {
        assert!(BillingDetails::default().is_empty());
        assert!(!BillingDetails { phone: Some("1".to_owned()), ..BillingDetails::default() }.is_empty());
    }
}
