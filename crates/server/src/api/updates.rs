//! Changing what was made before: payment methods, charges, refunds.

use domain::contact::{BillingDetails, Shipping};
use domain::id::{ChargeId, RefundId};
use payments::Error;
use payments::charges::ChargeChange;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::payment_methods::update::PaymentMethodChange;
use serde::Deserialize;

use super::Failure;
use super::dispatch::Call;
use super::intents::ShippingParams;
use super::requests::{BillingParams, change, metadata};
use super::resources::expand;
use crate::params::{self, ExpandParam, MetadataParam, ParamError, Update};
use crate::presenter::expandable::Shape;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpiryParams {
    exp_month: i64,
    exp_year: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MethodChange {
    billing_details: Option<BillingParams>,
    card: Option<ExpiryParams>,
    #[serde(default)]
    metadata: MetadataParam,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn payment_method(mut call: Call<'_>, id: &str) -> Result<Answered, Failure> {
    let params: MethodChange = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentMethod, &params.expand)?;
    let changes = PaymentMethodChange {
        billing_details: params.billing_details.map(BillingDetails::from),
        expiry: params.card.map(|c| (c.exp_month, c.exp_year)),
        metadata: metadata(params.metadata),
    };
    Ok(call.app.platform.update_payment_method(&call.request, id, &changes).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChargeParams {
    #[serde(default)]
    description: Update<String>,
    #[serde(default)]
    receipt_email: Update<String>,
    #[serde(default)]
    shipping: Update<ShippingParams>,
    #[serde(default)]
    metadata: MetadataParam,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn charge(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ChargeParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Charge, &params.expand)?;
    let id: ChargeId = text.parse().map_err(|_| Error::NotFound { kind: "charge", id: masked(text), param: "charge" })?;
    let changes = ChargeChange {
        description: change(params.description),
        receipt_email: change(params.receipt_email),
        shipping: change(params.shipping.map(Shipping::from)),
        metadata: metadata(params.metadata),
        ..ChargeChange::default()
    };
    Ok(call.app.platform.update_charge(&call.request, id, &changes).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundChange {
    #[serde(default)]
    metadata: MetadataParam,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn refund(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: RefundChange = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Refund, &params.expand)?;
    let id: RefundId = text.parse().map_err(|_| Error::NotFound { kind: "refund", id: masked(text), param: "refund" })?;
    Ok(call.app.platform.update_refund(&call.request, id, &metadata(params.metadata)).await?)
}

/// The merchant whose key it is.
pub(crate) async fn account(call: Call<'_>) -> Result<Answered, Failure> {
    if params::from_tree::<std::collections::BTreeMap<String, String>>(&call.tree)?.keys().next().is_some() {
        return Err(ParamError::invalid("expand", "This operation takes no parameters.").into());
    }
    let object = payments::outcome::Object::Account(Box::new((*call.request.account).clone()));
    let body = call.app.presenter.render_one(call.request.scope, &object, &call.request.rendering).await?;
    Ok(Answered { answer: payments::ports::Answer { status: 200, body }, replayed: false })
}
