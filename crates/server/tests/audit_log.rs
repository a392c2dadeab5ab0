//! The audit trail over the API in process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{get, listed, made, pay, post, send, shop};
use http::StatusCode;

#[tokio::test]
async fn rows_tell_who_did_what_and_are_listed_newest_first() {
    let shop = shop().await;
    let customer = made(&shop, "/v1/customers", "name=Ada").await;
    let id = customer["id"].as_str().unwrap();
    let changed = post(&shop, &format!("/v1/customers/{id}"), "name=Eve").await;
    let page = get(&shop, "/v1/audit_log?limit=2").await.json;
    assert_eq!((&page["object"], &page["has_more"], &page["url"]), (&"list".into(), &true.into(), &"/v1/audit_log".into()));
    let row = &page["data"][0];
    assert_eq!((&row["object"], &row["action"], &row["result"]), (&"audit_log.entry".into(), &"customer.update".into(), &"success".into()));
    assert_eq!(row["actor"]["type"], "api_key");
    assert!(row["actor"]["id"].as_str().unwrap().starts_with("key_"));
    assert_eq!(row["request"], changed.headers["request-id"].to_str().unwrap());
    let (change, made) = (&row["changes"][0], &page["data"][1]["changes"][0]);
    assert_eq!((&change["id"], &change["object"], &change["revision"]), (&id.into(), &"customer".into(), &2.into()));
    assert_eq!((&change["digest_before"], &made["digest_before"]), (&made["digest_after"], &serde_json::Value::Null));
    assert_ne!(change["digest_after"], change["digest_before"]);
    let again = get(&shop, &format!("/v1/audit_log/{}", row["id"].as_str().unwrap())).await;
    assert_eq!((again.status, &again.json), (StatusCode::OK, row));
}

#[tokio::test]
async fn rows_are_filtered_by_action_actor_object_and_time_and_paged() {
    let shop = shop().await;
    let intent = pay(&shop, 500, "usd").await;
    pay(&shop, 600, "usd").await;
    let of = async |filter: &str| listed(&shop, &format!("/v1/audit_log?{filter}"), "action").await;
    assert_eq!(of("action=payment_intent.settle").await, ["payment_intent.settle", "payment_intent.settle"]);
    assert_eq!(of(&format!("object={}", intent["id"].as_str().unwrap())).await, ["payment_intent.settle", "payment_intent.create"]);
    assert_eq!(of("actor[type]=operator").await, ["api_key.create", "api_key.create"]);
    assert_eq!(of("actor[type]=provider").await, [""; 0]);
    assert_eq!(of("created[lt]=1000").await, [""; 0]);
    let all = listed(&shop, "/v1/audit_log", "id").await;
    assert_eq!(all.len(), 6);
    let after = listed(&shop, &format!("/v1/audit_log?limit=2&starting_after={}", all[1].as_str().unwrap()), "id").await;
    assert_eq!(after, all[2..4]);
    for (filter, param) in [("action=nothing", "action"), ("actor[type]=nobody", "actor[type]"), ("object=evt_1", "object")] {
        let refused = get(&shop, &format!("/v1/audit_log?{filter}")).await;
        assert_eq!((refused.status, &refused.json["error"]["param"]), (StatusCode::BAD_REQUEST, &param.into()));
    }
}

#[tokio::test]
async fn a_browser_sees_nothing_of_the_audit_trail() {
    let settings = common::settings();
    let composed = bursar::compose::compose(&settings).await.unwrap();
    let keys = bursar::serve::first_shop(&composed.app.platform, None).await.unwrap().unwrap();
    let shop = bursar::serve::router(&composed);
    let bearer = format!("Bearer {}", keys.publishable);
    let refused = send(&shop, "GET", "/v1/audit_log", &[("authorization", &bearer)], "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.json);
}
