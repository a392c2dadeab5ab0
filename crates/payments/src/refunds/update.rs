//! Changing a refund's notes.

use domain::audit::Action;
use domain::event::{EventKind, Snapshot};
use domain::id::RefundId;
use domain::metadata::Metadata;
use domain::refund::Refund;

use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::lists;
use crate::metadata::Changes;
use crate::outcome::{Object, Outcome};
use crate::payment_intents::settle::add_events;
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::sizes;
use crate::writes::Writes;

impl Platform {
    /// Changes a refund's metadata.
    ///
    /// # Errors
    /// There is no such refund, or the notes are too many or too long.
    pub async fn update_refund(&self, request: &Request, id: RefundId, metadata: &Changes) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let missing = || Error::NotFound { kind: "refund", id: id.to_string(), param: "refund", place: Place::Path };
            let loaded = self.find::<Refund>(request.scope, id.ulid()).await?.ok_or_else(missing)?;
            let merged: Metadata = metadata.apply(&loaded.value.metadata)?;
            let mut refund = Refund { metadata: merged, ..loaded.value.clone() };
            sizes::check(&refund)?;
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
            // The same under both of the names that Stripe has for it.
            let mut events = [EventKind::RefundUpdated, EventKind::ChargeRefundUpdated].map(|kind| ctx.refund_event(kind, &mut refund));
            for event in &mut events {
                event.previous = Some(Snapshot::Refund(Box::new(loaded.value.clone())));
            }
            let mut writes = Writes::new();
            lists::change(request.scope, &loaded, &refund, &mut writes)?;
            add_events(request.scope, &events, &mut writes)?;
            self.conclude(request, Action::RefundUpdate, writes, &Outcome::of(Object::Refund(Box::new(refund)))).await
        })
        .await
    }
}
