//! Refunding a charge: set aside in the first commit, sent, settled in the last one.

use std::sync::Arc;

use domain::audit::Action;
use domain::charge::{Charge, Refusal, Status};
use domain::flow::{self, RefundRequest, begin_refund};
use domain::id::{ChargeId, PaymentIntentId};
use domain::scope::Scope;

use super::settle::RefundSubject;
use crate::error::{Error, Place};
use crate::idempotency::{self, Answered};
use crate::lists;
use crate::payment_intents::not_in_steps;
use crate::payment_intents::settle::{add_booking, add_events};
use crate::platform::{Platform, Request, racing};
use crate::ports::Minting;
use crate::records::Loaded;
use crate::sizes;
use crate::writes::Writes;

/// What is to be refunded.
#[derive(Clone, Copy, Debug)]
pub enum RefundOf {
    /// That charge.
    Charge(ChargeId),
    /// That payment's charge.
    PaymentIntent(PaymentIntentId),
}

enum Start {
    Answered(Answered),
    Begun(Box<RefundSubject>),
}

impl Platform {
    /// Refunds a charge in part or in full.
    ///
    /// # Errors
    /// Nothing was captured, less is left than asked for, or the store failed.
    pub async fn create_refund(self: &Arc<Self>, request: &Request, of: RefundOf, refund: &RefundRequest) -> Result<Answered, Error> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(answered);
        }
        let charge = self.charge_to_refund(request.scope, of).await?;
        let turn = self.locks.turn(charge.ulid()).await;
        let start = racing(|| self.start_refund(request, charge, refund)).await?;
        drop(turn);
        let subject = match start {
            Start::Answered(answered) => return Ok(answered),
            Start::Begun(subject) => *subject,
        };
        let platform = Arc::clone(self);
        let request = request.clone();
        self.detached(async move {
            let outcome = platform.send_refund(&subject).await?;
            platform.settle_refund_for(&request, subject, outcome).await
        })
        .await
    }

    async fn charge_to_refund(&self, scope: Scope, of: RefundOf) -> Result<ChargeId, Error> {
        match of {
            RefundOf::Charge(id) => Ok(id),
            RefundOf::PaymentIntent(id) => {
                let missing =
                    || Error::NotFound { kind: "payment_intent", id: id.to_string(), param: "payment_intent", place: Place::Parameter };
                let intent = self.find::<domain::payment_intent::PaymentIntent>(scope, id.ulid()).await?.ok_or_else(missing)?;
                intent.value.latest_charge.ok_or(Error::Parameter {
                    param: "payment_intent",
                    code: None,
                    message: "This PaymentIntent does not have a successful charge to refund.".to_owned(),
                })
            }
        }
    }

    async fn start_refund(&self, request: &Request, charge: ChargeId, asked: &RefundRequest) -> Result<Start, Error> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(Start::Answered(answered));
        }
        let scope = request.scope;
        let missing = || Error::NotFound { kind: "charge", id: charge.to_string(), param: "charge", place: Place::Parameter };
        let loaded = self.find::<Charge>(scope, charge.ulid()).await?.ok_or_else(missing)?;
        let mut mint = Minting(&self.ids);
        let mut ctx = self.context(&request.account, request.cause(), &mut mint, self.now());
        let decided = begin_refund(&mut ctx, loaded.value.clone(), asked.clone());
        let change = decided.map_err(|e| refused(e, &loaded.value))?;
        let (mut refund, changed) = (change.refund, change.charge.unwrap_or_else(|| loaded.value.clone()));
        sizes::check(&refund)?;
        sizes::check(&changed)?;
        refund.answers = request.record();
        let mut writes = Writes::new();
        let charge = lists::change(scope, &loaded, &changed, &mut writes)?;
        let made = lists::add(scope, &refund, &mut writes)?;
        if let Some(booking) = &change.booking {
            add_booking(scope, booking, &mut writes)?;
        }
        add_events(scope, &change.events, &mut writes)?;
        if let Some(write) = idempotency::begin(request, self.now(), None)? {
            writes.push(write);
        }
        self.commit(request.by().did(Action::RefundCreate, scope), writes).await?;
        Ok(Start::Begun(Box::new(RefundSubject {
            refund: Loaded { value: refund, version: made },
            charge: Loaded { value: changed, version: charge },
        })))
    }
}

fn refused(error: flow::Error, charge: &Charge) -> Error {
    let flow::Error::Charge(refusal) = error else { return error.into() };
    match refusal {
        Refusal::AlreadyRefunded => Error::AlreadyRefunded(charge.id.to_string()),
        Refusal::TooMuch { available } => Error::Parameter {
            param: "amount",
            code: None,
            message: format!("Refund amount is greater than unrefunded amount on charge ({available} in the minor unit)."),
        },
        Refusal::NotPositive => Error::Parameter {
            param: "amount",
            code: Some("parameter_invalid_integer"),
            message: "The amount must be at least 1.".to_owned(),
        },
        Refusal::NotInSteps(currency) => not_in_steps("amount", currency),
        Refusal::Status(status) => Error::Parameter {
            param: "charge",
            code: None,
            message: match status {
                Status::Authorized => "This charge has not been captured; cancel its payment instead.".to_owned(),
                Status::Voided | Status::Failed | Status::Captured => "This charge took no money that could be refunded.".to_owned(),
            },
        },
    }
}
