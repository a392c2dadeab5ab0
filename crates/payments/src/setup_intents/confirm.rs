//! Confirming a set-up: the first commit, then the provider, then the last commit.

use std::sync::Arc;

use domain::audit::Action;
use domain::flow::begin_setup;
use domain::id::SetupIntentId;
use domain::payment_intent::ThreeDSecureRequest;
use domain::setup_intent::{SetupIntent, Status};

use super::settle::Heard;
use super::{method_missing, told};
use crate::error::Error;
use crate::idempotency::{self, Answered, still_waiting};
use crate::lists;
use crate::payment_methods::resolve::{MethodInput, Ready};
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::records::Loaded;
use crate::sizes;
use crate::writes::Writes;

/// What a shop says when it confirms an existing set-up.
#[derive(Clone, Default)]
pub struct ConfirmSetupIntent {
    /// Another method than the set-up has.
    pub payment_method: Option<MethodInput>,
    /// Where the buyer's browser goes after an action.
    pub return_url: Option<String>,
    /// When to ask the buyer to authenticate.
    pub three_d_secure: Option<ThreeDSecureRequest>,
}

/// A check whose first commit has landed.
pub(super) struct Begun {
    pub(super) intent: Loaded<SetupIntent>,
    pub(super) ready: Ready,
    pub(super) return_url: Option<String>,
}

/// How often a settlement that lost a race reads again.
const MAX_ROUNDS: u32 = 8;

impl Platform {
    /// Confirms a set-up.
    ///
    /// # Errors
    /// The set-up's status does not take it, or something named does not exist.
    pub async fn confirm_setup_intent(
        self: &Arc<Self>,
        request: &Request,
        id: SetupIntentId,
        confirm: &ConfirmSetupIntent,
    ) -> Result<Answered, Error> {
        let started = racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(Ok(answered));
            }
            let loaded = self.setup_intent(request.scope, id).await?;
            let input = match (&confirm.payment_method, loaded.value.payment_method) {
                (Some(input), _) => input.clone(),
                (None, Some(existing)) => MethodInput::Named(existing.to_string()),
                (None, None) => return Err(method_missing()),
            };
            if !loaded.value.status.may_become(Status::Processing) {
                return Err(Error::SetupIntentState { verb: "confirmed", setup_intent: Box::new(loaded.value) });
            }
            let ready = self.ready_method(request.scope, loaded.value.customer, &input).await?;
            let mut intent = loaded.value.clone();
            intent.three_d_secure = confirm.three_d_secure.unwrap_or(intent.three_d_secure);
            let return_url = confirm.return_url.clone();
            let begun = self.start_setup(request, intent, Some(loaded), ready, return_url, Writes::new()).await?;
            Ok(Err(Box::new(begun)))
        })
        .await?;
        self.run_setup(request, started).await
    }

    pub(super) async fn start_setup(
        &self,
        request: &Request,
        intent: SetupIntent,
        before: Option<Loaded<SetupIntent>>,
        mut ready: Ready,
        return_url: Option<String>,
        mut writes: Writes,
    ) -> Result<Begun, Error> {
        let connector = self.route(request.scope)?;
        if let Some(customer) = intent.customer {
            self.usable_customer(request.scope, customer, &mut writes).await?;
        }
        sizes::check(&intent)?;
        sizes::check(&ready.method)?;
        let mut mint = Minting(&self.ids);
        let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let begun = begin_setup(&mut ctx, intent.clone(), &ready.method, connector.capabilities().provider);
        let mut begun = begun.map_err(|_| Error::SetupIntentState { verb: "confirmed", setup_intent: Box::new(intent) })?;
        begun.answers = request.record();
        ready.add_to(request.scope, &mut writes)?;
        let (action, version) = match &before {
            Some(before) => (Action::SetupIntentConfirm, lists::change(request.scope, before, &begun, &mut writes)?),
            None => (Action::SetupIntentCreate, lists::add(request.scope, &begun, &mut writes)?),
        };
        if let Some(write) = idempotency::begin(request, self.now(), None)? {
            writes.push(write);
        }
        self.commit(request.by().did(action, request.scope), writes).await?;
        self.forget_code(&ready);
        Ok(Begun { intent: Loaded { value: begun, version }, ready, return_url })
    }

    pub(super) async fn run_setup(self: &Arc<Self>, request: &Request, started: Result<Answered, Box<Begun>>) -> Result<Answered, Error> {
        let begun = match started {
            Ok(answered) => return Ok(answered),
            Err(begun) => *begun,
        };
        let (platform, request) = (Arc::clone(self), request.clone());
        self.detached(async move {
            let outcome = platform.send_setup(request.scope, &begun.intent.value, &begun.ready).await?;
            let (mut intent, by) = (begun.intent, request.by());
            for _ in 0..MAX_ROUNDS {
                let account = Arc::clone(&request.account);
                let waiting = still_waiting(&request, intent.value.answers.as_ref());
                let heard = Heard { return_url: begun.return_url.clone(), outcome: outcome.clone() };
                let settled = platform.settle_setup_once(request.scope, &account, &by, &intent, heard, waiting).await;
                match settled {
                    Ok(Some(answer)) if waiting.is_some() => return Ok(Answered { answer, replayed: false }),
                    Ok(_) => break,
                    Err(Error::LockTimeout) => intent = platform.setup_intent(request.scope, intent.value.id).await?,
                    Err(other) => return Err(other),
                }
                if intent.value.operation.is_none() {
                    platform.forget_code_of(&intent.value);
                    break;
                }
            }
            if let Some(answered) = platform.replay(&request).await? {
                return Ok(Answered { replayed: false, ..answered });
            }
            let answer = platform.answer(&request, &told(intent.value)).await?;
            Ok(Answered { answer, replayed: false })
        })
        .await
    }
}
