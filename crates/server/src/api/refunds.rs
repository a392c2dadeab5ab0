//! `/v1/refunds`.

use domain::flow::RefundRequest;
use domain::id::{ChargeId, PaymentIntentId, RefundId};
use domain::metadata::Metadata;
use domain::refund::Reason;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::refunds::create::RefundOf;
use payments::{Error, Place};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::payment_intents::amount;
use super::requests::{ExpandOnly, expand, metadata};
use crate::params::{self, ExpandParam, MetadataParam, ParamError};
use crate::presenter::expandable::Shape;
use crate::views::words;

fn id(text: &str) -> Result<RefundId, Failure> {
    text.parse().map_err(|_| Error::NotFound { kind: "refund", id: masked(text), param: "refund", place: Place::Path }.into())
}

/// What is given back: of a charge, or of a payment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRefund {
    /// In the currency's minor unit; all that is left if left out.
    #[schema(minimum = 1, maximum = 99_999_999)]
    amount: Option<i64>,
    /// A charge's id; or name a payment.
    charge: Option<String>,
    /// A payment's id; or name a charge.
    payment_intent: Option<String>,
    #[schema(value_type = Option<words::RefundReason>)]
    reason: Option<Reason>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

impl CreateRefund {
    fn of(&self) -> Result<RefundOf, Failure> {
        let missing = |kind: &'static str, text: &str| Error::NotFound { kind, id: masked(text), param: kind, place: Place::Parameter };
        match (&self.charge, &self.payment_intent) {
            (Some(text), None) => Ok(RefundOf::Charge(text.parse::<ChargeId>().map_err(|_| missing("charge", text))?)),
            (None, Some(text)) => {
                Ok(RefundOf::PaymentIntent(text.parse::<PaymentIntentId>().map_err(|_| missing("payment_intent", text))?))
            }
            (Some(_), Some(_)) => Err(ParamError::invalid("charge", "Name a charge or a payment, not both.").into()),
            (None, None) => Err(ParamError::missing("payment_intent").into()),
        }
    }
}

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreateRefund = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Refund, &params.expand)?;
    let of = params.of()?;
    let refund = RefundRequest {
        amount: params.amount.map(amount).transpose()?,
        reason: params.reason,
        metadata: metadata(params.metadata).apply(&Metadata::default())?,
    };
    Ok(call.app.platform.create_refund(&call.request, of, &refund).await?)
}

/// Changes to a refund's notes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateRefund {
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdateRefund = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Refund, &params.expand)?;
    Ok(call.app.platform.update_refund(&call.request, id(text)?, &metadata(params.metadata)).await?)
}

pub(crate) async fn cancel(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ExpandOnly = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Refund, &params.expand)?;
    Ok(call.app.platform.cancel_refund(&call.request, id(text)?).await?)
}
