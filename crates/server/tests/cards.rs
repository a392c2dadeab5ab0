//! Cards over the API in process: what is known of them, who may pay with them, and how often.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use axum::Router;
use common::{call, listed, made, post, send, shop};
use http::StatusCode;
use serde_json::Value;

/// Where the test server says that browsers reach it.
const PUBLIC_URL: &str = "http://127.0.0.1:1";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn customer(shop: &Router) -> String {
    text(&made(shop, "/v1/customers", "name=Ada").await["id"]).to_owned()
}

async fn attached(shop: &Router, card: &str, customer: &str) -> String {
    let method = made(shop, &format!("/v1/payment_methods/{card}/attach"), &format!("customer={customer}")).await;
    text(&method["id"]).to_owned()
}

/// The buyer authenticates, and comes back to the shop.
async fn authenticate(shop: &Router, intent: &Value) {
    let path_of = |address: &str| address.strip_prefix(PUBLIC_URL).unwrap().to_owned();
    let page = path_of(text(&intent["next_action"]["redirect_to_url"]["url"]));
    let back = send(shop, "POST", &page, &[], "decision=approve").await;
    let back = path_of(back.headers["location"].to_str().unwrap());
    send(shop, "GET", &back, &[], "").await;
}

#[tokio::test]
async fn a_card_authenticated_in_a_payment_that_saves_it_pays_off_session_afterwards() {
    let shop = shop().await;
    let customer = customer(&shop).await;
    let card = attached(&shop, "pm_card_authenticationRequiredOnSetup", &customer).await;
    let pay = |more: &str| format!("amount=500&currency=usd&customer={customer}&payment_method={card}&confirm=true{more}");
    let refused = post(&shop, "/v1/payment_intents", &pay("&off_session=true")).await;
    assert_eq!(refused.json["error"]["decline_code"], "authentication_required", "{}", refused.json);
    let intent = made(&shop, "/v1/payment_intents", &pay("&setup_future_usage=off_session&return_url=https://shop.example")).await;
    assert_eq!(intent["status"], "requires_action");
    authenticate(&shop, &intent).await;
    let again = made(&shop, "/v1/payment_intents", &pay("&off_session=true")).await;
    assert_eq!(again["status"], "succeeded");
}

#[tokio::test]
async fn a_deleted_customers_cards_are_not_listed() {
    let shop = shop().await;
    let customer = customer(&shop).await;
    let card = attached(&shop, "pm_card_visa", &customer).await;
    let list = format!("/v1/payment_methods?customer={customer}");
    assert_eq!(listed(&shop, &list, "id").await, [card.as_str()]);
    assert_eq!(call(&shop, "DELETE", &format!("/v1/customers/{customer}"), "", None).await.status, StatusCode::OK);
    assert_eq!(listed(&shop, &list, "id").await, [""; 0]);
}
