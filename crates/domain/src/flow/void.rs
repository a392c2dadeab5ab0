//! Canceling a payment: at once when nothing was sent, else by giving up what the provider holds.

use super::{Context, Error, PaymentChange, authorize};
use crate::charge::Charge;
use crate::event::EventKind;
use crate::outcome::FollowUpOutcome;
use crate::payment_attempt::{self, Operation, OperationKind, PaymentAttempt};
use crate::payment_intent::{CancellationReason, Command, PaymentIntent, Status};
use crate::provider_key::ProviderKey;

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
    Ok(PaymentChange { intent, attempt: None, charge: None, booking: None, events })
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
    let operation = Operation::begin(OperationKind::Void, ProviderKey::void(attempt.id), attempt.amount, ctx.now);
    attempt.begin(operation)?;
    intent.become_(Status::Processing)?;
    intent.cancellation_reason = reason;
    Ok((intent, attempt))
}

/// Settles a void by the provider's answer. A refused void leaves what the provider holds as it was.
///
/// # Errors
/// The records do not belong together, or an edge is not declared.
pub fn settle_void(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    charge: Option<Charge>,
    outcome: &FollowUpOutcome,
) -> Result<PaymentChange, Error> {
    match outcome {
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
            Ok(PaymentChange { intent, attempt: Some(attempt), charge, booking: None, events })
        }
        FollowUpOutcome::Refused(_) if attempt.approval.is_some() => {
            attempt.become_(payment_attempt::Status::Authorized)?;
            intent.become_(Status::RequiresCapture)?;
            intent.cancellation_reason = None;
            Ok(PaymentChange { intent, attempt: Some(attempt), charge: None, booking: None, events: Vec::new() })
        }
        // The buyer acted first: the authorisation's own outcome, asked for next, decides.
        FollowUpOutcome::Refused(_) => {
            let key = ProviderKey::authorize(attempt.id);
            attempt.operation = Some(Operation::begin(OperationKind::Authorize, key, attempt.amount, ctx.now));
            intent.cancellation_reason = None;
            Ok(PaymentChange { intent, attempt: Some(attempt), charge: None, booking: None, events: Vec::new() })
        }
        FollowUpOutcome::Unknown(reason) => authorize::unknown(ctx, intent, attempt, *reason),
    }
}
