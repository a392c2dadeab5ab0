//! The buyer a merchant knows.

use domain::customer;
use domain::id::CustomerId;
use serde::Serialize;
use utoipa::ToSchema;

use super::contact::{Address, Shipping};
use super::reference::PaymentMethodRef;
use super::words::TaxExempt;
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
    /// What the numbers of its invoices begin with.
    invoice_prefix: Option<&'a str>,
    invoice_settings: InvoiceSettings,
    livemode: bool,
    metadata: Metadata<'a>,
    name: Option<&'a str>,
    phone: Option<&'a str>,
    /// Languages the buyer reads, the preferred first.
    preferred_locales: &'a [String],
    shipping: Option<Shipping<'a>>,
    tax_exempt: TaxExempt,
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
            invoice_prefix: customer.invoice_prefix.as_deref(),
            invoice_settings: InvoiceSettings {
                custom_fields: Null,
                default_payment_method: customer.default_payment_method.map(Into::into),
                footer: Null,
                rendering_options: Null,
            },
            livemode: ctx.livemode,
            metadata: ctx.notes(&customer.metadata),
            name: customer.name.as_deref(),
            phone: customer.phone.as_deref(),
            preferred_locales: &customer.preferred_locales,
            shipping: customer.shipping.as_ref().map(Shipping::view),
            tax_exempt: customer.tax_exempt.into(),
            test_clock: Null,
        }
    }
}
