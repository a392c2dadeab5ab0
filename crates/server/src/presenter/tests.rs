use domain::balance_transaction::Source;
use domain::decline::{CardErrorCode, DeclineCode};
use domain::id::{BalanceTransactionId, ChargeId, CustomerId, PaymentMethodId, Ulid};
use domain::time::Timestamp;
use domain::{charge, payment_intent, setup_intent};
use payments::records::{Record, insert};
use serde_json::{Value, json};
use store::memory::Memory;
use store::{Batch, Write};

use super::*;
use crate::views::samples::{self, NOW, SCOPE, ULID};

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

struct World {
    store: Arc<Memory>,
    presenter: ApiPresenter,
}

fn put<T: Record>(record: &T) -> Write {
    insert(SCOPE, record).unwrap()
}

impl World {
    /// A captured payment and all that it refers to.
    async fn new() -> Self {
        let store = Arc::new(Memory::new());
        let presenter = ApiPresenter::new(Arc::clone(&store) as Arc<dyn Store>, Arc::new(At(NOW)));
        let world = Self { store, presenter };
        world.commit(put(&samples::payment_intent(payment_intent::Status::Succeeded))).await;
        world.commit(put(&samples::charge(charge::Status::Captured))).await;
        world.commit(put(&samples::balance_transaction(Source::Charge(ChargeId::new(ULID)), NOW))).await;
        world.commit(put(&samples::customer())).await;
        world.commit(put(&samples::payment_method())).await;
        world
    }

    async fn commit(&self, write: Write) {
        let mut batch = Batch::new();
        batch.push(write);
        self.store.commit(batch).await.unwrap();
    }

    async fn one(&self, object: &Object, expand: &[&str]) -> Result<Value, Error> {
        let body = self.presenter.render_one(SCOPE, object, &expanding(expand)).await?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    async fn list(&self, objects: Vec<Object>, expand: &[&str]) -> Result<Value, Error> {
        let body = self.presenter.render_list(SCOPE, objects, true, "/v1/payment_intents", &owned(expand)).await?;
        Ok(serde_json::from_slice(&body).unwrap())
    }
}

fn owned(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn expanding(paths: &[&str]) -> Rendering {
    Rendering { expand: owned(paths), ..Rendering::default() }
}

fn payment(status: payment_intent::Status) -> Object {
    Object::PaymentIntent(Box::new(samples::payment_intent(status)))
}

fn paid() -> Object {
    payment(payment_intent::Status::Succeeded)
}

#[tokio::test]
async fn references_are_ids_until_a_client_asks() {
    let world = World::new().await;
    let view = world.one(&paid(), &[]).await.unwrap();
    assert_eq!(view["latest_charge"], ChargeId::new(ULID).to_string());
    assert_eq!(view["customer"], CustomerId::new(ULID).to_string());
    let view = world.one(&paid(), &["customer"]).await.unwrap();
    assert_eq!(view["latest_charge"], ChargeId::new(ULID).to_string());
    assert_eq!(view["customer"]["email"], "a@example.com");
}

#[tokio::test]
async fn references_of_references_are_expanded_to_four_levels() {
    let world = World::new().await;
    let path = "latest_charge.balance_transaction.source.payment_intent";
    let view = world.one(&paid(), &[path, "payment_method.customer"]).await.unwrap();
    let line = &view["latest_charge"]["balance_transaction"];
    assert_eq!((&line["object"], &line["status"]), (&json!("balance_transaction"), &json!("available")));
    assert_eq!(line["source"]["payment_intent"]["object"], "payment_intent");
    assert_eq!(line["source"]["payment_intent"]["latest_charge"], ChargeId::new(ULID).to_string(), "only what was asked for");
    assert_eq!(view["payment_method"]["customer"]["object"], "customer");
}

#[tokio::test]
async fn references_inside_plain_parts_are_expanded() {
    let world = World::new().await;
    let view = world.one(&paid(), &["customer.invoice_settings.default_payment_method"]).await.unwrap();
    assert_eq!(view["customer"]["invoice_settings"]["default_payment_method"]["object"], "payment_method");
    let failed = payment(payment_intent::Status::RequiresPaymentMethod);
    let view = world.one(&failed, &["last_payment_error.payment_method.customer"]).await.unwrap();
    assert_eq!(view["last_payment_error"]["payment_method"]["customer"]["object"], "customer");
}

#[tokio::test]
async fn every_object_of_a_list_is_expanded() {
    let world = World::new().await;
    let view = world.list(vec![paid(), payment(payment_intent::Status::Canceled)], &["data.customer", "data.latest_charge"]).await.unwrap();
    assert_eq!((&view["object"], &view["has_more"], &view["url"]), (&json!("list"), &json!(true), &json!("/v1/payment_intents")));
    assert_eq!(view["data"][0]["latest_charge"]["object"], "charge");
    assert_eq!(view["data"][1]["latest_charge"], Value::Null, "null stays null");
    assert!(view["data"].as_array().unwrap().iter().all(|item| item["customer"]["object"] == "customer"));
}

#[tokio::test]
async fn a_list_without_expansion_is_its_objects_in_their_order() {
    let world = World::new().await;
    let (first, second) = (paid(), payment(payment_intent::Status::Canceled));
    let view = world.list(vec![first.clone(), second.clone()], &[]).await.unwrap();
    assert_eq!(view["data"][0], world.one(&first, &[]).await.unwrap());
    assert_eq!(view["data"][1], world.one(&second, &[]).await.unwrap());
    assert_eq!(world.list(Vec::new(), &["data.customer"]).await.unwrap()["data"], json!([]));
}

#[tokio::test]
async fn more_references_than_one_read_takes_are_all_expanded() {
    let world = World::new().await;
    let mut objects = Vec::new();
    for n in 0..250 {
        let id = CustomerId::new(Ulid::from_bits(n));
        let mut customer = samples::customer();
        customer.id = id;
        world.commit(put(&customer)).await;
        let mut intent = samples::payment_intent(payment_intent::Status::Succeeded);
        intent.customer = Some(id);
        objects.push(Object::PaymentIntent(Box::new(intent)));
    }
    let view = world.list(objects, &["data.customer"]).await.unwrap();
    let ids: Vec<_> = view["data"].as_array().unwrap().iter().map(|item| item["customer"]["id"].as_str().unwrap()).collect();
    let expected: Vec<_> = (0..250).map(|n| CustomerId::new(Ulid::from_bits(n)).to_string()).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn what_changed_with_the_answer_is_newer_than_the_store() {
    let world = World::new().await;
    let mut charge = samples::charge(charge::Status::Captured);
    charge.amount_refunded = 99;
    let unknown_to_the_store = BalanceTransactionId::new(Ulid::from_bits(1));
    charge.balance_transaction = Some(unknown_to_the_store);
    let mut line = samples::balance_transaction(Source::Charge(charge.id), NOW);
    line.id = unknown_to_the_store;
    let changed = vec![Object::Charge(Box::new(charge)), Object::BalanceTransaction(Box::new(line))];
    let outcome = Outcome { object: paid(), refused: None, changed };
    let expand = owned(&["latest_charge.balance_transaction"]);
    let answer = world.presenter.present(SCOPE, &outcome, &Rendering { expand, ..Rendering::default() }).await.unwrap();
    let view: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(view["latest_charge"]["amount_refunded"], 99);
    assert_eq!(view["latest_charge"]["balance_transaction"]["id"], unknown_to_the_store.to_string());
}

#[tokio::test]
async fn a_deleted_customer_expands_to_what_is_left_of_it() {
    let world = World::new().await;
    let id = CustomerId::new(Ulid::from_bits(7));
    let mut customer = samples::customer();
    (customer.id, customer.deleted) = (id, true);
    world.commit(put(&customer)).await;
    let mut intent = samples::payment_intent(payment_intent::Status::Succeeded);
    intent.customer = Some(id);
    let view = world.one(&Object::PaymentIntent(Box::new(intent)), &["customer"]).await.unwrap();
    assert_eq!(view["customer"], json!({"id": id.to_string(), "object": "customer", "deleted": true}));
}

#[tokio::test]
async fn what_cannot_be_expanded_is_refused_and_named() {
    let world = World::new().await;
    let error = world.one(&paid(), &["customer", "charges"]).await.unwrap_err();
    assert!(matches!(&error, Error::Parameter { param: "expand", code: None, .. }), "{error:?}");
    assert_eq!(error.to_string(), "This property cannot be expanded (charges).");
    let error = world.list(vec![paid()], &["customer"]).await.unwrap_err();
    assert_eq!(error.to_string(), "This property cannot be expanded (customer).");
}

#[tokio::test]
async fn a_dangling_reference_is_a_defect_and_not_left_out() {
    let world = World::new().await;
    let mut intent = samples::payment_intent(payment_intent::Status::Succeeded);
    intent.payment_method = Some(PaymentMethodId::new(Ulid::from_bits(404)));
    let error = world.one(&Object::PaymentIntent(Box::new(intent)), &["payment_method"]).await.unwrap_err();
    assert!(matches!(error, Error::Internal(_)), "{error:?}");
}

#[tokio::test]
async fn another_merchants_object_is_never_expanded() {
    let world = World::new().await;
    let mut elsewhere = SCOPE;
    elsewhere.mode = domain::scope::Mode::Live;
    let error = world.presenter.render_one(elsewhere, &paid(), &expanding(&["customer"])).await.unwrap_err();
    assert!(matches!(error, Error::Internal(_)), "{error:?}");
}

#[tokio::test]
async fn a_refused_card_answers_402_with_the_payment_and_the_card() {
    let world = World::new().await;
    let object = payment(payment_intent::Status::RequiresPaymentMethod);
    let card_error = samples::card_error(CardErrorCode::CardDeclined, Some(DeclineCode::InsufficientFunds));
    let outcome = Outcome { object: object.clone(), refused: Some(Refused::Card(card_error)), changed: Vec::new() };
    let answer = world.presenter.present(SCOPE, &outcome, &expanding(&["customer"])).await.unwrap();
    let view: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 402);
    let error = &view["error"];
    assert_eq!((&error["type"], &error["code"]), (&json!("card_error"), &json!("card_declined")));
    assert_eq!((&error["decline_code"], &error["advice_code"]), (&json!("insufficient_funds"), &json!("try_again_later")));
    assert_eq!(error["message"], CardErrorCode::CardDeclined.message());
    assert_eq!(error["charge"], ChargeId::new(ULID).to_string());
    assert_eq!(error["payment_intent"], world.one(&object, &[]).await.unwrap());
    assert_eq!(error["payment_method"]["object"], "payment_method");
    assert!(error.get("setup_intent").is_none());
}

#[tokio::test]
async fn a_command_that_the_provider_refused_answers_400_with_the_payment_as_it_is() {
    let world = World::new().await;
    let object = payment(payment_intent::Status::Succeeded);
    let refused = Some(Refused::Command(Command::Cancel));
    let outcome = Outcome { object: object.clone(), refused, changed: Vec::new() };
    let answer = world.presenter.present(SCOPE, &outcome, &Rendering::default()).await.unwrap();
    let error = &serde_json::from_slice::<Value>(&answer.body).unwrap()["error"];
    assert_eq!((answer.status, &error["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(error["code"], "payment_intent_unexpected_state");
    assert_eq!(error["message"], "This PaymentIntent could not be canceled: its provider did not do it. It has a status of succeeded.");
    assert_eq!(error["payment_intent"], world.one(&object, &[]).await.unwrap());
}

#[tokio::test]
async fn a_refused_set_up_carries_the_set_up() {
    let world = World::new().await;
    let object = Object::SetupIntent(Box::new(samples::setup_intent(setup_intent::Status::RequiresPaymentMethod)));
    let card_error = samples::card_error(CardErrorCode::SetupIntentAuthenticationFailure, None);
    let outcome = Outcome { object, refused: Some(Refused::Card(card_error)), changed: Vec::new() };
    let answer = world.presenter.present(SCOPE, &outcome, &Rendering::default()).await.unwrap();
    let view: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(view["error"]["setup_intent"]["object"], "setup_intent");
    assert!(view["error"].get("payment_intent").is_none() && view["error"].get("decline_code").is_none());
}
