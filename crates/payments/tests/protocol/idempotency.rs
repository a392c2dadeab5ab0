//! Repeated requests.

use std::sync::Arc;

use domain::fingerprint_key::FingerprintKey;
use domain::idempotency::Fingerprint;
use domain::outcome::{QueryOutcome, UnknownReason};
use domain::payment_intent::{PaymentIntent, Status};
use domain::provider_key::ProviderKey;
use payments::idempotency::Idempotency;
use payments::payment_intents::create::NewPaymentIntent;
use payments::ports::{Audience, Rendering};
use payments::{Error, Request};
use store::{Kind, Store as _};

use crate::bank::{Sent, approved};
use crate::shop::{Shop, payment, told};

const LONGER_THAN_A_DAY_MS: i64 = 25 * 3_600_000;
/// One look is at 98 records, and half of them are the first ones.
const MORE_THAN_A_LOOK: usize = 120;

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

#[tokio::test]
async fn what_was_answered_is_told_again_though_it_would_be_refused_now() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let confirmed = NewPaymentIntent { customer: Some(customer), ..payment() };
    let unconfirmed = NewPaymentIntent { confirm: None, ..confirmed.clone() };
    let mut answers = Vec::new();
    for (key, new) in [("confirmed", &confirmed), ("unconfirmed", &unconfirmed)] {
        answers.push(shop.platform.create_payment_intent(&shop.request_under(key), new).await.unwrap());
    }
    shop.platform.delete_customer(&shop.request(), customer).await.unwrap();
    assert!(shop.platform.create_payment_intent(&shop.request_under("new"), &confirmed).await.unwrap_err().is_refusal());
    for ((key, new), told) in [("confirmed", &confirmed), ("unconfirmed", &unconfirmed)].into_iter().zip(answers) {
        let again = shop.platform.create_payment_intent(&shop.request_under(key), new).await.unwrap();
        assert_eq!((again.replayed, again.answer), (true, told.answer));
    }
}

#[tokio::test]
async fn old_records_are_removed_wherever_the_store_keeps_them() {
    let shop = Shop::open().await;
    let new = NewPaymentIntent { confirm: None, ..payment() };
    // This store keeps them by their names.
    shop.platform.create_payment_intent(&shop.request_under("z old"), &new).await.unwrap();
    shop.pass(LONGER_THAN_A_DAY_MS);
    for n in 0..MORE_THAN_A_LOOK {
        shop.platform.create_payment_intent(&shop.request_under(&format!("young {n}")), &new).await.unwrap();
    }
    let mut removed = Vec::new();
    for _ in 0..5 {
        removed.push(shop.platform.expire_idempotency().await.unwrap());
    }
    assert_eq!(removed, [0, 1, 0, 0, 0]);
    assert_eq!(shop.store.export(Kind::IdempotencyRecord, None, 1_000).await.unwrap().len(), MORE_THAN_A_LOOK);
    shop.pass(LONGER_THAN_A_DAY_MS);
    let mut left = MORE_THAN_A_LOOK;
    while left > 0 {
        let gone = shop.platform.expire_idempotency().await.unwrap();
        assert!(gone > 0);
        left -= gone;
    }
}

#[tokio::test]
async fn a_recovered_request_finds_its_answer_among_the_keys_of_those_who_sent_it() {
    let mut shop = Shop::open().await;
    let for_browser = Rendering { audience: Audience::Browser, ..Rendering::default() };
    let requests = [shop.request_under("key"), Request { rendering: for_browser, ..shop.request_under("key") }];
    let mut keys = Vec::new();
    shop.bank.hold();
    for request in requests.clone() {
        let platform = Arc::clone(&shop.platform);
        drop(shop.begin(async move { platform.create_payment_intent(&request, &payment()).await }).await);
        let Some(Sent::Authorize(key, _)) = shop.bank.sent().pop() else { panic!() };
        shop.bank.knows(&key, QueryOutcome::Authorize(approved(true)));
        keys.push(key);
    }
    shop.crash();
    shop.recover().await;
    for (request, key) in requests.iter().zip(keys) {
        let again = shop.platform.create_payment_intent(request, &payment()).await.unwrap();
        let intent: PaymentIntent = told(&again);
        assert_eq!((again.replayed, intent.status), (true, Status::Succeeded));
        assert_eq!(ProviderKey::authorize(intent.latest_attempt.unwrap()), key);
    }
    assert_eq!(shop.bank.sent().len(), 2);
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn a_request_whose_record_another_has_completed_waits_no_longer_and_is_told_what_was_kept() {
    let shop = Shop::open().await;
    let gate = shop.bank.hold();
    let (platform, request) = (Arc::clone(&shop.platform), shop.request_under("key"));
    let sent = request.clone();
    let waiting = shop.begin(async move { platform.create_payment_intent(&sent, &payment()).await.unwrap() }).await;
    let Some(Sent::Authorize(key, _)) = shop.bank.sent().pop() else { panic!() };
    shop.bank.knows(&key, QueryOutcome::Unknown(UnknownReason::Timeout));
    shop.recover().await;
    gate.add_permits(1);
    let first = waiting.await.unwrap();
    let again = shop.platform.create_payment_intent(&request, &payment()).await.unwrap();
    assert_eq!((told::<PaymentIntent>(&first).status, &first.answer), (Status::Processing, &again.answer));
    assert_eq!(shop.intent(told::<PaymentIntent>(&first).id).await.status, Status::Succeeded);
}
