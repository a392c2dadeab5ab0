//! A provider contradicts itself after the shop has been told: what it took is given back, what it holds is given up,
//! what nobody can put right is kept for a person; and the books agree with the provider's all the while.

use domain::conflict::{Contradiction, Remedy, Status as RemedyStatus};
use domain::outcome::{FollowUpOutcome, QueryOutcome, RefundFailure, RefundOutcome, UnknownReason};
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::{PaymentIntent, Status};
use domain::provider_key::ProviderKey;
use domain::refund::{self, Refund};
use payments::{By, Error};

use crate::bank::{Sent, approved, challenge, declined};
use crate::shop::{Shop, payment, reservation};

fn refused() -> FollowUpOutcome {
    FollowUpOutcome::Refused("no".to_owned())
}

fn succeeded() -> RefundOutcome {
    RefundOutcome::Succeeded { provider_reference: "ref_refund".to_owned() }
}

fn authorize(attempt: &PaymentAttempt) -> ProviderKey {
    ProviderKey::authorize(attempt.id)
}

async fn cancel(shop: &Shop, intent: &PaymentIntent) {
    shop.platform.cancel_payment_intent(&shop.request(), intent.id, None).await.unwrap();
}

async fn capture(shop: &Shop, intent: &PaymentIntent, amount: i64) {
    shop.platform.capture_payment_intent(&shop.request(), intent.id, Some(amount)).await.unwrap();
}

/// A payment that ended without money, and its attempt.
#[derive(Clone, Copy, Debug)]
enum End {
    Declined,
    CanceledWaiting,
    CanceledReserved,
    CanceledAfterRefusedCapture,
}

async fn ended(end: End) -> (Shop, PaymentIntent, PaymentAttempt) {
    let shop = Shop::open().await;
    let intent = match end {
        End::Declined => {
            shop.bank.will_authorize(declined());
            shop.pay(&payment()).await
        }
        End::CanceledWaiting => {
            shop.bank.will_authorize(challenge());
            shop.pay(&payment()).await
        }
        End::CanceledReserved | End::CanceledAfterRefusedCapture => shop.pay(&reservation()).await,
    };
    if matches!(end, End::CanceledAfterRefusedCapture) {
        shop.bank.will_follow_up(refused());
        capture(&shop, &intent, 700).await;
    }
    if !matches!(end, End::Declined) {
        cancel(&shop, &intent).await;
    }
    let (intent, attempt) = (shop.intent(intent.id).await, shop.attempt_of(&intent).await);
    assert!(matches!(intent.status, Status::RequiresPaymentMethod | Status::Canceled));
    (shop, intent, attempt)
}

#[tokio::test]
async fn money_taken_for_a_payment_that_ended_without_it_is_given_back_and_held_money_is_given_up() {
    let table = [
        (End::Declined, approved(true), Contradiction::ApprovedAfterEnd, Some(2_000)),
        (End::Declined, approved(false), Contradiction::ApprovedAfterEnd, None),
        (End::CanceledWaiting, approved(true), Contradiction::ApprovedAfterEnd, Some(2_000)),
        (End::CanceledWaiting, approved(false), Contradiction::ApprovedAfterEnd, None),
        (End::CanceledReserved, approved(true), Contradiction::ApprovedAfterEnd, Some(2_000)),
    ];
    for (end, said, contradiction, given_back) in table {
        let (shop, before, attempt) = ended(end).await;
        // It no longer knows what it had given up.
        shop.bank.knows(&ProviderKey::void(attempt.id, 0), QueryOutcome::NotFound);
        shop.hear(&authorize(&attempt), QueryOutcome::Authorize(said.clone())).await;
        let remedy = ProviderKey::compensate(attempt.id, 0);
        let sent = given_back.map_or(Sent::Void(remedy.clone()), |amount| Sent::Refund(remedy.clone(), amount));
        assert_eq!(shop.bank.sent().last(), Some(&sent), "{end:?} {said:?}");
        assert_eq!(shop.intent(before.id).await, before, "{end:?}: what the shop was told stays");
        let conflicts = shop.attempt_of(&before).await.conflicts;
        assert_eq!((conflicts.len(), conflicts[0].contradiction, conflicts[0].status), (1, contradiction, RemedyStatus::Remedied));
        assert_eq!((shop.books().await, shop.open_operations().await), ((0, 0), 0));
        assert!(shop.differences().await.is_empty(), "{end:?}");
        let sent = shop.bank.sent().len();
        shop.hear(&authorize(&attempt), QueryOutcome::Authorize(said)).await;
        assert_eq!(shop.bank.sent().len(), sent, "{end:?}: heard twice, put right once");
    }
}

#[tokio::test]
async fn what_the_buyer_approved_and_the_provider_gave_up_with_the_wait_is_no_contradiction() {
    let (shop, intent, attempt) = ended(End::CanceledWaiting).await;
    let (key, said) = (authorize(&attempt), QueryOutcome::Authorize(approved(false)));
    let void = ProviderKey::void(attempt.id, 0);
    shop.bank.knows(&void, QueryOutcome::Unknown(UnknownReason::Timeout));
    let heard = shop.try_hear(&key, said.clone()).await;
    assert!(matches!(heard, Err(Error::LockTimeout)), "while nobody can tell, it is to be said again");
    shop.bank.knows(&void, QueryOutcome::Void(FollowUpOutcome::Done));
    shop.hear(&key, said).await;
    assert!(shop.attempt_of(&intent).await.conflicts.is_empty());
    assert!(shop.bank.sent().iter().all(|sent| *sent != Sent::Void(ProviderKey::compensate(attempt.id, 0))));
    assert_eq!(shop.intent(intent.id).await, intent);
}

#[tokio::test]
async fn what_a_refused_capture_took_after_the_void_is_given_back() {
    let (shop, intent, attempt) = ended(End::CanceledAfterRefusedCapture).await;
    shop.bank.will_refund(RefundOutcome::Unknown(UnknownReason::Timeout));
    shop.hear(&ProviderKey::capture(attempt.id, 0), QueryOutcome::Capture(FollowUpOutcome::Done)).await;
    assert_eq!((shop.books().await, shop.open_operations().await), ((700, -700), 1), "taken, and not known to be given back");
    shop.recover().await;
    let remedy = Sent::Refund(ProviderKey::compensate(attempt.id, 0), 700);
    assert_eq!(shop.bank.sent()[3..], [remedy.clone(), remedy], "lost at first, and sent again under the same key");
    assert_eq!((shop.books().await, shop.open_operations().await), ((0, 0), 0));
    let conflict = &shop.attempt_of(&intent).await.conflicts[0];
    assert_eq!((conflict.contradiction, conflict.status), (Contradiction::CapturedAfterEnd, RemedyStatus::Remedied));
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn a_remedy_that_was_begun_before_a_crash_is_ended_after_it() {
    let (mut shop, intent, attempt) = ended(End::Declined).await;
    shop.bank.will_refund(RefundOutcome::Unknown(UnknownReason::Timeout));
    shop.hear(&authorize(&attempt), QueryOutcome::Authorize(approved(true))).await;
    shop.crash();
    shop.bank.knows(&ProviderKey::compensate(attempt.id, 0), QueryOutcome::Refund(succeeded()));
    shop.recover().await;
    assert_eq!(shop.attempt_of(&intent).await.conflicts[0].status, RemedyStatus::Remedied);
    assert_eq!((shop.books().await, shop.open_operations().await), ((0, 0), 0));
}

#[tokio::test]
async fn a_refused_remedy_stays_in_suspense_for_a_person() {
    let (shop, intent, attempt) = ended(End::Declined).await;
    shop.bank.will_refund(RefundOutcome::Failed { reason: RefundFailure::Declined });
    shop.hear(&authorize(&attempt), QueryOutcome::Authorize(approved(true))).await;
    assert_eq!(shop.attempt_of(&intent).await.conflicts[0].status, RemedyStatus::NeedsPerson);
    assert_eq!((shop.books().await, shop.open_operations().await), ((2_000, -2_000), 0));
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_voided_because_it_was_taken_is_given_back() {
    let (shop, intent, attempt) = ended(End::CanceledWaiting).await;
    shop.bank.knows(&authorize(&attempt), QueryOutcome::Authorize(approved(true)));
    shop.bank.will_follow_up(refused());
    shop.hear(&ProviderKey::void(attempt.id, 0), QueryOutcome::Void(refused())).await;
    let conflicts = shop.attempt_of(&intent).await.conflicts;
    let found: Vec<_> = conflicts.iter().map(|c| (c.contradiction, c.status)).collect();
    let expected =
        [(Contradiction::VoidRefusedAfterVoid, RemedyStatus::NeedsPerson), (Contradiction::ApprovedAfterEnd, RemedyStatus::Remedied)];
    assert_eq!(found, expected);
    assert_eq!(shop.books().await, (0, 0));
}

#[tokio::test]
async fn what_a_provider_denies_after_it_was_booked_is_kept_for_a_person_and_changes_nothing() {
    let shop = Shop::open().await;
    let intent = shop.pay(&payment()).await;
    let attempt = shop.attempt_of(&intent).await;
    shop.hear(&authorize(&attempt), QueryOutcome::Authorize(declined())).await;
    assert_eq!(shop.intent(intent.id).await, intent);
    let conflict = &shop.attempt_of(&intent).await.conflicts[0];
    assert_eq!((conflict.contradiction, conflict.remedy), (Contradiction::DeclinedAfterApproval, Remedy::Person));
    assert_eq!((shop.bank.sent().len(), shop.books().await), (1, (2_000, 0)));
}

#[tokio::test]
async fn the_answer_that_everybody_waits_for_settles_the_payment_whoever_brings_it() {
    let shop = Shop::open().await;
    shop.bank.will_authorize(challenge());
    let intent = shop.pay(&payment()).await;
    shop.hear(&authorize(&shop.attempt_of(&intent).await), QueryOutcome::Authorize(approved(true))).await;
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    assert_eq!((shop.open_operations().await, shop.books().await), (0, (2_000, 0)));
}

#[tokio::test]
async fn a_refund_that_succeeds_after_it_failed_is_in_suspense_and_the_charge_keeps_its_limit() {
    let shop = Shop::open().await;
    let intent = shop.pay(&payment()).await;
    shop.bank.will_refund(RefundOutcome::Failed { reason: RefundFailure::Unknown });
    let refund = shop.refund(&intent, 500).await;
    assert_eq!(refund.status, refund::Status::Failed);
    let key = ProviderKey::refund(refund.id);
    shop.bank.knows(&key, QueryOutcome::Refund(succeeded()));
    shop.hear(&key, QueryOutcome::Refund(succeeded())).await;
    let kept: Refund = shop.load(refund.id.ulid()).await;
    assert_eq!((kept.status, kept.conflicts[0].contradiction), (refund::Status::Failed, Contradiction::RefundedAfterFailure));
    assert_eq!(shop.books().await, (1_500, 500));
    assert_eq!(shop.refund(&intent, 2_000).await.status, refund::Status::Succeeded);
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn a_refund_that_fails_after_it_succeeded_is_the_merchants_again() {
    let shop = Shop::open().await;
    let intent = shop.pay(&payment()).await;
    let refund = shop.refund(&intent, 500).await;
    shop.hear(&ProviderKey::refund(refund.id), QueryOutcome::Refund(RefundOutcome::Failed { reason: RefundFailure::Unknown })).await;
    let kept: Refund = shop.load(refund.id.ulid()).await;
    assert_eq!((kept.status, kept.conflicts.len()), (refund::Status::Failed, 0));
    assert!(kept.failure_balance_transaction.is_some());
    assert_eq!(shop.books().await, (2_000, 0));
    assert_eq!(shop.refund(&intent, 2_000).await.status, refund::Status::Succeeded);
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn the_answer_of_a_request_that_recovery_overtook_is_heard_as_a_late_one() {
    let shop = Shop::open().await;
    let gate = shop.bank.hold();
    let paying = shop.clone();
    let task = shop.begin(async move { paying.pay(&payment()).await }).await;
    let Some(Sent::Authorize(key, _)) = shop.bank.sent().pop() else { panic!() };
    shop.bank.knows(&key, QueryOutcome::Authorize(declined()));
    shop.recover().await;
    gate.add_permits(2);
    let told = task.await.unwrap();
    assert_eq!(told.status, Status::RequiresPaymentMethod, "recovery's answer is the answer");
    let conflict = &shop.attempt_of(&told).await.conflicts[0];
    assert_eq!((conflict.contradiction, conflict.status), (Contradiction::ApprovedAfterEnd, RemedyStatus::Remedied));
    assert_eq!((shop.books().await, shop.open_operations().await), ((0, 0), 0));
}

#[tokio::test]
async fn notices_of_a_refund_that_come_in_the_wrong_order_contradict_nothing() {
    let shop = Shop::open().await;
    let intent = shop.pay(&payment()).await;
    let refund = shop.refund(&intent, 500).await;
    let (key, failed) = (ProviderKey::refund(refund.id), QueryOutcome::Refund(RefundOutcome::Failed { reason: RefundFailure::Unknown }));
    shop.bank.knows(&key, failed.clone());
    shop.hear(&key, failed.clone()).await;
    let (before, books): (Refund, _) = (shop.load(refund.id.ulid()).await, shop.books().await);
    shop.bank.knows(&key, QueryOutcome::Unknown(UnknownReason::Timeout));
    let heard = shop.try_hear(&key, QueryOutcome::Refund(succeeded())).await;
    assert!(matches!(heard, Err(Error::LockTimeout)), "while nobody can tell, it is to be said again");
    shop.bank.knows(&key, failed);
    shop.hear(&key, QueryOutcome::Refund(succeeded())).await;
    assert_eq!((shop.load::<Refund>(refund.id.ulid()).await, shop.books().await), (before, books));
}

#[tokio::test]
async fn the_answer_of_a_refund_that_recovery_overtook_is_heard_as_a_late_one() {
    let shop = Shop::open().await;
    let intent = shop.pay(&payment()).await;
    let gate = shop.bank.hold();
    let (refunding, of) = (shop.clone(), intent.clone());
    let task = shop.begin(async move { refunding.refund(&of, 500).await }).await;
    let Some(Sent::Refund(key, _)) = shop.bank.sent().pop() else { panic!() };
    shop.bank.knows(&key, QueryOutcome::Refund(RefundOutcome::Failed { reason: RefundFailure::Unknown }));
    shop.recover().await;
    gate.add_permits(1);
    let told = task.await.unwrap();
    assert_eq!(told.status, refund::Status::Failed, "recovery's answer is the answer");
    let kept: Refund = shop.load(told.id.ulid()).await;
    assert_eq!(kept.conflicts[0].contradiction, Contradiction::RefundedAfterFailure);
    assert_eq!(shop.books().await, (1_500, 500));
}

#[tokio::test]
async fn an_answer_about_nothing_we_asked_is_refused() {
    let shop = Shop::open().await;
    let nobody = ProviderKey::from_text("pa_00000000000000000000000001_auth");
    let heard = shop.platform.hear(shop.scope, &shop.account, &By::provider("bank"), &nobody, QueryOutcome::Authorize(declined())).await;
    assert!(matches!(heard, Err(Error::NotFound { .. })));
}
