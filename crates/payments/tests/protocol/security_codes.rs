//! Security codes: each is used once, and is nowhere afterwards.

use std::sync::Arc;

use domain::outcome::{AuthorizeOutcome, QueryOutcome, UnknownReason};
use domain::payment_intent::{PaymentIntent, Status};
use domain::provider_key::ProviderKey;
use domain::setup_intent::SetupIntent;
use payments::payment_intents::confirm::{ConfirmPaymentIntent, Confirmation};
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_methods::create::CardSource;
use payments::payment_methods::resolve::MethodInput;
use payments::setup_intents::confirm::ConfirmSetupIntent;
use payments::setup_intents::create::NewSetupIntent;

use crate::bank::{approved, challenge, declined};
use crate::shop::{Shop, card_input, new_method, payment, payment_by, set_up_later, told};

fn timeout() -> AuthorizeOutcome {
    AuthorizeOutcome::Unknown(UnknownReason::Timeout)
}

fn new_card() -> MethodInput {
    MethodInput::New(Box::new(new_method(CardSource::Input(card_input()))))
}

#[tokio::test]
async fn a_security_code_goes_with_the_first_payment_and_with_no_other() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let card = shop.card().await;
    shop.platform.attach_payment_method(&shop.request(), &card.id.to_string(), customer).await.unwrap();
    let new = NewPaymentIntent { customer: Some(customer), ..payment_by(card.id) };
    for outcome in [challenge(), declined(), approved(true)] {
        assert_eq!(shop.platform.security_codes(), u64::from(shop.bank.codes().is_empty()));
        shop.bank.will_authorize(outcome);
        shop.pay(&new).await;
    }
    assert_eq!(shop.bank.codes(), [true, false, false]);
}

#[tokio::test]
async fn a_payment_that_brings_its_card_leaves_no_security_code_behind() {
    let shop = Shop::open().await;
    for outcome in [challenge(), declined(), approved(true)] {
        shop.bank.will_authorize(outcome);
        shop.pay(&NewPaymentIntent { payment_method: Some(new_card()), ..payment() }).await;
        assert_eq!(shop.platform.security_codes(), 0);
    }
    assert_eq!(shop.bank.codes(), [true; 3]);
}

#[tokio::test]
async fn a_tokens_security_code_goes_on_with_its_card() {
    let shop = Shop::open().await;
    let token = shop.token().await;
    let card = shop.card_of(CardSource::Token(token.id.to_string())).await;
    assert_eq!(shop.platform.security_codes(), 1, "the method's, and none of the token");
    shop.pay(&payment_by(card.id)).await;
    let token = CardSource::Token(shop.token().await.id.to_string());
    shop.pay(&NewPaymentIntent { payment_method: Some(MethodInput::New(Box::new(new_method(token)))), ..payment() }).await;
    assert_eq!((shop.bank.codes(), shop.platform.security_codes()), (vec![true, true], 0));
}

#[tokio::test]
async fn a_security_code_waits_for_the_confirmation() {
    let shop = Shop::open().await;
    let new = NewPaymentIntent { payment_method: Some(new_card()), confirm: None, ..payment() };
    let intent = shop.pay(&new).await;
    assert_eq!(shop.platform.security_codes(), 1);
    let confirmed = shop.platform.confirm_payment_intent(&shop.request(), intent.id, &ConfirmPaymentIntent::default()).await.unwrap();
    assert_eq!(told::<PaymentIntent>(&confirmed).status, Status::Succeeded);
    assert_eq!((shop.bank.codes(), shop.platform.security_codes()), (vec![true], 0));
}

#[tokio::test]
async fn a_payment_without_its_buyer_brings_no_security_code() {
    let shop = Shop::open().await;
    let absent = || Some(Confirmation { off_session: true, ..Confirmation::default() });
    shop.bank.will_authorize(timeout());
    let intent = shop.pay(&NewPaymentIntent { confirm: absent(), ..payment_by(shop.card().await.id) }).await;
    shop.recover().await;
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    shop.pay(&NewPaymentIntent { payment_method: Some(new_card()), confirm: absent(), ..payment() }).await;
    assert_eq!((shop.bank.codes(), shop.platform.security_codes()), (vec![false; 3], 0));
}

#[tokio::test]
async fn what_is_sent_again_brings_the_security_code_again_and_leaves_none_behind() {
    let shop = Shop::open().await;
    let card = shop.card().await;
    shop.bank.will_authorize(timeout());
    shop.bank.will_authorize(timeout());
    let intent = shop.pay(&payment_by(card.id)).await;
    assert_eq!(shop.platform.security_codes(), 1);
    shop.recover().await;
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    assert_eq!((shop.bank.codes(), shop.platform.security_codes()), (vec![true; 3], 0));
}

#[tokio::test]
async fn a_security_code_whose_payment_turns_out_to_have_ended_is_forgotten() {
    let shop = Shop::open().await;
    shop.bank.will_authorize(timeout());
    let intent = shop.pay(&payment_by(shop.card().await.id)).await;
    shop.bank.knows(&ProviderKey::authorize(intent.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(true)));
    shop.recover().await;
    assert_eq!((shop.bank.codes(), shop.platform.security_codes()), (vec![true], 0));
}

#[tokio::test]
async fn a_security_code_whose_answer_was_overtaken_is_forgotten() {
    let shop = Shop::open().await;
    let card = shop.card().await;
    let gate = shop.bank.hold();
    let (platform, request, new) = (Arc::clone(&shop.platform), shop.request(), payment_by(card.id));
    // What recovery sends is approved; the answer to the request itself gets lost.
    shop.bank.will_authorize(approved(true));
    shop.bank.will_authorize(timeout());
    let paying = shop.begin(async move { platform.create_payment_intent(&request, &new).await }).await;
    shop.bank.release();
    shop.recover().await;
    gate.add_permits(1);
    let intent: PaymentIntent = told(&paying.await.unwrap().unwrap());
    assert_eq!((intent.status, shop.platform.security_codes()), (Status::Succeeded, 0));
}

#[tokio::test]
async fn a_set_up_uses_a_security_code_once_as_well() {
    let shop = Shop::open().await;
    let new = NewSetupIntent { payment_method: Some(new_card()), ..set_up_later(None) };
    let setup: SetupIntent = told(&shop.platform.create_setup_intent(&shop.request(), &new).await.unwrap());
    assert_eq!(shop.platform.security_codes(), 1);
    shop.bank.will_authorize(timeout());
    shop.platform.confirm_setup_intent(&shop.request(), setup.id, &ConfirmSetupIntent::default()).await.unwrap();
    assert_eq!(shop.platform.security_codes(), 1);
    shop.recover().await;
    assert_eq!((shop.bank.codes(), shop.platform.security_codes()), (vec![true, true], 0));
}
