//! `/v1/payment_methods` and `/v1/tokens`: cards, made, changed, attached and detached.

use payments::idempotency::Answered;
use payments::payment_methods::update::{BillingChange, PaymentMethodChange};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::intents::customer;
use super::requests::{BillingParams, ExpandOnly, MethodParams, TokenCardParams, expand, metadata};
use crate::params::{self, ExpandParam, MetadataParam, ParamError};
use crate::presenter::expandable::Shape;

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: MethodParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentMethod, &params.expand)?;
    Ok(call.app.platform.create_payment_method(&call.request, &params.method()?).await?)
}

/// Whose a card becomes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttachPaymentMethod {
    /// The buyer's id.
    customer: String,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

pub(crate) async fn attach(mut call: Call<'_>, method: &str) -> Result<Answered, Failure> {
    let params: AttachPaymentMethod = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentMethod, &params.expand)?;
    let owner = customer(Some(&params.customer))?.ok_or_else(|| ParamError::missing("customer"))?;
    Ok(call.app.platform.attach_payment_method(&call.request, method, owner).await?)
}

pub(crate) async fn detach(mut call: Call<'_>, method: &str) -> Result<Answered, Failure> {
    let params: ExpandOnly = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentMethod, &params.expand)?;
    Ok(call.app.platform.detach_payment_method(&call.request, method).await?)
}

/// A card's new expiry.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExpiryParams {
    /// 1 to 12.
    exp_month: i64,
    /// Two or four digits.
    exp_year: i64,
}

/// Changes to what is known of a card besides its number.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdatePaymentMethod {
    /// The cardholder; what is left out stays. An address replaces the one before as a whole.
    billing_details: Option<BillingParams>,
    card: Option<ExpiryParams>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

pub(crate) async fn update(mut call: Call<'_>, id: &str) -> Result<Answered, Failure> {
    let params: UpdatePaymentMethod = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentMethod, &params.expand)?;
    let changes = PaymentMethodChange {
        billing_details: params.billing_details.map(BillingChange::from).unwrap_or_default(),
        expiry: params.card.map(|c| (c.exp_month, c.exp_year)),
        metadata: metadata(params.metadata),
    };
    Ok(call.app.platform.update_payment_method(&call.request, id, &changes).await?)
}

/// A card to be handed over once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateToken {
    card: TokenCardParams,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

pub(crate) async fn create_token(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreateToken = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Opaque, &params.expand)?;
    let (card, billing_details) = params.card.input();
    Ok(call.app.platform.create_token(&call.request, &card, &billing_details).await?)
}
