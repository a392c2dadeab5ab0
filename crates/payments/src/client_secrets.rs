//! What lets a buyer's browser see and confirm one intent of the shop's: its client secret.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::id::{PaymentIntentId, SetupIntentId};
use domain::payment_intent::ConfirmationMethod;
use domain::scope::Scope;

use crate::error::Error;
use crate::platform::Platform;

/// Compares secrets in time that does not tell where they differ.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

impl Platform {
    /// Whether the payment's client secret is this one; says as well who may confirm it.
    ///
    /// # Errors
    /// There is no such payment, the secret is not its own, or the store failed.
    pub async fn check_payment_secret(&self, scope: Scope, id: PaymentIntentId, secret: &str) -> Result<ConfirmationMethod, Error> {
        let intent = self.payment_intent(scope, id).await?.value;
        if !same(&intent.client_secret(), secret) {
            return Err(wrong("payment_intent_invalid_parameter", "PaymentIntent"));
        }
        Ok(intent.confirmation_method)
    }

    /// Whether the set-up's client secret is this one.
    ///
    /// # Errors
    /// There is no such set-up, the secret is not its own, or the store failed.
    pub async fn check_setup_secret(&self, scope: Scope, id: SetupIntentId, secret: &str) -> Result<(), Error> {
        let intent = self.setup_intent(scope, id).await?.value;
        if same(&intent.client_secret(), secret) { Ok(()) } else { Err(wrong("setup_intent_invalid_parameter", "SetupIntent")) }
    }
}

fn wrong(code: &'static str, object: &str) -> Error {
    let message = format!("The client_secret provided does not match the client_secret associated with the {object}.");
    Error::Parameter { param: "client_secret", code: Some(code), message }
}
