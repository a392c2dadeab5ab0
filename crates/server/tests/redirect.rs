//! The buyer's way over the issuer's page and back to the shop.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use axum::Router;
use common::{get, made, send, shop};
use http::StatusCode;
use serde_json::Value;

/// Where the test server says that browsers reach it.
const PUBLIC_URL: &str = "http://127.0.0.1:1";
const FORM: &str = "amount=2000&currency=usd&payment_method=pm_card_threeDSecure2Required&confirm=true";

async fn waiting(shop: &Router, return_url: &str) -> Value {
    let intent = made(shop, "/v1/payment_intents", &format!("{FORM}&return_url={return_url}")).await;
    assert_eq!(intent["status"], "requires_action");
    intent
}

/// The path of an address on this server.
fn path_of(address: &str) -> &str {
    address.strip_prefix(PUBLIC_URL).unwrap()
}

/// What the buyer decides on the issuer's page; the path it leads to.
async fn decide(shop: &Router, intent: &Value, decision: &str) -> String {
    let page = path_of(intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap());
    let back = send(shop, "POST", page, &[], &format!("decision={decision}")).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    path_of(back.headers["location"].to_str().unwrap()).to_owned()
}

/// Where a visit of that path leads a browser, which has no key.
async fn visit(shop: &Router, path: &str) -> String {
    let reply = send(shop, "GET", path, &[], "").await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{path}");
    reply.headers["location"].to_str().unwrap().to_owned()
}

async fn status(shop: &Router, intent: &Value) -> Value {
    get(shop, &format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap())).await.json["status"].clone()
}

/// What the shop's address is given in addition.
fn told(intent: &Value, outcome: &str) -> String {
    let (id, secret) = (intent["id"].as_str().unwrap(), intent["client_secret"].as_str().unwrap());
    format!("payment_intent={id}&payment_intent_client_secret={secret}&redirect_status={outcome}")
}

#[tokio::test]
async fn a_buyer_comes_back_to_the_shop_with_how_the_payment_ended() {
    let shop = shop().await;
    for (decision, outcome, ended) in [("approve", "succeeded", "succeeded"), ("refuse", "failed", "requires_payment_method")] {
        let intent = waiting(&shop, "https://shop.example/back").await;
        let way_back = decide(&shop, &intent, decision).await;
        assert_eq!(visit(&shop, &way_back).await, format!("https://shop.example/back?{}", told(&intent, outcome)));
        assert_eq!(status(&shop, &intent).await, ended);
    }
}

#[tokio::test]
async fn a_buyer_who_comes_back_again_is_led_to_the_same_place() {
    let shop = shop().await;
    for decision in ["approve", "refuse"] {
        let intent = waiting(&shop, "https://shop.example/back").await;
        let way_back = decide(&shop, &intent, decision).await;
        let first = visit(&shop, &way_back).await;
        assert_eq!(visit(&shop, &way_back).await, first);
        assert_eq!(decide(&shop, &intent, "approve").await, way_back);
        assert_eq!(visit(&shop, &way_back).await, first);
    }
    assert_eq!(get(&shop, "/v1/charges?limit=100").await.json["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_added_to_the_shops_address_stands_before_its_fragment() {
    let shop = shop().await;
    for (given, before, after) in [
        ("https://shop.example/back?order=7", "https://shop.example/back?order=7&", ""),
        ("https://shop.example/%23/paid", "https://shop.example/?", "#/paid"),
    ] {
        let intent = waiting(&shop, given).await;
        let way_back = decide(&shop, &intent, "approve").await;
        assert_eq!(visit(&shop, &way_back).await, format!("{before}{}{after}", told(&intent, "succeeded")));
    }
}

#[tokio::test]
async fn nobody_comes_back_with_a_secret_that_is_not_the_payments() {
    let shop = shop().await;
    let intent = waiting(&shop, "https://shop.example/back").await;
    let way_back = decide(&shop, &intent, "approve").await;
    let (place, secret) = way_back.rsplit_once('/').unwrap();
    let (id, _) = secret.split_once("_secret_").unwrap();
    for wrong in [format!("{id}_secret_{}", "0".repeat(24)), id.to_owned(), "pi_nothing_secret_0".to_owned(), "x".to_owned()] {
        let reply = send(&shop, "GET", &format!("{place}/{wrong}"), &[], "").await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{wrong}");
        assert!(!reply.headers.contains_key("location"));
    }
    assert_eq!(status(&shop, &intent).await, "requires_action");
    let elsewhere = [way_back.replace("/test/", "/live/"), format!("/redirect/acct_01M87T62J300008KCCEW3DT463/test/{secret}")];
    for path in elsewhere {
        assert_eq!(send(&shop, "GET", &path, &[], "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
