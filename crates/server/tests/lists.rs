//! Lists and their filters, over the API in process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{get, listed, made, pay, shop};
use http::StatusCode;
use serde_json::Value;

#[tokio::test]
async fn events_are_listed_by_type_by_types_and_by_the_beginning_of_a_type() {
    let shop = shop().await;
    pay(&shop, 500, "usd").await;
    made(&shop, "/v1/customers", "name=Ada").await;
    assert_eq!(listed(&shop, "/v1/events?type=charge.succeeded", "type").await, ["charge.succeeded"]);
    let either = listed(&shop, "/v1/events?types[]=customer.created&types[]=payment_intent.succeeded", "type").await;
    assert_eq!(either, ["customer.created", "payment_intent.succeeded"]);
    let payments = listed(&shop, "/v1/events?type=payment_intent.*", "type").await;
    assert_eq!(payments, ["payment_intent.succeeded", "payment_intent.created"]);
    assert_eq!(get(&shop, "/v1/events?type=invoice.paid").await.json["error"]["param"], "type");
}

#[tokio::test]
async fn lists_read_as_one_are_paged_without_a_gap_or_a_double() {
    let shop = shop().await;
    for amount in 0..4 {
        pay(&shop, 500 + amount, "usd").await;
        pay(&shop, 500 + amount, "eur").await;
    }
    let all = listed(&shop, "/v1/balance_transactions?limit=100", "id").await;
    let mut walked: Vec<Value> = Vec::new();
    loop {
        let after = walked.last().map(|id| format!("&starting_after={}", id.as_str().unwrap())).unwrap_or_default();
        let page = get(&shop, &format!("/v1/balance_transactions?type=charge&limit=3{after}")).await.json;
        walked.extend(page["data"].as_array().unwrap().iter().map(|line| line["id"].clone()));
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!((walked.len(), &walked), (8, &all));
    let before = format!("/v1/balance_transactions?type=charge&limit=3&ending_before={}", all[7].as_str().unwrap());
    assert_eq!(listed(&shop, &before, "id").await, all[4..7]);
}

#[tokio::test]
async fn statement_lines_are_listed_by_source_type_and_currency() {
    let shop = shop().await;
    let euro = pay(&shop, 700, "eur").await;
    let dollar = pay(&shop, 900, "usd").await;
    let refund = made(&shop, "/v1/refunds", &format!("payment_intent={}&amount=100", dollar["id"].as_str().unwrap())).await;
    let of = async |filter: &str| listed(&shop, &format!("/v1/balance_transactions?{filter}"), "amount").await;
    assert_eq!(of(&format!("source={}", euro["latest_charge"].as_str().unwrap())).await, [700]);
    assert_eq!(of(&format!("source={}", refund["id"].as_str().unwrap())).await, [-100]);
    assert_eq!(of("type=refund").await, [-100]);
    assert_eq!(of("currency=usd").await, [-100, 900]);
    assert_eq!(of("currency=usd&type=charge").await, [900]);
    assert_eq!(of("source=ch_nothing").await, [0_i64; 0]);
    assert_eq!(get(&shop, "/v1/balance_transactions?type=gift").await.json["error"]["param"], "type");
    assert_eq!(get(&shop, "/v1/balance_transactions?currency=xxx").await.json["error"]["param"], "currency");
}

#[tokio::test]
async fn created_bounds_a_list_to_the_second() {
    let shop = shop().await;
    let created = pay(&shop, 500, "usd").await["created"].as_i64().unwrap();
    let of = async |filter: String| listed(&shop, &format!("/v1/payment_intents?{filter}"), "amount").await.len();
    for (filter, found) in [
        (format!("created={created}"), 1),
        (format!("created[gte]={created}&created[lte]={created}"), 1),
        (format!("created[gt]={created}"), 0),
        (format!("created[lt]={created}"), 0),
        (format!("created[gt]={}&created[lt]={}", created - 1, created + 1), 1),
        (format!("created[gte]={}", i64::MAX), 0),
        (format!("created[lte]={}", i64::MIN), 0),
    ] {
        assert_eq!(of(filter.clone()).await, found, "{filter}");
    }
}

#[tokio::test]
async fn a_customer_is_found_under_the_address_it_has_now_and_under_none_once_deleted() {
    let shop = shop().await;
    let customer = made(&shop, "/v1/customers", "email=a@example.com").await["id"].as_str().unwrap().to_owned();
    let of = async |email: &str| listed(&shop, &format!("/v1/customers?email={email}"), "id").await.len();
    assert_eq!((of("a@example.com").await, of("A@example.com").await), (1, 0));
    made(&shop, &format!("/v1/customers/{customer}"), "email=b@example.com").await;
    assert_eq!((of("a@example.com").await, of("b@example.com").await), (0, 1));
    common::call(&shop, "DELETE", &format!("/v1/customers/{customer}"), "", None).await;
    assert_eq!(of("b@example.com").await, 0);
    assert_eq!(get(&shop, &format!("/v1/customers/{customer}")).await.json["deleted"], true);
}

#[tokio::test]
async fn a_customers_cards_are_listed_and_found_with_their_customer_only() {
    let shop = shop().await;
    let name = async |of: &str| made(&shop, "/v1/customers", of).await["id"].as_str().unwrap().to_owned();
    let (ada, grace) = (name("name=Ada").await, name("name=Grace").await);
    let card = made(&shop, "/v1/payment_methods/pm_card_visa/attach", &format!("customer={ada}")).await;
    let card = card["id"].as_str().unwrap();
    assert_eq!(listed(&shop, &format!("/v1/customers/{ada}/payment_methods?type=card"), "id").await, [card]);
    assert_eq!(get(&shop, &format!("/v1/customers/{ada}/payment_methods/{card}")).await.json["id"], card);
    assert!(listed(&shop, &format!("/v1/customers/{grace}/payment_methods"), "id").await.is_empty());
    assert_eq!(get(&shop, &format!("/v1/customers/{grace}/payment_methods/{card}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&shop, "/v1/customers/cus_nothing/payment_methods").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn filters_that_no_list_is_kept_for_look_into_the_objects() {
    let shop = shop().await;
    let customer = made(&shop, "/v1/customers", "name=Ada").await["id"].as_str().unwrap().to_owned();
    let mut methods = Vec::new();
    for _ in 0..2 {
        let form = format!("customer={customer}&payment_method=pm_card_visa&confirm=true");
        methods.push(made(&shop, "/v1/setup_intents", &form).await["payment_method"].as_str().unwrap().to_owned());
    }
    let found = listed(&shop, &format!("/v1/setup_intents?payment_method={}", methods[0]), "payment_method").await;
    assert_eq!(found, [methods[0].as_str()]);
    assert!(listed(&shop, "/v1/setup_intents?payment_method=pm_nothing", "id").await.is_empty());
}
