//! Parameters that payments and set-ups share.

use domain::contact::{Address, MAX_TRACKING, Shipping};
use domain::id::CustomerId;
use domain::payment_intent::{AllowRedirects, ThreeDSecureRequest};
use payments::payment_methods::create::masked;
use payments::payment_methods::resolve::MethodInput;
use payments::{Error, Place};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::requests::{AddressParams, MethodParams, NameText, PhoneText, written};
use crate::params::{ParamError, Text, Update};
use crate::views::words;

/// Let whatever kinds of methods are enabled pay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutomaticMethodsParams {
    /// Whether to.
    enabled: bool,
    /// Whether kinds that send the buyer elsewhere are among them; cards are not of those.
    #[schema(value_type = Option<words::AllowRedirects>)]
    allow_redirects: Option<AllowRedirects>,
}

/// Kinds of methods, by name. Cards are the only kind.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct MethodTypesParam(Vec<String>);

/// How each kind of method is treated.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodOptionsParams {
    card: Option<CardOptionsParams>,
}

/// How cards are treated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardOptionsParams {
    /// When to ask the buyer to authenticate.
    #[schema(value_type = Option<words::ThreeDSecureRequest>)]
    request_three_d_secure: Option<ThreeDSecureRequest>,
}

/// Who carries the goods, and under which numbers.
pub(crate) type TrackingText = Text<MAX_TRACKING>;

/// Where the goods go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShippingParams {
    address: AddressParams,
    #[schema(inline)]
    name: NameText,
    #[serde(default)]
    #[schema(inline)]
    phone: Update<PhoneText>,
    #[serde(default)]
    #[schema(inline)]
    carrier: Update<TrackingText>,
    #[serde(default)]
    #[schema(inline)]
    tracking_number: Update<TrackingText>,
}

impl From<ShippingParams> for Shipping {
    fn from(p: ShippingParams) -> Self {
        Self {
            address: Address::from(p.address),
            name: p.name.into_string(),
            phone: written(p.phone),
            carrier: written(p.carrier),
            tracking_number: written(p.tracking_number),
        }
    }
}

impl MethodTypesParam {
    /// Whether they were named; those that were are known.
    pub(crate) fn are_named(types: Option<&Self>) -> Result<bool, Failure> {
        let Some(Self(types)) = types else { return Ok(false) };
        if types.is_empty() || types.iter().any(|kind| kind != "card") {
            return Err(ParamError::invalid("payment_method_types", "Only the type card is supported.").into());
        }
        Ok(true)
    }
}

impl AutomaticMethodsParams {
    /// The choice between named kinds (`None`) and all that are enabled, which is taken when nothing is said.
    pub(crate) fn choice(automatic: Option<&Self>, types: Option<&MethodTypesParam>) -> Result<Option<AllowRedirects>, Failure> {
        let named = MethodTypesParam::are_named(types)?;
        match automatic {
            Some(_) if named => {
                let message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.";
                Err(ParamError::invalid("automatic_payment_methods", message).into())
            }
            Some(automatic) if automatic.enabled => Ok(Some(automatic.allow_redirects.unwrap_or(AllowRedirects::Always))),
            Some(_) => Ok(None),
            None if named => Ok(None),
            None => Ok(Some(AllowRedirects::Always)),
        }
    }
}

impl MethodOptionsParams {
    /// When to ask the buyer to authenticate, if it is said.
    pub(crate) fn three_d_secure(options: Option<Self>) -> Option<ThreeDSecureRequest> {
        options?.card?.request_three_d_secure
    }
}

pub(crate) fn customer(text: Option<&str>) -> Result<Option<CustomerId>, Failure> {
    let missing = |text: &str| Error::NotFound { kind: "customer", id: masked(text), param: "customer", place: Place::Parameter };
    text.map(|t| t.parse().map_err(|_| Failure::from(missing(t)))).transpose()
}

pub(crate) fn method(named: Option<String>, new: Option<MethodParams>) -> Result<Option<MethodInput>, Failure> {
    match (named, new) {
        (Some(_), Some(_)) => Err(ParamError::invalid("payment_method_data", "Name a payment method or send a new one, not both.").into()),
        (Some(named), None) => Ok(Some(MethodInput::Named(named))),
        (None, Some(new)) => Ok(Some(MethodInput::New(Box::new(new.method()?)))),
        (None, None) => Ok(None),
    }
}

/// Refuses a parameter that only means something when a new intent is confirmed at once.
pub(crate) fn only_with_confirm(name: &str, is_given: bool, confirm: bool) -> Result<(), Failure> {
    if !is_given || confirm {
        return Ok(());
    }
    Err(ParamError::invalid(name, format!("The parameter {name} can only be given together with confirm=true.")).into())
}
