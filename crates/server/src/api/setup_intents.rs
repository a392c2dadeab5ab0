//! `/v1/setup_intents`.

use domain::id::SetupIntentId;
use domain::metadata::Metadata;
use domain::payment_intent::{CancellationReason, FutureUsage};
use payments::Error;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::setup_intents::{NewSetupIntent, SetupIntentChange};
use serde::Deserialize;

use super::Failure;
use super::dispatch::Call;
use super::payment_intents::{customer, method};
use super::requests::{MethodParams, change, metadata};
use super::resources::expand;
use crate::params::{self, ExpandParam, MetadataParam, ParamError, Update};
use crate::presenter::expandable::Shape;

fn id(text: &str) -> Result<SetupIntentId, Failure> {
    text.parse().map_err(|_| Error::NotFound { kind: "setup_intent", id: masked(text), param: "intent" }.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateParams {
    confirm: Option<bool>,
    customer: Option<String>,
    description: Option<String>,
    #[serde(default)]
    metadata: MetadataParam,
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    payment_method_types: Option<Vec<String>>,
    return_url: Option<String>,
    usage: Option<FutureUsage>,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreateParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::SetupIntent, &params.expand)?;
    if params.payment_method_types.is_some_and(|types| types.iter().any(|t| t != "card")) {
        return Err(ParamError::invalid("payment_method_types", "Only the type card is supported.").into());
    }
    let new = NewSetupIntent {
        customer: customer(params.customer.as_deref())?,
        payment_method: method(params.payment_method, params.payment_method_data)?,
        usage: params.usage.unwrap_or(FutureUsage::OffSession),
        description: params.description,
        metadata: metadata(params.metadata).apply(&Metadata::default())?,
        confirm: params.confirm.unwrap_or(false).then_some(params.return_url),
    };
    Ok(call.app.platform.create_setup_intent(&call.request, &new).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmParams {
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    return_url: Option<String>,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn confirm(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ConfirmParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::SetupIntent, &params.expand)?;
    let input = method(params.payment_method, params.payment_method_data)?;
    let platform = &call.app.platform;
    Ok(platform.confirm_setup_intent(&call.request, id(text)?, input.as_ref(), params.return_url.as_deref()).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateParams {
    customer: Option<String>,
    #[serde(default)]
    description: Update<String>,
    #[serde(default)]
    metadata: MetadataParam,
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdateParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::SetupIntent, &params.expand)?;
    let changes = SetupIntentChange {
        customer: customer(params.customer.as_deref())?,
        payment_method: method(params.payment_method, params.payment_method_data)?,
        description: change(params.description),
        metadata: metadata(params.metadata),
    };
    Ok(call.app.platform.update_setup_intent(&call.request, id(text)?, &changes).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelParams {
    cancellation_reason: Option<CancellationReason>,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn cancel(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: CancelParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::SetupIntent, &params.expand)?;
    Ok(call.app.platform.cancel_setup_intent(&call.request, id(text)?, params.cancellation_reason).await?)
}
