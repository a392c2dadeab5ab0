//! `/v1/customers`: made, changed, deleted.

use domain::contact::{Address, Shipping};
use domain::customer::{MAX_LOCALE, TaxExempt};
use domain::id::{CustomerId, PaymentMethodId};
use payments::change::Change;
use payments::customers::CustomerChange;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::{Error, Place};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::intents::ShippingParams;
use super::requests::{AddressParams, NameText, PhoneText, change, expand, metadata};
use crate::params::{self, ExpandParam, MetadataParam, Text, Update};
use crate::presenter::expandable::Shape;
use crate::views::words;

/// A language.
type LocaleText = Text<MAX_LOCALE>;

/// What invoices and future payments take.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvoiceSettingsParams {
    /// The id of a card of this customer, which future payments take by default.
    #[serde(default)]
    #[schema(inline)]
    default_payment_method: Update<String>,
}

/// Creates and updates differ in one parameter, and parameters cannot be flattened.
macro_rules! customer_params {
    ($(#[$doc:meta])* $name:ident { $($extra:tt)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($extra)*
            #[serde(default)]
            #[schema(inline)]
            address: Update<AddressParams>,
            #[serde(default)]
            #[schema(inline)]
            description: Update<String>,
            #[serde(default)]
            #[schema(inline)]
            email: Update<String>,
            /// What the numbers of its invoices begin with: 3 to 12 upper-case letters and digits.
            #[serde(default)]
            #[schema(inline)]
            invoice_prefix: Update<String>,
            invoice_settings: Option<InvoiceSettingsParams>,
            #[serde(default)]
            #[schema(inline)]
            metadata: MetadataParam,
            #[serde(default)]
            #[schema(inline)]
            name: Update<NameText>,
            #[serde(default)]
            #[schema(inline)]
            phone: Update<PhoneText>,
            /// Languages the buyer reads, the preferred first.
            #[serde(default)]
            #[schema(inline)]
            preferred_locales: Update<Vec<LocaleText>>,
            #[serde(default)]
            #[schema(inline)]
            shipping: Update<ShippingParams>,
            #[serde(default)]
            #[schema(inline, value_type = Update<words::TaxExempt>)]
            tax_exempt: Update<TaxExempt>,
            #[serde(default)]
            #[schema(inline)]
            expand: ExpandParam,
        }

        impl $name {
            fn into_change(self) -> Result<CustomerChange, Failure> {
                Ok(CustomerChange {
                    address: change(self.address.map(Address::from)),
                    description: change(self.description),
                    email: change(self.email),
                    name: change(self.name.map(Text::into_string)),
                    phone: change(self.phone.map(Text::into_string)),
                    shipping: change(self.shipping.map(Shipping::from)),
                    preferred_locales: change(self.preferred_locales.map(|locales| locales.into_iter().map(Text::into_string).collect())),
                    invoice_prefix: change(self.invoice_prefix),
                    tax_exempt: change(self.tax_exempt),
                    default_payment_method: default_method(self.invoice_settings)?,
                    metadata: metadata(self.metadata),
                })
            }
        }
    };
}

customer_params! {
    /// A new buyer the merchant knows.
    CreateCustomer {
        /// A card to attach: its id, or in test mode a test method's name.
        payment_method: Option<String>,
    }
}

customer_params! {
    /// Changes to a buyer the merchant knows.
    UpdateCustomer {}
}

fn default_method(settings: Option<InvoiceSettingsParams>) -> Result<Change<PaymentMethodId>, Failure> {
    let Some(settings) = settings else { return Ok(Change::Keep) };
    let missing = |text: &str| Error::NotFound {
        kind: "payment_method",
        id: masked(text),
        param: "invoice_settings[default_payment_method]",
        place: Place::Parameter,
    };
    Ok(change(settings.default_payment_method.try_map(|text| text.parse().map_err(|_| missing(&text)))?))
}

fn id(text: &str) -> Result<CustomerId, Failure> {
    text.parse().map_err(|_| Error::NotFound { kind: "customer", id: masked(text), param: "customer", place: Place::Path }.into())
}

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let mut params: CreateCustomer = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Customer, &params.expand)?;
    let method = params.payment_method.take();
    Ok(call.app.platform.create_customer(&call.request, &params.into_change()?, method.as_deref()).await?)
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdateCustomer = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Customer, &params.expand)?;
    Ok(call.app.platform.update_customer(&call.request, id(text)?, &params.into_change()?).await?)
}

/// An operation that takes no parameters.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

pub(crate) async fn delete(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let Nothing {} = params::from_tree(&call.tree)?;
    Ok(call.app.platform.delete_customer(&call.request, id(text)?).await?)
}
