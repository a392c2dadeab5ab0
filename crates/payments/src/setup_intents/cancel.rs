//! Giving up a set-up.

use domain::audit::Action;
use domain::flow::cancel_setup;
use domain::id::SetupIntentId;
use domain::payment_intent::CancellationReason;

use super::told;
use crate::error::Error;
use crate::idempotency::Answered;
use crate::lists;
use crate::payment_intents::settle::add_events;
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::writes::Writes;

impl Platform {
    /// Gives up a set-up.
    ///
    /// # Errors
    /// The set-up's status does not take it.
    pub async fn cancel_setup_intent(
        &self,
        request: &Request,
        id: SetupIntentId,
        reason: Option<CancellationReason>,
    ) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.setup_intent(request.scope, id).await?;
            let decided = {
                let mut mint = Minting(&self.ids);
                let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
                cancel_setup(&mut ctx, loaded.value.clone(), reason)
            };
            let (intent, event) =
                decided.map_err(|_| Error::SetupIntentState { verb: "canceled", setup_intent: Box::new(loaded.value.clone()) })?;
            let mut writes = Writes::new();
            lists::change(request.scope, &loaded, &intent, &mut writes)?;
            add_events(request.scope, &[event], &mut writes)?;
            let answered = self.conclude(request, Action::SetupIntentCancel, writes, &told(intent.clone())).await?;
            self.forget_code_of(&intent);
            Ok(answered)
        })
        .await
    }
}
