//! Customers: what a deleted one cannot be used for, however close the race.

use std::sync::Arc;

use domain::customer::Customer;
use domain::decline::CardErrorCode;
use domain::id::CustomerId;
use domain::outcome::QueryOutcome;
use domain::payment_intent::{FutureUsage, PaymentIntent, Status};
use domain::payment_method::PaymentMethod;
use domain::provider_key::ProviderKey;
use domain::setup_intent::{self, SetupIntent};
use futures::future::join_all;
use payments::Error;
use payments::change::Change;
use payments::customers::CustomerChange;
use payments::payment_intents::confirm::ConfirmPaymentIntent;
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_methods::resolve::MethodInput;
use payments::setup_intents::confirm::ConfirmSetupIntent;

use crate::bank::{approved, challenge};
use crate::shop::{Shop, payment, set_up_later, told};

fn payment_of(customer: CustomerId, card: &PaymentMethod) -> NewPaymentIntent {
    let payment_method = Some(MethodInput::Named(card.id.to_string()));
    NewPaymentIntent { customer: Some(customer), payment_method, ..payment() }
}

fn unconfirmed(new: NewPaymentIntent) -> NewPaymentIntent {
    NewPaymentIntent { confirm: None, ..new }
}

fn saving(customer: CustomerId) -> NewPaymentIntent {
    NewPaymentIntent { customer: Some(customer), setup_future_usage: Some(FutureUsage::OffSession), ..payment() }
}

async fn delete(shop: &Shop, customer: CustomerId) {
    shop.platform.delete_customer(&shop.request(), customer).await.unwrap();
}

/// The customer is deleted just before the next commit.
fn deleted_meanwhile(shop: &Shop, customer: CustomerId) {
    let other = shop.clone();
    shop.meanwhile.happens(async move { delete(&other, customer).await });
}

#[track_caller]
fn assert_no_such_customer<T: std::fmt::Debug>(refused: &Result<T, Error>) {
    assert!(matches!(refused, Err(Error::NotFound { kind: "customer", param: "customer", .. })), "{refused:?}");
}

#[tokio::test]
async fn a_deleted_customers_card_pays_no_more() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let card = shop.attached(customer).await;
    let intent = shop.pay(&unconfirmed(payment_of(customer, &card))).await;
    delete(&shop, customer).await;
    let confirmed = shop.platform.confirm_payment_intent(&shop.request(), intent.id, &ConfirmPaymentIntent::default()).await;
    assert_no_such_customer(&confirmed);
    for new in [payment_of(customer, &card), unconfirmed(payment_of(customer, &card))] {
        assert_no_such_customer(&shop.platform.create_payment_intent(&shop.request(), &new).await);
    }
    assert!(shop.bank.sent().is_empty());
}

#[tokio::test]
async fn a_set_up_of_a_deleted_customer_is_not_confirmed() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let new = set_up_later(Some(customer));
    let setup: SetupIntent = told(&shop.platform.create_setup_intent(&shop.request(), &new).await.unwrap());
    delete(&shop, customer).await;
    assert_no_such_customer(&shop.platform.confirm_setup_intent(&shop.request(), setup.id, &ConfirmSetupIntent::default()).await);
    assert_no_such_customer(&shop.platform.create_setup_intent(&shop.request(), &new).await);
    assert!(shop.bank.sent().is_empty());
}

#[tokio::test]
async fn a_customer_that_is_deleted_while_a_payment_begins_does_not_pay() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let card = shop.attached(customer).await;
    deleted_meanwhile(&shop, customer);
    assert_no_such_customer(&shop.platform.create_payment_intent(&shop.request(), &payment_of(customer, &card)).await);
    assert!(shop.bank.sent().is_empty());
}

#[tokio::test]
async fn a_customer_that_is_deleted_while_a_set_up_begins_saves_no_card() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let new = set_up_later(Some(customer));
    let setup: SetupIntent = told(&shop.platform.create_setup_intent(&shop.request(), &new).await.unwrap());
    deleted_meanwhile(&shop, customer);
    assert_no_such_customer(&shop.platform.confirm_setup_intent(&shop.request(), setup.id, &ConfirmSetupIntent::default()).await);
    assert!(shop.bank.sent().is_empty());
}

#[tokio::test]
async fn no_card_is_attached_to_a_customer_that_is_deleted_at_the_same_time() {
    let shop = Shop::open().await;
    let (customer, card) = (shop.customer().await, shop.set_up(None).await.payment_method.unwrap());
    deleted_meanwhile(&shop, customer);
    assert_no_such_customer(&shop.platform.attach_payment_method(&shop.request(), &card.to_string(), customer).await);
    assert_eq!(shop.load::<PaymentMethod>(card.ulid()).await.customer, None);
}

#[tokio::test]
async fn a_payment_goes_through_and_saves_nothing_when_its_customer_is_deleted_meanwhile() {
    for at_the_last_moment in [false, true] {
        let shop = Shop::open().await;
        let customer = shop.customer().await;
        let gate = shop.bank.hold();
        let (platform, request) = (Arc::clone(&shop.platform), shop.request());
        let paying = shop.begin(async move { platform.create_payment_intent(&request, &saving(customer)).await }).await;
        if at_the_last_moment {
            deleted_meanwhile(&shop, customer);
        } else {
            delete(&shop, customer).await;
        }
        gate.add_permits(1);
        let intent: PaymentIntent = told(&paying.await.unwrap().unwrap());
        assert_eq!(intent.status, Status::Succeeded);
        let card: PaymentMethod = shop.load(intent.payment_method.unwrap().ulid()).await;
        assert_eq!((card.customer, card.saved_for_off_session), (None, false));
        assert!(shop.load::<Customer>(customer.ulid()).await.deleted);
        assert_eq!(shop.differences().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_set_up_fails_when_its_customer_is_deleted_meanwhile() {
    for at_the_last_moment in [false, true] {
        let shop = Shop::open().await;
        let customer = shop.customer().await;
        shop.bank.will_authorize(challenge());
        let setup = shop.set_up(Some(customer)).await;
        shop.bank.knows(&ProviderKey::verify_card(setup.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(false)));
        if at_the_last_moment {
            deleted_meanwhile(&shop, customer);
        } else {
            delete(&shop, customer).await;
        }
        shop.recover().await;
        // What lost the race has its next turn.
        shop.recover().await;
        let setup: SetupIntent = shop.load(setup.id.ulid()).await;
        assert_eq!(setup.status, setup_intent::Status::RequiresPaymentMethod);
        let error = setup.last_error.unwrap();
        assert_eq!(error.code, CardErrorCode::PaymentMethodUnexpectedState);
        assert_eq!(error.payment_method.unwrap().customer, None);
        assert_eq!(shop.differences().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_customer_that_is_changed_meanwhile_holds_up_no_payment() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let card = shop.attached(customer).await;
    let other = shop.clone();
    shop.meanwhile.happens(async move {
        let change = CustomerChange { name: Change::Set("Grace".to_owned()), ..CustomerChange::default() };
        other.platform.update_customer(&other.request(), customer, &change).await.unwrap();
    });
    assert_eq!(shop.pay(&payment_of(customer, &card)).await.status, Status::Succeeded);
    assert_eq!(shop.bank.sent().len(), 1);
}

#[tokio::test]
async fn many_payments_of_one_customer_at_once_change_nothing_that_they_share() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let card = shop.attached(customer).await;
    let revisions = async || {
        let customer = shop.platform.find::<Customer>(shop.scope, customer.ulid()).await.unwrap().unwrap();
        let card = shop.platform.find::<PaymentMethod>(shop.scope, card.id.ulid()).await.unwrap().unwrap();
        (customer.version.revision, card.version.revision)
    };
    let before = revisions().await;
    let new = payment_of(customer, &card);
    let paid = join_all((0..50).map(|_| shop.pay(&new))).await;
    assert!(paid.iter().all(|intent| intent.status == Status::Succeeded));
    assert_eq!(revisions().await, before);
}
