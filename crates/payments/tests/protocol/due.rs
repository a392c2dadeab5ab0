//! One run of all background jobs, as a schedule calls it.

use std::time::Duration;

use domain::outcome::{AuthorizeOutcome, QueryOutcome, RefundFailure, RefundOutcome, UnknownReason};
use domain::payment_intent::{PaymentIntent, Status};
use domain::provider_key::ProviderKey;
use payments::leases::{BEAT, LEASE};
use store::{Kind, Store as _};

use crate::bank::{approved, challenge};
use crate::shop::{Shop, payment};

/// Longer than any run takes that need not wait.
const ENOUGH: Duration = Duration::from_secs(45);
const LONGER_THAN_ANY_PAUSE_MS: i64 = 61_000;
const LONGER_THAN_A_DAY_MS: i64 = 25 * 3_600_000;

async fn unknown(shop: &Shop) -> PaymentIntent {
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
    let intent = shop.pay(&payment()).await;
    assert_eq!(intent.status, Status::Processing);
    shop.pass(LONGER_THAN_ANY_PAUSE_MS);
    intent
}

#[tokio::test(start_paused = true)]
async fn a_run_does_all_that_is_due_and_counts_it() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let open = unknown(&shop).await;
    shop.bank.will_authorize(challenge());
    let waiting = shop.pay(&payment()).await;
    shop.bank.knows(&ProviderKey::authorize(waiting.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(true)));
    let refund = shop.refund(&shop.pay(&payment()).await, 500).await;
    let failed = RefundOutcome::Failed { reason: RefundFailure::LostOrStolenCard };
    shop.bank.tells(&ProviderKey::refund(refund.id), QueryOutcome::Refund(failed));

    let ran = shop.platform.run_due(ENOUGH).await;
    assert_eq!((ran.recovered, ran.waits_settled, ran.notices_heard), (1, 1, 1));
    assert_eq!((ran.failed, ran.cut), (0, false));
    assert_eq!(ran.left_open.map(|left| left.objects), Some(0));
    for intent in [open, waiting] {
        assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    }
    assert_ne!(shop.load::<domain::refund::Refund>(refund.id.ulid()).await.status, refund.status);
    assert_eq!(shop.platform.run_due(ENOUGH).await.recovered, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_removes_all_records_that_are_too_old_and_not_some() {
    let shop = Shop::open().await;
    for n in 0..150 {
        shop.platform.create_payment_intent(&shop.request_under(&format!("key {n}")), &payment()).await.unwrap();
    }
    shop.pass(LONGER_THAN_A_DAY_MS);
    assert_eq!(shop.platform.run_due(ENOUGH).await.records_expired, 150);
    assert!(shop.store.export(Kind::IdempotencyRecord, None, 1).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_run_after_one_begins_at_once_in_whichever_process() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let other = shop.other();
    shop.platform.run_due(ENOUGH).await;
    unknown(&shop).await;
    let began = tokio::time::Instant::now();
    assert_eq!(other.platform.run_due(ENOUGH).await.recovered, 1);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_the_leases_of_one_that_was_killed() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let other = shop.other();
    // It has the lease of recovery, and neither beats nor gives it back.
    shop.platform.recover_due().await.unwrap();
    unknown(&shop).await;
    let began = tokio::time::Instant::now();
    assert_eq!(other.platform.run_due(ENOUGH).await.recovered, 1);
    assert!(began.elapsed() >= LEASE);
}

#[tokio::test(start_paused = true)]
async fn a_run_leaves_the_jobs_of_a_server_that_lives_to_it() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let other = shop.other();
    shop.platform.recover_due().await.unwrap();
    unknown(&shop).await;
    let lives = async {
        loop {
            shop.platform.keep_leases().await.unwrap();
            tokio::time::sleep(BEAT).await;
        }
    };
    tokio::select! {
        ran = other.platform.run_due(ENOUGH) => assert_eq!((ran.recovered, ran.left_open, ran.failed), (0, None, 0)),
        () = lives => {}
    }
    assert_eq!(shop.platform.recover_due().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_its_time_is_over_and_the_next_goes_on() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let intent = unknown(&shop).await;
    // Recovery finds that the bank does not know the payment, sends it again, and the bank keeps silent.
    let gate = shop.bank.hold();
    let began = tokio::time::Instant::now();
    let ran = shop.platform.run_due(ENOUGH).await;
    assert_eq!((ran.cut, began.elapsed()), (true, ENOUGH));
    assert_eq!(ran.recovered, 0);
    gate.add_permits(1);
    shop.bank.release();
    shop.pass(LONGER_THAN_ANY_PAUSE_MS);
    let again = shop.other().platform.run_due(ENOUGH).await;
    assert_eq!((again.recovered, again.cut), (1, false));
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cut_off_does_not_tell_what_an_earlier_one_saw() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    assert!(shop.platform.run_due(ENOUGH).await.left_open.is_some());
    unknown(&shop).await;
    let _gate = shop.bank.hold();
    let ran = shop.platform.run_due(ENOUGH).await;
    assert_eq!((ran.cut, ran.left_open), (true, None));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_loses_a_job_in_the_middle_of_a_round_ends() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    for _ in 0..130 {
        shop.bank.will_authorize(challenge());
        shop.pay(&payment()).await;
    }
    shop.platform.look_after_waits().await.unwrap();
    let other = shop.other();
    tokio::time::advance(LEASE).await;
    let lives = async {
        loop {
            other.platform.look_after_waits().await.unwrap();
            other.platform.keep_leases().await.unwrap();
            tokio::time::sleep(BEAT).await;
        }
    };
    tokio::select! {
        ran = shop.platform.run_due(ENOUGH) => assert_eq!((ran.failed, ran.cut), (0, false)),
        () = lives => {}
    }
}
