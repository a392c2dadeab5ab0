//! `POST /v1/payment_intents/{intent}`.

use domain::contact::Shipping;
use domain::payment_intent::{CaptureMethod, FutureUsage};
use payments::idempotency::Answered;
use payments::payment_intents::update::PaymentIntentChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{amount, currency, id};
use crate::api::Failure;
use crate::api::dispatch::Call;
use crate::api::intents::{MethodOptionsParams, MethodTypesParam, ShippingParams, customer, method};
use crate::api::requests::{MethodParams, change, expand, metadata};
use crate::params::{self, ExpandParam, MetadataParam, Update};
use crate::presenter::expandable::Shape;
use crate::views::words;

/// Changes to a payment. Amount, currency, method and customer can change until it is confirmed; notes until it ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdatePaymentIntent {
    /// What is to be collected, in the currency's minor unit.
    #[schema(minimum = 1, maximum = 99_999_999)]
    amount: Option<i64>,
    /// When the money is taken.
    #[schema(value_type = Option<words::CaptureMethod>)]
    capture_method: Option<CaptureMethod>,
    /// Three letters, ISO 4217.
    currency: Option<String>,
    /// The buyer's id.
    customer: Option<String>,
    #[serde(default)]
    #[schema(inline)]
    description: Update<String>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    /// A payment method's id, or in test mode a test method's name.
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    payment_method_options: Option<MethodOptionsParams>,
    payment_method_types: Option<MethodTypesParam>,
    /// Where to send a receipt.
    #[serde(default)]
    #[schema(inline)]
    receipt_email: Update<String>,
    /// Save the card for the customer's later payments.
    #[serde(default)]
    #[schema(inline, value_type = Update<words::FutureUsage>)]
    setup_future_usage: Update<FutureUsage>,
    #[serde(default)]
    #[schema(inline)]
    shipping: Update<ShippingParams>,
    /// What the buyer's statement says, 5 to 22 characters.
    #[serde(default)]
    #[schema(inline)]
    statement_descriptor: Update<String>,
    /// What the buyer's statement says after the merchant's prefix.
    #[serde(default)]
    #[schema(inline)]
    statement_descriptor_suffix: Update<String>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

impl UpdatePaymentIntent {
    fn into_change(self) -> Result<PaymentIntentChange, Failure> {
        Ok(PaymentIntentChange {
            amount: self.amount.map(amount).transpose()?,
            currency: self.currency.as_deref().map(currency).transpose()?,
            capture_method: self.capture_method,
            customer: customer(self.customer.as_deref())?,
            payment_method: method(self.payment_method, self.payment_method_data)?,
            setup_future_usage: change(self.setup_future_usage),
            description: change(self.description),
            receipt_email: change(self.receipt_email),
            shipping: change(self.shipping.map(Shipping::from)),
            statement_descriptor: change(self.statement_descriptor),
            statement_descriptor_suffix: change(self.statement_descriptor_suffix),
            names_method_types: MethodTypesParam::are_named(self.payment_method_types.as_ref())?,
            three_d_secure: MethodOptionsParams::three_d_secure(self.payment_method_options),
            metadata: metadata(self.metadata),
        })
    }
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdatePaymentIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentIntent, &params.expand)?;
    Ok(call.app.platform.update_payment_intent(&call.request, id(text)?, &params.into_change()?).await?)
}
