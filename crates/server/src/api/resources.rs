//! `/v1/refunds`, `/v1/payment_methods`, `/v1/tokens`: what creates and changes them.

use domain::contact::BillingDetails;
use domain::flow::RefundRequest;
use domain::id::{ChargeId, PaymentIntentId};
use domain::metadata::Metadata;
use domain::refund::Reason;
use payments::Error;
use payments::idempotency::Answered;
use payments::payment_methods::create::masked;
use payments::refunds::create::RefundOf;
use serde::Deserialize;

use super::Failure;
use super::dispatch::Call;
use super::intents::customer;
use super::lists::expansions;
use super::payment_intents::amount;
use super::requests::{CardParams, MethodParams, metadata};
use crate::params::{self, ExpandParam, MetadataParam, ParamError};
use crate::presenter::expandable::{Root, Shape, paths};

/// Takes `expand`, checked before anything is done.
pub(super) fn expand(call: &mut Call<'_>, shape: Shape, param: &ExpandParam) -> Result<(), Failure> {
    call.request.rendering.expand = expansions(param);
    paths(Root::one(shape), &call.request.rendering.expand)?;
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundParams {
    amount: Option<i64>,
    charge: Option<String>,
    payment_intent: Option<String>,
    reason: Option<Reason>,
    #[serde(default)]
    metadata: MetadataParam,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn create_refund(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: RefundParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::Refund, &params.expand)?;
    let of = match (&params.charge, &params.payment_intent) {
        (Some(text), None) => {
            let id = text.parse::<ChargeId>();
            RefundOf::Charge(id.map_err(|_| Error::NotFound { kind: "charge", id: masked(text), param: "charge" })?)
        }
        (None, Some(text)) => {
            let id = text.parse::<PaymentIntentId>();
            RefundOf::PaymentIntent(id.map_err(|_| Error::NotFound {
                kind: "payment_intent",
                id: masked(text),
                param: "payment_intent",
            })?)
        }
        (Some(_), Some(_)) => return Err(ParamError::invalid("charge", "Name a charge or a payment, not both.").into()),
        (None, None) => return Err(ParamError::missing("payment_intent").into()),
    };
    let refund = RefundRequest {
        amount: params.amount.map(amount).transpose()?,
        reason: params.reason,
        metadata: metadata(params.metadata).apply(&Metadata::default())?,
    };
    Ok(call.app.platform.create_refund(&call.request, of, &refund).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(crate) async fn create_payment_method(mut call: Call<'_>) -> Result<Answered, Failure> {
    let params: MethodParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentMethod, &params.expand)?;
    Ok(call.app.platform.create_payment_method(&call.request, &params.method()?).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttachParams {
    customer: String,
    #[serde(default)]
    expand: ExpandParam,
}

pub(crate) async fn attach(mut call: Call<'_>, method: &str) -> Result<Answered, Failure> {
    let params: AttachParams = params::from_tree(&call.tree)?;
    expand(&mut call, Shape::PaymentMethod, &params.expand)?;
    let owner = customer(Some(&params.customer))?.ok_or_else(|| ParamError::missing("customer"))?;
    Ok(call.app.platform.attach_payment_method(&call.request, method, owner).await?)
}

pub(crate) async fn detach(call: Call<'_>, method: &str) -> Result<Answered, Failure> {
    let Nothing {} = params::from_tree(&call.tree)?;
    Ok(call.app.platform.detach_payment_method(&call.request, method).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenParams {
    card: CardParams,
}

pub(crate) async fn create_token(call: Call<'_>) -> Result<Answered, Failure> {
    let params: TokenParams = params::from_tree(&call.tree)?;
    Ok(call.app.platform.create_token(&call.request, &params.card.input()?, &BillingDetails::default()).await?)
}
