//! Canceling a payment.

use std::sync::Arc;

use domain::audit::Action;
use domain::flow::{begin_void, cancel_unsent};
use domain::id::PaymentIntentId;
use domain::payment_intent::{CancellationReason, Command, PaymentIntent, Status};

use super::confirm::Start;
use super::perform::{FollowUp, Work};
use super::refused;
use super::settle::add_unsent;
use crate::error::Error;
use crate::idempotency::Answered;
use crate::outcome::{Object, Outcome};
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::writes::Writes;

impl Platform {
    /// Cancels a payment; what a provider holds for it is given up.
    ///
    /// # Errors
    /// The payment's status does not take it, or the store failed.
    pub async fn cancel_payment_intent(
        self: &Arc<Self>,
        request: &Request,
        id: PaymentIntentId,
        reason: Option<CancellationReason>,
    ) -> Result<Answered, Error> {
        let turn = self.locks.turn(id.ulid()).await;
        let start = racing(|| self.start_cancel(request, id, reason)).await?;
        drop(turn);
        self.run(request, start).await
    }

    async fn start_cancel(&self, request: &Request, id: PaymentIntentId, reason: Option<CancellationReason>) -> Result<Start, Error> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(Start::Answered(answered));
        }
        let intent = self.payment_intent(request.scope, id).await?;
        let mut writes = Writes::new();
        match intent.value.status {
            Status::RequiresPaymentMethod | Status::RequiresConfirmation => {
                let mut mint = Minting(&self.ids);
                let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
                let change = cancel_unsent(&mut ctx, intent.value.clone(), reason)?;
                add_unsent(request.scope, &intent, &change, &mut writes)?;
                let outcome = Outcome::of(Object::PaymentIntent(Box::new(change.intent)));
                self.conclude(request, Action::PaymentIntentCancel, writes, &outcome).await.map(Start::Answered)
            }
            Status::RequiresAction | Status::RequiresCapture => self.start_void(request, &intent.value, reason).await,
            Status::Processing | Status::Canceled | Status::Succeeded => {
                Err(Error::PaymentIntentState { verb: Command::Cancel.verb(), payment_intent: Box::new(intent.value) })
            }
        }
    }

    async fn start_void(&self, request: &Request, intent: &PaymentIntent, reason: Option<CancellationReason>) -> Result<Start, Error> {
        let subject = self.latest_subject(request.scope, intent).await?;
        if !matches!(subject.intent.value.status, Status::RequiresAction | Status::RequiresCapture) {
            // It was settled between the two looks: what there is to cancel is another thing now.
            return Err(Error::LockTimeout);
        }
        let connector = self.connector(&subject.attempt.value.provider)?;
        let mut mint = Minting(&self.ids);
        let ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let decided = begin_void(&ctx, subject.intent.value.clone(), subject.attempt.value.clone(), reason);
        let (changed, sending) = decided.map_err(|e| refused(e, &subject.intent.value))?;
        self.start_follow_up(
            request,
            subject,
            FollowUp { action: Action::PaymentIntentCancel, changed, sending, work: Work::Void { connector } },
        )
        .await
    }
}
