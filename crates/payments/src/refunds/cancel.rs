//! Stopping a refund before its provider has decided.
//!
//! No connector can: a card refund that was sent is the networks'. So every cancellation is refused, with where
//! the refund stands; a connector that can stop one would be asked here.

use domain::charge::Charge;
use domain::id::RefundId;
use domain::refund::{Refund, Status};

use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::platform::{Platform, Request};

impl Platform {
    /// Cancels a refund.
    ///
    /// # Errors
    /// There is no such refund, or it cannot be stopped any more.
    pub async fn cancel_refund(&self, request: &Request, id: RefundId) -> Result<Answered, Error> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(answered);
        }
        let missing = || Error::NotFound { kind: "refund", id: id.to_string(), param: "refund", place: Place::Path };
        let refund = self.find::<Refund>(request.scope, id.ulid()).await?.ok_or_else(missing)?.value;
        let why = match refund.status {
            Status::Sending | Status::Unknown | Status::Pending => {
                let provider = self.must::<Charge>(request.scope, refund.charge.ulid()).await?.value.provider;
                format!("it is with its provider ({provider}), which cannot stop it")
            }
            Status::Succeeded => "it has succeeded".to_owned(),
            Status::Failed => "it has failed".to_owned(),
        };
        Err(Error::Parameter { param: "refund", code: None, message: format!("This refund cannot be canceled: {why}.") })
    }
}
