//! What all objects that show a card have in common, and errors about cards inside other objects.

use domain::decline::DeclineCode;
use domain::id::ChargeId;
use domain::outcome::Check;
use domain::payment_intent;
use serde::Serialize;
use utoipa::ToSchema;

use super::words::{AdviceCode, CheckResult};
use super::{Context, PaymentMethod};

/// What the issuer said of the buyer's details.
#[derive(Serialize, ToSchema)]
pub struct CardChecks {
    address_line1_check: Option<CheckResult>,
    address_postal_code_check: Option<CheckResult>,
    cvc_check: Option<CheckResult>,
}

impl CardChecks {
    pub(super) fn view(cvc: Option<Check>, address_line1: Option<Check>, postal_code: Option<Check>) -> Self {
        Self {
            address_line1_check: address_line1.map(Into::into),
            address_postal_code_check: postal_code.map(Into::into),
            cvc_check: cvc.map(Into::into),
        }
    }
}

/// Why the last try of a payment or set-up failed.
#[derive(Serialize, ToSchema)]
pub struct LastError<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    advice_code: Option<AdviceCode>,
    /// The failed charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    charge: Option<ChargeId>,
    code: &'static str,
    /// The issuer's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
    /// A sentence for the buyer.
    message: &'static str,
    /// The card as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method: Option<Box<PaymentMethod<'a>>>,
    /// `card_error`.
    r#type: &'static str,
}

impl<'a> LastError<'a> {
    pub(super) fn view(error: &'a payment_intent::CardError, ctx: Context) -> Self {
        Self {
            advice_code: error.decline_code.and_then(advice),
            charge: error.charge,
            code: error.code.as_str(),
            decline_code: error.decline_code.map(DeclineCode::as_str),
            message: error.code.message(),
            payment_method: error.payment_method.as_deref().map(|method| Box::new(PaymentMethod::view(method, ctx))),
            r#type: "card_error",
        }
    }
}

/// What the buyer must do next.
#[derive(Serialize, ToSchema)]
pub struct NextAction<'a> {
    redirect_to_url: RedirectToUrl<'a>,
    /// `redirect_to_url`.
    r#type: &'static str,
}

/// The page to which the buyer's browser must go.
#[derive(Serialize, ToSchema)]
pub struct RedirectToUrl<'a> {
    /// The shop's page to which the buyer comes back.
    return_url: Option<&'a str>,
    /// The issuer's page.
    url: &'a str,
}

impl<'a> NextAction<'a> {
    pub(super) fn view(action: &'a payment_intent::NextAction) -> Self {
        let redirect_to_url = RedirectToUrl { return_url: action.return_url.as_deref(), url: &action.redirect_url };
        Self { redirect_to_url, r#type: "redirect_to_url" }
    }
}

/// Stripe's published advice on a decline; most declines have none.
pub(crate) const fn advice(code: DeclineCode) -> Option<AdviceCode> {
    match code {
        DeclineCode::ExpiredCard
        | DeclineCode::IncorrectCvc
        | DeclineCode::IncorrectNumber
        | DeclineCode::IncorrectZip
        | DeclineCode::InvalidAccount
        | DeclineCode::InvalidCvc
        | DeclineCode::InvalidExpiryMonth
        | DeclineCode::InvalidExpiryYear
        | DeclineCode::InvalidNumber => Some(AdviceCode::ConfirmCardData),
        DeclineCode::DoNotTryAgain
        | DeclineCode::Fraudulent
        | DeclineCode::LostCard
        | DeclineCode::MerchantBlacklist
        | DeclineCode::PickupCard
        | DeclineCode::RestrictedCard
        | DeclineCode::RevocationOfAllAuthorizations
        | DeclineCode::RevocationOfAuthorization
        | DeclineCode::StolenCard
        | DeclineCode::StopPaymentOrder => Some(AdviceCode::DoNotTryAgain),
        DeclineCode::ApproveWithId
        | DeclineCode::CardVelocityExceeded
        | DeclineCode::InsufficientFunds
        | DeclineCode::IssuerNotAvailable
        | DeclineCode::ProcessingError
        | DeclineCode::ReenterTransaction
        | DeclineCode::TryAgainLater
        | DeclineCode::WithdrawalCountLimitExceeded => Some(AdviceCode::TryAgainLater),
        _ => None,
    }
}
