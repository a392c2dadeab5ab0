//! `POST /v1/payment_intents/{intent}/cancel`.

use domain::payment_intent::CancellationReason;
use payments::idempotency::Answered;
use serde::Deserialize;
use utoipa::ToSchema;

use super::id;
use crate::api::Failure;
use crate::api::dispatch::Call;
use crate::api::requests::expand;
use crate::params::{self, ExpandParam};
use crate::presenter::expandable::Shape;
use crate::views::words;

/// Why a payment or set-up is given up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelIntent {
    #[schema(value_type = Option<words::CancellationReason>)]
    pub(crate) cancellation_reason: Option<CancellationReason>,
    #[serde(default)]
    #[schema(inline)]
    pub(crate) expand: ExpandParam,
}

pub(crate) async fn cancel(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: CancelIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentIntent, &params.expand)?;
    Ok(call.app.platform.cancel_payment_intent(&call.request, id(text)?, params.cancellation_reason).await?)
}
