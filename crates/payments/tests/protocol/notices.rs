//! What a provider says of its own accord is taken in once, whatever else is under way, and nothing of it is missed.

use domain::outcome::{QueryOutcome, RefundFailure, RefundOutcome, UnknownReason};
use domain::payment_attempt::PaymentAttempt;
use domain::provider_key::ProviderKey;
use domain::refund::{Refund, Status};

use crate::bank::approved;
use crate::shop::{Shop, payment, reservation};

fn returned() -> QueryOutcome {
    QueryOutcome::Refund(RefundOutcome::Failed { reason: RefundFailure::LostOrStolenCard })
}

async fn refunded(shop: &Shop) -> Refund {
    let intent = shop.pay(&payment()).await;
    let refund = shop.refund(&intent, 500).await;
    assert_eq!(refund.status, Status::Succeeded);
    refund
}

async fn listen(shop: &Shop) -> usize {
    shop.platform.listen_to_providers().await.unwrap()
}

async fn status(shop: &Shop, refund: &Refund) -> Status {
    shop.load::<Refund>(refund.id.ulid()).await.status
}

#[tokio::test]
async fn a_refund_that_the_buyers_bank_returns_is_heard_of_without_a_request_and_once() {
    let mut shop = Shop::open().await;
    let (first, second) = (refunded(&shop).await, refunded(&shop).await);
    shop.bank.tells(&ProviderKey::refund(first.id), returned());
    assert_eq!(listen(&shop).await, 1);
    assert_eq!((status(&shop, &first).await, status(&shop, &second).await), (Status::Failed, Status::Succeeded));
    shop.crash();
    assert_eq!(listen(&shop).await, 0, "what was heard is remembered");
    shop.bank.tells(&ProviderKey::refund(second.id), returned());
    assert_eq!(listen(&shop).await, 1);
    assert_eq!(status(&shop, &second).await, Status::Failed);
    assert_eq!(shop.books().await, (4_000, 0));
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn servers_that_listen_at_the_same_time_book_a_notice_once() {
    let mut shop = Shop::open().await;
    let refund = refunded(&shop).await;
    let other = shop.clone();
    shop.crash();
    shop.bank.tells(&ProviderKey::refund(refund.id), returned());
    let (one, two) = tokio::join!(shop.platform.listen_to_providers(), other.platform.listen_to_providers());
    assert!(one.is_ok() && two.is_ok());
    assert_eq!((status(&shop, &refund).await, shop.books().await), (Status::Failed, (2_000, 0)));
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_taken_in_yet_is_asked_about_again_and_holds_up_nothing() {
    let shop = Shop::open().await;
    let refund = refunded(&shop).await;
    let reserved = shop.pay(&reservation()).await;
    let attempt: PaymentAttempt = shop.attempt_of(&reserved).await;
    shop.bank.will_follow_up(domain::outcome::FollowUpOutcome::Unknown(UnknownReason::Timeout));
    shop.platform.capture_payment_intent(&shop.request(), reserved.id, None).await.unwrap();
    // An authorisation that is taken back while a capture is under way.
    let key = ProviderKey::authorize(attempt.id);
    shop.bank.tells(&key, QueryOutcome::Authorize(crate::bank::declined()));
    shop.bank.tells(&ProviderKey::refund(refund.id), returned());
    assert_eq!(listen(&shop).await, 2);
    assert_eq!(status(&shop, &refund).await, Status::Failed);
    assert!(shop.attempt_of(&reserved).await.conflicts.is_empty(), "not yet");
    shop.recover().await;
    assert_eq!(listen(&shop).await, 0);
    assert_eq!(shop.attempt_of(&reserved).await.conflicts.len(), 1, "asked about again");
    shop.bank.knows(&key, QueryOutcome::Authorize(approved(false)));
    assert_eq!(listen(&shop).await, 0);
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn a_notice_of_something_else_is_passed_over() {
    let shop = Shop::open().await;
    let refund = refunded(&shop).await;
    shop.bank.tells(&ProviderKey::from_text("order-17"), returned());
    shop.bank.tells(&ProviderKey::from_text("pa_00000000000000000000000001_auth"), QueryOutcome::NotFound);
    shop.bank.tells(&ProviderKey::refund(refund.id), returned());
    assert_eq!(listen(&shop).await, 3);
    assert_eq!(status(&shop, &refund).await, Status::Failed);
}
