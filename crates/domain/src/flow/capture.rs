//! Taking what was reserved.

use super::{Context, Error, PaymentChange, authorize};
use crate::charge::{Charge, Refusal};
use crate::event::EventKind;
use crate::money::Money;
use crate::outcome::FollowUpOutcome;
use crate::payment_attempt::{self, Operation, OperationKind, PaymentAttempt};
use crate::payment_intent::{Command, PaymentIntent, Status};

/// Begins a capture of `amount`, or of all that is reserved.
///
/// # Errors
/// Nothing is reserved, or less is.
pub fn begin_capture(
    ctx: &Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    amount: Option<i64>,
) -> Result<(PaymentIntent, PaymentAttempt), Error> {
    if !Command::Capture.allowed_in(intent.status) {
        return Err(Error::Command { command: Command::Capture, status: intent.status });
    }
    let amount = amount.unwrap_or(attempt.amount.minor());
    if amount < 1 {
        return Err(Refusal::NotPositive.into());
    }
    if amount > attempt.amount.minor() {
        return Err(Refusal::TooMuch { available: attempt.amount.minor() }.into());
    }
    let amount = Money::new(amount, attempt.amount.currency());
    if !amount.is_in_steps() {
        return Err(Refusal::NotInSteps(amount.currency()).into());
    }
    attempt.begin(Operation::begin(OperationKind::Capture, attempt.capture_key(), amount, ctx.now))?;
    intent.become_(Status::Processing)?;
    Ok((intent, attempt))
}

/// Settles a capture by the provider's answer.
///
/// # Errors
/// The records do not belong together, or an edge is not declared.
pub fn settle_capture(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    mut charge: Charge,
    outcome: &FollowUpOutcome,
) -> Result<PaymentChange, Error> {
    let operation = attempt.operation.as_ref().filter(|operation| operation.kind == OperationKind::Capture);
    let amount = operation.ok_or(Error::Inconsistent("a capture without its operation"))?.amount;
    match outcome {
        FollowUpOutcome::Done => {
            charge.capture(amount.minor())?;
            attempt.become_(payment_attempt::Status::Captured)?;
            intent.become_(Status::Succeeded)?;
            intent.amount_received = amount.minor();
            let booking = Some(ctx.book_capture(&mut charge)?);
            let events = vec![
                ctx.charge_event(EventKind::ChargeCaptured, &mut charge),
                ctx.intent_event(EventKind::PaymentIntentSucceeded, &mut intent),
            ];
            Ok(PaymentChange { charge: Some(charge), booking, events, ..PaymentChange::of(intent, attempt) })
        }
        FollowUpOutcome::Refused(_) => {
            attempt.captures_refused.push(amount.minor());
            attempt.become_(payment_attempt::Status::Authorized)?;
            intent.become_(Status::RequiresCapture)?;
            Ok(PaymentChange { refused: Some(Command::Capture), ..PaymentChange::of(intent, attempt) })
        }
        FollowUpOutcome::Unknown(reason) => authorize::unknown(ctx, intent, attempt, *reason),
    }
}
