//! What was begun is ended as it was begun, whoever ends it.

use std::time::Duration;

use domain::currency::Currency;
use domain::money::Money;
use domain::outcome::{AuthorizeOutcome, UnknownReason};
use domain::payment_intent::{Status, ThreeDSecureRequest};

use crate::bank::Sent;
use crate::shop::{Shop, payment, payment_asking};

/// Where a test that waits for ever is ended.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_is_sent_again_asks_for_authentication_as_it_did_at_first() {
    for choice in [ThreeDSecureRequest::Automatic, ThreeDSecureRequest::Any, ThreeDSecureRequest::Challenge] {
        let mut shop = Shop::open().await;
        shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
        let intent = shop.pay(&payment_asking(choice)).await;
        assert_eq!(intent.status, Status::Processing);
        shop.crash();
        shop.recover().await;
        assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
        let key = domain::provider_key::ProviderKey::authorize(intent.latest_attempt.unwrap());
        assert_eq!(shop.bank.sent(), [Sent::Authorize(key.clone(), choice), Sent::Authorize(key, choice)]);
    }
}

#[tokio::test]
async fn an_operation_whose_provider_keeps_silent_holds_up_no_other() {
    let mut shop = Shop::open().await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
        waiting.push(shop.pay(&payment()).await.id);
    }
    shop.crash();
    shop.bank.answers_queries_together(waiting.len());
    tokio::time::timeout(PATIENCE, shop.recover()).await.expect("one question waits for the answer to another");
    for id in waiting {
        assert_eq!(shop.intent(id).await.status, Status::Succeeded);
    }
}

#[tokio::test]
async fn books_with_a_payment_that_its_fee_eats_up_are_right() {
    let shop = Shop::open().await;
    let mut eaten = payment();
    eaten.amount = Money::new(20, Currency::Usd);
    assert_eq!(shop.pay(&eaten).await.status, Status::Succeeded);
    assert_eq!(shop.differences().await, [""; 0]);
}
