//! `/v1/payment_intents`: one operation a file.

pub(super) mod cancel;
pub(super) mod capture;
pub(super) mod confirm;
pub(super) mod create;
pub(super) mod update;

use domain::currency::Currency;
use domain::id::PaymentIntentId;
use payments::payment_methods::create::masked;
use payments::{Error, Place};

use super::Failure;
use crate::params::ParamError;

/// The largest amount, as the API documents it.
const MAX_AMOUNT: i64 = 99_999_999;

pub(super) fn amount(minor: i64) -> Result<i64, Failure> {
    if minor < 1 {
        return Err(ParamError::invalid("amount", "The amount must be at least 1.").into());
    }
    if minor > MAX_AMOUNT {
        return Err(ParamError::invalid("amount", "The amount must be no more than 99999999.").into());
    }
    Ok(minor)
}

fn currency(code: &str) -> Result<Currency, Failure> {
    Currency::from_code(code).ok_or_else(|| ParamError::invalid("currency", "Not a currency of ISO 4217.").into())
}

pub(super) fn id(text: &str) -> Result<PaymentIntentId, Failure> {
    text.parse().map_err(|_| Error::NotFound { kind: "payment_intent", id: masked(text), param: "intent", place: Place::Path }.into())
}
