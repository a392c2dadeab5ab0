//! Canceling a payment: at once when nothing was sent, else by giving up what the provider holds.

use super::{Context, Error, PaymentChange, abandon, authorize};
use crate::charge::Charge;
use crate::event::EventKind;
use crate::outcome::{AuthorizeOutcome, FollowUpOutcome, UnknownReason};
use crate::payment_attempt::{self, Operation, OperationKind, PaymentAttempt};
use crate::payment_intent::{CancellationReason, Command, PaymentIntent, Status};
use crate::payment_method::PaymentMethod;

/// Cancels a payment of which no provider holds anything.
///
/// # Errors
/// The payment's status does not take a cancellation, or a provider holds something.
pub fn cancel_unsent(ctx: &mut Context<'_>, mut intent: PaymentIntent, reason: Option<CancellationReason>) -> Result<PaymentChange, Error> {
    if !matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation) {
        return Err(Error::Command { command: Command::Cancel, status: intent.status });
    }
    intent.become_(Status::Canceled)?;
    intent.canceled_at = Some(ctx.now);
    intent.cancellation_reason = reason;
    let events = vec![ctx.intent_event(EventKind::PaymentIntentCanceled, &mut intent)];
    Ok(PaymentChange { intent, attempt: None, charge: None, booking: None, events, refused: None })
}

/// Begins to give up what the provider holds: a reservation, or a wait for the buyer.
///
/// # Errors
/// The payment's status does not take a cancellation, or the provider holds nothing.
pub fn begin_void(
    ctx: &Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    reason: Option<CancellationReason>,
) -> Result<(PaymentIntent, PaymentAttempt), Error> {
    if !Command::Cancel.allowed_in(intent.status) {
        return Err(Error::Command { command: Command::Cancel, status: intent.status });
    }
    attempt.begin(Operation::begin(OperationKind::Void, attempt.void_key(), attempt.amount, ctx.now))?;
    intent.become_(Status::Processing)?;
    intent.cancellation_reason = reason;
    Ok((intent, attempt))
}

/// Settles a void by the provider's answer. A refused void leaves what the provider holds as it was; what was given up
/// because the buyer did not act is not canceled but takes another card.
///
/// # Errors
/// The records do not belong together, or an edge is not declared.
pub fn settle_void(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    charge: Option<Charge>,
    method: &PaymentMethod,
    outcome: &FollowUpOutcome,
) -> Result<PaymentChange, Error> {
    if !attempt.is_being_voided() {
        return Err(Error::Inconsistent("a void without its operation"));
    }
    match outcome {
        FollowUpOutcome::Done if attempt.is_being_abandoned() => abandon::abandoned(ctx, intent, attempt, method),
        FollowUpOutcome::Done => {
            attempt.become_(payment_attempt::Status::Voided)?;
            intent.become_(Status::Canceled)?;
            intent.canceled_at = Some(ctx.now);
            let mut events = Vec::with_capacity(2);
            let charge = match charge {
                Some(mut charge) => {
                    charge.void()?;
                    events.push(ctx.charge_event(EventKind::ChargeExpired, &mut charge));
                    Some(charge)
                }
                None => None,
            };
            events.push(ctx.intent_event(EventKind::PaymentIntentCanceled, &mut intent));
            Ok(PaymentChange { charge, events, ..PaymentChange::of(intent, attempt) })
        }
        FollowUpOutcome::Refused(_) if void_came_too_late(&attempt, outcome) => {
            authorize::unknown(ctx, intent, attempt, UnknownReason::StillProcessing)
        }
        FollowUpOutcome::Refused(_) => {
            attempt.voids_refused = attempt.voids_refused.saturating_add(1);
            attempt.become_(payment_attempt::Status::Authorized)?;
            intent.become_(Status::RequiresCapture)?;
            intent.cancellation_reason = None;
            Ok(PaymentChange { refused: Some(Command::Cancel), ..PaymentChange::of(intent, attempt) })
        }
        FollowUpOutcome::Unknown(reason) => authorize::unknown(ctx, intent, attempt, *reason),
    }
}

/// Whether the buyer acted before the wait for them could be given up: then the authorisation's own outcome, which
/// the provider must be asked for, says how the payment stands ([`settle_refused_void`]).
#[must_use]
pub const fn void_came_too_late(attempt: &PaymentAttempt, outcome: &FollowUpOutcome) -> bool {
    matches!(outcome, FollowUpOutcome::Refused(_)) && attempt.approval.is_none()
}

/// Settles a void that came too late, by the authorisation's own outcome: a payment that was granted stands and the
/// shop hears that it was not canceled; one that was declined is held by nobody and is canceled after all. Where the
/// shop had not asked for the void, the outcome is what the buyer's was: they acted at the last moment.
///
/// # Errors
/// The records do not belong together, or an edge is not declared.
pub fn settle_refused_void(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    method: &PaymentMethod,
    outcome: AuthorizeOutcome,
) -> Result<PaymentChange, Error> {
    if !attempt.is_being_voided() {
        return Err(Error::Inconsistent("a void without its operation"));
    }
    let canceling = !attempt.is_being_abandoned();
    match outcome {
        AuthorizeOutcome::Approved(approval) => {
            attempt.voids_refused = attempt.voids_refused.saturating_add(1);
            intent.cancellation_reason = None;
            let change = authorize::approved(ctx, intent, attempt, method, approval)?;
            Ok(PaymentChange { refused: canceling.then_some(Command::Cancel), ..change })
        }
        AuthorizeOutcome::Declined(decline) if !canceling => authorize::declined(ctx, intent, attempt, method, decline),
        AuthorizeOutcome::Declined(decline) => {
            let mut change = authorize::declined(ctx, intent, attempt, method, decline)?;
            change.intent.become_(Status::Canceled)?;
            change.intent.canceled_at = Some(ctx.now);
            change.events.push(ctx.intent_event(EventKind::PaymentIntentCanceled, &mut change.intent));
            Ok(change)
        }
        // It refused the void and yet says that nothing has happened: only asking again can tell.
        AuthorizeOutcome::ActionRequired(_) => authorize::unknown(ctx, intent, attempt, UnknownReason::StillProcessing),
        AuthorizeOutcome::Unknown(reason) => authorize::unknown(ctx, intent, attempt, reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge as charges;
    use crate::flow::fixtures::{World, approval, attempt, charge, decline, intent, method};

    #[test]
    fn only_a_payment_of_which_nothing_was_sent_is_canceled_at_once() {
        for status in Status::ALL {
            let unsent = matches!(status, Status::RequiresPaymentMethod | Status::RequiresConfirmation);
            assert_eq!(cancel_unsent(&mut World::default().ctx(), intent(status), None).is_ok(), unsent, "{status:?}");
        }
    }

    #[test]
    fn what_was_given_up_for_the_shop_is_canceled_and_for_want_of_the_buyer_takes_another_card() {
        for (kind, ended) in [(OperationKind::Void, Status::Canceled), (OperationKind::Abandon, Status::RequiresPaymentMethod)] {
            let given_up = attempt(payment_attempt::Status::Sending, kind);
            let done = FollowUpOutcome::Done;
            let change = settle_void(&mut World::default().ctx(), intent(Status::Processing), given_up, None, &method(), &done).unwrap();
            assert_eq!((change.intent.status, change.intent.canceled_at.is_some()), (ended, ended == Status::Canceled));
        }
    }

    fn kinds(change: &PaymentChange) -> Vec<EventKind> {
        change.events.iter().map(|event| event.kind).collect()
    }

    fn voided(charge: Option<Charge>, outcome: &FollowUpOutcome) -> PaymentChange {
        let mut given_up = attempt(payment_attempt::Status::Sending, OperationKind::Void);
        given_up.approval = charge.is_some().then(|| approval(false));
        settle_void(&mut World::default().ctx(), intent(Status::Processing), given_up, charge, &method(), outcome).unwrap()
    }

    #[test]
    fn the_charge_of_a_reservation_that_is_given_up_has_expired_and_both_are_told() {
        let change = voided(Some(charge(charges::Status::Authorized)), &FollowUpOutcome::Done);
        assert_eq!(kinds(&change), [EventKind::ChargeExpired, EventKind::PaymentIntentCanceled]);
        assert_eq!(change.charge.unwrap().status, charges::Status::Voided);
        assert_eq!(kinds(&voided(None, &FollowUpOutcome::Done)), [EventKind::PaymentIntentCanceled]);
    }

    #[test]
    fn a_void_that_is_refused_leaves_the_payment_to_be_captured_and_says_that_it_was_not_canceled() {
        let refused = FollowUpOutcome::Refused("no".to_owned());
        let change = voided(Some(charge(charges::Status::Authorized)), &refused);
        assert_eq!((change.refused, change.intent.status), (Some(Command::Cancel), Status::RequiresCapture));
        assert_eq!(change.attempt.unwrap().voids_refused, 1);
    }

    #[test]
    fn a_void_that_came_too_late_is_told_as_refused_only_to_a_shop_that_had_asked_for_it() {
        let late = |kind, outcome| {
            let given_up = attempt(payment_attempt::Status::Sending, kind);
            settle_refused_void(&mut World::default().ctx(), intent(Status::Processing), given_up, &method(), outcome).unwrap()
        };
        for (kind, refused) in [(OperationKind::Void, Some(Command::Cancel)), (OperationKind::Abandon, None)] {
            let granted = late(kind, AuthorizeOutcome::Approved(approval(true)));
            assert_eq!((granted.intent.status, granted.refused), (Status::Succeeded, refused));
        }
        let declined = |kind| late(kind, AuthorizeOutcome::Declined(decline()));
        let canceled = declined(OperationKind::Void);
        assert_eq!((canceled.intent.status, kinds(&canceled).pop()), (Status::Canceled, Some(EventKind::PaymentIntentCanceled)));
        assert_eq!(declined(OperationKind::Abandon).intent.status, Status::RequiresPaymentMethod);
    }
}
