//! The last commit: what the provider reported becomes the payment's next state, with everything that goes
//! with it — charge, postings, statement line, events, the kept answer — or nothing does.

use std::sync::Arc;

use domain::account::Account;
use domain::audit::Action;
use domain::charge::Charge;
use domain::event::{Cause, Event};
use domain::flow::{self, PaymentChange, settle_authorize, settle_capture, settle_refused_void, settle_void};
use domain::id::{ChargeId, PaymentAttemptId};
use domain::payment_attempt::{PaymentAttempt, Status as AttemptStatus};
use domain::payment_intent::{PaymentIntent, Status};
use domain::payment_method::PaymentMethod;
use domain::provider_key::ProviderKey;
use domain::scope::Scope;
use store::{Precondition, Write};

use super::perform::{Begun, Fact};
use crate::acting::By;
use crate::balance;
use crate::error::Error;
use crate::idempotency::{self, Answered, IdempotencyRecord, KeptAnswer};
use crate::lists;
use crate::outcome::{Object, Outcome, Refused};
use crate::payment_methods::erase::erase_card;
use crate::platform::{Platform, Request};
use crate::ports::{Answer, Minting};
use crate::records::{Loaded, decode, encode, insert, key_of};
use crate::writes::Writes;

/// How often a settlement that lost a race reads again; each loss means somebody else settled.
const MAX_ROUNDS: u32 = 8;

/// The records that a settlement changes.
pub(crate) struct Subject {
    pub(crate) intent: Loaded<PaymentIntent>,
    pub(crate) attempt: Loaded<PaymentAttempt>,
    pub(crate) charge: Option<Loaded<Charge>>,
    pub(crate) method: PaymentMethod,
}

impl Platform {
    /// Settles for a request that waits, and answers it.
    pub(crate) async fn settle_payment(self: &Arc<Self>, request: &Request, begun: Begun, fact: Fact) -> Result<Answered, Error> {
        let mut subject = Subject { intent: begun.intent, attempt: begun.attempt, charge: begun.charge, method: begun.method };
        let sent = subject.attempt.value.operation.as_ref().map(|o| o.key.clone());
        let by = request.by();
        for _ in 0..MAX_ROUNDS {
            let waiting = idempotency::still_waiting(request, subject.attempt.value.answers.as_ref());
            let settled = self.settle_once(request.scope, &request.account, &by, &subject, fact.clone(), waiting).await;
            match settled {
                Ok(Some(answer)) if waiting.is_some() => return Ok(Answered { answer, replayed: false }),
                Ok(_) => return self.tell_kept(request, &subject).await,
                Err(Error::LockTimeout) => {}
                Err(other) => return Err(other),
            }
            subject = self.subject(request.scope, subject.attempt.value.id.ulid()).await?;
            if subject.attempt.value.operation.as_ref().map(|o| &o.key) != sent.as_ref() {
                // The recovery job was faster: its answer is the answer, and ours is heard as a late one.
                self.codes.forget(subject.attempt.value.id.ulid());
                self.hear_overtaken(request, &by, subject.attempt.value.id, sent, fact).await;
                return self.tell_kept(request, &subject).await;
            }
        }
        Err(Error::LockTimeout)
    }

    /// Answers with what somebody else kept for the request; without a key, with the payment as it is.
    async fn tell_kept(&self, request: &Request, subject: &Subject) -> Result<Answered, Error> {
        match self.replay(request).await? {
            Some(answered) => Ok(Answered { replayed: false, ..answered }),
            None => self.tell(request, &subject.intent.value).await,
        }
    }

    async fn hear_overtaken(
        self: &Arc<Self>,
        request: &Request,
        by: &By,
        attempt: PaymentAttemptId,
        sent: Option<ProviderKey>,
        fact: Fact,
    ) {
        let key = if matches!(fact, Fact::RefusedVoid(_)) { Some(ProviderKey::authorize(attempt)) } else { sent };
        let Some(key) = key else { return };
        // Rare, and its future is large: it lives on the heap, so that every payment's stays small.
        let heard = Box::pin(self.hear(request.scope, &request.account, by, &key, fact.said()));
        if let Err(error) = heard.await {
            tracing::error!(%key, %error, detail = ?error, "an overtaken answer could not be taken in");
        }
    }

    /// Answers with the payment as it is.
    pub(crate) async fn tell(&self, request: &Request, intent: &PaymentIntent) -> Result<Answered, Error> {
        let outcome = Outcome::of(Object::PaymentIntent(Box::new(intent.clone())));
        let answer = self.answer(request, &outcome).await?;
        Ok(Answered { answer, replayed: false })
    }

    /// Loads what a change of this attempt concerns, as it all was at one moment: decided on a payment as it was before
    /// and an attempt as it was after another change, a lost race would look like a defect.
    pub(crate) async fn subject(&self, scope: Scope, attempt: domain::id::Ulid) -> Result<Subject, Error> {
        let attempt = self.must::<PaymentAttempt>(scope, attempt).await?.value;
        let intent = self.must::<PaymentIntent>(scope, attempt.payment_intent.ulid()).await?.value;
        let charge = charge_of(&intent, &attempt);
        let mut keys = vec![
            key_of::<PaymentAttempt>(scope, attempt.id.ulid()),
            key_of::<PaymentIntent>(scope, intent.id.ulid()),
            key_of::<PaymentMethod>(scope, attempt.payment_method.ulid()),
        ];
        keys.extend(charge.map(|id| key_of::<Charge>(scope, id.ulid())));
        let items = self.store.get(&keys).await?;
        let missing = || Error::Internal(format!("{}: what it names is missing", attempt.id));
        let item = |index: usize| items.get(index).and_then(Option::as_ref).ok_or_else(missing);
        let subject = Subject {
            attempt: Loaded::from_item(item(0)?)?,
            intent: Loaded::from_item(item(1)?)?,
            method: Loaded::<PaymentMethod>::from_item(item(2)?)?.value,
            charge: charge.map(|_| Loaded::from_item(item(3)?)).transpose()?,
        };
        // Which charge to read was known from before that moment.
        if charge_of(&subject.intent.value, &subject.attempt.value) == charge { Ok(subject) } else { Err(Error::LockTimeout) }
    }

    /// One try to settle; `None` when the fact changes nothing. `request` is the one that waits, if it still does.
    pub(crate) async fn settle_once(
        &self,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        subject: &Subject,
        fact: Fact,
        request: Option<&Request>,
    ) -> Result<Option<Answer>, Error> {
        let Some(mut change) = self.decide(account, by.cause.clone(), subject, fact)? else { return Ok(None) };
        let mut writes = Writes::new();
        let saved = self.save_method(account, by.cause.clone(), scope, subject, &mut change, &mut writes).await?;
        let outcome = outcome_of(&change, saved);
        let answer = match (request, &subject.attempt.value.answers) {
            (Some(request), _) => Some(self.answer(request, &outcome).await?),
            (None, _) => None,
        };
        let kept = match (request, &subject.attempt.value.answers) {
            (Some(request), Some(key)) => Some(complete_for(request, key, answer.as_ref(), self.now())?),
            (None, Some(key)) => self.complete_later(scope, key, &outcome).await?,
            (_, None) => None,
        };
        if let Some(write) = kept {
            writes.push(write);
        }
        if let Some(attempt) = &mut change.attempt {
            attempt.answers = None;
        }
        add_change(scope, subject, &change, &mut writes)?;
        self.commit(by.did(Action::PaymentIntentSettle, scope).ending(&outcome), writes).await?;
        if change.attempt.as_ref().is_some_and(|attempt| attempt.operation.is_none()) {
            self.codes.forget(subject.attempt.value.id.ulid());
        }
        if subject.method.is_detached() {
            Box::pin(self.erase_unless_open(scope, subject.method.id)).await;
        }
        Ok(Some(answer.unwrap_or(Answer { status: 200, body: Vec::new() })))
    }

    fn decide(&self, account: &Account, cause: Cause, subject: &Subject, fact: Fact) -> Result<Option<PaymentChange>, Error> {
        let mut mint = Minting(&self.ids);
        let mut ctx = self.context(account, cause, &mut mint, self.now());
        let (intent, attempt) = (subject.intent.value.clone(), subject.attempt.value.clone());
        let charge = subject.charge.as_ref().map(|c| c.value.clone());
        let change = match fact {
            Fact::Authorize(outcome) => settle_authorize(&mut ctx, intent, attempt, &subject.method, outcome)?,
            Fact::Capture(outcome) => {
                let charge = charge.ok_or(flow::Error::Inconsistent("a capture without its charge"))?;
                Some(settle_capture(&mut ctx, intent, attempt, charge, &outcome)?)
            }
            Fact::RefusedVoid(outcome) => Some(settle_refused_void(&mut ctx, intent, attempt, &subject.method, outcome)?),
            Fact::Void(outcome) => Some(settle_void(&mut ctx, intent, attempt, charge, &subject.method, &outcome)?),
        };
        Ok(change)
    }

    /// Saves the card with the customer when the payment was to do so and went through.
    async fn save_method(
        &self,
        account: &Account,
        cause: Cause,
        scope: Scope,
        subject: &Subject,
        change: &mut PaymentChange,
        writes: &mut Writes,
    ) -> Result<Option<PaymentMethod>, Error> {
        let went_through = matches!(change.intent.status, Status::Succeeded | Status::RequiresCapture);
        let before = matches!(subject.attempt.value.status, AttemptStatus::Authorized);
        let (Some(usage), Some(customer)) = (change.intent.setup_future_usage, change.intent.customer) else { return Ok(None) };
        if !went_through || before || change.charge.is_none() || subject.method.is_saved_for(customer, usage) {
            return Ok(None);
        }
        let owner = self.customer_as_is(scope, customer, writes).await?;
        let loaded = self.must::<PaymentMethod>(scope, subject.method.id.ulid()).await?;
        let mut mint = Minting(&self.ids);
        let mut ctx = self.context(account, cause, &mut mint, self.now());
        let Some((method, event)) = flow::save_method(&mut ctx, loaded.value.clone(), &owner, usage) else { return Ok(None) };
        lists::change(scope, &loaded, &method, writes)?;
        change.events.extend(event);
        Ok(Some(method))
    }

    /// Completes the record of a request that no longer waits.
    pub(crate) async fn complete_later(&self, scope: Scope, key: &str, outcome: &Outcome) -> Result<Option<Write>, Error> {
        let key = idempotency::key(scope, key);
        let Some(item) = self.store.get_one(&key).await? else { return Ok(None) };
        let mut record: IdempotencyRecord = decode(&item.body)?;
        if record.answer.is_some() {
            return Ok(None);
        }
        let answer = self.answer_to_keep(scope, outcome, &record.rendering).await?;
        record.answer = Some(KeptAnswer::keep(&answer)?);
        Ok(Some(Write::Put { key, body: encode(&record)?, precondition: Precondition::Revision(item.revision) }))
    }
}

/// Completes the record of the request that waits: it wrote the first revision itself.
pub(crate) fn complete_for(request: &Request, key: &str, answer: Option<&Answer>, now: domain::time::Timestamp) -> Result<Write, Error> {
    let write = idempotency::begin(request, now, answer)?;
    match write {
        Some(Write::Put { key, body, .. }) => Ok(Write::Put { key, body, precondition: Precondition::Revision(1) }),
        _ => Err(Error::Internal(format!("the request lost its idempotency key {}", key.len()))),
    }
}

/// The charge that an attempt came to.
fn charge_of(intent: &PaymentIntent, attempt: &PaymentAttempt) -> Option<ChargeId> {
    intent.latest_charge.filter(|_| attempt.approval.is_some())
}

fn outcome_of(change: &PaymentChange, saved: Option<PaymentMethod>) -> Outcome {
    let mut changed = Vec::with_capacity(3);
    changed.extend(change.charge.clone().map(|c| Object::Charge(Box::new(c))));
    let line = change.booking.as_ref().and_then(|b| b.line.clone());
    changed.extend(line.map(|l| Object::BalanceTransaction(Box::new(l))));
    changed.extend(saved.map(|m| Object::PaymentMethod(Box::new(m))));
    let declined = change.attempt.as_ref().is_some_and(|a| a.status == AttemptStatus::Declined);
    // A payment that is canceled as it was asked to be has not failed, whatever became of its card.
    let card_error = change.intent.last_error.clone().filter(|_| declined && change.intent.status != Status::Canceled);
    let refused = change.refused.map(Refused::Command).or(card_error.map(Refused::Card));
    Outcome { object: Object::PaymentIntent(Box::new(change.intent.clone())), refused, changed }
}

fn add_change(scope: Scope, subject: &Subject, change: &PaymentChange, writes: &mut Writes) -> Result<(), Error> {
    lists::change(scope, &subject.intent, &change.intent, writes)?;
    if let Some(attempt) = &change.attempt {
        lists::change(scope, &subject.attempt, attempt, writes)?;
        if subject.method.is_done(&subject.attempt.value, attempt) {
            writes.push(erase_card(scope, subject.method.id.ulid()));
        }
    }
    if let Some(charge) = &change.charge {
        match &subject.charge {
            Some(before) => lists::change(scope, before, charge, writes)?,
            None => lists::add(scope, charge, writes)?,
        };
    }
    if let Some(booking) = &change.booking {
        add_booking(scope, booking, writes)?;
    }
    add_events(scope, &change.events, writes)
}

/// Adds a movement to the books and to the merchant's statement.
pub(crate) fn add_booking(scope: Scope, booking: &flow::Booking, writes: &mut Writes) -> Result<(), Error> {
    writes.push(insert(scope, &booking.entry)?);
    if let Some(line) = &booking.line {
        lists::append(scope, line, writes)?;
        writes.link(balance::unsummed(scope), line.id.ulid());
    }
    Ok(())
}

/// Adds events.
pub(crate) fn add_events(scope: Scope, events: &[Event], writes: &mut Writes) -> Result<(), Error> {
    for event in events {
        writes.tell(scope, event)?;
    }
    Ok(())
}

/// Adds a canceled payment that no provider knew.
pub(crate) fn add_unsent(scope: Scope, before: &Loaded<PaymentIntent>, change: &PaymentChange, writes: &mut Writes) -> Result<(), Error> {
    lists::change(scope, before, &change.intent, writes)?;
    add_events(scope, &change.events, writes)
}
