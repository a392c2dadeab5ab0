//! Cards over the API in process: what is known of them, who may pay with them, and how often.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use axum::Router;
use common::{call, get, listed, made, post, send, shop};
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

#[tokio::test]
async fn what_a_request_says_of_the_cardholder_counts_more_than_what_the_token_says() {
    let shop = shop().await;
    let card = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[name]=Ada&card[address_city]=London";
    let with = "billing_details[email]=ada@example.com&billing_details[name]=Grace";
    let token = async || text(&made(&shop, "/v1/tokens", card).await["id"]).to_owned();
    let method = made(&shop, "/v1/payment_methods", &format!("type=card&card[token]={}&{with}", token().await)).await;
    let data = with.replace("billing_details", "payment_method_data[billing_details]");
    let data = format!("payment_method_data[type]=card&payment_method_data[card][token]={}&{data}", token().await);
    let setup = made(&shop, "/v1/setup_intents", &data).await;
    let saved = get(&shop, &format!("/v1/payment_methods/{}", text(&setup["payment_method"]))).await.json;
    for details in [&method["billing_details"], &saved["billing_details"]] {
        assert_eq!((text(&details["name"]), text(&details["email"])), ("Grace", "ada@example.com"));
        assert_eq!(text(&details["address"]["city"]), "London");
    }
    let named = made(&shop, "/v1/payment_methods", &format!("type=card&card[token]=tok_visa&{with}")).await;
    assert_eq!(named["billing_details"]["name"], "Grace");
}

#[tokio::test]
async fn an_update_changes_the_particulars_it_names_and_an_address_as_a_whole() {
    let shop = shop().await;
    let customer = customer(&shop).await;
    let path = format!("/v1/payment_methods/{}", attached(&shop, "pm_card_visa", &customer).await);
    let address = "billing_details[address][line1]=Main Street 1&billing_details[address][city]=Paris";
    made(&shop, &path, &format!("billing_details[name]=Ada&billing_details[phone]=1&{address}")).await;
    let after = |form: &'static str| {
        let (shop, path) = (shop.clone(), path.clone());
        async move { made(&shop, &path, form).await["billing_details"].clone() }
    };
    let details = after("billing_details[email]=ada@example.com").await;
    assert_eq!((text(&details["name"]), text(&details["email"]), text(&details["phone"])), ("Ada", "ada@example.com", "1"));
    assert_eq!((text(&details["address"]["line1"]), text(&details["address"]["city"])), ("Main Street 1", "Paris"));
    let details = after("billing_details[address][city]=Rome").await;
    assert_eq!((&details["address"]["line1"], text(&details["address"]["city"])), (&Value::Null, "Rome"));
    let details = after("billing_details[phone]=").await;
    assert_eq!((&details["phone"], text(&details["name"])), (&Value::Null, "Ada"));
}

#[tokio::test]
async fn a_card_made_with_the_request_that_names_it_can_be_expanded_in_its_answer() {
    let shop = shop().await;
    let names = "payment_method=pm_card_visa&expand[]=payment_method";
    for (path, first) in [("/v1/payment_intents", "amount=500&currency=usd"), ("/v1/setup_intents", "usage=off_session")] {
        for more in ["", "&confirm=true&return_url=https://shop.example"] {
            let intent = made(&shop, path, &format!("{first}&{names}{more}")).await;
            assert_eq!(intent["payment_method"]["card"]["brand"], "visa", "{path}{more}");
        }
        let bare = made(&shop, path, first).await;
        let intent = made(&shop, &format!("{path}/{}", text(&bare["id"])), names).await;
        assert_eq!(intent["payment_method"]["card"]["brand"], "visa", "update of {path}");
    }
}
