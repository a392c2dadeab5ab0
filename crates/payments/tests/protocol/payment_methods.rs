//! Cards to pay with.

use domain::decline::CardErrorCode;
use domain::outcome::QueryOutcome;
use domain::payment_intent::{FutureUsage, Status};
use domain::payment_method::{PaymentMethod, Refusal};
use domain::provider_key::ProviderKey;
use payments::Error;
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_methods::resolve::MethodInput;
use payments::payment_methods::update::PaymentMethodChange;

use crate::bank::{approved, challenge, declined};
use crate::shop::{Shop, payment, payment_by};

#[tokio::test]
async fn an_expiry_that_cannot_be_one_is_refused_by_the_part_that_is_wrong() {
    let shop = Shop::open().await;
    let card = shop.set_up(None).await.payment_method.unwrap().to_string();
    let table = [
        ((13, 2040), CardErrorCode::InvalidExpiryMonth, "card[exp_month]"),
        ((0, 2040), CardErrorCode::InvalidExpiryMonth, "card[exp_month]"),
        ((12, 1999), CardErrorCode::InvalidExpiryYear, "card[exp_year]"),
        ((12, 20400), CardErrorCode::InvalidExpiryYear, "card[exp_year]"),
    ];
    for (expiry, expected, at_fault) in table {
        let change = PaymentMethodChange { expiry: Some(expiry), ..PaymentMethodChange::default() };
        let refused = shop.platform.update_payment_method(&shop.request(), &card, &change).await;
        let Err(Error::Card { code, param }) = refused else { panic!("{expiry:?}: {refused:?}") };
        assert_eq!((code, param), (expected, at_fault), "{expiry:?}");
    }
}

/// The attached card after a payment that was to save it; the buyer authenticates.
async fn saved_by_payment(usage: FutureUsage) -> (Shop, PaymentMethod) {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let card = shop.attached(customer).await;
    shop.bank.will_authorize(challenge());
    let payment_method = Some(MethodInput::Named(card.id.to_string()));
    let new = NewPaymentIntent { customer: Some(customer), payment_method, setup_future_usage: Some(usage), ..payment() };
    let intent = shop.pay(&new).await;
    assert_eq!(intent.status, Status::RequiresAction);
    shop.bank.knows(&ProviderKey::authorize(intent.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(true)));
    shop.recover().await;
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    let card = shop.load(card.id.ulid()).await;
    (shop, card)
}

#[tokio::test]
async fn a_card_that_was_attached_before_is_saved_by_the_payment_that_was_to_save_it() {
    let (shop, card) = saved_by_payment(FutureUsage::OffSession).await;
    assert!(card.saved_for_off_session);
    assert_eq!(card.sequence, 1, "it was attached once");
    assert_eq!(shop.differences().await, [""; 0]);
    assert!(!saved_by_payment(FutureUsage::OnSession).await.1.saved_for_off_session);
}

fn is_spent<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::PaymentMethod(Refusal::Spent)))
}

#[tokio::test]
async fn a_card_that_is_nobodys_pays_once_whatever_comes_of_it_and_is_not_saved_later() {
    for outcome in [approved(true), declined()] {
        let shop = Shop::open().await;
        let card = shop.card().await;
        shop.bank.will_authorize(outcome);
        shop.pay(&payment_by(card.id)).await;
        assert!(is_spent(&shop.platform.create_payment_intent(&shop.request(), &payment_by(card.id)).await));
        let customer = shop.customer().await;
        assert!(is_spent(&shop.platform.attach_payment_method(&shop.request(), &card.id.to_string(), customer).await));
        assert_eq!(shop.differences().await, [""; 0]);
    }
}

#[tokio::test]
async fn of_two_payments_at_once_by_a_card_that_is_nobodys_one_is_made() {
    let shop = Shop::open().await;
    let card = shop.card().await;
    let other = shop.clone();
    shop.meanwhile.happens(async move {
        other.pay(&payment_by(card.id)).await;
    });
    let refused = shop.platform.create_payment_intent(&shop.request_under("second"), &payment_by(card.id)).await;
    assert!(is_spent(&refused), "{:?}", refused.err());
    assert_eq!(shop.books().await.0, 2_000);
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_card_that_a_payment_saves_for_nobody_yet_can_be_given_to_a_customer_and_pays_again() {
    let shop = Shop::open().await;
    let card = shop.card().await;
    shop.pay(&NewPaymentIntent { setup_future_usage: Some(FutureUsage::OffSession), ..payment_by(card.id) }).await;
    let customer = shop.customer().await;
    shop.platform.attach_payment_method(&shop.request_under("attach"), &card.id.to_string(), customer).await.unwrap();
    let again = shop.pay(&NewPaymentIntent { customer: Some(customer), ..payment_by(card.id) }).await;
    assert_eq!(again.status, Status::Succeeded);
    let again = shop.pay(&NewPaymentIntent { customer: Some(customer), ..payment_by(card.id) }).await;
    assert_eq!(again.status, Status::Succeeded);
}
