//! Addresses, billing and shipping details: parts of other objects.

use domain::contact;
use serde::Serialize;
use utoipa::ToSchema;

use super::Null;

/// A postal address.
#[derive(Default, Serialize, ToSchema)]
pub struct Address<'a> {
    city: Option<&'a str>,
    /// Two letters, ISO 3166.
    country: Option<&'a str>,
    line1: Option<&'a str>,
    line2: Option<&'a str>,
    postal_code: Option<&'a str>,
    state: Option<&'a str>,
}

/// The cardholder, as the shop knows them.
#[derive(Serialize, ToSchema)]
pub struct BillingDetails<'a> {
    address: Address<'a>,
    email: Option<&'a str>,
    name: Option<&'a str>,
    phone: Option<&'a str>,
    #[schema(inline)]
    tax_id: Null,
}

/// Where the goods go.
#[derive(Serialize, ToSchema)]
pub struct Shipping<'a> {
    address: Address<'a>,
    carrier: Option<&'a str>,
    name: &'a str,
    phone: Option<&'a str>,
    tracking_number: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// The address as the API shows it.
    pub(super) fn view(address: &'a contact::Address) -> Self {
        Self {
            city: address.city.as_deref(),
            country: address.country.as_deref(),
            line1: address.line1.as_deref(),
            line2: address.line2.as_deref(),
            postal_code: address.postal_code.as_deref(),
            state: address.state.as_deref(),
        }
    }
}

impl<'a> BillingDetails<'a> {
    /// The details as the API shows them: with an address also when none is known.
    pub(super) fn view(details: &'a contact::BillingDetails) -> Self {
        Self {
            address: details.address.as_ref().map(Address::view).unwrap_or_default(),
            email: details.email.as_deref(),
            name: details.name.as_deref(),
            phone: details.phone.as_deref(),
            tax_id: Null,
        }
    }
}

impl<'a> Shipping<'a> {
    /// The details as the API shows them.
    pub(super) fn view(shipping: &'a contact::Shipping) -> Self {
        Self {
            address: Address::view(&shipping.address),
            carrier: shipping.carrier.as_deref(),
            name: &shipping.name,
            phone: shipping.phone.as_deref(),
            tracking_number: shipping.tracking_number.as_deref(),
        }
    }
}
