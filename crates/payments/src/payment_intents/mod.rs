//! Payments: one file per thing a shop can ask, and [`settle`] for what a provider answered.

pub mod cancel;
pub mod capture;
pub mod confirm;
pub mod create;
pub(crate) mod perform;
pub(crate) mod settle;
pub mod update;

use domain::currency::Currency;
use domain::flow;
use domain::money::Money;
use domain::payment_intent::PaymentIntent;

use crate::error::Error;

/// A decision's refusal as the shop is to hear it.
pub(crate) fn refused(error: flow::Error, intent: &PaymentIntent) -> Error {
    use domain::charge::Refusal;
    match error {
        flow::Error::Command { command, .. } => {
            Error::PaymentIntentState { verb: command.verb(), payment_intent: Box::new(intent.clone()) }
        }
        flow::Error::Charge(Refusal::TooMuch { available }) => Error::Parameter {
            param: "amount_to_capture",
            code: Some("amount_too_large"),
            message: format!("The amount is more than can be captured; at most {available} can."),
        },
        flow::Error::Charge(Refusal::NotPositive) => Error::Parameter {
            param: "amount_to_capture",
            code: Some("parameter_invalid_integer"),
            message: "The amount must be at least 1.".to_owned(),
        },
        flow::Error::Charge(Refusal::NotInSteps(currency)) => not_in_steps("amount_to_capture", currency),
        other => other.into(),
    }
}

/// Refuses an amount that nobody could pay.
pub(crate) fn payable(amount: Money) -> Result<(), Error> {
    if amount.is_in_steps() { Ok(()) } else { Err(not_in_steps("amount", amount.currency())) }
}

pub(crate) fn not_in_steps(param: &'static str, currency: Currency) -> Error {
    let (code, step) = (currency.code().to_ascii_uppercase(), currency.step());
    let message = format!("Invalid amount: amounts of {code} must be divisible by {step}.");
    Error::Parameter { param, code: Some("parameter_invalid_integer"), message }
}
