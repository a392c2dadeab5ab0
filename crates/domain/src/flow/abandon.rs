//! Ending a payment's wait for a buyer who does not act: the provider gives the wait up, and the payment takes another
//! card. A set-up has nothing to give up; its wait ends where its check is settled.

use super::{Context, Error, PaymentChange};
use crate::decline::CardErrorCode;
use crate::event::EventKind;
use crate::payment_attempt::{self, Operation, OperationKind, PaymentAttempt};
use crate::payment_intent::{CardError, PaymentIntent, Status};
use crate::payment_method::PaymentMethod;

/// Begins to give up a wait for the buyer; `None` while they may still act.
///
/// # Errors
/// The records do not belong together.
pub fn begin_abandon(
    ctx: &Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
) -> Result<Option<(PaymentIntent, PaymentAttempt)>, Error> {
    if !attempt.is_abandoned(ctx.now) {
        return Ok(None);
    }
    attempt.begin(Operation::begin(OperationKind::Abandon, attempt.void_key(), attempt.amount, ctx.now))?;
    intent.become_(Status::Processing)?;
    Ok(Some((intent, attempt)))
}

/// The provider gave the wait up: nobody holds anything, and the buyer has not proved to be the cardholder.
pub(super) fn abandoned(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    method: &PaymentMethod,
) -> Result<PaymentChange, Error> {
    attempt.become_(payment_attempt::Status::Voided)?;
    intent.become_(Status::RequiresPaymentMethod)?;
    intent.payment_method = None;
    intent.last_error = Some(CardError {
        code: CardErrorCode::PaymentIntentAuthenticationFailure,
        decline_code: None,
        charge: None,
        payment_method: Some(Box::new(method.clone())),
    });
    let events = vec![ctx.intent_event(EventKind::PaymentIntentPaymentFailed, &mut intent)];
    Ok(PaymentChange { events, ..PaymentChange::of(intent, attempt) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::fixtures::{World, approval, attempt, decline, intent, method};
    use crate::flow::{settle_refused_void, settle_void};
    use crate::outcome::{AuthorizeOutcome, FollowUpOutcome};

    fn being_abandoned() -> (PaymentIntent, PaymentAttempt) {
        (intent(Status::Processing), attempt(payment_attempt::Status::Sending, OperationKind::Abandon))
    }

    fn too_late(outcome: AuthorizeOutcome) -> PaymentChange {
        let (intent, attempt) = being_abandoned();
        settle_refused_void(&mut World::default().ctx(), intent, attempt, &method(), outcome).unwrap()
    }

    #[test]
    fn a_payment_whose_buyer_did_not_act_in_time_has_failed_authentication_and_takes_another_card() {
        let (intent, attempt) = being_abandoned();
        let done = FollowUpOutcome::Done;
        let change = settle_void(&mut World::default().ctx(), intent, attempt, None, &method(), &done).unwrap();
        let error = change.intent.last_error.clone().unwrap();
        assert_eq!((change.intent.status, change.intent.payment_method), (Status::RequiresPaymentMethod, None));
        assert_eq!((error.code, error.payment_method.unwrap().id), (CardErrorCode::PaymentIntentAuthenticationFailure, method().id));
        assert_eq!(change.attempt.unwrap().status, payment_attempt::Status::Voided);
        assert_eq!(change.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::PaymentIntentPaymentFailed]);
        assert!(change.charge.is_none() && change.intent.canceled_at.is_none());
    }

    #[test]
    fn a_buyer_who_acts_while_the_wait_is_given_up_has_paid_or_been_declined_and_nothing_is_canceled() {
        let paid = too_late(AuthorizeOutcome::Approved(approval(true)));
        assert_eq!((paid.intent.status, paid.refused), (Status::Succeeded, None));
        let declined = too_late(AuthorizeOutcome::Declined(decline()));
        assert_eq!((declined.intent.status, declined.intent.canceled_at), (Status::RequiresPaymentMethod, None));
    }
}
