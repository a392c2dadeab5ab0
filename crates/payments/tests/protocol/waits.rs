//! Waiting for buyers: cheap however many never come, and over after a day.

use domain::decline::CardErrorCode;
use domain::outcome::{FollowUpOutcome, QueryOutcome, UnknownReason};
use domain::payment_attempt;
use domain::payment_intent::{PaymentIntent, Status};
use domain::provider_key::ProviderKey;
use domain::setup_intent::{self, SetupIntent};
use payments::By;
use payments::payment_intents::confirm::ConfirmPaymentIntent;
use payments::payment_methods::resolve::MethodInput;

use crate::bank::{Sent, approved, challenge, declined};
use crate::shop::{Shop, payment};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn waiting(shop: &Shop) -> PaymentIntent {
    shop.bank.will_authorize(challenge());
    let intent = shop.pay(&payment()).await;
    assert_eq!(intent.status, Status::RequiresAction);
    intent
}

/// A shop with a payment whose buyer has not acted for as long as they may take.
async fn abandoned() -> (Shop, PaymentIntent) {
    let shop = Shop::open().await;
    let intent = waiting(&shop).await;
    shop.pass(DAY_MS);
    (shop, intent)
}

#[tokio::test]
async fn what_waits_for_a_buyer_is_no_open_operation_until_it_goes_on() {
    let shop = Shop::open().await;
    let (paid, canceled) = (waiting(&shop).await, waiting(&shop).await);
    shop.bank.will_authorize(challenge());
    let setup = shop.set_up(None).await;
    assert_eq!((shop.open_operations().await, shop.waits().await), (0, 3));
    shop.bank.knows(&ProviderKey::authorize(paid.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(true)));
    shop.platform.look_after_waits().await.unwrap();
    assert_eq!((shop.intent(paid.id).await.status, shop.waits().await), (Status::Succeeded, 2));
    shop.bank.will_follow_up(FollowUpOutcome::Unknown(UnknownReason::Timeout));
    shop.platform.cancel_payment_intent(&shop.request(), canceled.id, None).await.unwrap();
    assert_eq!((shop.open_operations().await, shop.waits().await), (1, 1));
    shop.platform.cancel_setup_intent(&shop.request(), setup.id, None).await.unwrap();
    assert_eq!((shop.open_operations().await, shop.waits().await), (1, 0));
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn buyers_waited_for_cost_recovery_nothing_and_are_asked_about_a_few_at_a_time() {
    let shop = Shop::open().await;
    for _ in 0..130 {
        waiting(&shop).await;
    }
    shop.platform.recover_due().await.unwrap();
    assert_eq!(shop.bank.asked(), 0);
    for (pause, asked) in [(0, 100), (1_000, 130), (1_000, 130), (17_999, 130), (1, 230), (20_000, 260), (0, 360), (-90_000, 390), (0, 490)]
    {
        shop.pass(pause);
        shop.platform.look_after_waits().await.unwrap();
        assert_eq!(shop.bank.asked(), asked, "after {pause} ms");
    }
}

#[tokio::test]
async fn a_buyer_who_does_not_act_within_a_day_fails_the_payment_which_takes_another_card() {
    let (shop, intent) = abandoned().await;
    shop.pass(-1);
    shop.platform.look_after_waits().await.unwrap();
    assert_eq!(shop.intent(intent.id).await.status, Status::RequiresAction);
    shop.pass(DAY_MS);
    shop.platform.look_after_waits().await.unwrap();
    let failed = shop.intent(intent.id).await;
    assert_eq!(failed.status, Status::RequiresPaymentMethod);
    assert_eq!(failed.last_error.unwrap().code, CardErrorCode::PaymentIntentAuthenticationFailure);
    assert_eq!(shop.bank.sent()[1..], [Sent::Void(ProviderKey::void(intent.latest_attempt.unwrap(), 0))]);
    assert_eq!((shop.open_operations().await, shop.waits().await), (0, 0));
    let card = Some(MethodInput::Named("pm_card_visa".to_owned()));
    let confirm = ConfirmPaymentIntent { payment_method: card, ..ConfirmPaymentIntent::default() };
    shop.platform.confirm_payment_intent(&shop.request(), intent.id, &confirm).await.unwrap();
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_wait_that_is_given_up_without_an_answer_is_an_open_operation_and_ends_as_any_other() {
    let (mut shop, intent) = abandoned().await;
    shop.bank.will_follow_up(FollowUpOutcome::Unknown(UnknownReason::Timeout));
    shop.platform.look_after_waits().await.unwrap();
    assert_eq!(shop.intent(intent.id).await.status, Status::Processing);
    assert_eq!((shop.open_operations().await, shop.waits().await), (1, 0));
    shop.crash();
    shop.recover().await;
    assert_eq!(shop.intent(intent.id).await.status, Status::RequiresPaymentMethod);
    assert_eq!(shop.attempt_of(&intent).await.status, payment_attempt::Status::Voided);
    assert_eq!(shop.open_operations().await, 0);
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_buyer_who_acts_at_the_last_moment_has_paid() {
    let (shop, intent) = abandoned().await;
    let key = ProviderKey::authorize(intent.latest_attempt.unwrap());
    shop.bank.knows(&key, QueryOutcome::Authorize(approved(true)));
    shop.platform.look_after_waits().await.unwrap();
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    assert_eq!(shop.bank.sent().len(), 1);
}

#[tokio::test]
async fn while_the_provider_does_not_say_how_a_wait_stands_it_is_not_given_up() {
    let (shop, intent) = abandoned().await;
    let key = ProviderKey::authorize(intent.latest_attempt.unwrap());
    shop.bank.knows(&key, QueryOutcome::Unknown(UnknownReason::Timeout));
    shop.platform.look_after_waits().await.unwrap();
    assert_eq!((shop.intent(intent.id).await.status, shop.waits().await), (Status::RequiresAction, 1));
}

#[tokio::test]
async fn a_buyer_who_does_not_act_within_a_day_fails_the_set_up_too() {
    let shop = Shop::open().await;
    let owner = shop.customer().await;
    shop.bank.will_authorize(challenge());
    let setup = shop.set_up(Some(owner)).await;
    shop.pass(DAY_MS - 1);
    shop.platform.look_after_waits().await.unwrap();
    assert_eq!((shop.load::<SetupIntent>(setup.id.ulid()).await.status, shop.waits().await), (setup_intent::Status::RequiresAction, 1));
    shop.pass(DAY_MS);
    shop.platform.look_after_waits().await.unwrap();
    let failed = shop.load::<SetupIntent>(setup.id.ulid()).await;
    assert_eq!((failed.status, failed.payment_method), (setup_intent::Status::RequiresPaymentMethod, None));
    assert_eq!(failed.last_error.unwrap().code, CardErrorCode::SetupIntentAuthenticationFailure);
    assert_eq!(shop.waits().await, 0);
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_payment_is_read_as_it_was_at_one_moment_whenever_another_settles_it() {
    for reads in 0..12 {
        let shop = Shop::open().await;
        let intent = waiting(&shop).await;
        let (key, said) = (ProviderKey::authorize(intent.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(true)));
        shop.bank.knows(&key, said.clone());
        let other = shop.clone();
        shop.meanwhile.happens_after_reads(reads, async move { other.hear(&key, said).await });
        let back = shop.platform.come_back(shop.scope, &By::buyer(None), &intent.client_secret()).await;
        assert!(back.is_ok_and(|back| back.succeeded), "settled after {reads} reads");
        assert_eq!(shop.intent(intent.id).await.amount_received, 2_000);
    }
}

#[tokio::test]
async fn a_payment_declined_while_its_cancellation_looks_at_it_is_canceled_all_the_same() {
    for reads in 0..3 {
        let shop = Shop::open().await;
        let intent = waiting(&shop).await;
        let (key, said) = (ProviderKey::authorize(intent.latest_attempt.unwrap()), QueryOutcome::Authorize(declined()));
        shop.bank.knows(&key, said.clone());
        let other = shop.clone();
        shop.meanwhile.happens_after_reads(reads, async move { other.hear(&key, said).await });
        let canceled = shop.platform.cancel_payment_intent(&shop.request(), intent.id, None).await;
        assert!(canceled.is_ok(), "declined after {reads} reads: {:?}", canceled.err());
        assert_eq!(shop.intent(intent.id).await.status, Status::Canceled, "declined after {reads} reads");
        assert_eq!(shop.differences().await, [""; 0]);
    }
}
