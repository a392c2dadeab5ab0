//! Whatever a request may say of an object, all that is ever written of it fits a record.

use domain::contact::{Address, BillingDetails};
use domain::customer::Customer;
use domain::flow::RefundRequest;
use domain::metadata::Metadata;
use domain::outcome::{AuthorizeOutcome, QueryOutcome, UnknownReason};
use domain::payment_intent::{FutureUsage, PaymentIntent, Status};
use domain::provider_key::ProviderKey;
use domain::refund::{self, Refund};
use domain::setup_intent::{self, SetupIntent};
use payments::Error;
use payments::change::Change;
use payments::charges::ChargeChange;
use payments::customers::CustomerChange;
use payments::idempotency::Answered;
use payments::metadata::Changes;
use payments::payment_intents::create::NewPaymentIntent;
use payments::payment_methods::create::{CardInput, CardSource, NewPaymentMethod};
use payments::payment_methods::resolve::MethodInput;
use payments::payment_methods::update::{BillingChange, PaymentMethodChange};
use payments::refunds::create::RefundOf;
use payments::sizes::{MAX_BILLING, MAX_OBJECT};

use crate::bank::{approved, declined};
use crate::shop::{Shop, payment, told};

/// Fields that every object has, and those that its life adds.
const FIELDS: usize = 1_500;

fn pairs() -> Vec<(String, String)> {
    let key = |n: usize| format!("{n:02}{}", "𝄞".repeat(38));
    (0..50).map(|n| (key(n), "𝄞".repeat(500))).collect()
}

/// As many notes as there may be, of the characters that take most bytes.
fn notes() -> Metadata {
    Metadata::default().merge(&pairs()).unwrap()
}

/// A text that fills an object with those notes.
fn description() -> String {
    "x".repeat(MAX_OBJECT - serde_json::to_vec(&notes()).unwrap().len() - FIELDS)
}

fn cardholder(size: usize) -> BillingDetails {
    let address = Address { line1: Some("x".repeat(size - 100)), ..Address::default() };
    BillingDetails { address: Some(address), ..BillingDetails::default() }
}

fn change_of(cardholder: BillingDetails) -> BillingChange {
    BillingChange { address: Change::Set(cardholder.address.unwrap()), ..BillingChange::default() }
}

fn card(billing_details: BillingDetails, metadata: Metadata) -> MethodInput {
    let card = CardInput { number: "4242424242424242".to_owned().into(), exp_month: 12, exp_year: 2040, cvc: None };
    MethodInput::New(Box::new(NewPaymentMethod { card: CardSource::Input(card), billing_details, metadata }))
}

/// The card of which a declined payment tells most, and the one that makes the largest charge.
fn cards() -> [MethodInput; 2] {
    let beside_notes = MAX_OBJECT - serde_json::to_vec(&notes()).unwrap().len() - FIELDS;
    [card(cardholder(beside_notes), notes()), card(cardholder(MAX_BILLING), Metadata::default())]
}

fn largest(card: MethodInput) -> NewPaymentIntent {
    NewPaymentIntent { description: Some(description()), metadata: notes(), payment_method: Some(card), ..payment() }
}

#[track_caller]
fn assert_too_large(result: Result<Answered, Error>, named: &str) {
    match result {
        Err(Error::Parameter { param, .. }) => assert_eq!(param, named),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_largest_payment_is_booked_whether_it_is_taken_declined_or_recovered_and_can_be_refunded() {
    for card in cards() {
        let mut shop = Shop::open().await;
        shop.bank.will_authorize(declined());
        let answered = shop.platform.create_payment_intent(&shop.request_under("declined"), &largest(card.clone())).await.unwrap();
        assert_eq!(answered.answer.status, 402);
        let answered = shop.platform.create_payment_intent(&shop.request_under("taken"), &largest(card.clone())).await.unwrap();
        let taken: PaymentIntent = told(&answered);
        assert_eq!(taken.status, Status::Succeeded);
        shop.bank.will_authorize(AuthorizeOutcome::Unknown(UnknownReason::StillProcessing));
        let unknown = shop.pay(&largest(card)).await;
        shop.bank.knows(&ProviderKey::authorize(unknown.latest_attempt.unwrap()), QueryOutcome::Authorize(approved(true)));
        shop.crash();
        shop.recover().await;
        assert_eq!(shop.intent(unknown.id).await.status, Status::Succeeded);
        for intent in [taken, unknown] {
            let asked = RefundRequest { metadata: notes(), ..RefundRequest::default() };
            let of = RefundOf::PaymentIntent(intent.id);
            let refunded: Refund = told(&shop.platform.create_refund(&shop.request_under(&intent.secret), of, &asked).await.unwrap());
            assert_eq!(refunded.status, refund::Status::Succeeded);
        }
        assert!(shop.differences().await.is_empty());
    }
}

#[tokio::test]
async fn a_payment_that_could_become_too_large_to_book_never_reaches_the_provider() {
    let shop = Shop::open().await;
    let said = NewPaymentIntent { description: Some(description() + &"x".repeat(FIELDS)), ..largest(cards()[1].clone()) };
    assert_too_large(shop.platform.create_payment_intent(&shop.request(), &said).await, "metadata");
    let said = NewPaymentIntent { confirm: None, ..said };
    assert_too_large(shop.platform.create_payment_intent(&shop.request(), &said).await, "metadata");
    let said = largest(card(cardholder(MAX_BILLING + 100), Metadata::default()));
    assert_too_large(shop.platform.create_payment_intent(&shop.request(), &said).await, "billing_details");
    let beside_notes = MAX_OBJECT - serde_json::to_vec(&notes()).unwrap().len();
    let said = largest(card(cardholder(beside_notes), notes()));
    assert_too_large(shop.platform.create_payment_intent(&shop.request(), &said).await, "metadata");
    assert!(shop.bank.sent().is_empty());
}

#[tokio::test]
async fn the_largest_set_up_is_settled() {
    let shop = Shop::open().await;
    let owner = shop.customer().await;
    for (card, outcome) in cards().into_iter().zip([declined(), approved(false)]) {
        shop.bank.will_authorize(outcome.clone());
        let new = payments::setup_intents::create::NewSetupIntent {
            customer: Some(owner),
            payment_method: Some(card),
            usage: FutureUsage::OffSession,
            description: Some(description()),
            metadata: notes(),
            automatic_payment_methods: None,
            three_d_secure: domain::payment_intent::ThreeDSecureRequest::Automatic,
            confirm: Some(None),
        };
        let answered = shop.platform.create_setup_intent(&shop.request_under(&format!("{outcome:?}")), &new).await.unwrap();
        let expected = if outcome == declined() { setup_intent::Status::RequiresPaymentMethod } else { setup_intent::Status::Succeeded };
        assert_eq!(told::<SetupIntent>(&answered).status, expected);
    }
    assert_eq!(shop.open_operations().await, 0);
}

#[tokio::test]
async fn the_largest_objects_can_be_changed_and_no_change_makes_them_larger() {
    let shop = Shop::open().await;
    let change =
        |text: String| CustomerChange { description: Change::Set(text), metadata: Changes::Merge(pairs()), ..CustomerChange::default() };
    let made = shop.platform.create_customer(&shop.request(), &change(description()), None).await.unwrap();
    let id = told::<Customer>(&made).id;
    let larger = description() + &"x".repeat(FIELDS);
    shop.platform.update_customer(&shop.request_under("customer"), id, &change(description())).await.unwrap();
    assert_too_large(shop.platform.update_customer(&shop.request(), id, &change(larger.clone())).await, "metadata");

    let saving = NewPaymentIntent { setup_future_usage: Some(FutureUsage::OnSession), ..largest(cards()[1].clone()) };
    let taken = shop.pay(&saving).await;
    let charge = taken.latest_charge.unwrap();
    shop.platform.update_charge(&shop.request_under("charge"), charge, &ChargeChange::default()).await.unwrap();
    let said = ChargeChange { description: Change::Set("x".repeat(MAX_OBJECT)), ..ChargeChange::default() };
    assert_too_large(shop.platform.update_charge(&shop.request(), charge, &said).await, "metadata");

    let method = taken.payment_method.unwrap().to_string();
    let owner = shop.customer().await;
    shop.platform.attach_payment_method(&shop.request(), &method, owner).await.unwrap();
    let said = PaymentMethodChange { billing_details: change_of(cardholder(MAX_BILLING + 100)), ..PaymentMethodChange::default() };
    assert_too_large(shop.platform.update_payment_method(&shop.request(), &method, &said).await, "billing_details");
    let said = PaymentMethodChange {
        billing_details: change_of(cardholder(1_000)),
        metadata: Changes::Merge(pairs()),
        ..PaymentMethodChange::default()
    };
    shop.platform.update_payment_method(&shop.request(), &method, &said).await.unwrap();
    shop.platform.update_payment_method(&shop.request_under("method"), &method, &said).await.unwrap();
    assert!(shop.differences().await.is_empty());
}
