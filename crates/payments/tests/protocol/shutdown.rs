//! A process that ends finishes what it has begun.

use std::time::Duration;

use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::Status;

use crate::bank::Sent;
use crate::shop::{Shop, payment};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

/// A payment whose client hung up while the provider was asked.
async fn abandoned() -> (Shop, std::sync::Arc<tokio::sync::Semaphore>, PaymentAttempt) {
    let shop = Shop::open().await;
    let gate = shop.bank.hold();
    let paying = shop.clone();
    let task = shop.begin(async move { paying.pay(&payment()).await }).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let Some(Sent::Authorize(key, _)) = shop.bank.sent().pop() else { panic!() };
    let attempt = shop.load(key.subject().unwrap()).await;
    (shop, gate, attempt)
}

#[tokio::test]
async fn what_a_client_hung_up_on_is_waited_for() {
    let (shop, gate, attempt) = abandoned().await;
    let mut finish = Box::pin(shop.platform.finish(LONG));
    assert!(futures::poll!(&mut finish).is_pending());
    gate.add_permits(1);
    assert_eq!(finish.await, 0);
    assert_eq!(shop.intent(attempt.payment_intent).await.status, Status::Succeeded);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_holds_up_the_end_no_longer_than_allowed_and_recovery_goes_on() {
    let (mut shop, _gate, attempt) = abandoned().await;
    assert_eq!(shop.platform.finish(Duration::ZERO).await, 1);
    shop.crash();
    shop.bank.release();
    shop.recover().await;
    assert_eq!(shop.intent(attempt.payment_intent).await.status, Status::Succeeded);
}
