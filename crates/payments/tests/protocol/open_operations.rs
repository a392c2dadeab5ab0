//! What has no known end can be seen, and ended by a person's word, which is kept with the evidence.

use domain::audit::AuditEntry;
use domain::conflict::{Contradiction, Status as RemedyStatus};
use domain::outcome::{AuthorizeOutcome, FollowUpOutcome, QueryOutcome, RefundOutcome, UnknownReason};
use domain::payment_attempt::OperationKind;
use domain::payment_intent::Status;
use domain::provider_key::ProviderKey;
use domain::refund;
use domain::ruling::{End, Ruling};
use domain::setup_intent;
use payments::By;
use payments::open_operations::{On, OpenOperation};
use payments::{Error, outcome::Object};
use store::{Index, List, Scan, Store as _};

use crate::bank::approved;
use crate::shop::{Shop, payment, reservation};

const TIMEOUT: UnknownReason = UnknownReason::Timeout;

fn succeeded() -> Ruling {
    Ruling::new(End::Succeeded { provider_reference: Some("ref_by_hand".to_owned()) }, "ticket 4711").unwrap()
}

fn failed() -> Ruling {
    Ruling::new(End::Failed, "ticket 4712").unwrap()
}

async fn open(shop: &Shop) -> Vec<OpenOperation> {
    shop.platform.open_operations(shop.scope, None, 100).await.unwrap().operations
}

async fn resolve(shop: &Shop, name: &str, ruling: &Ruling) -> Result<Object, Error> {
    shop.platform.resolve(shop.scope, &shop.account, &By::operator("ada"), name, None, ruling).await
}

async fn name_of_only(shop: &Shop) -> String {
    match open(shop).await.as_slice() {
        [OpenOperation { on: On::Attempt(id, _), .. }] => id.to_string(),
        [OpenOperation { on: On::Refund(id, _), .. }] => id.to_string(),
        [OpenOperation { on: On::Setup(id), .. }] => id.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_payment_is_shown_with_what_is_known_of_it_and_ends_by_a_persons_word() {
    for (ruling, status, owed) in [(succeeded(), Status::Succeeded, 2_000), (failed(), Status::RequiresPaymentMethod, 0)] {
        let shop = Shop::open().await;
        shop.bank.will_authorize(AuthorizeOutcome::Unknown(TIMEOUT));
        let intent = shop.pay(&payment()).await;
        let found = open(&shop).await;
        let [only] = found.as_slice() else { panic!("{found:?}") };
        let attempt = shop.attempt_of(&intent).await;
        assert_eq!((only.on, only.operation.kind), (On::Attempt(attempt.id, intent.id), OperationKind::Authorize));
        assert_eq!((only.operation.unknown, only.operation.checks, only.is_remedy), (Some(TIMEOUT), 1, false));
        let Ok(Object::PaymentIntent(told)) = resolve(&shop, &attempt.id.to_string(), &ruling).await else { panic!() };
        assert_eq!((told.status, shop.books().await, open(&shop).await), (status, (owed, 0), Vec::new()));
        assert!(shop.differences().await.is_empty());
    }
}

#[tokio::test]
async fn the_audit_trail_keeps_who_ruled_and_on_what_evidence() {
    let shop = Shop::open().await;
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(TIMEOUT));
    shop.pay(&payment()).await;
    resolve(&shop, &name_of_only(&shop).await, &succeeded()).await.unwrap();
    let ids = shop.store.scan(Scan::newest(List::all(shop.scope, Index::AuditEntries), 1)).await.unwrap();
    let row: AuditEntry = shop.load(ids[0]).await;
    assert_eq!((row.actor, row.note.as_deref()), (By::operator("ada").actor, Some("ticket 4711")));
}

#[tokio::test]
async fn an_unknown_capture_void_refund_and_set_up_end_by_a_persons_word() {
    let shop = Shop::open().await;
    for (captures, ruling, status) in [
        (true, succeeded(), Status::Succeeded),
        (true, failed(), Status::RequiresCapture),
        (false, succeeded(), Status::Canceled),
        (false, failed(), Status::RequiresCapture),
    ] {
        let intent = shop.pay(&reservation()).await;
        shop.bank.will_follow_up(FollowUpOutcome::Unknown(TIMEOUT));
        if captures {
            shop.platform.capture_payment_intent(&shop.request(), intent.id, None).await.unwrap();
        } else {
            shop.platform.cancel_payment_intent(&shop.request(), intent.id, None).await.unwrap();
        }
        resolve(&shop, &name_of_only(&shop).await, &ruling).await.unwrap();
        assert_eq!(shop.intent(intent.id).await.status, status, "{captures} {ruling:?}");
    }
    let paid = shop.pay(&payment()).await;
    for (ruling, status) in [(failed(), refund::Status::Failed), (succeeded(), refund::Status::Succeeded)] {
        shop.bank.will_refund(RefundOutcome::Unknown(TIMEOUT));
        shop.refund(&paid, 500).await;
        let Ok(Object::Refund(told)) = resolve(&shop, &name_of_only(&shop).await, &ruling).await else { panic!() };
        assert_eq!(told.status, status);
    }
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(TIMEOUT));
    shop.set_up(None).await;
    let Ok(Object::SetupIntent(told)) = resolve(&shop, &name_of_only(&shop).await, &succeeded()).await else { panic!() };
    assert_eq!(told.status, setup_intent::Status::Succeeded);
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn a_remedy_that_nobody_knows_the_end_of_ends_by_a_persons_word() {
    let shop = Shop::open().await;
    shop.bank.will_authorize(crate::bank::declined());
    let intent = shop.pay(&payment()).await;
    shop.bank.will_refund(RefundOutcome::Unknown(TIMEOUT));
    let attempt = shop.attempt_of(&intent).await;
    shop.hear(&ProviderKey::authorize(attempt.id), QueryOutcome::Authorize(approved(true))).await;
    assert!(open(&shop).await[0].is_remedy);
    resolve(&shop, &attempt.id.to_string(), &succeeded()).await.unwrap();
    assert_eq!((shop.attempt_of(&intent).await.conflicts[0].status, shop.books().await), (RemedyStatus::Remedied, (0, 0)));
}

#[tokio::test]
async fn what_the_provider_says_later_to_the_contrary_is_kept() {
    let shop = Shop::open().await;
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(TIMEOUT));
    let intent = shop.pay(&payment()).await;
    let attempt = shop.attempt_of(&intent).await;
    resolve(&shop, &attempt.id.to_string(), &failed()).await.unwrap();
    shop.hear(&ProviderKey::authorize(attempt.id), QueryOutcome::Authorize(approved(true))).await;
    let conflicts = shop.attempt_of(&intent).await.conflicts;
    assert_eq!((conflicts.len(), conflicts[0].contradiction), (1, Contradiction::ApprovedAfterEnd));
    assert_eq!(shop.books().await, (0, 0), "what was taken is given back");
}

#[tokio::test]
async fn nothing_is_ruled_on_that_has_an_end_or_may_still_be_answered() {
    let shop = Shop::open().await;
    let paid = shop.pay(&payment()).await;
    let ended = shop.attempt_of(&paid).await.id.to_string();
    for name in [ended.as_str(), "pa_00000000000000000000000001", "order 17", "4242424242424242"] {
        let refused = resolve(&shop, name, &failed()).await;
        assert!(matches!(&refused, Err(Error::NotFound { id, .. }) if id != "4242424242424242"), "{name}: {refused:?}");
    }
    let gate = shop.bank.hold();
    let paying = shop.clone();
    let task = shop.begin(async move { paying.pay(&payment()).await }).await;
    let refused = resolve(&shop, &name_of_only(&shop).await, &failed()).await;
    assert!(matches!(refused, Err(Error::Parameter { param: "operation", .. })), "{refused:?}");
    gate.add_permits(1);
    assert_eq!(task.await.unwrap().status, Status::Succeeded);
}

#[tokio::test]
async fn an_authorization_is_not_ruled_to_have_succeeded_without_the_providers_reference() {
    let shop = Shop::open().await;
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(TIMEOUT));
    shop.pay(&payment()).await;
    let ruling = Ruling::new(End::Succeeded { provider_reference: None }, "somebody said so").unwrap();
    let refused = resolve(&shop, &name_of_only(&shop).await, &ruling).await;
    assert!(matches!(refused, Err(Error::Parameter { param: "provider_reference", .. })), "{refused:?}");
}
