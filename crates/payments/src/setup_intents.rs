//! Saving cards: the same two commits as a payment, with a check in place of an authorisation.

use std::sync::Arc;

use domain::account::Account;
use domain::card::Expiry;
use domain::event::{Cause, EventKind};
use domain::flow::{SetupChange, begin_setup, cancel_setup, settle_setup};
use domain::id::{CustomerId, PaymentMethodId, SetupAttemptId, SetupIntentId};
use domain::metadata::Metadata;
use domain::outcome::{AuthorizeOutcome, QueryOutcome, UnknownReason};
use domain::payment_intent::{AllowRedirects, CancellationReason, FutureUsage, ThreeDSecureRequest};
use domain::payment_method::PaymentMethod;
use domain::scope::Scope;
use domain::setup_intent::{SetupIntent, Status};
use providers::{CardForProvider, Initiator, VerifyCard};
use store::Batch;

use crate::change::Change;
use crate::error::{Error, Place};
use crate::idempotency::{self, Answered, still_waiting};
use crate::lists;
use crate::metadata::Changes;
use crate::outcome::{Object, Outcome, Refused};
use crate::payment_intents::settle::{add_events, complete_for};
use crate::payment_methods::resolve::{MethodInput, Origin, Ready};
use crate::platform::{Platform, Request, racing};
use crate::ports::{Answer, Minting};
use crate::records::Loaded;
use crate::sizes;

/// How often a settlement that lost a race reads again.
const MAX_ROUNDS: u32 = 8;

/// What a shop says of a new set-up.
#[derive(Clone)]
#[allow(missing_docs)] // as in the API
pub struct NewSetupIntent {
    pub customer: Option<CustomerId>,
    pub payment_method: Option<MethodInput>,
    pub usage: FutureUsage,
    pub description: Option<String>,
    pub metadata: Metadata,
    /// `None` when the shop named the kinds of methods.
    pub automatic_payment_methods: Option<AllowRedirects>,
    pub three_d_secure: ThreeDSecureRequest,
    /// Confirm it at once; the buyer's browser goes there after an action.
    pub confirm: Option<Option<String>>,
}

/// What a request says of a set-up.
#[derive(Clone, Default)]
#[allow(missing_docs)] // as in the API
pub struct SetupIntentChange {
    pub customer: Option<CustomerId>,
    pub payment_method: Option<MethodInput>,
    pub description: Change<String>,
    /// The shop names the kinds of methods from now on.
    pub names_method_types: bool,
    pub three_d_secure: Option<ThreeDSecureRequest>,
    pub metadata: Changes,
}

impl SetupIntentChange {
    const fn touches_card(&self) -> bool {
        self.customer.is_some() || self.payment_method.is_some() || self.names_method_types || self.three_d_secure.is_some()
    }
}

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

struct Begun {
    intent: Loaded<SetupIntent>,
    ready: Ready,
    return_url: Option<String>,
}

impl Platform {
    /// Creates a set-up, and confirms it if asked.
    ///
    /// # Errors
    /// Something named does not exist or cannot be used, or the store failed.
    pub async fn create_setup_intent(self: &Arc<Self>, request: &Request, new: &NewSetupIntent) -> Result<Answered, Error> {
        let started = racing(|| self.start_new_setup(request, new)).await?;
        self.run_setup(request, started).await
    }

    async fn start_new_setup(&self, request: &Request, new: &NewSetupIntent) -> Result<Result<Answered, Box<Begun>>, Error> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(Ok(answered));
        }
        let ulid = self.mint();
        let mut intent = SetupIntent {
            id: SetupIntentId::new(ulid),
            created_at: ulid.created_at(),
            status: Status::RequiresPaymentMethod,
            secret: self.secret()?,
            usage: new.usage,
            customer: new.customer,
            payment_method: None,
            description: new.description.clone(),
            metadata: new.metadata.clone(),
            automatic_payment_methods: new.automatic_payment_methods,
            three_d_secure: new.three_d_secure,
            latest_attempt: None,
            operation: None,
            provider: String::new(),
            answers: None,
            next_action: None,
            action_required_at: None,
            last_error: None,
            cancellation_reason: None,
            sequence: 0,
        };
        let mut batch = Batch::new();
        {
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
            let event = ctx.setup_event(EventKind::SetupIntentCreated, &mut intent);
            add_events(request.scope, &[event], &mut batch)?;
        }
        let ready = match &new.payment_method {
            Some(input) => Some(self.ready_method(request.scope, new.customer, input).await?),
            None => None,
        };
        match (&new.confirm, ready) {
            (Some(return_url), Some(ready)) => {
                self.start_setup(request, intent, None, ready, return_url.clone(), batch).await.map(|b| Err(Box::new(b)))
            }
            (Some(_), None) => Err(method_missing()),
            (None, mut ready) => {
                if let Some(customer) = new.customer {
                    self.usable_customer(request.scope, customer, &mut batch).await?;
                }
                if let Some(ready) = &mut ready {
                    ready.add_to(request.scope, &mut batch)?;
                    intent.payment_method = Some(ready.method.id);
                    intent.become_(Status::RequiresConfirmation).map_err(|e| Error::Internal(e.to_string()))?;
                }
                sizes::check(&intent)?;
                lists::add(request.scope, &intent, &mut batch)?;
                let answered = self.conclude(request, batch, &told(intent)).await?;
                self.keep_code(ready.as_ref());
                Ok(Ok(answered))
            }
        }
    }

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
            let begun = self.start_setup(request, intent, Some(loaded), ready, return_url, Batch::new()).await?;
            Ok(Err(Box::new(begun)))
        })
        .await?;
        self.run_setup(request, started).await
    }

    async fn start_setup(
        &self,
        request: &Request,
        intent: SetupIntent,
        before: Option<Loaded<SetupIntent>>,
        mut ready: Ready,
        return_url: Option<String>,
        mut batch: Batch,
    ) -> Result<Begun, Error> {
        let connector = self.route(request.scope)?;
        if let Some(customer) = intent.customer {
            self.usable_customer(request.scope, customer, &mut batch).await?;
        }
        sizes::check(&intent)?;
        sizes::check(&ready.method)?;
        let mut mint = Minting(&self.ids);
        let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let begun = begin_setup(&mut ctx, intent.clone(), &ready.method, connector.capabilities().provider);
        let mut begun = begun.map_err(|_| Error::SetupIntentState { verb: "confirmed", setup_intent: Box::new(intent) })?;
        begun.answers = request.record();
        ready.add_to(request.scope, &mut batch)?;
        match &before {
            Some(before) => lists::change(request.scope, before, &begun, &mut batch)?,
            None => lists::add(request.scope, &begun, &mut batch)?,
        }
        if let Some(write) = idempotency::begin(request, self.now(), None)? {
            batch.push(write);
        }
        self.commit(batch).await?;
        self.forget_code(&ready);
        let revision = before.map_or(1, |before| before.revision.saturating_add(1));
        Ok(Begun { intent: Loaded { value: begun, revision }, ready, return_url })
    }

    async fn run_setup(self: &Arc<Self>, request: &Request, started: Result<Answered, Box<Begun>>) -> Result<Answered, Error> {
        let begun = match started {
            Ok(answered) => return Ok(answered),
            Err(begun) => *begun,
        };
        let (platform, request) = (Arc::clone(self), request.clone());
        self.detached(async move {
            let outcome = platform.send_setup(request.scope, &begun.intent.value, &begun.ready).await?;
            let mut intent = begun.intent;
            for _ in 0..MAX_ROUNDS {
                let account = Arc::clone(&request.account);
                let waiting = still_waiting(&request, intent.value.answers.as_ref());
                let settled =
                    platform.settle_setup_once(request.scope, &account, &intent, begun.return_url.clone(), outcome.clone(), waiting).await;
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

    async fn send_setup(&self, scope: Scope, intent: &SetupIntent, ready: &Ready) -> Result<AuthorizeOutcome, Error> {
        let Some(operation) = &intent.operation else { return Ok(AuthorizeOutcome::Unknown(UnknownReason::Interrupted)) };
        let card = &ready.method.card;
        let expiry = Expiry::new(i64::from(card.exp_month), i64::from(card.exp_year)).map_err(|e| Error::Internal(format!("{e:?}")))?;
        let address = ready.method.billing_details.address.as_ref();
        let asked = VerifyCard {
            key: operation.key.clone(),
            card: CardForProvider {
                number: ready.number.clone(),
                expiry,
                cvc: ready.cvc.clone(),
                holder_name: ready.method.billing_details.name.clone(),
                address_line1: address.and_then(|a| a.line1.clone()),
                postal_code: address.and_then(|a| a.postal_code.clone()),
            },
            initiator: Initiator::Customer,
            three_d_secure: intent.three_d_secure,
            save_for_off_session: intent.usage == FutureUsage::OffSession,
            return_to: self.return_to(scope, &intent.client_secret()),
        };
        let outcome = self.connector(&intent.provider)?.verify_card(asked).await;
        if let Some(attempt) = intent.latest_attempt {
            self.codes.used(attempt.ulid(), ready.cvc.as_ref(), &outcome);
        }
        Ok(outcome)
    }

    async fn settle_setup_once(
        &self,
        scope: Scope,
        account: &Arc<Account>,
        loaded: &Loaded<SetupIntent>,
        return_url: Option<String>,
        outcome: AuthorizeOutcome,
        request: Option<&Request>,
    ) -> Result<Option<Answer>, Error> {
        let method_id = loaded.value.payment_method.ok_or_else(|| Error::Internal("a set-up without its card".to_owned()))?;
        let method = self.must::<PaymentMethod>(scope, method_id.ulid()).await?;
        let cause = request.map_or_else(Cause::default, Request::cause);
        let mut batch = Batch::new();
        let owner = match loaded.value.customer {
            Some(customer) => Some(self.customer_as_is(scope, customer, &mut batch).await?),
            None => None,
        };
        let decided = {
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(account, cause, &mut mint, self.now());
            settle_setup(&mut ctx, loaded.value.clone(), method.value.clone(), owner.as_ref(), return_url, outcome)?
        };
        let Some(SetupChange { mut intent, saved, events }) = decided else { return Ok(None) };
        let answers = intent.answers.take();
        let mut outcome = told(intent.clone());
        if intent.status == Status::RequiresPaymentMethod {
            outcome.refused = intent.last_error.clone().map(Refused::Card);
        }
        let mut answer = Answer { status: 200, body: Vec::new() };
        if let Some(request) = request {
            answer = self.answer(request, &outcome).await?;
            if let Some(key) = &answers {
                batch.push(complete_for(request, key, Some(&answer), self.now())?);
            }
        } else if let Some(key) = &answers
            && let Some(write) = self.complete_later(scope, key, &outcome).await?
        {
            batch.push(write);
        }
        lists::change(scope, loaded, &intent, &mut batch)?;
        if let Some(saved) = &saved {
            lists::change(scope, &method, saved, &mut batch)?;
        }
        add_events(scope, &events, &mut batch)?;
        self.commit(batch).await?;
        self.forget_code_of(&intent);
        Ok(Some(answer))
    }

    /// Asks the provider about an open set-up and settles by the answer.
    pub(crate) async fn follow_up_setup(&self, scope: Scope, account: &Arc<Account>, loaded: Loaded<SetupIntent>) -> Result<bool, Error> {
        let Some(attempt) = loaded.value.latest_attempt else { return Ok(false) };
        let connector = self.connector(&loaded.value.provider)?;
        let outcome = match connector.query(&domain::provider_key::ProviderKey::verify_card(attempt)).await {
            QueryOutcome::Authorize(outcome) => outcome,
            QueryOutcome::NotFound => match loaded.value.payment_method {
                Some(method) if loaded.value.operation.is_some() => {
                    let ready = self.ready_again(scope, method, attempt).await?;
                    self.send_setup(scope, &loaded.value, &ready).await?
                }
                _ => return Ok(false),
            },
            QueryOutcome::Unknown(reason) => AuthorizeOutcome::Unknown(reason),
            QueryOutcome::Capture(_) | QueryOutcome::Void(_) | QueryOutcome::Refund(_) => {
                AuthorizeOutcome::Unknown(UnknownReason::Unreadable)
            }
        };
        Ok(self.settle_setup_once(scope, account, &loaded, None, outcome, None).await?.is_some())
    }

    async fn ready_again(&self, scope: Scope, method: PaymentMethodId, attempt: SetupAttemptId) -> Result<Ready, Error> {
        let kept = self.must::<PaymentMethod>(scope, method.ulid()).await?;
        let number = self.open_card(scope, method.ulid()).await?;
        let (method, cvc, origin) = (kept.value.clone(), self.codes.look(attempt.ulid()), Origin::Kept(Box::new(kept)));
        Ok(Ready { method, number, cvc, code_waited_under: None, origin })
    }

    /// Nothing is under way on a set-up any more that could need its security code again.
    fn forget_code_of(&self, intent: &SetupIntent) {
        if let (None, Some(attempt)) = (&intent.operation, intent.latest_attempt) {
            self.codes.forget(attempt.ulid());
        }
    }

    /// Changes a set-up that is not yet confirmed; notes always.
    ///
    /// # Errors
    /// Something named does not exist, or the status does not take it.
    pub async fn update_setup_intent(&self, request: &Request, id: SetupIntentId, change: &SetupIntentChange) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.setup_intent(request.scope, id).await?;
            let mut intent = loaded.value.clone();
            let early = matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation);
            if change.touches_card() && !early {
                return Err(Error::SetupIntentState { verb: "updated", setup_intent: Box::new(intent) });
            }
            let mut batch = Batch::new();
            let mut ready = None;
            if let Some(customer) = change.customer.filter(|c| intent.customer != Some(*c)) {
                self.usable_customer(request.scope, customer, &mut batch).await?;
                intent.customer = Some(customer);
            }
            if let Some(input) = &change.payment_method {
                let mut made = self.ready_method(request.scope, intent.customer, input).await?;
                made.add_to(request.scope, &mut batch)?;
                intent.payment_method = Some(made.method.id);
                ready = Some(made);
                if intent.status == Status::RequiresPaymentMethod {
                    intent.become_(Status::RequiresConfirmation).map_err(|e| Error::Internal(e.to_string()))?;
                }
            }
            if change.names_method_types {
                intent.automatic_payment_methods = None;
            }
            intent.three_d_secure = change.three_d_secure.unwrap_or(intent.three_d_secure);
            change.description.apply(&mut intent.description);
            intent.metadata = change.metadata.apply(&intent.metadata)?;
            sizes::check(&intent)?;
            lists::change(request.scope, &loaded, &intent, &mut batch)?;
            let answered = self.conclude(request, batch, &told(intent)).await?;
            self.keep_code(ready.as_ref());
            Ok(answered)
        })
        .await
    }

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
            let mut batch = Batch::new();
            lists::change(request.scope, &loaded, &intent, &mut batch)?;
            add_events(request.scope, &[event], &mut batch)?;
            let answered = self.conclude(request, batch, &told(intent.clone())).await?;
            self.forget_code_of(&intent);
            Ok(answered)
        })
        .await
    }

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
