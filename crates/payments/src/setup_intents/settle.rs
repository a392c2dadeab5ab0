//! What a provider says of a card becomes the set-up's next state, whoever asked it.

use std::sync::Arc;

use domain::account::Account;
use domain::audit::Action;
use domain::card::Expiry;
use domain::decline::DeclineCode;
use domain::flow::{SetupChange, settle_setup};
use domain::id::{PaymentMethodId, SetupAttemptId, Ulid};
use domain::outcome::{AuthorizeOutcome, Decline, QueryOutcome, UnknownReason};
use domain::payment_intent::FutureUsage;
use domain::payment_method::PaymentMethod;
use domain::scope::Scope;
use domain::setup_intent::{SetupIntent, Status};
use providers::{CardForProvider, Initiator, VerifyCard};

use super::told;
use crate::acting::By;
use crate::error::Error;
use crate::lists;
use crate::outcome::Refused;
use crate::payment_intents::settle::{add_events, complete_for};
use crate::payment_methods::resolve::{Origin, Ready};
use crate::platform::{Platform, Request, racing};
use crate::ports::{Answer, Minting};
use crate::records::Loaded;
use crate::writes::Writes;

/// What a provider said of a card, and where the buyer's browser goes after an action.
pub(super) struct Heard {
    pub(super) return_url: Option<String>,
    pub(super) outcome: AuthorizeOutcome,
}

impl Platform {
    pub(super) async fn send_setup(&self, scope: Scope, intent: &SetupIntent, ready: &Ready) -> Result<AuthorizeOutcome, Error> {
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

    pub(super) async fn settle_setup_once(
        &self,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        loaded: &Loaded<SetupIntent>,
        heard: Heard,
        request: Option<&Request>,
    ) -> Result<Option<Answer>, Error> {
        let method_id = loaded.value.payment_method.ok_or_else(|| Error::Internal("a set-up without its card".to_owned()))?;
        let method = self.must::<PaymentMethod>(scope, method_id.ulid()).await?;
        let Heard { return_url, outcome } = heard;
        let mut writes = Writes::new();
        let owner = match loaded.value.customer {
            Some(customer) => Some(self.customer_as_is(scope, customer, &mut writes).await?),
            None => None,
        };
        let decided = {
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(account, by.cause.clone(), &mut mint, self.now());
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
                writes.push(complete_for(request, key, Some(&answer), self.now())?);
            }
        } else if let Some(key) = &answers
            && let Some(write) = self.complete_later(scope, key, &outcome).await?
        {
            writes.push(write);
        }
        lists::change(scope, loaded, &intent, &mut writes)?;
        if let Some(saved) = &saved {
            lists::change(scope, &method, saved, &mut writes)?;
        }
        add_events(scope, &events, &mut writes)?;
        self.commit(by.did(Action::SetupIntentSettle, scope).ending(&outcome), writes).await?;
        self.forget_code_of(&intent);
        if method.value.is_detached() && intent.operation.is_none() {
            Box::pin(self.erase_unless_open(scope, method_id)).await;
        }
        Ok(Some(answer))
    }

    /// Takes in what is said of the card of an open set-up.
    pub(crate) async fn hear_of_setup(
        &self,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        id: Ulid,
        outcome: &AuthorizeOutcome,
    ) -> Result<(), Error> {
        racing(|| async {
            let loaded = self.must::<SetupIntent>(scope, id).await?;
            if loaded.value.operation.is_none() {
                return Ok(());
            }
            let heard = Heard { return_url: None, outcome: outcome.clone() };
            self.settle_setup_once(scope, account, by, &loaded, heard, None).await.map(|_| ())
        })
        .await
    }

    /// Asks the provider about an open set-up and settles by the answer.
    pub(crate) async fn follow_up_setup(
        &self,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        loaded: Loaded<SetupIntent>,
    ) -> Result<bool, Error> {
        let Some(attempt) = loaded.value.latest_attempt else { return Ok(false) };
        let connector = self.connector(&loaded.value.provider)?;
        let outcome = match connector.query(&domain::provider_key::ProviderKey::verify_card(attempt)).await {
            QueryOutcome::Authorize(outcome) => outcome,
            QueryOutcome::NotFound => match loaded.value.payment_method {
                Some(method) if loaded.value.operation.is_some() => match self.ready_again(scope, method, attempt).await? {
                    Some(ready) => self.send_setup(scope, &loaded.value, &ready).await?,
                    // Whatever comes of it, the card cannot be saved any more, and no money moves.
                    None => AuthorizeOutcome::Declined(Decline::without_provider(DeclineCode::ProcessingError)),
                },
                _ => return Ok(false),
            },
            QueryOutcome::Unknown(reason) => AuthorizeOutcome::Unknown(reason),
            QueryOutcome::Capture(_) | QueryOutcome::Void(_) | QueryOutcome::Refund(_) => {
                AuthorizeOutcome::Unknown(UnknownReason::Unreadable)
            }
        };
        let heard = Heard { return_url: None, outcome };
        Ok(self.settle_setup_once(scope, account, by, &loaded, heard, None).await?.is_some())
    }

    /// The card to be sent again; `None` if it was detached or used up meanwhile, and its number erased.
    async fn ready_again(&self, scope: Scope, method: PaymentMethodId, attempt: SetupAttemptId) -> Result<Option<Ready>, Error> {
        let kept = self.must::<PaymentMethod>(scope, method.ulid()).await?;
        let Some(number) = self.card_of(scope, method).await? else { return Ok(None) };
        let (method, cvc, origin) = (kept.value.clone(), self.codes.look(attempt.ulid()), Origin::Kept(Box::new(kept)));
        Ok(Some(Ready { method, number, cvc, code_waited_under: None, origin }))
    }

    /// Nothing is under way on a set-up any more that could need its security code again.
    pub(super) fn forget_code_of(&self, intent: &SetupIntent) {
        if let (None, Some(attempt)) = (&intent.operation, intent.latest_attempt) {
            self.codes.forget(attempt.ulid());
        }
    }
}
