//! Changing a charge's notes.

use domain::audit::Action;
use domain::charge::Charge;
use domain::contact::Shipping;
use domain::event::{EventKind, Snapshot};
use domain::id::ChargeId;

use crate::change::Change;
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

/// What a request says of a charge.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // as in the API
pub struct ChargeChange {
    pub description: Change<String>,
    pub receipt_email: Change<String>,
    pub shipping: Change<Shipping>,
    pub fraud_report: Change<String>,
    pub metadata: Changes,
}

impl Platform {
    /// Changes a charge's notes.
    ///
    /// # Errors
    /// There is no such charge, or the change cannot be made.
    pub async fn update_charge(&self, request: &Request, id: ChargeId, change: &ChargeChange) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let missing = || Error::NotFound { kind: "charge", id: id.to_string(), param: "charge", place: Place::Path };
            let loaded = self.find::<Charge>(request.scope, id.ulid()).await?.ok_or_else(missing)?;
            let mut charge = loaded.value.clone();
            change.description.apply(&mut charge.description);
            change.receipt_email.apply(&mut charge.receipt_email);
            change.shipping.apply(&mut charge.shipping);
            change.fraud_report.apply(&mut charge.fraud_report);
            charge.metadata = change.metadata.apply(&charge.metadata)?;
            sizes::check(&charge)?;
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
            let mut event = ctx.charge_event(EventKind::ChargeUpdated, &mut charge);
            let mut writes = Writes::new();
            lists::change(request.scope, &loaded, &charge, &mut writes)?;
            event.previous = Some(Snapshot::Charge(Box::new(loaded.value)));
            add_events(request.scope, &[event], &mut writes)?;
            self.conclude(request, Action::ChargeUpdate, writes, &Outcome::of(Object::Charge(Box::new(charge)))).await
        })
        .await
    }
}
