//! Saving a card: the check is begun, and the provider's answer settles it.

use super::{Context, Error};
use crate::decline::{CardErrorCode, DeclineCode};
use crate::event::{Event, EventKind};
use crate::id::SetupAttemptId;
use crate::money::Money;
use crate::outcome::AuthorizeOutcome;
use crate::payment_attempt::{Operation, OperationKind};
use crate::payment_intent::{CancellationReason, CardError, FutureUsage, NextAction};
use crate::payment_method::PaymentMethod;
use crate::provider_key::ProviderKey;
use crate::setup_intent::{IllegalEdge, SetupIntent, Status};

/// What changes with a set-up, to be committed together.
#[derive(Clone, Debug)]
pub struct SetupChange {
    /// The set-up after the change.
    pub intent: SetupIntent,
    /// The card, when it was saved.
    pub saved: Option<PaymentMethod>,
    /// What to tell.
    pub events: Vec<Event>,
}

/// Begins the check of a card.
///
/// # Errors
/// The set-up's status does not take a confirmation.
pub fn begin_setup(
    ctx: &mut Context<'_>,
    mut intent: SetupIntent,
    method: &PaymentMethod,
    provider: &str,
) -> Result<SetupIntent, IllegalEdge> {
    intent.become_(Status::Processing)?;
    let id = SetupAttemptId::new(ctx.mint.ulid());
    let nothing = Money::zero(ctx.account.default_currency);
    intent.payment_method = Some(method.id);
    intent.latest_attempt = Some(id);
    provider.clone_into(&mut intent.provider);
    intent.last_error = None;
    intent.operation = Some(Operation::begin(OperationKind::VerifyCard, ProviderKey::verify_card(id), nothing, ctx.now));
    Ok(intent)
}

/// Settles the check by the provider's answer; `None` when the answer changes nothing. A card that passed is
/// given to the set-up's customer.
///
/// # Errors
/// An edge is not declared.
pub fn settle_setup(
    ctx: &mut Context<'_>,
    mut intent: SetupIntent,
    mut method: PaymentMethod,
    return_url: Option<String>,
    outcome: AuthorizeOutcome,
) -> Result<Option<SetupChange>, Error> {
    match outcome {
        AuthorizeOutcome::Approved(approval) => {
            intent.become_(Status::Succeeded)?;
            method.cvc_check = approval.cvc_check;
            method.saved_for_off_session |= intent.usage == FutureUsage::OffSession;
            let mut events = Vec::with_capacity(2);
            if let Some(customer) = intent.customer {
                let already = method.customer.is_some();
                method.attach(customer).map_err(|_| Error::Inconsistent("the card belongs to another customer"))?;
                if !already {
                    events.push(ctx.method_event(EventKind::PaymentMethodAttached, &mut method));
                }
            }
            events.push(ctx.setup_event(EventKind::SetupIntentSucceeded, &mut intent));
            Ok(Some(SetupChange { intent, saved: Some(method), events }))
        }
        AuthorizeOutcome::Declined(decline) => {
            let acted = intent.status == Status::RequiresAction && decline.code == DeclineCode::AuthenticationRequired;
            let (code, decline_code) = if acted {
                (CardErrorCode::SetupIntentAuthenticationFailure, None)
            } else {
                (decline.code.error_code(), Some(decline.code))
            };
            intent.become_(Status::RequiresPaymentMethod)?;
            intent.payment_method = None;
            intent.last_error = Some(CardError { code, decline_code, charge: None, payment_method: Some(Box::new(method)) });
            let events = vec![ctx.setup_event(EventKind::SetupIntentSetupFailed, &mut intent)];
            Ok(Some(SetupChange { intent, saved: None, events }))
        }
        AuthorizeOutcome::ActionRequired(_) | AuthorizeOutcome::Unknown(_) if intent.status == Status::RequiresAction => Ok(None),
        AuthorizeOutcome::ActionRequired(challenge) => {
            intent.become_(Status::RequiresAction)?;
            intent.next_action = Some(NextAction { redirect_url: challenge.redirect_url, return_url });
            let events = vec![ctx.setup_event(EventKind::SetupIntentRequiresAction, &mut intent)];
            Ok(Some(SetupChange { intent, saved: None, events }))
        }
        AuthorizeOutcome::Unknown(reason) => {
            if let Some(operation) = &mut intent.operation {
                operation.note_unknown(reason, ctx.now);
            }
            Ok(Some(SetupChange { intent, saved: None, events: Vec::new() }))
        }
    }
}

/// Gives up a set-up.
///
/// # Errors
/// The set-up's status does not take it.
pub fn cancel_setup(
    ctx: &mut Context<'_>,
    mut intent: SetupIntent,
    reason: Option<CancellationReason>,
) -> Result<(SetupIntent, Event), IllegalEdge> {
    intent.become_(Status::Canceled)?;
    intent.cancellation_reason = reason;
    let event = ctx.setup_event(EventKind::SetupIntentCanceled, &mut intent);
    Ok((intent, event))
}
