//! `/v1/payment_intents`.

use domain::currency::Currency;
use domain::id::{CustomerId, PaymentIntentId};
use domain::metadata::Metadata;
use domain::money::Money;
use domain::payment_intent::{CancellationReason, CaptureMethod, FutureUsage, ThreeDSecureRequest};
use payments::Error;
use payments::idempotency::Answered;
use payments::payment_intents::confirm::{ConfirmPaymentIntent, Confirmation};
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_intents::update::PaymentIntentChange;
use payments::payment_methods::create::masked;
use payments::payment_methods::resolve::MethodInput;
use serde::Deserialize;

use super::Failure;
use super::dispatch::Call;
use super::lists::expansions;
use super::requests::{MethodParams, change, metadata};
use crate::params::{self, ExpandParam, MetadataParam, ParamError, Update};
use crate::presenter::expandable::{Root, Shape, paths};

/// The largest amount, as the API documents it.
const MAX_AMOUNT: i64 = 99_999_999;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateParams {
    amount: i64,
    currency: String,
    capture_method: Option<CaptureMethod>,
    confirm: Option<bool>,
    customer: Option<String>,
    description: Option<String>,
    #[serde(default)]
    metadata: MetadataParam,
    off_session: Option<bool>,
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    payment_method_types: Option<Vec<String>>,
    receipt_email: Option<String>,
    return_url: Option<String>,
    setup_future_usage: Option<FutureUsage>,
    statement_descriptor: Option<String>,
    statement_descriptor_suffix: Option<String>,
    #[serde(default)]
    expand: ExpandParam,
}

pub(super) fn amount(minor: i64) -> Result<i64, Failure> {
    if minor < 1 {
        return Err(ParamError::invalid("amount", "The amount must be at least 1.").into());
    }
    if minor > MAX_AMOUNT {
        return Err(ParamError::invalid("amount", "The amount must be no more than 99999999.").into());
    }
    Ok(minor)
}

pub(super) fn customer(text: Option<&str>) -> Result<Option<CustomerId>, Failure> {
    let missing = |text: &str| Error::NotFound { kind: "customer", id: masked(text), param: "customer" };
    text.map(|t| t.parse().map_err(|_| Failure::from(missing(t)))).transpose()
}

pub(super) fn method(named: Option<String>, new: Option<MethodParams>) -> Result<Option<MethodInput>, Failure> {
    match (named, new) {
        (Some(_), Some(_)) => Err(ParamError::invalid("payment_method_data", "Name a payment method or send a new one, not both.").into()),
        (Some(named), None) => Ok(Some(MethodInput::Named(named))),
        (None, Some(new)) => Ok(Some(MethodInput::New(Box::new(new.method()?)))),
        (None, None) => Ok(None),
    }
}

/// Takes `expand`, checked before anything is done.
fn expand(call: &mut Call<'_>, param: &ExpandParam) -> Result<(), Failure> {
    call.request.expand = expansions(param);
    paths(Root::one(Shape::PaymentIntent), &call.request.expand)?;
    Ok(())
}

fn id(text: &str) -> Result<PaymentIntentId, Failure> {
    text.parse().map_err(|_| Error::NotFound { kind: "payment_intent", id: masked(text), param: "intent" }.into())
}

pub(crate) async fn create(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreateParams = params::from_tree(&call.tree)?;
    expand(&mut call, &params.expand)?;
    let currency = Currency::from_code(&params.currency).ok_or_else(|| ParamError::invalid("currency", "Not a currency of ISO 4217."))?;
    if params.payment_method_types.is_some_and(|types| types.iter().any(|t| t != "card")) {
        return Err(ParamError::invalid("payment_method_types", "Only the type card is supported.").into());
    }
    let confirmation = Confirmation {
        off_session: params.off_session.unwrap_or(false),
        return_url: params.return_url,
        three_d_secure: ThreeDSecureRequest::Automatic,
    };
    let new = NewPaymentIntent {
        amount: Money::new(amount(params.amount)?, currency),
        capture_method: params.capture_method.unwrap_or(CaptureMethod::Automatic),
        customer: customer(params.customer.as_deref())?,
        payment_method: method(params.payment_method, params.payment_method_data)?,
        setup_future_usage: params.setup_future_usage,
        description: params.description,
        receipt_email: params.receipt_email,
        shipping: None,
        statement_descriptor: params.statement_descriptor,
        statement_descriptor_suffix: params.statement_descriptor_suffix,
        metadata: metadata(params.metadata).apply(&Metadata::default())?,
        confirm: params.confirm.unwrap_or(false).then_some(confirmation),
    };
    Ok(call.app.platform.create_payment_intent(&call.request, &new).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateParams {
    amount: Option<i64>,
    capture_method: Option<CaptureMethod>,
    customer: Option<String>,
    #[serde(default)]
    description: Update<String>,
    #[serde(default)]
    metadata: MetadataParam,
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    #[serde(default)]
    receipt_email: Update<String>,
    #[serde(default)]
    setup_future_usage: Update<FutureUsage>,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn update(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: UpdateParams = params::from_tree(&call.tree)?;
    expand(&mut call, &params.expand)?;
    let changes = PaymentIntentChange {
        amount_minor: params.amount.map(amount).transpose()?,
        capture_method: params.capture_method,
        customer: customer(params.customer.as_deref())?,
        payment_method: method(params.payment_method, params.payment_method_data)?,
        setup_future_usage: change(params.setup_future_usage),
        description: change(params.description),
        receipt_email: change(params.receipt_email),
        metadata: metadata(params.metadata),
        ..PaymentIntentChange::default()
    };
    Ok(call.app.platform.update_payment_intent(&call.request, id(text)?, &changes).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmParams {
    off_session: Option<bool>,
    payment_method: Option<String>,
    payment_method_data: Option<MethodParams>,
    receipt_email: Option<String>,
    return_url: Option<String>,
    setup_future_usage: Option<FutureUsage>,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn confirm(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: ConfirmParams = params::from_tree(&call.tree)?;
    expand(&mut call, &params.expand)?;
    let confirm = ConfirmPaymentIntent {
        payment_method: method(params.payment_method, params.payment_method_data)?,
        setup_future_usage: params.setup_future_usage,
        receipt_email: params.receipt_email,
        confirmation: Confirmation {
            off_session: params.off_session.unwrap_or(false),
            return_url: params.return_url,
            three_d_secure: ThreeDSecureRequest::Automatic,
        },
    };
    Ok(call.app.platform.confirm_payment_intent(&call.request, id(text)?, &confirm).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaptureParams {
    amount_to_capture: Option<i64>,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn capture(mut call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: CaptureParams = params::from_tree(&call.tree)?;
    expand(&mut call, &params.expand)?;
    Ok(call.app.platform.capture_payment_intent(&call.request, id(text)?, params.amount_to_capture).await?)
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
    expand(&mut call, &params.expand)?;
    Ok(call.app.platform.cancel_payment_intent(&call.request, id(text)?, params.cancellation_reason).await?)
}
