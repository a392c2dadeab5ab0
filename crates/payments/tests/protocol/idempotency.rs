//! Repeated requests.

use domain::fingerprint_key::FingerprintKey;
use domain::idempotency::Fingerprint;
use payments::idempotency::Idempotency;
use payments::{Error, Request};

use crate::shop::{Shop, payment};

#[tokio::test]
async fn a_key_that_comes_with_another_request_is_refused_and_nothing_is_charged() {
    let shop = Shop::open().await;
    let first = shop.request_under("key");
    let told = shop.platform.create_payment_intent(&first, &payment()).await.unwrap();
    let again = shop.platform.create_payment_intent(&first, &payment()).await.unwrap();
    assert_eq!((again.replayed, &again.answer), (true, &told.answer));
    let fingerprint = Fingerprint::of(&FingerprintKey::new(&[2; 32]), "POST", "another", b"");
    let other = Request { idempotency: Some(Idempotency { key: "key".to_owned(), fingerprint }), ..shop.request() };
    let refused = shop.platform.create_payment_intent(&other, &payment()).await;
    assert!(matches!(refused, Err(Error::IdempotencyMismatch)));
    assert_eq!(shop.bank.sent().len(), 1);
}
