//! How long texts may be, and that answers which grow with `expand` are kept all the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use axum::Router;
use common::{KEY, Reply, get, post, send, shop};
use domain::contact::{MAX_ADDRESS_LINE, MAX_EMAIL, MAX_NAME, MAX_PHONE, MAX_TRACKING};
use domain::customer::MAX_LOCALE;
use http::StatusCode;
use serde_json::{Value, json};

const CARD: &str = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040";

#[tokio::test]
async fn texts_of_people_and_places_have_limits_and_are_refused_by_name() {
    let shop = shop().await;
    let shipping = "shipping[name]=Ada&shipping[address][line1]=x";
    for (path, form, param, limit) in [
        ("/v1/payment_methods", CARD, "billing_details[address][line1]", MAX_ADDRESS_LINE),
        ("/v1/payment_methods", CARD, "billing_details[email]", MAX_EMAIL),
        ("/v1/payment_methods", CARD, "billing_details[name]", MAX_NAME),
        ("/v1/payment_methods", CARD, "billing_details[phone]", MAX_PHONE),
        ("/v1/tokens", "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040", "card[address_city]", MAX_ADDRESS_LINE),
        ("/v1/customers", "", "name", MAX_NAME),
        ("/v1/customers", "", "phone", MAX_PHONE),
        ("/v1/customers", "", "preferred_locales[0]", MAX_LOCALE),
        ("/v1/customers", "", "address[state]", MAX_ADDRESS_LINE),
        ("/v1/customers", shipping, "shipping[tracking_number]", MAX_TRACKING),
        ("/v1/customers", shipping, "shipping[carrier]", MAX_TRACKING),
        ("/v1/customers", shipping, "shipping[phone]", MAX_PHONE),
        ("/v1/customers", "shipping[address][line1]=x", "shipping[name]", MAX_NAME),
    ] {
        let taken = post(&shop, path, &format!("{form}&{param}={}", "é".repeat(limit))).await;
        assert_eq!(taken.status, StatusCode::OK, "{param}: {}", taken.json);
        for wrong in ["é".repeat(limit + 1), "a%01".to_owned()] {
            let refused = post(&shop, path, &format!("{form}&{param}={wrong}")).await;
            assert_eq!((refused.status, &refused.json["error"]["param"]), (StatusCode::BAD_REQUEST, &json!(param)), "{}", refused.json);
        }
    }
}

async fn send_json(shop: &Router, path: &str, key: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {KEY}");
    let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    headers.extend((!key.is_empty()).then_some(("idempotency-key", key)));
    send(shop, "POST", path, &headers, &body.to_string()).await
}

/// As many notes as there may be, of the characters that take most bytes.
fn notes() -> Value {
    let pairs = (0..50).map(|n| (format!("{n:02}{}", "𝄞".repeat(38)), json!("𝄞".repeat(500))));
    Value::Object(pairs.collect())
}

#[tokio::test]
async fn an_answer_that_expand_makes_too_large_to_keep_names_its_objects_and_is_told_again_in_the_same_bytes() {
    let shop = shop().await;
    let customer = send_json(&shop, "/v1/customers", "", &json!({"metadata": notes()})).await.json;
    let method =
        post(&shop, "/v1/payment_methods/pm_card_visa/attach", &format!("customer={}", customer["id"].as_str().unwrap())).await.json;
    let path = format!("/v1/payment_methods/{}", method["id"].as_str().unwrap());
    assert_eq!(send_json(&shop, &path, "", &json!({"metadata": notes()})).await.status, StatusCode::OK);
    let pay = json!({
        "amount": 500, "currency": "usd", "customer": customer["id"], "payment_method": method["id"], "confirm": true, "metadata": notes(),
        "expand": ["customer", "payment_method", "latest_charge"],
    });
    let free = send_json(&shop, "/v1/payment_intents", "", &pay).await;
    assert!(free.bytes.len() > store::batch::MAX_BODY);
    assert_eq!((&free.json["customer"]["id"], &free.json["latest_charge"]["metadata"]), (&customer["id"], &notes()));
    let kept = send_json(&shop, "/v1/payment_intents", "large", &pay).await;
    assert_eq!((kept.status, &kept.json["status"], &kept.json["customer"]), (StatusCode::OK, &json!("succeeded"), &customer["id"]));
    let again = send_json(&shop, "/v1/payment_intents", "large", &pay).await;
    assert!(again.replayed && again.bytes == kept.bytes);
    assert_eq!(get(&shop, "/v1/charges").await.json["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_longest_refusal_is_kept() {
    let shop = shop().await;
    let card = json!({"number": "4000000000000002", "exp_month": 12, "exp_year": 2040});
    let said = json!({
        "amount": 500, "currency": "usd", "confirm": true, "metadata": notes(), "description": "𝄞".repeat(2_500),
        "payment_method_data": {"type": "card", "card": card, "metadata": notes(), "billing_details": {"name": "𝄞".repeat(MAX_NAME)}},
    });
    let refused = send_json(&shop, "/v1/payment_intents", "refused", &said).await;
    assert_eq!((refused.status, &refused.json["error"]["payment_intent"]["metadata"]), (StatusCode::PAYMENT_REQUIRED, &notes()));
    let again = send_json(&shop, "/v1/payment_intents", "refused", &said).await;
    assert!(again.replayed && again.bytes == refused.bytes);
}
