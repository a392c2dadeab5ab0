//! Of several servers on one store one does a job at a time, another one does it once that one is gone, and what a server
//! writes that does not know yet is not kept.

use std::time::Duration;

use domain::outcome::{AuthorizeOutcome, QueryOutcome, RefundFailure, RefundOutcome, UnknownReason};
use domain::payment_intent::{PaymentIntent, Status};
use domain::provider_key::ProviderKey;
use domain::scope::Scope;
use payments::leases::{BEAT, LEASE};
use store::{Batch, Key, Kind, Precondition, Store as _};

use crate::shop::{Shop, payment};

const LONGER_THAN_A_DAY_MS: i64 = 25 * 3_600_000;
const LONGER_THAN_ANY_PAUSE_MS: i64 = 61_000;

async fn two_servers() -> (Shop, Shop) {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let other = shop.other();
    (shop, other)
}

async fn unknown(shop: &Shop) -> PaymentIntent {
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
    let intent = shop.pay(&payment()).await;
    assert_eq!(intent.status, Status::Processing);
    shop.pass(LONGER_THAN_ANY_PAUSE_MS);
    intent
}

async fn recovers(shop: &Shop) -> bool {
    shop.platform.recover_due().await.unwrap() > 0
}

fn lease(job: &str) -> Key {
    Key::named(Scope::PLATFORM, Kind::Setting, format!("lease:{job}"))
}

/// Just before the next commit another server takes that job.
fn overtaken(shop: &Shop, job: &'static str) {
    let store = std::sync::Arc::clone(&shop.store);
    shop.meanwhile.happens(async move {
        let before = store.get_one(&lease(job)).await.unwrap().expect("a lease");
        let mut batch = Batch::new();
        batch.put(lease(job), before.body, Precondition::Revision(before.revision));
        store.commit(batch).await.unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn while_a_server_beats_no_other_does_its_job() {
    let (shop, other) = two_servers().await;
    assert!(!recovers(&shop).await);
    for _ in 0..4 {
        unknown(&shop).await;
        assert!(!recovers(&other).await);
        tokio::time::advance(BEAT).await;
        shop.platform.keep_leases().await.unwrap();
    }
    assert!(recovers(&shop).await);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_is_replaced_when_its_lease_is_over_and_no_sooner() {
    let (shop, other) = two_servers().await;
    assert!(!recovers(&shop).await);
    unknown(&shop).await;
    assert!(!recovers(&other).await);
    tokio::time::advance(LEASE - Duration::from_millis(1)).await;
    assert!(!recovers(&other).await);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(recovers(&other).await);
    // The first one, which was only slow, notices.
    shop.platform.keep_leases().await.unwrap();
    unknown(&shop).await;
    assert!(!recovers(&shop).await);
    assert!(recovers(&other).await);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_given_back_is_taken_at_once() {
    let (shop, other) = two_servers().await;
    assert!(!recovers(&shop).await);
    unknown(&shop).await;
    assert!(!recovers(&other).await);
    shop.platform.release_leases().await.unwrap();
    assert!(recovers(&other).await);
}

#[tokio::test]
async fn of_servers_that_take_a_free_lease_at_once_one_gets_it() {
    let (shop, other) = two_servers().await;
    unknown(&shop).await;
    shop.meanwhile.happens({
        let other = other.clone();
        async move { assert!(recovers(&other).await) }
    });
    assert!(!recovers(&shop).await);
    unknown(&shop).await;
    assert!(!recovers(&shop).await);
    assert!(recovers(&other).await);
}

#[tokio::test]
async fn a_recovery_that_was_overtaken_changes_nothing() {
    let (shop, _) = two_servers().await;
    assert!(!recovers(&shop).await);
    let intent = unknown(&shop).await;
    overtaken(&shop, "recovery");
    assert!(!recovers(&shop).await);
    assert_eq!(shop.intent(intent.id).await.status, Status::Processing);
    // It is still said to be this server's: with the lease as it is now, it goes on.
    assert!(recovers(&shop).await);
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
}

#[tokio::test]
async fn a_listener_that_was_overtaken_takes_nothing_in() {
    let (shop, _) = two_servers().await;
    assert_eq!(shop.platform.listen_to_providers().await.unwrap(), 0);
    let refund = shop.refund(&shop.pay(&payment()).await, 500).await;
    let failed = RefundOutcome::Failed { reason: RefundFailure::LostOrStolenCard };
    shop.bank.tells(&ProviderKey::refund(refund.id), QueryOutcome::Refund(failed));
    overtaken(&shop, "notices");
    shop.platform.listen_to_providers().await.unwrap();
    assert_eq!(shop.load::<domain::refund::Refund>(refund.id.ulid()).await.status, refund.status);
}

#[tokio::test(start_paused = true)]
async fn what_another_server_is_at_is_not_taken_for_interrupted() {
    let (shop, _) = two_servers().await;
    let gate = shop.bank.hold();
    let paying = shop.clone();
    let task = shop.begin(async move { paying.pay(&payment()).await }).await;
    // It began later than the payment, and the bank has not heard of that.
    let other = shop.other();
    assert_eq!(tokio::time::timeout(LEASE, recovers(&other)).await, Ok(false));
    assert_eq!((shop.bank.asked(), shop.bank.sent().len()), (0, 1));
    gate.add_permits(1);
    assert_eq!(task.await.unwrap().status, Status::Succeeded);
}

#[tokio::test]
async fn what_was_overtaken_removes_and_seals_nothing() {
    let (shop, _) = two_servers().await;
    shop.platform.create_payment_intent(&shop.request_under("a key"), &payment()).await.unwrap();
    shop.pass(LONGER_THAN_A_DAY_MS);
    let kept = || async { shop.store.export(Kind::IdempotencyRecord, None, 10).await.unwrap().len() };
    assert_eq!(shop.platform.seal_audit(Duration::from_secs(3_600)).await.unwrap(), 0);

    overtaken(&shop, "sealing");
    shop.platform.seal_audit(Duration::ZERO).await.unwrap();
    let first = |scope| Key::named(scope, Kind::AuditSegment, "1");
    assert_eq!(shop.store.get(&[first(Scope::PLATFORM), first(shop.scope)]).await.unwrap(), [None, None]);
    assert!(shop.platform.seal_audit(Duration::ZERO).await.unwrap() > 0);

    let put_back = shop.store.export(Kind::IdempotencyRecord, None, 10).await.unwrap();
    assert_eq!(shop.platform.expire_idempotency().await.unwrap(), 1);
    let mut batch = Batch::new();
    for exported in put_back {
        batch.put(exported.key, exported.item.body, Precondition::Absent);
    }
    shop.store.commit(batch).await.unwrap();
    overtaken(&shop, "expiry");
    assert!(shop.platform.expire_idempotency().await.is_err());
    assert_eq!(kept().await, 1);
}

#[tokio::test]
async fn a_server_with_a_store_of_its_own_writes_no_lease() {
    let shop = Shop::open().await;
    assert!(!recovers(&shop).await);
    unknown(&shop).await;
    assert!(recovers(&shop).await);
    shop.platform.keep_leases().await.unwrap();
    assert!(shop.store.get_one(&lease("recovery")).await.unwrap().is_none());
}

#[tokio::test]
async fn of_servers_that_begin_on_a_new_store_one_makes_its_first_merchant() {
    let [one, other] = Shop::two_on_a_new_store();
    assert!(one.makes_first_account().await.unwrap());
    assert!(!other.makes_first_account().await.unwrap());
    let (shop, other) = two_servers().await;
    assert!(!shop.platform.makes_first_account().await.unwrap());
    assert!(!other.platform.makes_first_account().await.unwrap());
}
