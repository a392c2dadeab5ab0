//! `POST /v1/payment_intents`.

use domain::contact::Shipping;
use domain::metadata::Metadata;
use domain::money::Money;
use domain::payment_intent::{CaptureMethod, ConfirmationMethod, FutureUsage};
use payments::idempotency::Answered;
use payments::payment_intents::confirm::Confirmation;
use payments::payment_intents::create::NewPaymentIntent;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{amount, currency};
use crate::api::Failure;
use crate::api::dispatch::Call;
use crate::api::intents::{
    AutomaticMethodsParams, MethodOptionsParams, MethodTypesParam, ShippingParams, customer, method, only_with_confirm,
};
use crate::api::requests::{MethodParams, expand, metadata};
use crate::params::{self, ExpandParam, MetadataParam};
use crate::presenter::expandable::Shape;
use crate::views::words;

/// A new payment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreatePaymentIntent {
    /// What is to be collected, in the currency's minor unit.
    #[schema(minimum = 1, maximum = 99_999_999)]
    amount: i64,
    /// Three letters, ISO 4217.
    currency: String,
    automatic_payment_methods: Option<AutomaticMethodsParams>,
    /// When the money is taken.
    #[schema(value_type = Option<words::CaptureMethod>)]
    capture_method: Option<CaptureMethod>,
    /// Confirm it at once.
    confirm: Option<bool>,
    /// Who may confirm it: with `manual`, not a browser.
    #[schema(value_type = Option<words::ConfirmationMethod>)]
    confirmation_method: Option<ConfirmationMethod>,
    /// The buyer's id.
    customer: Option<String>,
    description: Option<String>,
    /// Fail rather than ask the buyer to act; only with `confirm`.
    error_on_requires_action: Option<bool>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    /// The buyer is absent; only with `confirm`.
    off_session: Option<bool>,
    /// A payment method's id, or in test mode a test method's name.
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    payment_method_options: Option<MethodOptionsParams>,
    payment_method_types: Option<MethodTypesParam>,
    /// Where to send a receipt.
    receipt_email: Option<String>,
    /// Where the buyer's browser goes after an action; only with `confirm`.
    return_url: Option<String>,
    /// Save the card for the customer's later payments.
    #[schema(value_type = Option<words::FutureUsage>)]
    setup_future_usage: Option<FutureUsage>,
    shipping: Option<ShippingParams>,
    /// What the buyer's statement says, 5 to 22 characters.
    statement_descriptor: Option<String>,
    /// What the buyer's statement says after the merchant's prefix.
    statement_descriptor_suffix: Option<String>,
    /// Taken and of no effect: the buyer is always sent to a page.
    #[serde(rename = "use_stripe_sdk")]
    _use_stripe_sdk: Option<bool>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

impl CreatePaymentIntent {
    fn into_new(self) -> Result<NewPaymentIntent, Failure> {
        let confirm = self.confirm.unwrap_or(false);
        only_with_confirm("off_session", self.off_session.is_some(), confirm)?;
        only_with_confirm("error_on_requires_action", self.error_on_requires_action.is_some(), confirm)?;
        only_with_confirm("return_url", self.return_url.is_some(), confirm)?;
        let confirmation = Confirmation {
            // A buyer who is not to be asked is as good as absent.
            off_session: self.off_session.unwrap_or(false) || self.error_on_requires_action.unwrap_or(false),
            return_url: self.return_url,
        };
        Ok(NewPaymentIntent {
            amount: Money::new(amount(self.amount)?, currency(&self.currency)?),
            capture_method: self.capture_method.unwrap_or(CaptureMethod::Automatic),
            customer: customer(self.customer.as_deref())?,
            payment_method: method(self.payment_method, self.payment_method_data)?,
            setup_future_usage: self.setup_future_usage,
            description: self.description,
            receipt_email: self.receipt_email,
            shipping: self.shipping.map(Shipping::from),
            statement_descriptor: self.statement_descriptor,
            statement_descriptor_suffix: self.statement_descriptor_suffix,
            metadata: metadata(self.metadata).apply(&Metadata::default())?,
            automatic_payment_methods: AutomaticMethodsParams::choice(
                self.automatic_payment_methods.as_ref(),
                self.payment_method_types.as_ref(),
            )?,
            confirmation_method: self.confirmation_method.unwrap_or_default(),
            three_d_secure: MethodOptionsParams::three_d_secure(self.payment_method_options).unwrap_or_default(),
            confirm: confirm.then_some(confirmation),
        })
    }
}

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreatePaymentIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentIntent, &params.expand)?;
    Ok(call.app.platform.create_payment_intent(&call.request, &params.into_new()?).await?)
}
