//! Confirming a payment: the authorisation is begun, and the provider's answer settles it.

use super::{Context, Error, PaymentChange};
use crate::charge::{self, Authorization, Charge, Checks, Failure};
use crate::customer::Customer;
use crate::decline::CardErrorCode;
use crate::event::{Event, EventKind};
use crate::id::{ChargeId, PaymentAttemptId};
use crate::outcome::{Approval, AuthorizeOutcome, Challenge, Decline, UnknownReason};
use crate::payment_attempt::{self, Operation, OperationKind, PaymentAttempt};
use crate::payment_intent::{CaptureMethod, CardError, Command, FutureUsage, NextAction, PaymentIntent, Status};
use crate::payment_method::PaymentMethod;
use crate::provider_key::ProviderKey;

/// Begins an authorisation: what must be durable before the first byte leaves for the provider. The method may be
/// [used up](PaymentMethod::pay) by it.
///
/// # Errors
/// The payment's status does not take a confirmation.
pub fn begin_authorize(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    method: &mut PaymentMethod,
    provider: &str,
    presence: Presence,
) -> Result<(PaymentIntent, PaymentAttempt), Error> {
    if !Command::Confirm.allowed_in(intent.status) {
        return Err(Error::Command { command: Command::Confirm, status: intent.status });
    }
    let id = PaymentAttemptId::new(ctx.mint.ulid());
    method.pay(intent.setup_future_usage);
    intent.become_(Status::Processing)?;
    intent.payment_method = Some(method.id);
    intent.latest_attempt = Some(id);
    intent.last_error = None;
    let operation = Operation::begin(OperationKind::Authorize, ProviderKey::authorize(id), intent.amount, ctx.now);
    let line = ctx.account.statement_line(intent.statement_descriptor.as_deref(), intent.statement_descriptor_suffix.as_deref());
    let attempt = PaymentAttempt {
        id,
        payment_intent: intent.id,
        payment_method: method.id,
        amount: intent.amount,
        capture: intent.capture_method != CaptureMethod::Manual,
        off_session: presence.off_session,
        return_url: presence.return_url,
        three_d_secure: intent.three_d_secure,
        statement_line: Some(line),
        provider: provider.to_owned(),
        status: payment_attempt::Status::Sending,
        operation: Some(operation),
        approval: None,
        decline: None,
        captures_refused: Vec::new(),
        voids_refused: 0,
        answers: None,
        conflicts: Vec::new(),
        action_required_at: None,
        created_at: ctx.now,
    };
    Ok((intent, attempt))
}

/// Whether the buyer is there, and where their browser goes after an action.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    /// The buyer is absent.
    pub off_session: bool,
    /// Where the browser goes after an action.
    pub return_url: Option<String>,
}

/// Settles an authorisation by the provider's answer; `None` when the answer changes nothing.
///
/// # Errors
/// The records do not belong together, or an edge is not declared.
pub fn settle_authorize(
    ctx: &mut Context<'_>,
    intent: PaymentIntent,
    attempt: PaymentAttempt,
    method: &PaymentMethod,
    outcome: AuthorizeOutcome,
) -> Result<Option<PaymentChange>, Error> {
    match outcome {
        AuthorizeOutcome::Approved(approval) => approved(ctx, intent, attempt, method, approval).map(Some),
        AuthorizeOutcome::Declined(decline) => declined(ctx, intent, attempt, method, decline).map(Some),
        AuthorizeOutcome::ActionRequired(_) if attempt.status == payment_attempt::Status::ActionRequired => Ok(None),
        AuthorizeOutcome::ActionRequired(challenge) => action_required(ctx, intent, attempt, challenge).map(Some),
        AuthorizeOutcome::Unknown(_) if attempt.status == payment_attempt::Status::ActionRequired => Ok(None),
        AuthorizeOutcome::Unknown(reason) => unknown(ctx, intent, attempt, reason).map(Some),
    }
}

pub(super) fn approved(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    method: &PaymentMethod,
    approval: Approval,
) -> Result<PaymentChange, Error> {
    let mut charge = charge_of(ctx, &intent, &attempt, method, charge::Status::Authorized);
    charge.checks =
        Checks { cvc: approval.cvc_check, address_line1: approval.address_line1_check, postal_code: approval.postal_code_check };
    charge.authorization = Some(Authorization {
        provider_reference: approval.provider_reference.clone(),
        authorization_code: approval.authorization_code.clone(),
        network_transaction_id: approval.network_transaction_id.clone(),
        three_d_secure: approval.three_d_secure,
    });
    intent.latest_charge = Some(charge.id);
    let captured = approval.captured;
    attempt.approval = Some(approval);
    let (booking, kind) = if captured {
        charge.capture(charge.amount.minor())?;
        attempt.become_(payment_attempt::Status::Captured)?;
        intent.become_(Status::Succeeded)?;
        intent.amount_received = charge.amount_captured;
        (Some(ctx.book_capture(&mut charge)?), EventKind::PaymentIntentSucceeded)
    } else {
        attempt.become_(payment_attempt::Status::Authorized)?;
        intent.become_(Status::RequiresCapture)?;
        (None, EventKind::PaymentIntentAmountCapturableUpdated)
    };
    let events = vec![ctx.charge_event(EventKind::ChargeSucceeded, &mut charge), ctx.intent_event(kind, &mut intent)];
    Ok(PaymentChange { charge: Some(charge), booking, events, ..PaymentChange::of(intent, attempt) })
}

pub(super) fn declined(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    method: &PaymentMethod,
    decline: Decline,
) -> Result<PaymentChange, Error> {
    // What is being voided without a grant had waited for the buyer.
    let after_challenge = attempt.status == payment_attempt::Status::ActionRequired || attempt.is_being_voided();
    let mut charge = charge_of(ctx, &intent, &attempt, method, charge::Status::Failed);
    let authentication_failed = after_challenge && decline.code == crate::decline::DeclineCode::AuthenticationRequired;
    let (code, decline_code) = if authentication_failed {
        (CardErrorCode::PaymentIntentAuthenticationFailure, None)
    } else {
        (decline.code.error_code(), Some(decline.code))
    };
    charge.checks.cvc = decline.cvc_check;
    charge.failure = Some(Failure { code, decline_code });
    attempt.decline = Some(decline);
    attempt.become_(payment_attempt::Status::Declined)?;
    intent.become_(Status::RequiresPaymentMethod)?;
    intent.payment_method = None;
    intent.latest_charge = Some(charge.id);
    intent.last_error = Some(CardError { code, decline_code, charge: Some(charge.id), payment_method: Some(Box::new(method.clone())) });
    let events =
        vec![ctx.charge_event(EventKind::ChargeFailed, &mut charge), ctx.intent_event(EventKind::PaymentIntentPaymentFailed, &mut intent)];
    Ok(PaymentChange { charge: Some(charge), events, ..PaymentChange::of(intent, attempt) })
}

fn action_required(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    challenge: Challenge,
) -> Result<PaymentChange, Error> {
    attempt.become_(payment_attempt::Status::ActionRequired)?;
    attempt.action_required_at = Some(ctx.now);
    intent.become_(Status::RequiresAction)?;
    intent.next_action = Some(NextAction { redirect_url: challenge.redirect_url, return_url: attempt.return_url.clone() });
    let events = vec![ctx.intent_event(EventKind::PaymentIntentRequiresAction, &mut intent)];
    Ok(PaymentChange { events, ..PaymentChange::of(intent, attempt) })
}

/// Notes that the outcome of whatever is under way is not known; tells it the first time.
pub(super) fn unknown(
    ctx: &mut Context<'_>,
    mut intent: PaymentIntent,
    mut attempt: PaymentAttempt,
    reason: UnknownReason,
) -> Result<PaymentChange, Error> {
    let first = attempt.status != payment_attempt::Status::Unknown;
    attempt.note_unknown(reason, ctx.now)?;
    let events = if first { vec![ctx.intent_event(EventKind::PaymentIntentProcessing, &mut intent)] } else { Vec::new() };
    Ok(PaymentChange { events, ..PaymentChange::of(intent, attempt) })
}

fn charge_of(
    ctx: &mut Context<'_>,
    intent: &PaymentIntent,
    attempt: &PaymentAttempt,
    method: &PaymentMethod,
    status: charge::Status,
) -> Charge {
    let ulid = ctx.mint.ulid();
    Charge {
        id: ChargeId::new(ulid),
        payment_intent: intent.id,
        attempt: attempt.id,
        provider: attempt.provider.clone(),
        amount: attempt.amount,
        amount_captured: 0,
        amount_refunded: 0,
        status,
        authorization: None,
        failure: None,
        balance_transaction: None,
        payment_method: method.id,
        card: method.card.clone(),
        checks: Checks::default(),
        billing_details: method.billing_details.clone(),
        customer: intent.customer,
        description: intent.description.clone(),
        receipt_email: intent.receipt_email.clone(),
        shipping: intent.shipping.clone(),
        statement_line: attempt.statement_line.clone(),
        statement_descriptor: intent.statement_descriptor.clone(),
        statement_descriptor_suffix: intent.statement_descriptor_suffix.clone(),
        fraud_report: None,
        metadata: intent.metadata.clone(),
        created_at: ulid.created_at(),
        sequence: 0,
    }
}

/// Gives the card of a payment that went through to its customer, for later payments, and tells it if the card was not
/// theirs before. `None` when nothing changes: it was saved so already, or cannot be given any more, because it was
/// attached elsewhere or detached or the customer deleted meanwhile; that must not hold up the payment.
#[must_use]
pub fn save_method(
    ctx: &mut Context<'_>,
    mut method: PaymentMethod,
    customer: &Customer,
    usage: FutureUsage,
) -> Option<(PaymentMethod, Option<Event>)> {
    let (owner, was_saved) = (method.customer, method.is_saved_for(customer.id, usage));
    method.attach(customer).ok()?;
    if was_saved {
        return None;
    }
    method.saved_for_off_session |= usage == FutureUsage::OffSession;
    let is_new = method.customer != owner;
    let event = is_new.then(|| ctx.method_event(EventKind::PaymentMethodAttached, &mut method));
    Some((method, event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::fixtures::{OTHER, OWNER, World, customer, method};
    use crate::id::CustomerId;

    fn saved_as(method: PaymentMethod, usage: FutureUsage) -> Option<(PaymentMethod, Option<Event>)> {
        save_method(&mut World::default().ctx(), method, &customer(), usage)
    }

    fn saved(customer: Option<CustomerId>, spent: bool, usage: FutureUsage) -> Option<PaymentMethod> {
        saved_as(PaymentMethod { customer, spent, ..method() }, usage).map(|(method, _)| method)
    }

    #[test]
    fn a_saved_card_is_its_customers_and_pays_off_session_only_if_asked() {
        let off = saved(None, false, FutureUsage::OffSession).unwrap();
        assert_eq!((off.customer, off.saved_for_off_session), (Some(OWNER), true));
        assert!(!saved(None, false, FutureUsage::OnSession).unwrap().saved_for_off_session);
    }

    #[test]
    fn a_card_that_is_the_customers_already_is_saved_for_more_and_attached_to_nobody_anew() {
        let attached = || PaymentMethod { customer: Some(OWNER), ..method() };
        let (off, event) = saved_as(attached(), FutureUsage::OffSession).unwrap();
        assert!(off.saved_for_off_session && event.is_none());
        assert!(saved_as(method(), FutureUsage::OffSession).unwrap().1.is_some());
        assert!(saved_as(off.clone(), FutureUsage::OffSession).is_none(), "it was saved so before");
        assert!(saved_as(off, FutureUsage::OnSession).is_none(), "it was saved for more before");
        assert!(saved_as(attached(), FutureUsage::OnSession).is_none());
    }

    #[test]
    fn a_card_attached_elsewhere_or_detached_meanwhile_is_not_saved_and_holds_up_nothing() {
        assert!(saved(Some(OTHER), false, FutureUsage::OffSession).is_none());
        assert!(saved(None, true, FutureUsage::OffSession).is_none());
    }

    #[test]
    fn a_card_is_not_saved_with_a_customer_that_was_deleted_meanwhile() {
        let gone = Customer { deleted: true, ..customer() };
        for owner in [None, Some(OWNER)] {
            let method = PaymentMethod { customer: owner, ..method() };
            assert!(save_method(&mut World::default().ctx(), method, &gone, FutureUsage::OffSession).is_none());
        }
    }
}
