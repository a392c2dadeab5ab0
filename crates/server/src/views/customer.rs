//! The buyer a merchant knows.

use domain::customer;
use domain::id::CustomerId;
use serde::Serialize;
use utoipa::ToSchema;

use super::contact::{Address, Shipping};
use super::reference::PaymentMethodRef;
use super::{Context, Metadata, Null};

/// A buyer the merchant knows.
#[derive(Serialize, ToSchema)]
pub struct Customer<'a> {
    #[schema(value_type = String)]
    id: CustomerId,
    /// `customer`.
    object: &'static str,
    address: Option<Address<'a>>,
    /// Always 0: invoices are not kept here.
    balance: i64,
    /// When it was made, in seconds since 1970.
    created: i64,
    #[schema(inline)]
    currency: Null,
    #[schema(inline)]
    default_source: Null,
    delinquent: bool,
    description: Option<&'a str>,
    #[schema(inline)]
    discount: Null,
    email: Option<&'a str>,
    #[schema(inline)]
    invoice_prefix: Null,
    invoice_settings: InvoiceSettings,
    livemode: bool,
    metadata: Metadata<'a>,
    name: Option<&'a str>,
    phone: Option<&'a str>,
    preferred_locales: [&'static str; 0],
    shipping: Option<Shipping<'a>>,
    /// `none`.
    tax_exempt: &'static str,
    #[schema(inline)]
    test_clock: Null,
}

/// What future payments of a customer take by default.
#[derive(Serialize, ToSchema)]
pub struct InvoiceSettings {
    #[schema(inline)]
    custom_fields: Null,
    default_payment_method: Option<PaymentMethodRef>,
    #[schema(inline)]
    footer: Null,
    #[schema(inline)]
    rendering_options: Null,
}

impl<'a> Customer<'a> {
    /// The customer as the API shows it; a deleted one as it was (see [`Deleted`](super::Deleted)).
    #[must_use]
    pub fn view(customer: &'a customer::Customer, ctx: Context) -> Self {
        Self {
            id: customer.id,
            object: "customer",
            address: customer.address.as_ref().map(Address::view),
            balance: 0,
            created: customer.created_at.seconds(),
            currency: Null,
            default_source: Null,
            delinquent: false,
            description: customer.description.as_deref(),
            discount: Null,
            email: customer.email.as_deref(),
            invoice_prefix: Null,
            invoice_settings: InvoiceSettings {
                custom_fields: Null,
                default_payment_method: customer.default_payment_method.map(Into::into),
                footer: Null,
                rendering_options: Null,
            },
            livemode: ctx.livemode,
            metadata: Metadata(&customer.metadata),
            name: customer.name.as_deref(),
            phone: customer.phone.as_deref(),
            preferred_locales: [],
            shipping: customer.shipping.as_ref().map(Shipping::view),
            tax_exempt: "none",
            test_clock: Null,
        }
    }
}
