//! Captures and cancellations that the provider does not carry out: the shop hears how the payment stands, at once.

use domain::id::PaymentIntentId;
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, UnknownReason};
use domain::payment_intent::{PaymentIntent, Status};
use domain::provider_key::ProviderKey;
use payments::idempotency::Answered;
use payments::payment_intents::create::NewPaymentIntent;

use crate::bank::{Sent, approved, challenge, declined};
use crate::shop::{Shop, payment, reservation, told};

fn refused() -> FollowUpOutcome {
    FollowUpOutcome::Refused("no".to_owned())
}

/// A payment whose buyer acted just before it is to be canceled, and what the bank then knows of it.
async fn acted(new: &NewPaymentIntent, known: AuthorizeOutcome) -> (Shop, PaymentIntent) {
    let shop = Shop::open().await;
    shop.bank.will_authorize(challenge());
    let intent = shop.pay(new).await;
    assert_eq!(intent.status, Status::RequiresAction);
    shop.bank.knows(&ProviderKey::authorize(intent.latest_attempt.unwrap()), QueryOutcome::Authorize(known));
    shop.bank.will_follow_up(refused());
    (shop, intent)
}

async fn cancel(shop: &Shop, id: PaymentIntentId, key: &str) -> (u16, PaymentIntent) {
    let answered: Answered = shop.platform.cancel_payment_intent(&shop.request_under(key), id, None).await.unwrap();
    (answered.answer.status, told(&answered))
}

#[tokio::test]
async fn a_cancellation_that_the_buyer_was_faster_than_tells_at_once_that_the_payment_succeeded() {
    let (shop, intent) = acted(&payment(), approved(true)).await;
    let (status, told) = cancel(&shop, intent.id, "cancel").await;
    assert_eq!((status, told.status), (400, Status::Succeeded));
    assert_eq!(cancel(&shop, intent.id, "cancel").await, (400, told));
    assert_eq!(shop.intent(intent.id).await.cancellation_reason, None);
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn a_reservation_that_the_buyer_was_faster_to_grant_can_be_canceled_with_a_second_void() {
    let (shop, intent) = acted(&reservation(), approved(false)).await;
    let (status, told) = cancel(&shop, intent.id, "first").await;
    assert_eq!((status, told.status), (400, Status::RequiresCapture));
    let (status, told) = cancel(&shop, intent.id, "second").await;
    assert_eq!((status, told.status), (200, Status::Canceled));
    let attempt = intent.latest_attempt.unwrap();
    let voids = [Sent::Void(ProviderKey::void(attempt, 0)), Sent::Void(ProviderKey::void(attempt, 1))];
    assert_eq!(shop.bank.sent()[1..], voids);
}

#[tokio::test]
async fn a_payment_that_the_buyer_was_faster_to_fail_is_canceled() {
    let (shop, intent) = acted(&payment(), declined()).await;
    let (status, told) = cancel(&shop, intent.id, "cancel").await;
    assert_eq!((status, told.status), (200, Status::Canceled));
    assert!(told.canceled_at.is_some());
}

#[tokio::test]
async fn a_cancellation_whose_end_is_unknown_is_followed_up() {
    let (mut shop, intent) = acted(&payment(), AuthorizeOutcome::Unknown(UnknownReason::StillProcessing)).await;
    let (_, told) = cancel(&shop, intent.id, "cancel").await;
    assert_eq!(told.status, Status::Processing);
    shop.bank.knows(&ProviderKey::authorize(intent.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(true)));
    shop.crash();
    shop.recover().await;
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn a_refused_capture_is_an_error_and_the_next_one_has_a_key_of_its_own() {
    let shop = Shop::open().await;
    let intent = shop.pay(&reservation()).await;
    shop.bank.will_follow_up(refused());
    let answered = shop.platform.capture_payment_intent(&shop.request(), intent.id, Some(500)).await.unwrap();
    assert_eq!((answered.answer.status, told::<PaymentIntent>(&answered).status), (400, Status::RequiresCapture));
    let answered = shop.platform.capture_payment_intent(&shop.request(), intent.id, Some(700)).await.unwrap();
    assert_eq!((answered.answer.status, told::<PaymentIntent>(&answered).amount_received), (200, 700));
    let attempt = intent.latest_attempt.unwrap();
    let captures = [Sent::Capture(ProviderKey::capture(attempt, 0)), Sent::Capture(ProviderKey::capture(attempt, 1))];
    assert_eq!(shop.bank.sent()[1..], captures);
}

#[tokio::test]
async fn a_refused_void_is_an_error_and_the_next_one_has_a_key_of_its_own() {
    let shop = Shop::open().await;
    let intent = shop.pay(&reservation()).await;
    shop.bank.will_follow_up(refused());
    assert_eq!(cancel(&shop, intent.id, "first").await.0, 400);
    assert_eq!(cancel(&shop, intent.id, "second").await.1.status, Status::Canceled);
}
