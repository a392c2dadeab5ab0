//! `/v1/setup_intents`.

use domain::id::SetupIntentId;
use domain::metadata::Metadata;
use domain::payment_intent::FutureUsage;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::setup_intents::confirm::ConfirmSetupIntent as Confirm;
use payments::setup_intents::create::NewSetupIntent;
use payments::setup_intents::update::SetupIntentChange;
use payments::{Error, Place};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::dispatch::Call;
use super::intents::{AutomaticMethodsParams, MethodOptionsParams, MethodTypesParam, customer, method, only_with_confirm};
use super::payment_intents::cancel::CancelIntent;
use super::requests::{MethodParams, change, expand, metadata};
use crate::params::{self, ExpandParam, MetadataParam, Update};
use crate::presenter::expandable::Shape;
use crate::views::words;

pub(super) fn id(text: &str) -> Result<SetupIntentId, Failure> {
    text.parse().map_err(|_| Error::NotFound { kind: "setup_intent", id: masked(text), param: "intent", place: Place::Path }.into())
}

/// A new set-up of a card for later.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSetupIntent {
    automatic_payment_methods: Option<AutomaticMethodsParams>,
    /// Confirm it at once.
    confirm: Option<bool>,
    /// The buyer's id, to whom the card is attached.
    customer: Option<String>,
    description: Option<String>,
    #[serde(default)]
    #[schema(inline)]
    metadata: MetadataParam,
    /// A payment method's id, or in test mode a test method's name.
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    payment_method_options: Option<MethodOptionsParams>,
    payment_method_types: Option<MethodTypesParam>,
    /// Where the buyer's browser goes after an action; only with `confirm`.
    return_url: Option<String>,
    /// What the card is to be used for; `off_session` if left out.
    #[schema(value_type = Option<words::FutureUsage>)]
    usage: Option<FutureUsage>,
    /// Taken and of no effect: the buyer is always sent to a page.
    #[serde(rename = "use_stripe_sdk")]
    _use_stripe_sdk: Option<bool>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

impl CreateSetupIntent {
    fn into_new(self) -> Result<NewSetupIntent, Failure> {
        let confirm = self.confirm.unwrap_or(false);
        only_with_confirm("return_url", self.return_url.is_some(), confirm)?;
        Ok(NewSetupIntent {
            customer: customer(self.customer.as_deref())?,
            payment_method: method(self.payment_method, self.payment_method_data)?,
            usage: self.usage.unwrap_or(FutureUsage::OffSession),
            description: self.description,
            metadata: metadata(self.metadata).apply(&Metadata::default())?,
            automatic_payment_methods: AutomaticMethodsParams::choice(
                self.automatic_payment_methods.as_ref(),
                self.payment_method_types.as_ref(),
            )?,
            three_d_secure: MethodOptionsParams::three_d_secure(self.payment_method_options).unwrap_or_default(),
            confirm: confirm.then_some(self.return_url),
        })
    }
}

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreateSetupIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::SetupIntent, &params.expand)?;
    Ok(call.app.platform.create_setup_intent(&call.request, &params.into_new()?).await?)
}

/// How a set-up is confirmed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmSetupIntent {
    /// What a browser must prove besides its publishable key.
    #[serde(rename = "client_secret")]
    _client_secret: Option<String>,
    /// A payment method's id, or in test mode a test method's name.
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    payment_method_options: Option<MethodOptionsParams>,
    /// Where the buyer's browser goes after an action.
    return_url: Option<String>,
    /// Taken and of no effect: the buyer is always sent to a page.
    #[serde(rename = "use_stripe_sdk")]
    _use_stripe_sdk: Option<bool>,
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

pub(crate) async fn confirm(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ConfirmSetupIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::SetupIntent, &params.expand)?;
    let confirm = Confirm {
        payment_method: method(params.payment_method, params.payment_method_data)?,
        return_url: params.return_url,
        three_d_secure: MethodOptionsParams::three_d_secure(params.payment_method_options),
    };
    Ok(call.app.platform.confirm_setup_intent(&call.request, id(text)?, &confirm).await?)
}

/// Changes to a set-up. Method and customer can change until it is confirmed; notes always.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateSetupIntent {
    /// The buyer's id, to whom the card is attached.
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
    #[serde(default)]
    #[schema(inline)]
    expand: ExpandParam,
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdateSetupIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::SetupIntent, &params.expand)?;
    let changes = SetupIntentChange {
        customer: customer(params.customer.as_deref())?,
        payment_method: method(params.payment_method, params.payment_method_data)?,
        description: change(params.description),
        names_method_types: MethodTypesParam::are_named(params.payment_method_types.as_ref())?,
        three_d_secure: MethodOptionsParams::three_d_secure(params.payment_method_options),
        metadata: metadata(params.metadata),
    };
    Ok(call.app.platform.update_setup_intent(&call.request, id(text)?, &changes).await?)
}

pub(crate) async fn cancel(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: CancelIntent = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::SetupIntent, &params.expand)?;
    Ok(call.app.platform.cancel_setup_intent(&call.request, id(text)?, params.cancellation_reason).await?)
}
