use std::collections::BTreeSet;

use domain::balance_transaction::Source;
use domain::decline::{CardErrorCode, DeclineCode};
use domain::event::{EventKind, Snapshot};
use domain::id::{ChargeId, RefundId};
use domain::{charge, payment_intent, refund, setup_intent};
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::components::Components;
use super::samples::{self, CTX, NOW, ULID};
use super::{Account, AuditEntry, Balance, BalanceTransaction, Charge, Customer, Deleted, Error, ErrorBody, Event, List, PaymentIntent};
use super::{PaymentMethod, Refund, SetupIntent, Token};

fn json_of(view: impl serde::Serialize) -> Value {
    serde_json::to_value(view).unwrap()
}

fn snapshots() -> Vec<Snapshot> {
    vec![
        Snapshot::PaymentIntent(Box::new(samples::payment_intent(payment_intent::Status::Succeeded))),
        Snapshot::Charge(Box::new(samples::charge(charge::Status::Captured))),
        Snapshot::Refund(Box::new(samples::refund(refund::Status::Succeeded))),
        Snapshot::Customer(Box::new(samples::customer())),
        Snapshot::PaymentMethod(Box::new(samples::payment_method())),
        Snapshot::SetupIntent(Box::new(samples::setup_intent(setup_intent::Status::Succeeded))),
    ]
}

/// One of each answer there is, in every status it can have.
fn every_answer() -> Vec<Value> {
    let mut answers = Vec::new();
    answers.extend(payment_intent::Status::ALL.map(|s| json_of(PaymentIntent::view(&samples::payment_intent(s), CTX))));
    answers.extend(setup_intent::Status::ALL.map(|s| json_of(SetupIntent::view(&samples::setup_intent(s), CTX))));
    answers.extend(charge::Status::ALL.map(|s| json_of(Charge::view(&samples::charge(s), CTX))));
    answers.extend(refund::Status::ALL.map(|s| json_of(Refund::view(&samples::refund(s)))));
    answers.push(json_of(Customer::view(&samples::customer(), CTX)));
    answers.push(json_of(Deleted::view(samples::customer().id, "customer")));
    answers.push(json_of(PaymentMethod::view(&samples::payment_method(), CTX)));
    answers.push(json_of(Token::view(&samples::token(), CTX)));
    answers.push(json_of(Account::view(&samples::account())));
    answers.push(json_of(AuditEntry::view(&samples::audit_entry(), CTX)));
    answers.push(json_of(Balance::view(&[samples::usd(-5)], &[samples::usd(1037)], CTX)));
    let sources = [Source::Charge(ChargeId::new(ULID)), Source::Refund(RefundId::new(ULID)), Source::RefundFailure(RefundId::new(ULID))];
    answers.extend(sources.map(|source| json_of(BalanceTransaction::view(&samples::balance_transaction(source, NOW), CTX))));
    for snapshot in snapshots() {
        let event = samples::event(EventKind::PaymentIntentSucceeded, snapshot.clone(), Some(snapshot));
        answers.push(json_of(Event::view(&event, 0, CTX)));
    }
    let charge = samples::charge(charge::Status::Captured);
    answers.push(json_of(List::of(vec![Charge::view(&charge, CTX)], true, "/v1/charges")));
    let intent = samples::payment_intent(payment_intent::Status::RequiresPaymentMethod);
    let error = ErrorBody { message: "No.", r#type: "card_error", ..ErrorBody::default() };
    answers.push(json_of(Error { error: ErrorBody { payment_intent: Some(Box::new(PaymentIntent::view(&intent, CTX))), ..error } }));
    answers
}

#[test]
fn every_answer_says_what_object_it_is() {
    for answer in every_answer() {
        assert!(answer.get("object").or(answer.get("error")).is_some(), "{answer}");
    }
}

#[test]
fn the_capturable_amount_is_the_whole_while_the_money_is_reserved() {
    for status in payment_intent::Status::ALL {
        let view = json_of(PaymentIntent::view(&samples::payment_intent(status), CTX));
        let expected = if status == payment_intent::Status::RequiresCapture { 1099 } else { 0 };
        assert_eq!(view["amount_capturable"], expected, "{status:?}");
        assert_eq!(view["status"], status.as_str());
    }
}

#[test]
fn a_client_secret_is_the_one_of_the_domain() {
    let payment = samples::payment_intent(payment_intent::Status::Processing);
    assert_eq!(json_of(PaymentIntent::view(&payment, CTX))["client_secret"], payment.client_secret());
    let setup = samples::setup_intent(setup_intent::Status::Processing);
    assert_eq!(json_of(SetupIntent::view(&setup, CTX))["client_secret"], setup.client_secret());
}

#[test]
fn an_action_leads_to_the_issuers_page_and_back() {
    let view = json_of(PaymentIntent::view(&samples::payment_intent(payment_intent::Status::RequiresAction), CTX));
    let expected = json!({
        "type": "redirect_to_url",
        "redirect_to_url": {"url": "https://bank/3ds", "return_url": "https://shop/back"},
    });
    assert_eq!(view["next_action"], expected);
}

#[test]
fn a_failed_try_is_told_with_the_whole_card() {
    let view = json_of(PaymentIntent::view(&samples::payment_intent(payment_intent::Status::RequiresPaymentMethod), CTX));
    let error = &view["last_payment_error"];
    assert_eq!((&error["code"], &error["decline_code"]), (&json!("card_declined"), &json!("insufficient_funds")));
    assert_eq!((&error["type"], &error["advice_code"]), (&json!("card_error"), &json!("try_again_later")));
    assert_eq!(error["payment_method"], json_of(PaymentMethod::view(&samples::payment_method(), CTX)));
}

#[test]
fn a_released_reservation_looks_refunded_and_never_captured() {
    let view = json_of(Charge::view(&samples::charge(charge::Status::Voided), CTX));
    assert_eq!((&view["status"], &view["captured"], &view["paid"]), (&json!("succeeded"), &json!(false), &json!(true)));
    assert_eq!((&view["refunded"], &view["amount_refunded"], &view["amount_captured"]), (&json!(true), &json!(1099), &json!(0)));
}

#[test]
fn a_charge_is_refunded_only_when_all_that_was_captured_went_back() {
    let mut charge = samples::charge(charge::Status::Captured);
    for (captured, refunded, expected) in [(1099, 0, false), (1099, 1098, false), (1099, 1099, true), (500, 500, true)] {
        (charge.amount_captured, charge.amount_refunded) = (captured, refunded);
        let view = json_of(Charge::view(&charge, CTX));
        assert_eq!((&view["refunded"], &view["amount_refunded"]), (&json!(expected), &json!(refunded)), "{captured} {refunded}");
    }
    let reserved = json_of(Charge::view(&samples::charge(charge::Status::Authorized), CTX));
    assert_eq!((&reserved["refunded"], &reserved["captured"]), (&json!(false), &json!(false)));
}

#[test]
fn a_failed_charge_says_who_refused() {
    let mut charge = samples::charge(charge::Status::Failed);
    let view = json_of(Charge::view(&charge, CTX));
    assert_eq!((&view["status"], &view["paid"], &view["failure_code"]), (&json!("failed"), &json!(false), &json!("card_declined")));
    assert_eq!(view["outcome"]["network_status"], "declined_by_network");
    assert_eq!((&view["outcome"]["reason"], &view["outcome"]["type"]), (&json!("insufficient_funds"), &json!("issuer_declined")));
    charge.failure = Some(charge::Failure { code: CardErrorCode::PaymentIntentAuthenticationFailure, decline_code: None });
    let view = json_of(Charge::view(&charge, CTX));
    assert_eq!(view["outcome"]["network_status"], "not_sent_to_network");
}

#[test]
fn a_refund_is_pending_until_the_provider_has_decided() {
    let shown = |status| json_of(Refund::view(&samples::refund(status)));
    for status in refund::Status::ALL {
        let view = shown(status);
        assert_eq!(view["status"] == "pending", status.is_open(), "{status:?}");
        assert_eq!(view.get("pending_reason").is_some(), status.is_open(), "{status:?}");
    }
    let failed = shown(refund::Status::Failed);
    assert_eq!(failed["failure_reason"], "lost_or_stolen_card");
    assert_eq!(failed["failure_balance_transaction"], failed["balance_transaction"]);
}

#[test]
fn a_line_is_available_from_its_day_on() {
    let source = Source::Charge(ChargeId::new(ULID));
    for (available_on, expected) in [(NOW, "available"), (NOW.plus_millis(1), "pending")] {
        let line = samples::balance_transaction(source, available_on);
        assert_eq!(json_of(BalanceTransaction::view(&line, CTX))["status"], expected);
    }
}

#[test]
fn the_parts_of_a_fee_sum_up_to_it() {
    for source in [Source::Charge(ChargeId::new(ULID)), Source::Refund(RefundId::new(ULID))] {
        let view = json_of(BalanceTransaction::view(&samples::balance_transaction(source, NOW), CTX));
        let parts: i64 = view["fee_details"].as_array().unwrap().iter().map(|part| part["amount"].as_i64().unwrap()).sum();
        assert_eq!(view["fee"], parts);
        assert_eq!(view["net"], view["amount"].as_i64().unwrap() - parts);
    }
}

#[test]
fn an_update_tells_what_changed_fields_were_and_nothing_else() {
    let before = samples::customer();
    let mut after = before.clone();
    after.email = None;
    after.metadata = samples::notes(&[("tier", "lead"), ("since", "2026")]);
    let snapshot = |customer| Snapshot::Customer(Box::new(customer));
    let event = samples::event(EventKind::CustomerUpdated, snapshot(after), Some(snapshot(before)));
    let view = json_of(Event::view(&event, 0, CTX));
    let expected = json!({"email": "a@example.com", "metadata": {"tier": "gold", "since": null}});
    assert_eq!(view["data"]["previous_attributes"], expected);
    assert_eq!(view["data"]["object"]["email"], Value::Null);
    assert_eq!((&view["sequence"], &view["type"]), (&json!(4), &json!("customer.updated")));
}

#[test]
fn an_event_without_a_former_state_has_no_previous_attributes() {
    for snapshot in snapshots() {
        let view = json_of(Event::view(&samples::event(EventKind::ChargeSucceeded, snapshot, None), 0, CTX));
        assert!(view["data"].get("previous_attributes").is_none(), "{view}");
    }
}

#[test]
fn a_deletion_shows_the_customer_as_it_was() {
    let mut customer = samples::customer();
    customer.deleted = true;
    let event = samples::event(EventKind::CustomerDeleted, Snapshot::Customer(Box::new(customer.clone())), None);
    let view = json_of(Event::view(&event, 0, CTX));
    assert_eq!(view["data"]["object"], json_of(Customer::view(&customer, CTX)));
    assert!(view["data"]["object"].get("deleted").is_none());
}

#[test]
fn advice_is_given_only_where_it_is_known() {
    use super::words::AdviceCode::{ConfirmCardData, DoNotTryAgain, TryAgainLater};
    for (code, advice) in [
        (DeclineCode::IncorrectCvc, Some(ConfirmCardData)),
        (DeclineCode::StolenCard, Some(DoNotTryAgain)),
        (DeclineCode::TryAgainLater, Some(TryAgainLater)),
        (DeclineCode::GenericDecline, None),
    ] {
        assert_eq!(super::card::advice(code), advice, "{code:?}");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(field, inside)| match inside.as_str() {
            Some(name) if field == "$ref" => drop(found.insert(name.replace("#/components/schemas/", ""))),
            _ => references(inside, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn descriptions_refer_only_to_what_is_described() {
    let api = json_of(Components::openapi());
    let described: BTreeSet<String> = api["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    let mut named = BTreeSet::new();
    references(&api, &mut named);
    assert!(named.contains("Deleted") && named.is_subset(&described), "{:?}", named.difference(&described));
}

#[test]
fn descriptions_have_every_field_that_is_written() {
    let api = json_of(Components::openapi());
    let schemas = [
        ("payment_intent", "PaymentIntent"),
        ("setup_intent", "SetupIntent"),
        ("charge", "Charge"),
        ("refund", "Refund"),
        ("customer", "Customer"),
        ("payment_method", "PaymentMethod"),
        ("token", "Token"),
        ("account", "Account"),
        ("balance", "Balance"),
        ("balance_transaction", "BalanceTransaction"),
        ("event", "Event"),
        ("audit_log.entry", "AuditEntry"),
    ];
    for answer in every_answer().iter().filter(|answer| answer.get("deleted").is_none()) {
        let Some((_, schema)) = schemas.iter().find(|(object, _)| answer["object"] == **object) else { continue };
        let described = &api["components"]["schemas"][*schema]["properties"];
        for field in answer.as_object().unwrap().keys() {
            assert!(described.get(field).is_some(), "{schema}.{field}");
        }
    }
}
