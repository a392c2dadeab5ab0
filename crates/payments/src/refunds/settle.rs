//! What a provider said of a refund becomes its next state.

use std::sync::Arc;

use domain::account::Account;
use domain::audit::Action;
use domain::charge::Charge;
use domain::flow::settle_refund;
use domain::id::Ulid;
use domain::outcome::{QueryOutcome, RefundOutcome};
use domain::provider_key::ProviderKey;
use domain::refund::{Refund, Status};
use domain::scope::Scope;

use crate::acting::By;
use crate::error::Error;
use crate::idempotency::{Answered, still_waiting};
use crate::lists;
use crate::outcome::{Object, Outcome};
use crate::payment_intents::settle::{add_booking, add_events, complete_for};
use crate::platform::{Platform, Request};
use crate::ports::{Answer, Minting};
use crate::records::Loaded;
use crate::writes::Writes;

/// How often a settlement that lost a race reads again. Racing refunds of one charge all change the charge.
const MAX_ROUNDS: u32 = 1_000;

/// The records that a settlement changes.
pub(crate) struct RefundSubject {
    pub(crate) refund: Loaded<Refund>,
    pub(crate) charge: Loaded<Charge>,
}

impl Platform {
    pub(crate) async fn send_refund(&self, subject: &RefundSubject) -> Result<RefundOutcome, Error> {
        let (refund, charge) = (&subject.refund.value, &subject.charge.value);
        let connector = self.connector(&charge.provider)?;
        let reference = charge.authorization.as_ref().map(|a| a.provider_reference.clone()).unwrap_or_default();
        let asked = providers::Refund {
            key: ProviderKey::refund(refund.id),
            authorization_key: charge.authorization_key(),
            provider_reference: reference,
            amount: refund.amount,
        };
        Ok(connector.refund(asked).await)
    }

    /// Settles for the request that waits, and answers it.
    pub(crate) async fn settle_refund_for(
        self: &Arc<Self>,
        request: &Request,
        mut subject: RefundSubject,
        outcome: RefundOutcome,
    ) -> Result<Answered, Error> {
        let (id, by) = (subject.refund.value.id.ulid(), request.by());
        for _ in 0..MAX_ROUNDS {
            let turn = self.locks.turn(subject.charge.value.id.ulid()).await;
            if let Some(current) = self.find::<Charge>(request.scope, subject.charge.value.id.ulid()).await? {
                subject.charge = current;
            }
            let waiting = still_waiting(request, subject.refund.value.answers.as_ref());
            let settled = self.settle_refund_once(request.scope, &request.account, &by, &subject, outcome.clone(), waiting).await;
            drop(turn);
            match settled {
                Ok(Some(answer)) if waiting.is_some() => return Ok(Answered { answer, replayed: false }),
                Ok(_) => break,
                Err(Error::LockTimeout) => {}
                Err(other) => return Err(other),
            }
            subject = self.refund_subject(request.scope, id).await?;
            if !matches!(subject.refund.value.status, Status::Sending | Status::Unknown) {
                // The recovery job was faster: its answer is the answer, and ours is heard as a late one.
                let key = ProviderKey::refund(subject.refund.value.id);
                // On the heap, as it is rare and its future large.
                let heard = Box::pin(self.hear(request.scope, &request.account, &by, &key, QueryOutcome::Refund(outcome)));
                if let Err(error) = heard.await {
                    tracing::error!(%key, %error, detail = ?error, "an overtaken answer could not be taken in");
                }
                break;
            }
        }
        if let Some(answered) = self.replay(request).await? {
            return Ok(Answered { replayed: false, ..answered });
        }
        let outcome = Outcome::of(Object::Refund(Box::new(subject.refund.value)));
        let answer = self.answer(request, &outcome).await?;
        Ok(Answered { answer, replayed: false })
    }

    pub(crate) async fn refund_subject(&self, scope: Scope, id: Ulid) -> Result<RefundSubject, Error> {
        let refund = self.must::<Refund>(scope, id).await?;
        let charge = self.must::<Charge>(scope, refund.value.charge.ulid()).await?;
        Ok(RefundSubject { refund, charge })
    }

    /// One try to settle; `None` when the fact changes nothing.
    pub(crate) async fn settle_refund_once(
        &self,
        scope: Scope,
        account: &Arc<Account>,
        by: &By,
        subject: &RefundSubject,
        outcome: RefundOutcome,
        request: Option<&Request>,
    ) -> Result<Option<Answer>, Error> {
        let decided = {
            let mut mint = Minting(&self.ids);
            let mut ctx = self.context(account, by.cause.clone(), &mut mint, self.now());
            settle_refund(&mut ctx, subject.refund.value.clone(), subject.charge.value.clone(), outcome)?
        };
        let Some(mut change) = decided else { return Ok(None) };
        let answers = change.refund.answers.take();
        let mut told = Outcome::of(Object::Refund(Box::new(change.refund.clone())));
        told.changed.extend(change.charge.clone().map(|c| Object::Charge(Box::new(c))));
        let mut writes = Writes::new();
        let mut answer = Answer { status: 200, body: Vec::new() };
        if let Some(request) = request {
            answer = self.answer(request, &told).await?;
            if let Some(key) = &answers {
                writes.push(complete_for(request, key, Some(&answer), self.now())?);
            }
        } else if let Some(key) = &answers
            && let Some(write) = self.complete_later(scope, key, &told).await?
        {
            writes.push(write);
        }
        lists::change(scope, &subject.refund, &change.refund, &mut writes)?;
        if let Some(charge) = &change.charge {
            lists::change(scope, &subject.charge, charge, &mut writes)?;
        }
        if let Some(booking) = &change.booking {
            add_booking(scope, booking, &mut writes)?;
        }
        add_events(scope, &change.events, &mut writes)?;
        self.commit(by.did(Action::RefundSettle, scope).of_refund(&change.refund), writes).await?;
        Ok(Some(answer))
    }
}
