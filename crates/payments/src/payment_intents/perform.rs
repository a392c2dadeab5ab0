//! Between the two commits: the call to the provider. Nothing is sent before the first commit has landed, and
//! the caller's going away stops nothing that was begun.

use std::sync::Arc;

use domain::audit::Action;
use domain::card::{CardNumber, Cvc, Expiry};
use domain::charge::Charge;
use domain::flow::void_came_too_late;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, UnknownReason};
use domain::payment_attempt::{OperationKind, PaymentAttempt};
use domain::payment_intent::{FutureUsage, PaymentIntent};
use domain::payment_method::PaymentMethod;
use domain::provider_key::ProviderKey;
use domain::scope::Scope;
use providers::{Authorize, Capture, CardForProvider, Connector, Initiator, Void};

use super::confirm::Start;
use super::settle::Subject;
use crate::acting::By;
use crate::error::Error;
use crate::idempotency::{self, Answered};
use crate::lists;
use crate::platform::{Platform, Request};
use crate::records::Loaded;
use crate::writes::Writes;

/// An operation whose first commit has landed.
pub(crate) struct Begun {
    pub(crate) intent: Loaded<PaymentIntent>,
    pub(crate) attempt: Loaded<PaymentAttempt>,
    pub(crate) charge: Option<Loaded<Charge>>,
    pub(crate) method: PaymentMethod,
    pub(crate) work: Work,
}

/// An operation on what a provider holds, decided and not yet begun.
pub(crate) struct FollowUp {
    /// What it is called in the audit trail.
    pub(crate) action: Action,
    /// The payment as it will be.
    pub(crate) changed: PaymentIntent,
    /// The attempt as it will be.
    pub(crate) sending: PaymentAttempt,
    pub(crate) work: Work,
}

/// What to ask of the provider.
pub(crate) enum Work {
    Authorize { connector: Arc<dyn Connector>, number: CardNumber, cvc: Option<Arc<Cvc>> },
    Capture { connector: Arc<dyn Connector> },
    Void { connector: Arc<dyn Connector> },
}

/// What the provider reported.
#[derive(Clone)]
pub(crate) enum Fact {
    Authorize(AuthorizeOutcome),
    Capture(FollowUpOutcome),
    Void(FollowUpOutcome),
    /// The void came too late; that is what became of the authorisation.
    RefusedVoid(AuthorizeOutcome),
}

impl Fact {
    /// The fact that a provider's answer to a question states, if it is about a payment.
    pub(crate) fn of(said: &QueryOutcome) -> Option<Self> {
        match said {
            QueryOutcome::Authorize(outcome) => Some(Self::Authorize(outcome.clone())),
            QueryOutcome::Capture(outcome) => Some(Self::Capture(outcome.clone())),
            QueryOutcome::Void(outcome) => Some(Self::Void(outcome.clone())),
            QueryOutcome::Refund(_) | QueryOutcome::NotFound | QueryOutcome::Unknown(_) => None,
        }
    }

    /// As the answer to a question about the operation that it is about.
    pub(crate) fn said(self) -> QueryOutcome {
        match self {
            Self::Authorize(outcome) | Self::RefusedVoid(outcome) => QueryOutcome::Authorize(outcome),
            Self::Capture(outcome) => QueryOutcome::Capture(outcome),
            Self::Void(outcome) => QueryOutcome::Void(outcome),
        }
    }
}

impl Platform {
    /// Carries out what was begun, in a task of its own, and waits for the answer.
    pub(crate) async fn run(self: &Arc<Self>, request: &Request, start: Start) -> Result<Answered, Error> {
        let begun = match start {
            Start::Answered(answered) => return Ok(answered),
            Start::Begun(begun) => *begun,
        };
        let platform = Arc::clone(self);
        let request = request.clone();
        self.detached(async move {
            let fact = platform.perform(request.scope, &begun).await;
            let fact = platform.complete(&begun.attempt.value, fact).await?;
            platform.settle_payment(&request, begun, fact).await
        })
        .await
    }

    /// The first commit of an operation that a request asks for on what a provider holds.
    pub(crate) async fn start_follow_up(&self, request: &Request, before: Subject, mut next: FollowUp) -> Result<Start, Error> {
        next.sending.answers = request.record();
        let mut writes = Writes::new();
        if let Some(write) = idempotency::begin(request, self.now(), None)? {
            writes.push(write);
        }
        // Its future holds everything twice: it lives on the heap.
        let begun = Box::pin(self.begin_follow_up(request.scope, &request.by(), before, next, writes)).await?;
        Ok(Start::Begun(Box::new(begun)))
    }

    /// The first commit of an operation on what a provider holds: the payment changed, the attempt sending.
    pub(crate) async fn begin_follow_up(
        &self,
        scope: Scope,
        by: &By,
        before: Subject,
        next: FollowUp,
        mut writes: Writes,
    ) -> Result<Begun, Error> {
        let FollowUp { action, changed, sending, work } = next;
        let intent = lists::change(scope, &before.intent, &changed, &mut writes)?;
        let attempt = lists::change(scope, &before.attempt, &sending, &mut writes)?;
        self.commit(by.did(action, scope), writes).await?;
        Ok(Begun {
            intent: Loaded { value: changed, version: intent },
            attempt: Loaded { value: sending, version: attempt },
            charge: before.charge,
            method: before.method,
            work,
        })
    }

    pub(crate) async fn perform(&self, scope: Scope, begun: &Begun) -> Fact {
        let attempt = &begun.attempt.value;
        match &begun.work {
            Work::Authorize { connector, number, cvc } => {
                let asked = self.authorize_request(scope, begun, number.clone(), cvc.clone());
                let outcome = match asked {
                    Some(asked) => connector.authorize(asked).await,
                    None => AuthorizeOutcome::Unknown(UnknownReason::Interrupted),
                };
                self.codes.used(attempt.id.ulid(), cvc.as_ref(), &outcome);
                Fact::Authorize(outcome)
            }
            Work::Capture { connector } => match capture_request(attempt) {
                Some(asked) => Fact::Capture(connector.capture(asked).await),
                None => Fact::Capture(FollowUpOutcome::Refused("nothing is reserved".to_owned())),
            },
            Work::Void { connector } => match void_request(attempt) {
                Some(asked) => Fact::Void(connector.void(asked).await),
                None => Fact::Void(FollowUpOutcome::Refused("nothing is reserved".to_owned())),
            },
        }
    }

    /// Asks for what a fact alone does not tell: how an authorisation ended that could not be voided any more.
    pub(crate) async fn complete(&self, attempt: &PaymentAttempt, fact: Fact) -> Result<Fact, Error> {
        let Fact::Void(outcome) = &fact else { return Ok(fact) };
        if !void_came_too_late(attempt, outcome) {
            return Ok(fact);
        }
        let key = ProviderKey::authorize(attempt.id);
        Ok(Fact::RefusedVoid(match self.connector(&attempt.provider)?.query(&key).await {
            QueryOutcome::Authorize(outcome) => outcome,
            QueryOutcome::Unknown(reason) => AuthorizeOutcome::Unknown(reason),
            // It knew the authorisation when it asked for the buyer, and under this key nothing else was ever sent.
            QueryOutcome::NotFound | QueryOutcome::Capture(_) | QueryOutcome::Void(_) | QueryOutcome::Refund(_) => {
                AuthorizeOutcome::Unknown(UnknownReason::Unreadable)
            }
        }))
    }

    fn authorize_request(&self, scope: Scope, begun: &Begun, number: CardNumber, cvc: Option<Arc<Cvc>>) -> Option<Authorize> {
        let (intent, attempt, method) = (&begun.intent.value, &begun.attempt.value, &begun.method);
        let operation = attempt.operation.as_ref().filter(|o| o.kind == OperationKind::Authorize)?;
        let expiry = Expiry::new(i64::from(method.card.exp_month), i64::from(method.card.exp_year)).ok()?;
        let address = method.billing_details.address.as_ref();
        Some(Authorize {
            key: operation.key.clone(),
            amount: attempt.amount,
            card: CardForProvider {
                number,
                expiry,
                cvc,
                holder_name: method.billing_details.name.clone(),
                address_line1: address.and_then(|a| a.line1.clone()),
                postal_code: address.and_then(|a| a.postal_code.clone()),
            },
            capture: attempt.capture,
            initiator: if attempt.off_session { Initiator::Merchant } else { Initiator::Customer },
            three_d_secure: attempt.three_d_secure,
            saved: method.saved_for_off_session,
            save_for_off_session: intent.setup_future_usage == Some(FutureUsage::OffSession),
            return_to: self.return_to(scope, &intent.client_secret()),
            statement_descriptor: attempt.statement_line.clone(),
            description: intent.description.clone(),
        })
    }

    /// Where the provider's page sends the buyer's browser: to us, who then send it to the shop.
    pub(crate) fn return_to(&self, scope: Scope, client_secret: &str) -> String {
        format!("{}/redirect/{}/{}/{client_secret}", self.public_url, scope.account, scope.mode)
    }
}

fn capture_request(attempt: &PaymentAttempt) -> Option<Capture> {
    let operation = attempt.operation.as_ref()?;
    Some(Capture {
        key: operation.key.clone(),
        authorization_key: ProviderKey::authorize(attempt.id),
        provider_reference: attempt.approval.as_ref()?.provider_reference.clone(),
        amount: operation.amount,
    })
}

fn void_request(attempt: &PaymentAttempt) -> Option<Void> {
    let operation = attempt.operation.as_ref()?;
    let reference = attempt.approval.as_ref().map(|a| a.provider_reference.clone()).unwrap_or_default();
    Some(Void { key: operation.key.clone(), authorization_key: ProviderKey::authorize(attempt.id), provider_reference: reference })
}
