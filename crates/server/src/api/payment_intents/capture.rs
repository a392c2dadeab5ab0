//! `POST /v1/payment_intents/{intent}/capture`.

use payments::idempotency::Answered;
use serde::Deserialize;
use utoipa::ToSchema;

use super::id;
use crate::api::Failure;
use crate::api::dispatch::Call;
use crate::api::requests::expand;
use crate::params::{self, ExpandParam, ParamError};
use crate::presenter::expandable::Shape;

/// What is taken of a reservation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CapturePaymentIntent {
    /// In the currency's minor unit; all that is reserved if left out. The rest is released.
    amount_to_capture: Option<i64>,
    /// `true`: a reservation is captured once.
    final_capture: Option<bool>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

pub(crate) async fn capture(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: CapturePaymentIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentIntent, &params.expand)?;
    if params.final_capture == Some(false) {
        return Err(
            ParamError::invalid("final_capture", "This payment can be captured only once: its provider has no multicapture.").into()
        );
    }
    Ok(call.app.platform.capture_payment_intent(&call.request, id(text)?, params.amount_to_capture).await?)
}
