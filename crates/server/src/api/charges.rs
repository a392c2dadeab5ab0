//! `/v1/charges`: what a shop may change of one.

use domain::contact::Shipping;
use domain::id::ChargeId;
use payments::change::Change;
use payments::charges::ChargeChange;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::{Error, Place};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::intents::ShippingParams;
use super::requests::{EmailText, change, expand, metadata};
use crate::params::{self, ExpandParam, MetadataParam, Text, Update};
use crate::presenter::expandable::Shape;

/// Changes to a charge's notes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateCharge {
    #[serde(default)]
    #[schema(inline)]
    description: Update<String>,
    fraud_details: Option<FraudDetailsParams>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    /// Where to send a receipt.
    #[serde(default)]
    #[schema(inline)]
    receipt_email: Update<EmailText>,
    #[serde(default)]
    #[schema(inline)]
    shipping: Update<ShippingParams>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

/// What the shop thinks of a suspected fraud.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FraudDetailsParams {
    #[serde(default)]
    #[schema(inline)]
    user_report: Update<FraudReport>,
}

/// The shop's word on a suspected fraud.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FraudReport {
    Safe,
    Fraudulent,
}

impl FraudReport {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Fraudulent => "fraudulent",
        }
    }
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdateCharge = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Charge, &params.expand)?;
    let id: ChargeId =
        text.parse().map_err(|_| Error::NotFound { kind: "charge", id: masked(text), param: "charge", place: Place::Path })?;
    let report = params.fraud_details.map(|details| change(details.user_report.map(|report| report.as_str().to_owned())));
    let changes = ChargeChange {
        description: change(params.description),
        receipt_email: change(params.receipt_email.map(Text::into_string)),
        shipping: change(params.shipping.map(Shipping::from)),
        fraud_report: report.unwrap_or(Change::Keep),
        metadata: metadata(params.metadata),
    };
    Ok(call.app.platform.update_charge(&call.request, id, &changes).await?)
}
