//! Confirming a payment: the first commit, then the provider, then the last commit.

use std::sync::Arc;

use domain::audit::Action;
use domain::contact::Shipping;
use domain::flow::{Presence, begin_authorize};
use domain::id::PaymentIntentId;
use domain::payment_intent::{CaptureMethod, Command, FutureUsage, PaymentIntent, ThreeDSecureRequest};
use domain::payment_method::Refusal;
use domain::scope::Scope;

use super::perform::{Begun, Work};
use super::refused;
use super::settle::Subject;
use crate::change::Change;
use crate::error::{Error, Place};
use crate::idempotency::{self, Answered};
use crate::lists;
use crate::outcome::{Object, Outcome};
use crate::payment_methods::resolve::{MethodInput, Ready};
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::records::Loaded;
use crate::sizes;
use crate::texts;
use crate::writes::Writes;

/// How a payment is to be confirmed.
#[derive(Clone, Debug, Default)]
pub struct Confirmation {
    /// The buyer is absent.
    pub off_session: bool,
    /// Where the buyer's browser goes after an action.
    pub return_url: Option<String>,
}

/// What a shop says when it confirms an existing payment.
#[derive(Clone, Default)]
pub struct ConfirmPaymentIntent {
    /// Another method than the payment has.
    pub payment_method: Option<MethodInput>,
    /// Save the card for later.
    pub setup_future_usage: Option<FutureUsage>,
    /// Where to send a receipt.
    pub receipt_email: Change<String>,
    /// Where the goods go.
    pub shipping: Change<Shipping>,
    /// When to take the money.
    pub capture_method: Option<CaptureMethod>,
    /// When to ask the buyer to authenticate.
    pub three_d_secure: Option<ThreeDSecureRequest>,
    /// How.
    pub confirmation: Confirmation,
}

impl ConfirmPaymentIntent {
    fn apply(&self, intent: &mut PaymentIntent) {
        intent.setup_future_usage = self.setup_future_usage.or(intent.setup_future_usage);
        intent.capture_method = self.capture_method.unwrap_or(intent.capture_method);
        intent.three_d_secure = self.three_d_secure.unwrap_or(intent.three_d_secure);
        self.receipt_email.apply(&mut intent.receipt_email);
        self.shipping.apply(&mut intent.shipping);
    }
}

/// After the first commit, or instead of it.
pub(crate) enum Start {
    /// The same request was answered before.
    Answered(Answered),
    /// The first commit has landed.
    Begun(Box<Begun>),
}

pub(crate) fn method_missing() -> Error {
    Error::Parameter {
        param: "payment_method",
        code: Some("payment_intent_unexpected_state"),
        message: "The payment has no payment method; name one to confirm it.".to_owned(),
    }
}

impl Platform {
    /// Confirms a payment.
    ///
    /// # Errors
    /// The payment or method does not exist or cannot be used, or the store failed.
    pub async fn confirm_payment_intent(
        self: &Arc<Self>,
        request: &Request,
        id: PaymentIntentId,
        confirm: &ConfirmPaymentIntent,
    ) -> Result<Answered, Error> {
        texts::email("receipt_email", texts::set(&confirm.receipt_email))?;
        let turn = self.locks.turn(id.ulid()).await;
        let start = racing(|| self.start_confirm(request, id, confirm)).await?;
        drop(turn);
        self.run(request, start).await
    }

    async fn start_confirm(&self, request: &Request, id: PaymentIntentId, confirm: &ConfirmPaymentIntent) -> Result<Start, Error> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(Start::Answered(answered));
        }
        let loaded = self.payment_intent(request.scope, id).await?;
        let mut intent = loaded.value.clone();
        if intent.was_confirmed() {
            let told = Outcome::of(Object::PaymentIntent(Box::new(intent)));
            return self.conclude(request, Action::PaymentIntentConfirm, Writes::new(), &told).await.map(Start::Answered);
        }
        if !Command::Confirm.allowed_in(intent.status) {
            return Err(Error::PaymentIntentState { verb: Command::Confirm.verb(), payment_intent: Box::new(intent) });
        }
        let input = match (&confirm.payment_method, intent.payment_method) {
            (Some(input), _) => input.clone(),
            (None, Some(existing)) => MethodInput::Named(existing.to_string()),
            (None, None) => return Err(method_missing()),
        };
        let ready = match self.ready_method(request.scope, intent.customer, &input).await {
            // Perhaps by this very payment, meanwhile: what is to be told is how it stands now.
            Err(Error::PaymentMethod(Refusal::Spent)) if self.has_moved(request.scope, &loaded).await? => return Err(Error::LockTimeout),
            ready => ready?,
        };
        confirm.apply(&mut intent);
        self.start_authorize(request, intent, Some(loaded), ready, &confirm.confirmation, Writes::new()).await
    }

    async fn has_moved(&self, scope: Scope, loaded: &Loaded<PaymentIntent>) -> Result<bool, Error> {
        Ok(self.payment_intent(scope, loaded.value.id).await?.version.revision != loaded.version.revision)
    }

    /// The first commit of an authorisation: payment, attempt, method if new, idempotency record, open mark.
    pub(crate) async fn start_authorize(
        &self,
        request: &Request,
        intent: PaymentIntent,
        before: Option<Loaded<PaymentIntent>>,
        mut ready: Ready,
        confirmation: &Confirmation,
        mut writes: Writes,
    ) -> Result<Start, Error> {
        let connector = self.route(request.scope)?;
        if let Some(customer) = intent.customer {
            self.usable_customer(request.scope, customer, &mut writes).await?;
        }
        sizes::check(&intent)?;
        sizes::check(&ready.method)?;
        let presence = Presence { off_session: confirmation.off_session, return_url: confirmation.return_url.clone() };
        let refusable = intent.clone();
        let mut mint = Minting(&self.ids);
        let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let decided = begin_authorize(&mut ctx, intent, &mut ready.method, connector.capabilities().provider, presence);
        let (intent, mut attempt) = decided.map_err(|e| refused(e, &refusable))?;
        attempt.answers = request.record();
        let (action, version) = match &before {
            Some(before) => (Action::PaymentIntentConfirm, lists::change(request.scope, before, &intent, &mut writes)?),
            None => (Action::PaymentIntentCreate, lists::add(request.scope, &intent, &mut writes)?),
        };
        let sending = lists::add(request.scope, &attempt, &mut writes)?;
        ready.add_to(request.scope, &mut writes)?;
        if let Some(write) = idempotency::begin(request, self.now(), None)? {
            writes.push(write);
        }
        self.commit(request.by().did(action, request.scope), writes).await?;
        self.forget_code(&ready);
        // A buyer who is absent gave no code for this payment.
        let cvc = ready.cvc.filter(|_| !confirmation.off_session);
        Ok(Start::Begun(Box::new(Begun {
            intent: Loaded { value: intent, version },
            attempt: Loaded { value: attempt, version: sending },
            charge: None,
            method: ready.method,
            work: Work::Authorize { connector, number: ready.number, cvc },
        })))
    }

    /// A payment of this merchant.
    pub(crate) async fn payment_intent(&self, scope: Scope, id: PaymentIntentId) -> Result<Loaded<PaymentIntent>, Error> {
        let missing = || Error::NotFound { kind: "payment_intent", id: id.to_string(), param: "intent", place: Place::Path };
        self.find::<PaymentIntent>(scope, id.ulid()).await?.ok_or_else(missing)
    }

    /// The attempt a payment rests on, and the payment as it was with it.
    pub(crate) async fn latest_subject(&self, scope: Scope, intent: &PaymentIntent) -> Result<Subject, Error> {
        let id = intent.latest_attempt.ok_or_else(|| Error::Internal(format!("{} has no attempt", intent.id)))?;
        self.subject(scope, id.ulid()).await
    }
}
