//! Amounts are counted as Stripe counts them, and are what can be paid.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{get, made, pay, post, shop};
use domain::currency::Currency;
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn every_amount_is_a_multiple_of_its_currencys_step() {
    let shop = shop().await;
    for currency in Currency::all() {
        let (code, step) = (currency.code(), currency.step());
        let paid = pay(&shop, step * 3, code).await;
        assert_eq!((&paid["amount_received"], &paid["currency"]), (&json!(step * 3), &json!(code)));
        if step == 1 {
            continue;
        }
        let between = step * 2 + step / 2;
        let reserved = made(
            &shop,
            "/v1/payment_intents",
            &format!("amount={}&currency={code}&payment_method=pm_card_visa&confirm=true&capture_method=manual", step * 3),
        )
        .await;
        let reserved = format!("/v1/payment_intents/{}", reserved["id"].as_str().unwrap());
        let open = made(&shop, "/v1/payment_intents", &format!("amount={between}&currency=usd")).await;
        let open = format!("/v1/payment_intents/{}", open["id"].as_str().unwrap());
        let refund = format!("payment_intent={}&amount=", paid["id"].as_str().unwrap());
        for (path, form, param) in [
            ("/v1/payment_intents", format!("currency={code}&amount={between}"), "amount"),
            ("/v1/payment_intents", format!("currency={code}&amount={between}&payment_method=pm_card_visa&confirm=true"), "amount"),
            (&open, format!("currency={code}"), "amount"),
            (&*format!("{reserved}/capture"), format!("amount_to_capture={between}"), "amount_to_capture"),
            ("/v1/refunds", format!("{refund}{between}"), "amount"),
        ] {
            let error = post(&shop, path, &form).await;
            let (named, kind) = (&error.json["error"]["param"], &error.json["error"]["code"]);
            assert_eq!(
                (error.status, named, kind),
                (StatusCode::BAD_REQUEST, &json!(param), &json!("parameter_invalid_integer")),
                "{path} {form}"
            );
        }
        assert_eq!(post(&shop, &format!("{reserved}/capture"), &format!("amount_to_capture={}", step * 2)).await.status, StatusCode::OK);
        assert_eq!(made(&shop, "/v1/refunds", &format!("{refund}{}", step * 2)).await["amount"], step * 2);
        assert_eq!(made(&shop, &open, &format!("currency={code}&amount={step}&metadata[a]=b")).await["amount"], step);
    }
    let charges = get(&shop, "/v1/charges?limit=100").await.json;
    assert!(charges["data"].as_array().unwrap().iter().all(|charge| charge["status"] == "succeeded"));
}
