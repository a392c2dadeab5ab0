//! The body of an answer that is an error.
//!
//! Absent on purpose: which error has which status, type and code; that is decided in one place, elsewhere.

use serde::Serialize;
use utoipa::ToSchema;

use super::words::AdviceCode;
use super::{PaymentIntent, PaymentMethod, SetupIntent};

/// An answer that is an error.
#[derive(Serialize, ToSchema)]
pub struct Error<'a> {
    /// What is wrong.
    pub error: ErrorBody<'a>,
}

/// What is wrong.
#[derive(Default, Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    /// What may be done about a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice_code: Option<AdviceCode>,
    /// The failed charge's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// A short word that a program can act upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'a str>,
    /// The issuer's reason to refuse a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<&'a str>,
    /// A page about the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_url: Option<&'a str>,
    /// A sentence for people.
    pub message: &'a str,
    /// The parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<&'a str>,
    /// The payment, as it is after the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<Box<PaymentIntent<'a>>>,
    /// The card that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<Box<PaymentMethod<'a>>>,
    /// The set-up, as it is after the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_intent: Option<Box<SetupIntent<'a>>>,
    /// `api_error`, `authentication_error`, `card_error`, `idempotency_error`, `invalid_request_error` or
    /// `rate_limit_error`.
    pub r#type: &'a str,
}
