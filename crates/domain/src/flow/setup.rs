//! Saving a card: the check is begun, and the provider's answer settles it.

use super::{Context, Error};
use crate::customer::Customer;
use crate::decline::{CardErrorCode, DeclineCode};
use crate::event::{Event, EventKind};
use crate::id::SetupAttemptId;
use crate::money::Money;
use crate::outcome::{Approval, AuthorizeOutcome};
use crate::payment_attempt::{Operation, OperationKind};
use crate::payment_intent::{CancellationReason, CardError, FutureUsage, NextAction};
use crate::payment_method::{PaymentMethod, Refusal};
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
/// given to `owner`, the set-up's customer.
///
/// # Errors
/// An edge is not declared.
pub fn settle_setup(
    ctx: &mut Context<'_>,
    mut intent: SetupIntent,
    method: PaymentMethod,
    owner: Option<&Customer>,
    return_url: Option<String>,
    outcome: AuthorizeOutcome,
) -> Result<Option<SetupChange>, Error> {
    match outcome {
        AuthorizeOutcome::Approved(approval) => approved(ctx, intent, method, owner, &approval).map(Some),
        AuthorizeOutcome::Declined(decline) => {
            let acted = intent.status == Status::RequiresAction && decline.code == DeclineCode::AuthenticationRequired;
            let (code, decline_code) = if acted {
                (CardErrorCode::SetupIntentAuthenticationFailure, None)
            } else {
                (decline.code.error_code(), Some(decline.code))
            };
            failed(ctx, intent, method, code, decline_code).map(Some)
        }
        // Nothing is reserved by a check: there is nothing for the provider to give up.
        AuthorizeOutcome::ActionRequired(_) if intent.is_abandoned(ctx.now) => {
            failed(ctx, intent, method, CardErrorCode::SetupIntentAuthenticationFailure, None).map(Some)
        }
        AuthorizeOutcome::ActionRequired(_) | AuthorizeOutcome::Unknown(_) if intent.status == Status::RequiresAction => Ok(None),
        AuthorizeOutcome::ActionRequired(challenge) => {
            intent.become_(Status::RequiresAction)?;
            intent.action_required_at = Some(ctx.now);
            intent.next_action = Some(NextAction { redirect_url: challenge.redirect_url, return_url });
            let events = vec![ctx.setup_event(EventKind::SetupIntentRequiresAction, &mut intent)];
            Ok(Some(SetupChange { intent, saved: None, events }))
        }
        AuthorizeOutcome::Unknown(reason) => {
            let Some(operation) = &mut intent.operation else { return Ok(None) };
            operation.note_unknown(reason, ctx.now);
            Ok(Some(SetupChange { intent, saved: None, events: Vec::new() }))
        }
    }
}

/// A card that was given to another customer or detached while it was checked cannot be saved any more, nor with a
/// customer that was deleted, whatever the issuer says of it: the shop hears so, and the set-up takes another card.
fn approved(
    ctx: &mut Context<'_>,
    mut intent: SetupIntent,
    card: PaymentMethod,
    owner: Option<&Customer>,
    approval: &Approval,
) -> Result<SetupChange, Error> {
    if intent.customer != owner.map(|owner| owner.id) {
        return Err(Error::Inconsistent("a set-up with another's customer"));
    }
    let mut method = card.clone();
    let given = match owner {
        Some(owner) => method.attach(owner),
        None if method.spent => Err(Refusal::Spent),
        None => Ok(()),
    };
    if given.is_err() {
        return failed(ctx, intent, card, CardErrorCode::PaymentMethodUnexpectedState, None);
    }
    intent.become_(Status::Succeeded)?;
    method.cvc_check = approval.cvc_check;
    method.saved_for_off_session |= intent.usage == FutureUsage::OffSession;
    let mut events = Vec::with_capacity(2);
    if method.customer != card.customer {
        events.push(ctx.method_event(EventKind::PaymentMethodAttached, &mut method));
    }
    events.push(ctx.setup_event(EventKind::SetupIntentSucceeded, &mut intent));
    Ok(SetupChange { intent, saved: Some(method), events })
}

fn failed(
    ctx: &mut Context<'_>,
    mut intent: SetupIntent,
    card: PaymentMethod,
    code: CardErrorCode,
    decline_code: Option<DeclineCode>,
) -> Result<SetupChange, Error> {
    intent.become_(Status::RequiresPaymentMethod)?;
    intent.payment_method = None;
    intent.last_error = Some(CardError { code, decline_code, charge: None, payment_method: Some(Box::new(card)) });
    let events = vec![ctx.setup_event(EventKind::SetupIntentSetupFailed, &mut intent)];
    Ok(SetupChange { intent, saved: None, events })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::fixtures::{OWNER, World, approval, customer, decline, method, setup};
    use crate::outcome::Decline;

    fn settled(intent: SetupIntent, card: PaymentMethod, outcome: AuthorizeOutcome) -> SetupChange {
        let owner = intent.customer.map(|_| customer());
        settle_setup(&mut World::default().ctx(), intent, card, owner.as_ref(), None, outcome).unwrap().unwrap()
    }

    fn approved() -> AuthorizeOutcome {
        AuthorizeOutcome::Approved(approval(false))
    }

    #[test]
    fn authentication_has_failed_only_where_the_buyer_was_asked_and_that_is_what_the_issuer_says() {
        let (authentication, failed) = (DeclineCode::AuthenticationRequired, CardErrorCode::SetupIntentAuthenticationFailure);
        for (status, code, expected) in [
            (Status::RequiresAction, authentication, failed),
            (Status::Processing, authentication, CardErrorCode::AuthenticationRequired),
            (Status::RequiresAction, DeclineCode::InsufficientFunds, CardErrorCode::CardDeclined),
        ] {
            let refused = settled(setup(status), method(), AuthorizeOutcome::Declined(Decline { code, ..decline() }));
            let error = refused.intent.last_error.unwrap();
            assert_eq!((error.code, error.decline_code.is_none()), (expected, expected == failed), "{status:?} {code:?}");
        }
    }

    #[test]
    fn a_card_that_was_detached_meanwhile_is_saved_with_nobody() {
        for (spent, customer) in [(true, None), (true, Some(OWNER)), (false, None)] {
            let intent = SetupIntent { customer, ..setup(Status::Processing) };
            let change = settled(intent, PaymentMethod { spent, ..method() }, approved());
            assert_eq!(change.saved.is_none(), spent);
            let error = change.intent.last_error.map(|error| error.code);
            assert_eq!(error, spent.then_some(CardErrorCode::PaymentMethodUnexpectedState));
        }
    }

    #[test]
    fn a_card_is_saved_for_what_it_was_asked_for_and_for_what_it_was_saved_before() {
        for (usage, before, after) in [
            (FutureUsage::OffSession, false, true),
            (FutureUsage::OffSession, true, true),
            (FutureUsage::OnSession, false, false),
            (FutureUsage::OnSession, true, true),
        ] {
            let card = PaymentMethod { saved_for_off_session: before, ..method() };
            let change = settled(SetupIntent { usage, ..setup(Status::Processing) }, card, approved());
            assert_eq!(change.saved.unwrap().saved_for_off_session, after, "{usage:?} {before}");
        }
    }

    #[test]
    fn that_a_card_was_attached_is_told_if_it_was_not_the_customers_before() {
        let kinds = |customer| {
            let change = settled(setup(Status::Processing), PaymentMethod { customer, ..method() }, approved());
            change.events.iter().map(|event| event.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(None), [EventKind::PaymentMethodAttached, EventKind::SetupIntentSucceeded]);
        assert_eq!(kinds(Some(OWNER)), [EventKind::SetupIntentSucceeded]);
    }
}
