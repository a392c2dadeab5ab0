//! Capturing a payment.

use std::sync::Arc;

use domain::audit::Action;
use domain::flow::begin_capture;
use domain::id::PaymentIntentId;
use domain::payment_intent::Command;

use super::confirm::Start;
use super::perform::{FollowUp, Work};
use super::refused;
use crate::error::Error;
use crate::idempotency::Answered;
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;

impl Platform {
    /// Takes `amount` of what a payment reserved, or all of it; the rest is released.
    ///
    /// # Errors
    /// Nothing is reserved, less is, or the store failed.
    pub async fn capture_payment_intent(
        self: &Arc<Self>,
        request: &Request,
        id: PaymentIntentId,
        amount: Option<i64>,
    ) -> Result<Answered, Error> {
        let turn = self.locks.turn(id.ulid()).await;
        let start = racing(|| self.start_capture(request, id, amount)).await?;
        drop(turn);
        self.run(request, start).await
    }

    async fn start_capture(&self, request: &Request, id: PaymentIntentId, amount: Option<i64>) -> Result<Start, Error> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(Start::Answered(answered));
        }
        let intent = self.payment_intent(request.scope, id).await?;
        if !Command::Capture.allowed_in(intent.value.status) {
            return Err(Error::PaymentIntentState { verb: Command::Capture.verb(), payment_intent: Box::new(intent.value) });
        }
        let subject = self.latest_subject(request.scope, &intent.value).await?;
        let connector = self.connector(&subject.attempt.value.provider)?;
        let mut mint = Minting(&self.ids);
        let ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let decided = begin_capture(&ctx, subject.intent.value.clone(), subject.attempt.value.clone(), amount);
        let (changed, sending) = decided.map_err(|e| refused(e, &subject.intent.value))?;
        self.start_follow_up(
            request,
            subject,
            FollowUp { action: Action::PaymentIntentCapture, changed, sending, work: Work::Capture { connector } },
        )
        .await
    }
}
