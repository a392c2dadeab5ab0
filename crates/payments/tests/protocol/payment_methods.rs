//! Cards to pay with.

use domain::decline::CardErrorCode;
use domain::id::{CustomerId, PaymentMethodId, Ulid};
use domain::outcome::{AuthorizeOutcome, QueryOutcome, UnknownReason};
use domain::payment_intent::{FutureUsage, PaymentIntent, Status};
use domain::payment_method::{PaymentMethod, Refusal};
use domain::provider_key::ProviderKey;
use domain::setup_intent::{self, SetupIntent};
use payments::Error;
use payments::payment_intents::confirm::ConfirmPaymentIntent;
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_methods::create::CardSource;
use payments::payment_methods::resolve::MethodInput;
use payments::payment_methods::update::PaymentMethodChange;
use payments::setup_intents::create::NewSetupIntent;
use store::{Batch, Key, Kind, Precondition, Store as _};

use crate::bank::{approved, challenge, declined};
use crate::shop::{Shop, new_method, payment, payment_by, reservation, set_up_later, told};

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

/// Whether a number is kept under the name of a method or token.
async fn keeps_number(shop: &Shop, under: Ulid) -> bool {
    shop.store.get_one(&Key::object(shop.scope, Kind::SealedCard, under)).await.unwrap().is_some()
}

#[tokio::test]
async fn the_number_of_a_card_that_pays_once_is_erased_once_its_payment_cannot_need_it() {
    let unknown = AuthorizeOutcome::Unknown(UnknownReason::Timeout);
    for (outcome, kept) in [(approved(true), false), (approved(false), false), (declined(), false), (challenge(), true), (unknown, true)] {
        let shop = Shop::open().await;
        shop.bank.will_authorize(outcome.clone());
        let intent = shop.pay(&reservation()).await;
        let card = shop.attempt_of(&intent).await.payment_method.ulid();
        assert_eq!(keeps_number(&shop, card).await, kept, "{outcome:?}");
        let key = ProviderKey::authorize(intent.latest_attempt.unwrap());
        if kept {
            shop.bank.knows(&key, QueryOutcome::Authorize(approved(false)));
            shop.recover().await;
        }
        assert!(!keeps_number(&shop, card).await, "{outcome:?}");
        if outcome != declined() && shop.intent(intent.id).await.status == Status::RequiresCapture {
            shop.platform.capture_payment_intent(&shop.request(), intent.id, None).await.unwrap();
            shop.refund(&intent, 500).await;
        }
        assert_eq!(shop.differences().await, [""; 0]);
    }
}

#[tokio::test]
async fn the_number_of_a_card_that_may_pay_again_is_kept_until_it_is_detached() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let card = shop.attached(customer).await;
    shop.pay(&NewPaymentIntent { customer: Some(customer), ..payment_by(card.id) }).await;
    assert!(keeps_number(&shop, card.id.ulid()).await);
    shop.platform.detach_payment_method(&shop.request_under("detach"), &card.id.to_string()).await.unwrap();
    assert!(!keeps_number(&shop, card.id.ulid()).await);
    assert!(is_spent(&shop.platform.create_payment_intent(&shop.request(), &payment_by(card.id)).await));
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn the_number_of_a_token_is_erased_when_the_token_is_used() {
    let shop = Shop::open().await;
    let token = shop.token().await;
    assert!(keeps_number(&shop, token.id.ulid()).await);
    let card = shop.card_of(CardSource::Token(token.id.to_string())).await;
    assert!(!keeps_number(&shop, token.id.ulid()).await && keeps_number(&shop, card.id.ulid()).await);
    assert_eq!(shop.pay(&payment_by(card.id)).await.status, Status::Succeeded);
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_card_that_is_detached_while_it_is_looked_at_is_spent() {
    // Of the key, the card, and its number.
    for reads in 0..3 {
        let shop = Shop::open().await;
        let customer = shop.customer().await;
        let card = shop.attached(customer).await;
        let other = shop.clone();
        shop.meanwhile.happens_after_reads(reads, async move {
            other.platform.detach_payment_method(&other.request_under("detach"), &card.id.to_string()).await.unwrap();
        });
        let new = NewPaymentIntent { customer: Some(customer), ..payment_by(card.id) };
        let refused = shop.platform.create_payment_intent(&shop.request_under("pay"), &new).await;
        assert!(is_spent(&refused), "{reads}: {:?}", refused.err());
    }
}

#[tokio::test]
async fn a_token_that_is_used_while_it_is_looked_at_is_used() {
    // Of the key, the token, and its number.
    for reads in 0..3 {
        let shop = Shop::open().await;
        let token = shop.token().await;
        let new = new_method(CardSource::Token(token.id.to_string()));
        let (other, same) = (shop.clone(), new.clone());
        shop.meanwhile.happens_after_reads(reads, async move {
            other.platform.create_payment_method(&other.request_under("first"), &same).await.unwrap();
        });
        let refused = shop.platform.create_payment_method(&shop.request_under("second"), &new).await;
        assert!(matches!(refused, Err(Error::Parameter { code: Some("token_already_used"), .. })), "{reads}: {:?}", refused.err());
    }
}

/// A payment with a card of which the provider has not heard.
async fn paying(shop: &Shop, card: PaymentMethodId, customer: CustomerId) -> PaymentIntent {
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
    shop.pay(&NewPaymentIntent { customer: Some(customer), ..payment_by(card) }).await
}

/// A set-up with a card of which the provider has not heard.
async fn setting_up(shop: &Shop, card: PaymentMethodId, customer: Option<CustomerId>) -> SetupIntent {
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
    let by_card = Some(MethodInput::Named(card.to_string()));
    let new = NewSetupIntent { payment_method: by_card, confirm: Some(None), ..set_up_later(customer) };
    told(&shop.platform.create_setup_intent(&shop.request_under("set up"), &new).await.unwrap())
}

#[tokio::test]
async fn what_is_under_way_goes_on_with_a_card_that_is_detached_meanwhile_whose_number_is_erased_then() {
    for pays in [true, false] {
        let shop = Shop::open().await;
        let customer = shop.customer().await;
        let card = shop.attached(customer).await;
        let intent = if pays { Some(paying(&shop, card.id, customer).await.id) } else { None };
        let setup = if pays { None } else { Some(setting_up(&shop, card.id, Some(customer)).await.id) };
        shop.platform.detach_payment_method(&shop.request_under("detach"), &card.id.to_string()).await.unwrap();
        assert!(keeps_number(&shop, card.id.ulid()).await);
        shop.recover().await;
        if let Some(intent) = intent {
            assert_eq!(shop.intent(intent).await.status, Status::Succeeded);
        }
        if let Some(setup) = setup {
            assert_eq!(shop.load::<SetupIntent>(setup.ulid()).await.status, setup_intent::Status::RequiresPaymentMethod);
        }
        assert!(!keeps_number(&shop, card.id.ulid()).await);
        assert_eq!((shop.open_operations().await, shop.differences().await), (0, Vec::new()));
    }
}

#[tokio::test]
async fn a_set_up_takes_no_number_from_a_payment_that_waits_for_its_buyer() {
    let shop = Shop::open().await;
    let card = shop.card().await;
    let setup = setting_up(&shop, card.id, None).await;
    shop.bank.will_authorize(challenge());
    assert_eq!(shop.pay(&payment_by(card.id)).await.status, Status::RequiresAction);
    shop.bank.knows(&ProviderKey::verify_card(setup.latest_attempt.unwrap()), QueryOutcome::Authorize(declined()));
    shop.pass(61_000);
    shop.platform.recover_due().await.unwrap();
    assert_eq!(shop.open_operations().await, 0);
    assert!(keeps_number(&shop, card.id.ulid()).await);
    // Nor does detaching it, which is refused, however often.
    for _ in 0..2 {
        let _ = shop.platform.detach_payment_method(&shop.request_under("detach"), &card.id.to_string()).await;
        assert!(keeps_number(&shop, card.id.ulid()).await);
    }
    assert_eq!(shop.differences().await, [""; 0]);
}

#[tokio::test]
async fn of_two_servers_that_confirm_a_payment_at_once_the_later_one_tells_how_it_stands() {
    let shop = Shop::open().await;
    shop.meanwhile.share();
    let card = shop.card().await;
    let intent = shop.pay(&NewPaymentIntent { confirm: None, ..payment_by(card.id) }).await;
    let other = shop.other();
    // Of the key, the payment, and the card.
    shop.meanwhile.happens_after_reads(2, async move {
        other.platform.confirm_payment_intent(&other.request(), intent.id, &ConfirmPaymentIntent::default()).await.unwrap();
    });
    let confirm = ConfirmPaymentIntent::default();
    let refused = shop.platform.confirm_payment_intent(&shop.request_under("confirm"), intent.id, &confirm).await;
    assert!(matches!(refused, Err(Error::PaymentIntentState { .. })), "{:?}", refused.err());
}

#[tokio::test]
async fn a_payment_that_never_reached_its_provider_is_open_for_as_long_as_its_number_is_lost() {
    let shop = Shop::open().await;
    shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::Timeout));
    let intent = shop.pay(&payment()).await;
    let key = Key::object(shop.scope, Kind::SealedCard, shop.attempt_of(&intent).await.payment_method.ulid());
    let sealed = shop.store.get_one(&key).await.unwrap().unwrap();
    let mut batch = Batch::new();
    batch.delete(key.clone(), Precondition::Any);
    shop.store.commit(batch).await.unwrap();
    shop.recover().await;
    assert_eq!(shop.intent(intent.id).await.status, Status::Processing);
    assert!(shop.differences().await.concat().contains("its card number is missing"));
    let mut batch = Batch::new();
    batch.put(key, sealed.body, Precondition::Absent);
    shop.store.commit(batch).await.unwrap();
    shop.pass(25 * 3_600_000);
    shop.recover().await;
    assert_eq!(shop.intent(intent.id).await.status, Status::Succeeded);
    assert_eq!(shop.differences().await, [""; 0]);
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
    let saving = NewPaymentIntent { setup_future_usage: Some(FutureUsage::OffSession), ..payment_by(card.id) };
    shop.pay(&saving).await;
    assert!(is_spent(&shop.platform.create_payment_intent(&shop.request(), &saving).await), "it is nobody's yet");
    let customer = shop.customer().await;
    shop.platform.attach_payment_method(&shop.request_under("attach"), &card.id.to_string(), customer).await.unwrap();
    let again = shop.pay(&NewPaymentIntent { customer: Some(customer), ..payment_by(card.id) }).await;
    assert_eq!(again.status, Status::Succeeded);
    let again = shop.pay(&NewPaymentIntent { customer: Some(customer), ..payment_by(card.id) }).await;
    assert_eq!(again.status, Status::Succeeded);
}
