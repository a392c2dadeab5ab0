//! `POST /v1/payment_intents/{intent}/confirm`.

use domain::contact::Shipping;
use domain::payment_intent::{CaptureMethod, FutureUsage};
use payments::idempotency::Answered;
use payments::payment_intents::confirm::{ConfirmPaymentIntent as Confirm, Confirmation};
use serde::Deserialize;
use utoipa::ToSchema;

use super::id;
use crate::api::Failure;
use crate::api::dispatch::Call;
use crate::api::intents::{MethodOptionsParams, ShippingParams, method};
use crate::api::requests::{MethodParams, change, expand};
use crate::params::{self, ExpandParam, Update};
use crate::presenter::expandable::Shape;
use crate::views::words;

/// How a payment is confirmed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmPaymentIntent {
    /// What a browser must prove besides its publishable key.
    #[serde(rename = "client_secret")]
    _client_secret: Option<String>,
    /// When the money is taken.
    #[schema(value_type = Option<words::CaptureMethod>)]
    capture_method: Option<CaptureMethod>,
    /// Fail rather than ask the buyer to act.
    error_on_requires_action: Option<bool>,
    /// The buyer is absent.
    off_session: Option<bool>,
    /// A payment method's id, or in test mode a test method's name.
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    payment_method_options: Option<MethodOptionsParams>,
    /// Where to send a receipt.
    #[serde(default)]
    #[schema(inline)]
    receipt_email: Update<String>,
    /// Where the buyer's browser goes after an action.
    return_url: Option<String>,
    /// Save the card for the customer's later payments.
    #[schema(value_type = Option<words::FutureUsage>)]
    setup_future_usage: Option<FutureUsage>,
    #[serde(default)]
    #[schema(inline)]
    shipping: Update<ShippingParams>,
    /// Taken and of no effect: the buyer is always sent to a page.
    #[serde(rename = "use_stripe_sdk")]
    _use_stripe_sdk: Option<bool>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

impl ConfirmPaymentIntent {
    fn into_confirm(self) -> Result<Confirm, Failure> {
        Ok(Confirm {
            payment_method: method(self.payment_method, self.payment_method_data)?,
            setup_future_usage: self.setup_future_usage,
            receipt_email: change(self.receipt_email),
            shipping: change(self.shipping.map(Shipping::from)),
            capture_method: self.capture_method,
            three_d_secure: MethodOptionsParams::three_d_secure(self.payment_method_options),
            confirmation: Confirmation {
                // A buyer who is not to be asked is as good as absent.
                off_session: self.off_session.unwrap_or(false) || self.error_on_requires_action.unwrap_or(false),
                return_url: self.return_url,
            },
        })
    }
}

pub(crate) async fn confirm(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ConfirmPaymentIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentIntent, &params.expand)?;
    Ok(call.app.platform.confirm_payment_intent(&call.request, id(text)?, &params.into_confirm()?).await?)
}
