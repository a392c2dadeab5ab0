//! Operations without a known end over the API in process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{get, listed, made, post, shop};
use http::StatusCode;

#[tokio::test]
async fn an_unknown_payment_is_listed_and_ended_by_hand_and_the_audit_trail_says_why() {
    let shop = shop().await;
    assert_eq!(listed(&shop, "/v1/open_operations", "id").await, [""; 0]);
    let form = "amount=700&currency=usd&payment_method=pm_card_simulator_serverErrorBeforeCharge&confirm=true";
    let intent = made(&shop, "/v1/payment_intents", form).await;
    assert_eq!(intent["status"], "processing");
    let page = get(&shop, "/v1/open_operations").await.json;
    let open = &page["data"][0];
    let expected = [
        ("object", "open_operation".into()),
        ("amount", 700.into()),
        ("currency", "usd".into()),
        ("kind", "authorize".into()),
        ("unknown_reason", "provider_error".into()),
        ("payment_intent", intent["id"].clone()),
        ("remedy", false.into()),
    ];
    for (field, value) in expected {
        assert_eq!(open[field], value, "{field}");
    }
    let path = format!("/v1/open_operations/{}/resolve", open["id"].as_str().unwrap());
    for (form, param) in [
        ("outcome=failed", "evidence"),
        ("outcome=maybe&evidence=x", "outcome"),
        ("outcome=succeeded&evidence=x", "provider_reference"),
        ("outcome=failed&evidence=card%204242424242424242", "evidence"),
    ] {
        let refused = post(&shop, &path, form).await;
        assert_eq!((refused.status, &refused.json["error"]["param"]), (StatusCode::BAD_REQUEST, &param.into()), "{}", refused.json);
        assert!(!String::from_utf8_lossy(&refused.bytes).contains("42424242"));
    }
    let resolved = made(&shop, &path, "outcome=failed&evidence=ticket+4711").await;
    assert_eq!((&resolved["id"], &resolved["status"]), (&intent["id"], &"requires_payment_method".into()));
    assert_eq!(post(&shop, &path, "outcome=failed&evidence=ticket+4711").await.status, StatusCode::NOT_FOUND, "it has ended");
    let row = &get(&shop, "/v1/audit_log?limit=1").await.json["data"][0];
    assert_eq!((&row["action"], &row["note"]), (&"payment_intent.settle".into(), &"ticket 4711".into()));
}
