//! What an answer to an authorisation or a capture writes down besides statuses: the charge, the booking, and what shops are
//! told, in order.

use super::fixtures::{NOW, World, approval, attempt, challenge, charge, decline, intent, method, usd};
use super::*;
use crate::charge::Refusal;
use crate::decline::{CardErrorCode, DeclineCode};
use crate::outcome::{AuthorizeOutcome, Decline, FollowUpOutcome, UnknownReason};
use crate::payment_attempt::OperationKind;
use crate::payment_intent::{CaptureMethod, Command};

use EventKind as Kind;
use payment_attempt::Status as Attempt;
use payment_intent::Status as Intent;

fn kinds(change: &PaymentChange) -> Vec<EventKind> {
    change.events.iter().map(|event| event.kind).collect()
}

fn settled(from: Attempt, kind: OperationKind, outcome: AuthorizeOutcome) -> PaymentChange {
    let status = if from == Attempt::ActionRequired { Intent::RequiresAction } else { Intent::Processing };
    let settled = settle_authorize(&mut World::default().ctx(), intent(status), attempt(from, kind), &method(), outcome);
    settled.unwrap().unwrap()
}

fn authorized(outcome: AuthorizeOutcome) -> PaymentChange {
    settled(Attempt::Sending, OperationKind::Authorize, outcome)
}

fn capture(amount: Option<i64>) -> Result<(PaymentIntent, PaymentAttempt), Error> {
    let reserved = attempt(Attempt::Authorized, OperationKind::Authorize);
    begin_capture(&World::default().ctx(), intent(Intent::RequiresCapture), reserved, amount)
}

fn captured(outcome: &FollowUpOutcome) -> PaymentChange {
    let (intent, attempt) = capture(Some(400)).unwrap();
    settle_capture(&mut World::default().ctx(), intent, attempt, charge(charge::Status::Authorized), outcome).unwrap()
}

#[test]
fn only_a_payment_that_waits_for_it_is_confirmed_and_captured_by_itself_unless_it_is_to_wait() {
    for (status, taken) in [(Intent::RequiresConfirmation, true), (Intent::RequiresPaymentMethod, true), (Intent::Succeeded, false)] {
        let begun = begin_authorize(&mut World::default().ctx(), intent(status), &mut method(), "bank", Presence::default());
        assert_eq!(begun.is_ok(), taken, "{status:?}");
    }
    for (capture_method, capture) in [(CaptureMethod::Automatic, true), (CaptureMethod::Manual, false)] {
        let asked = PaymentIntent { capture_method, ..intent(Intent::RequiresConfirmation) };
        let (_, attempt) = begin_authorize(&mut World::default().ctx(), asked, &mut method(), "bank", Presence::default()).unwrap();
        assert_eq!(attempt.capture, capture);
    }
}

#[test]
fn an_approval_makes_a_charge_which_is_booked_if_the_money_was_taken() {
    let taken = authorized(AuthorizeOutcome::Approved(approval(true)));
    assert_eq!(kinds(&taken), [Kind::ChargeSucceeded, Kind::PaymentIntentSucceeded]);
    let charge = taken.charge.unwrap();
    assert_eq!((charge.status, charge.amount_captured, taken.intent.amount_received), (charge::Status::Captured, 1_000, 1_000));
    assert_eq!(taken.booking.unwrap().line.unwrap().amount, usd(1_000));
    let reserved = authorized(AuthorizeOutcome::Approved(approval(false)));
    assert_eq!(kinds(&reserved), [Kind::ChargeSucceeded, Kind::PaymentIntentAmountCapturableUpdated]);
    assert_eq!((reserved.charge.unwrap().status, reserved.booking.is_none()), (charge::Status::Authorized, true));
}

#[test]
fn a_refusal_makes_a_failed_charge_and_says_why() {
    let refused = authorized(AuthorizeOutcome::Declined(decline()));
    assert_eq!(kinds(&refused), [Kind::ChargeFailed, Kind::PaymentIntentPaymentFailed]);
    let (charge, error) = (refused.charge.unwrap(), refused.intent.last_error.unwrap());
    assert_eq!((charge.status, error.charge, error.code), (charge::Status::Failed, Some(charge.id), CardErrorCode::CardDeclined));
    assert_eq!(error.decline_code, Some(DeclineCode::InsufficientFunds));
}

#[test]
fn authentication_has_failed_only_where_the_buyer_was_asked_and_that_is_what_the_issuer_says() {
    let authentication = DeclineCode::AuthenticationRequired;
    let failed = CardErrorCode::PaymentIntentAuthenticationFailure;
    for (from, kind, code, expected) in [
        (Attempt::Sending, OperationKind::Authorize, authentication, CardErrorCode::AuthenticationRequired),
        (Attempt::ActionRequired, OperationKind::Authorize, authentication, failed),
        (Attempt::Sending, OperationKind::Abandon, authentication, failed),
        (Attempt::Sending, OperationKind::Void, authentication, failed),
        (Attempt::ActionRequired, OperationKind::Authorize, DeclineCode::InsufficientFunds, CardErrorCode::CardDeclined),
    ] {
        let refused = settled(from, kind, AuthorizeOutcome::Declined(Decline { code, ..decline() }));
        let error = refused.intent.last_error.unwrap();
        assert_eq!((error.code, error.decline_code.is_none()), (expected, expected == failed), "{from:?} {kind:?} {code:?}");
    }
}

#[test]
fn a_shop_is_told_that_the_buyer_must_act_and_once_that_an_outcome_is_not_known() {
    assert_eq!(kinds(&authorized(AuthorizeOutcome::ActionRequired(challenge()))), [Kind::PaymentIntentRequiresAction]);
    let unknown = || AuthorizeOutcome::Unknown(UnknownReason::Timeout);
    assert_eq!(kinds(&authorized(unknown())), [Kind::PaymentIntentProcessing]);
    assert_eq!(kinds(&settled(Attempt::Unknown, OperationKind::Authorize, unknown())), []);
}

#[test]
fn from_one_unit_to_all_that_is_reserved_can_be_captured_and_all_is_if_nothing_is_said() {
    for (asked, amount) in [(None, 1_000), (Some(1_000), 1_000), (Some(1), 1)] {
        let (intent, attempt) = capture(asked).unwrap();
        let operation = attempt.operation.unwrap();
        assert_eq!((operation.amount, operation.started_at, intent.status), (usd(amount), NOW, Intent::Processing));
    }
    assert!(matches!(capture(Some(0)), Err(Error::Charge(Refusal::NotPositive))));
    assert!(matches!(capture(Some(-1)), Err(Error::Charge(Refusal::NotPositive))));
    assert!(matches!(capture(Some(1_001)), Err(Error::Charge(Refusal::TooMuch { available: 1_000 }))));
}

#[test]
fn a_capture_is_booked_as_asked_and_told_and_one_that_is_refused_leaves_the_payment_to_be_captured() {
    let done = captured(&FollowUpOutcome::Done);
    assert_eq!(kinds(&done), [Kind::ChargeCaptured, Kind::PaymentIntentSucceeded]);
    assert_eq!((done.charge.unwrap().amount_captured, done.intent.amount_received, done.refused), (400, 400, None));
    assert_eq!(done.booking.unwrap().line.unwrap().amount, usd(400));
    let refused = captured(&FollowUpOutcome::Refused("no".to_owned()));
    assert_eq!((refused.refused, refused.intent.status, kinds(&refused)), (Some(Command::Capture), Intent::RequiresCapture, Vec::new()));
    assert_eq!(refused.attempt.unwrap().captures_refused, [400]);
}
