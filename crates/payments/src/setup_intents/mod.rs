//! Saving cards: the same two commits as a payment, with a check in place of an authorisation. One file per thing a shop
//! can ask, and [`settle`] for what a provider answered.

pub mod cancel;
pub mod confirm;
pub mod create;
mod settle;
pub mod update;

use domain::id::SetupIntentId;
use domain::scope::Scope;
use domain::setup_intent::SetupIntent;

use crate::error::{Error, Place};
use crate::outcome::{Object, Outcome};
use crate::platform::Platform;
use crate::records::Loaded;

impl Platform {
    /// A set-up of this merchant.
    pub(crate) async fn setup_intent(&self, scope: Scope, id: SetupIntentId) -> Result<Loaded<SetupIntent>, Error> {
        let missing = || Error::NotFound { kind: "setup_intent", id: id.to_string(), param: "intent", place: Place::Path };
        self.find(scope, id.ulid()).await?.ok_or_else(missing)
    }
}

fn told(intent: SetupIntent) -> Outcome {
    Outcome::of(Object::SetupIntent(Box::new(intent)))
}

fn method_missing() -> Error {
    Error::Parameter {
        param: "payment_method",
        code: Some("setup_intent_unexpected_state"),
        message: "The set-up has no payment method; name one to confirm it.".to_owned(),
    }
}
