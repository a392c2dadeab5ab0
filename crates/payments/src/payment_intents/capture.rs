//! Capturing a payment.

use std::sync::Arc;

use domain::flow::begin_capture;
use domain::id::PaymentIntentId;
use domain::payment_intent::Command;

use super::confirm::Start;
use super::perform::Work;
use super::refused;
use super::settle::Subject;
use crate::error::Error;
use crate::idempotency::Answered;
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::records::Loaded;

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
        let attempt = self.latest_attempt(request.scope, &intent.value).await?;
        let subject = self.subject(request.scope, attempt.value.id.ulid()).await?;
        let connector = self.connector(&attempt.value.provider)?;
        let mut mint = Minting(&self.ids);
        let ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let decided = begin_capture(&ctx, intent.value.clone(), attempt.value, amount);
        let (changed, sending) = decided.map_err(|e| refused(e, &intent.value))?;
        let before = Subject { intent, attempt: Loaded { value: sending, ..attempt }, ..subject };
        self.start_follow_up(request, before, changed, Work::Capture { connector }).await
    }
}
