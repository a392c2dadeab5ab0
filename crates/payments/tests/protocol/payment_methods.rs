//! Cards to pay with.

use domain::decline::CardErrorCode;
use domain::outcome::QueryOutcome;
use domain::payment_intent::{FutureUsage, Status};
use domain::payment_method::PaymentMethod;
use domain::provider_key::ProviderKey;
use payments::Error;
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_methods::resolve::MethodInput;
use payments::payment_methods::update::PaymentMethodChange;

use crate::bank::{approved, challenge};
use crate::shop::{Shop, payment};

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
