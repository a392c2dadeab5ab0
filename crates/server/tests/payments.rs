//! The path of a payment over the API, in process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;

use axum::Router;
use bursar::serve;
use common::{KEY, Reply, call, get, made, post, send, shop, shop_on};
use http::StatusCode;
use providers::simulator::{self, Location, Simulator};
use serde_json::Value;

const PAY: &str = "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true";

#[tokio::test]
async fn a_payment_succeeds_is_found_again_and_is_refunded_no_further_than_captured() {
    let shop = shop().await;
    let paid = post(&shop, "/v1/payment_intents", PAY).await;
    assert_eq!((paid.status, &paid.json["status"]), (StatusCode::OK, &Value::from("succeeded")));
    let id = paid.json["id"].as_str().unwrap();
    assert_eq!(get(&shop, &format!("/v1/payment_intents/{id}")).await.json, paid.json);
    let part = post(&shop, "/v1/refunds", &format!("payment_intent={id}&amount=1500")).await;
    assert_eq!(part.json["status"], "succeeded");
    let too_much = post(&shop, "/v1/refunds", &format!("payment_intent={id}&amount=501")).await;
    assert_eq!((too_much.status, &too_much.json["error"]["param"]), (StatusCode::BAD_REQUEST, &Value::from("amount")));
    assert_eq!(post(&shop, "/v1/refunds", &format!("payment_intent={id}")).await.json["amount"], 500);
    let again = post(&shop, "/v1/refunds", &format!("payment_intent={id}")).await;
    assert_eq!(again.json["error"]["code"], "charge_already_refunded");
}

/// The same request many times at once, from several threads: only so do requests meet between look-up and commit.
async fn race(shop: &Router, times: usize, path: &'static str, form: &str, key: Option<&'static str>) -> Vec<Reply> {
    let tasks = (0..times).map(|_| {
        let (shop, form) = (shop.clone(), form.to_owned());
        tokio::spawn(async move { call(&shop, "POST", path, &form, key).await })
    });
    futures::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_refunds_never_give_back_more_than_was_captured() {
    let directory = tempfile::tempdir().unwrap();
    let shop = shop_on(&format!("sqlite:{}", directory.path().join("bursar.db").display())).await;
    let paid = post(&shop, "/v1/payment_intents", PAY).await;
    let form = format!("payment_intent={}&amount=100", paid.json["id"].as_str().unwrap());
    let replies = race(&shop, 200, "/v1/refunds", &form, None).await;
    assert_eq!(replies.iter().filter(|r| r.status == StatusCode::OK).count(), 20);
    assert!(replies.iter().all(|r| r.status == StatusCode::OK || r.status == StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn the_same_key_and_body_give_the_same_bytes_and_one_payment() {
    let shop = shop().await;
    let first = call(&shop, "POST", "/v1/payment_intents", PAY, Some("order-1")).await;
    let second = call(&shop, "POST", "/v1/payment_intents", PAY, Some("order-1")).await;
    assert!(!first.replayed && second.replayed);
    assert_eq!(first.bytes, second.bytes);
    let other = call(&shop, "POST", "/v1/payment_intents", &PAY.replace("2000", "2001"), Some("order-1")).await;
    assert_eq!((other.status, &other.json["error"]["type"]), (StatusCode::BAD_REQUEST, &Value::from("idempotency_error")));
    assert_eq!(get(&shop, "/v1/payment_intents").await.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_repeated_under_its_key_although_the_state_has_changed() {
    let shop = shop().await;
    let reserved = post(&shop, "/v1/payment_intents", &format!("{PAY}&capture_method=manual")).await;
    let id = reserved.json["id"].as_str().unwrap();
    let refund = format!("payment_intent={id}&amount=500");
    let refused = call(&shop, "POST", "/v1/refunds", &refund, Some("refund-1")).await;
    assert_eq!((refused.status, refused.replayed), (StatusCode::BAD_REQUEST, false));
    assert_eq!(post(&shop, &format!("/v1/payment_intents/{id}/capture"), "").await.json["status"], "succeeded");
    let again = call(&shop, "POST", "/v1/refunds", &refund, Some("refund-1")).await;
    assert_eq!((again.status, again.replayed, &again.bytes), (StatusCode::BAD_REQUEST, true, &refused.bytes));
    assert_eq!(call(&shop, "POST", "/v1/refunds", &refund, Some("refund-2")).await.json["status"], "succeeded");
    assert_eq!(get(&shop, "/v1/refunds").await.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_that_is_none_uses_no_key_up() {
    let shop = shop().await;
    let unreadable = call(&shop, "POST", "/v1/payment_intents", &format!("{PAY}&colour=red"), Some("order-1")).await;
    assert_eq!(unreadable.status, StatusCode::BAD_REQUEST);
    assert_eq!(call(&shop, "POST", "/v1/payment_intents", PAY, Some("order-1")).await.json["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_refunds_on_two_servers_never_give_back_more_than_was_captured() {
    let store: Arc<dyn store::Store> = Arc::new(store::memory::Memory::new());
    let bank = Arc::new(Simulator::open(&Location::Memory, simulator::Options::default()).unwrap());
    let server = || bursar::compose::join(Arc::clone(&store), Arc::<Simulator>::clone(&bank), &[7; 32], "http://127.0.0.1:1").unwrap();
    let (one, two) = (server(), server());
    serve::first_shop(&one.platform, Some(KEY)).await.unwrap();
    let (one, two) = (bursar::api::router(one), bursar::api::router(two));
    let paid = post(&one, "/v1/payment_intents", PAY).await;
    let form = format!("payment_intent={}&amount=100", paid.json["id"].as_str().unwrap());
    let (first, second) = futures::join!(race(&one, 40, "/v1/refunds", &form, None), race(&two, 40, "/v1/refunds", &form, None));
    let made = first.iter().chain(&second).filter(|r| r.status == StatusCode::OK).count();
    let charge = get(&one, "/v1/charges").await.json["data"][0].clone();
    assert_eq!((made, &charge["amount_refunded"]), (20, &Value::from(2000)));
    assert!(payments::verify::verify(&*store).await.unwrap().differences.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_requests_under_one_key_make_one_payment() {
    let directory = tempfile::tempdir().unwrap();
    let shop = shop_on(&format!("sqlite:{}", directory.path().join("bursar.db").display())).await;
    let replies = race(&shop, 200, "/v1/payment_intents", PAY, Some("order-1")).await;
    assert!(replies.iter().all(|r| r.status == StatusCode::OK || r.status == StatusCode::CONFLICT));
    assert_eq!(get(&shop, "/v1/charges").await.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_declined_payment_takes_another_card() {
    let shop = shop().await;
    let declined = post(&shop, "/v1/payment_intents", &PAY.replace("pm_card_visa", "pm_card_visa_chargeDeclinedInsufficientFunds")).await;
    assert_eq!(declined.status, StatusCode::PAYMENT_REQUIRED);
    let error = &declined.json["error"];
    assert_eq!((&error["type"], &error["decline_code"]), (&Value::from("card_error"), &Value::from("insufficient_funds")));
    let id = error["payment_intent"]["id"].as_str().unwrap();
    let paid = post(&shop, &format!("/v1/payment_intents/{id}/confirm"), "payment_method=pm_card_mastercard").await;
    assert_eq!(paid.json["status"], "succeeded");
}

#[tokio::test]
async fn a_reserved_payment_is_captured_in_part_or_canceled() {
    let shop = shop().await;
    let form = format!("{PAY}&capture_method=manual");
    let reserved = post(&shop, "/v1/payment_intents", &form).await;
    assert_eq!((&reserved.json["status"], &reserved.json["amount_capturable"]), (&Value::from("requires_capture"), &Value::from(2000)));
    let path = format!("/v1/payment_intents/{}", reserved.json["id"].as_str().unwrap());
    let captured = post(&shop, &format!("{path}/capture"), "amount_to_capture=1200").await;
    assert_eq!((&captured.json["status"], &captured.json["amount_received"]), (&Value::from("succeeded"), &Value::from(1200)));
    let reserved = post(&shop, "/v1/payment_intents", &form).await;
    let path = format!("/v1/payment_intents/{}", reserved.json["id"].as_str().unwrap());
    assert_eq!(post(&shop, &format!("{path}/cancel"), "").await.json["status"], "canceled");
    assert_eq!(post(&shop, &format!("{path}/capture"), "").await.json["error"]["code"], "payment_intent_unexpected_state");
}

#[tokio::test]
async fn an_empty_amount_moves_no_money() {
    let shop = shop().await;
    let paid = made(&shop, "/v1/payment_intents", PAY).await;
    let reserved = made(&shop, "/v1/payment_intents", &format!("{PAY}&capture_method=manual")).await;
    let capture = format!("/v1/payment_intents/{}/capture", reserved["id"].as_str().unwrap());
    let refund = paid["id"].as_str().unwrap();
    let json = [("authorization", &*format!("Bearer {KEY}")), ("content-type", "application/json")];
    for (refused, param) in [
        (post(&shop, "/v1/refunds", &format!("payment_intent={refund}&amount=")).await, "amount"),
        (send(&shop, "POST", "/v1/refunds", &json, &format!(r#"{{"payment_intent":"{refund}","amount":null}}"#)).await, "amount"),
        (post(&shop, &capture, "amount_to_capture=").await, "amount_to_capture"),
        (send(&shop, "POST", &capture, &json, r#"{"amount_to_capture":null}"#).await, "amount_to_capture"),
        (post(&shop, "/v1/payment_intents", &format!("{PAY}&capture_method=")).await, "capture_method"),
        (post(&shop, "/v1/payment_intents", &format!("{PAY}&customer=")).await, "customer"),
    ] {
        let error = &refused.json["error"];
        assert_eq!(
            (refused.status, &error["code"], &error["param"]),
            (StatusCode::BAD_REQUEST, &"parameter_invalid_empty".into(), &param.into())
        );
    }
    assert!(get(&shop, "/v1/refunds").await.json["data"].as_array().unwrap().is_empty());
    assert_eq!(get(&shop, "/v1/charges").await.json["data"].as_array().unwrap().len(), 2);
    assert_eq!(get(&shop, &format!("/v1/payment_intents/{}", reserved["id"].as_str().unwrap())).await.json, reserved);
}

#[tokio::test]
async fn a_line_of_an_address_that_nobody_filled_in_is_none() {
    let shop = shop().await;
    let form = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040\
        &billing_details[address][line1]=1+Main+St&billing_details[address][line2]=\
        &billing_details[email]=&billing_details[phone]=";
    let method = made(&shop, "/v1/payment_methods", form).await;
    let billing = &method["billing_details"];
    assert_eq!((&billing["address"]["line1"], &billing["address"]["line2"]), (&Value::from("1 Main St"), &Value::Null));
    assert_eq!((&billing["email"], &billing["phone"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_saved_card_pays_in_the_absence_of_its_owner() {
    let shop = shop().await;
    let customer = post(&shop, "/v1/customers", "email=jenny@example.com").await.json["id"].as_str().unwrap().to_owned();
    let form = format!("customer={customer}&payment_method=pm_card_visa&confirm=true");
    let setup = post(&shop, "/v1/setup_intents", &form).await;
    assert_eq!(setup.json["status"], "succeeded");
    let method = setup.json["payment_method"].as_str().unwrap();
    let form = format!("amount=500&currency=jpy&customer={customer}&payment_method={method}&off_session=true&confirm=true");
    assert_eq!(post(&shop, "/v1/payment_intents", &form).await.json["status"], "succeeded");
}

#[tokio::test]
async fn a_wrong_key_an_unknown_parameter_and_an_unknown_object_are_refused_by_name() {
    let shop = shop().await;
    let wrong = send(&shop, "GET", "/v1/customers", &[("authorization", "Bearer sk_test_wrong")], "").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let unknown = post(&shop, "/v1/payment_intents", &format!("{PAY}&colour=red")).await;
    assert_eq!((unknown.status, &unknown.json["error"]["code"]), (StatusCode::BAD_REQUEST, &Value::from("parameter_unknown")));
    assert_eq!(get(&shop, "/v1/charges/ch_nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_missing_is_not_found_in_a_path_and_a_mistake_in_a_parameter() {
    let shop = shop().await;
    let none = "00000000000000000000000000";
    let customer = made(&shop, "/v1/customers", "name=Ada").await["id"].as_str().unwrap().to_owned();
    let method = made(&shop, "/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}")).await["id"].clone();
    let method = method.as_str().unwrap();
    for (path, form, param) in [
        ("/v1/payment_intents", "amount=100&currency=usd&customer=cus_", "customer"),
        ("/v1/payment_intents", "amount=100&currency=usd&payment_method=pm_", "payment_method"),
        ("/v1/setup_intents", "customer=cus_", "customer"),
        ("/v1/setup_intents", "confirm=true&payment_method=pm_", "payment_method"),
        ("/v1/refunds", "charge=ch_", "charge"),
        ("/v1/refunds", "payment_intent=pi_", "payment_intent"),
        ("/v1/customers", "payment_method=pm_", "payment_method"),
        (&*format!("/v1/customers/{customer}"), "invoice_settings[default_payment_method]=pm_", "invoice_settings[default_payment_method]"),
        (&format!("/v1/payment_methods/{method}/attach"), "customer=cus_", "customer"),
        ("/v1/payment_methods", "type=card&card[token]=tok_", "card[token]"),
    ] {
        for id in [none, "nothing"] {
            let error = post(&shop, path, &format!("{form}{id}")).await;
            let (code, named) = (&error.json["error"]["code"], &error.json["error"]["param"]);
            assert_eq!((error.status, code, named), (StatusCode::BAD_REQUEST, &"resource_missing".into(), &param.into()), "{path} {form}");
        }
    }
    let endpoint = made(&shop, "/v1/webhook_endpoints", "url=https://shop.example/&enabled_events[]=*").await;
    let endpoint = endpoint["id"].as_str().unwrap();
    for (method, template) in bursar::api::operations().filter(|(_, template)| template.contains('{')) {
        for id in [none, "nothing"] {
            let (prefix, form) = match template.trim_start_matches("/v1/").split('/').next().unwrap() {
                "payment_intents" => ("pi_", ""),
                "setup_intents" if template.ends_with("/confirm") => ("seti_", "payment_method=pm_card_visa"),
                "setup_intents" => ("seti_", ""),
                "payment_methods" => ("pm_", if template.ends_with("/attach") { &*format!("customer={customer}") } else { "" }),
                "tokens" => ("tok_", ""),
                "charges" => ("ch_", ""),
                "refunds" => ("re_", ""),
                "customers" => ("cus_", ""),
                "balance_transactions" => ("txn_", ""),
                "events" if template.ends_with("/retry") => ("evt_", &*format!("webhook_endpoint={endpoint}")),
                "events" => ("evt_", ""),
                "webhook_endpoints" if template.ends_with("/replay") => ("we_", "created[gte]=1"),
                "webhook_endpoints" => ("we_", ""),
                "accounts" => ("acct_", ""),
                "api_keys" => ("key_", ""),
                "users" if template.ends_with("/disable") || method == "GET" => ("usr_", ""),
                "users" => ("usr_", "role=support"),
                "audit_log" => ("aud_", ""),
                "open_operations" => ("pa_", "outcome=failed&evidence=x"),
                other => panic!("{other}"),
            };
            let (start, rest) = template.split_once('{').unwrap();
            let path = format!("{start}{prefix}{id}{}", rest.split_once('}').unwrap().1.replace(['{', '}'], ""));
            let missing = call(&shop, method, &path, form, None).await;
            assert_eq!(
                (missing.status, &missing.json["error"]["code"]),
                (StatusCode::NOT_FOUND, &"resource_missing".into()),
                "{method} {path}"
            );
        }
    }
}
