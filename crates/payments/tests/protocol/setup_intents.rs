//! Saving a card.

use domain::decline::CardErrorCode;
use domain::id::CustomerId;
use domain::outcome::QueryOutcome;
use domain::provider_key::ProviderKey;
use domain::setup_intent::{SetupIntent, Status};

use crate::bank::{approved, challenge};
use crate::shop::Shop;

/// A set-up whose buyer is away at the issuer's page, and what happens to its card meanwhile.
async fn after(meanwhile: impl AsyncFn(&Shop, &str, CustomerId)) -> (Shop, SetupIntent) {
    let shop = Shop::open().await;
    let owner = shop.customer().await;
    shop.bank.will_authorize(challenge());
    let setup = shop.set_up(Some(owner)).await;
    assert_eq!(setup.status, Status::RequiresAction);
    meanwhile(&shop, &setup.payment_method.unwrap().to_string(), owner).await;
    shop.bank.knows(&ProviderKey::verify_card(setup.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(false)));
    shop.recover().await;
    let setup = shop.load(setup.id.ulid()).await;
    (shop, setup)
}

#[tokio::test]
async fn a_card_that_was_given_to_another_customer_meanwhile_fails_the_set_up_and_stays_theirs() {
    let (shop, setup) = after(async |shop, card, _| {
        let other = shop.customer().await;
        shop.platform.attach_payment_method(&shop.request(), card, other).await.unwrap();
    })
    .await;
    assert_eq!((setup.status, setup.payment_method), (Status::RequiresPaymentMethod, None));
    let error = setup.last_error.unwrap();
    assert_eq!(error.code, CardErrorCode::PaymentMethodUnexpectedState);
    let card = error.payment_method.unwrap();
    assert!(card.customer.is_some() && card.customer != setup.customer);
    assert!(shop.differences().await.is_empty());
}

#[tokio::test]
async fn a_card_that_was_detached_meanwhile_fails_the_set_up() {
    let (_, setup) = after(async |shop, card, owner| {
        shop.platform.attach_payment_method(&shop.request(), card, owner).await.unwrap();
        shop.platform.detach_payment_method(&shop.request(), card).await.unwrap();
    })
    .await;
    assert_eq!(setup.last_error.unwrap().code, CardErrorCode::PaymentMethodUnexpectedState);
}

#[tokio::test]
async fn a_card_that_was_given_to_the_set_ups_own_customer_meanwhile_is_saved() {
    let (shop, setup) = after(async |shop, card, owner| {
        shop.platform.attach_payment_method(&shop.request(), card, owner).await.unwrap();
    })
    .await;
    assert_eq!(setup.status, Status::Succeeded);
    let card = shop.method_of(setup.id).await.unwrap();
    assert_eq!((card.customer, card.saved_for_off_session), (setup.customer, true));
}
