//! What operators' figures say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bursar::compose::{Settings, compose};
use bursar::metrics::router;
use bursar::serve;
use common::{KEY, made};
use http::Request;
use payments::Platform;
use tower::ServiceExt as _;

async fn server() -> (Router, Arc<Platform>) {
    let settings = Settings {
        store: "memory:".to_owned(),
        bank: None,
        vault_key: None,
        audit_signing_key: None,
        public_url: "http://127.0.0.1:1".to_owned(),
    };
    let composed = compose(&settings).await.unwrap();
    serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap();
    (serve::router(&composed), Arc::clone(&composed.app.platform))
}

async fn figure(platform: &Arc<Platform>, name: &str) -> f64 {
    let router = router(Arc::clone(platform));
    let answer = router.oneshot(Request::get("/metrics").body(Body::empty()).unwrap()).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let text = String::from_utf8(to_bytes(answer.into_body(), 100_000).await.unwrap().to_vec()).unwrap();
    assert!(text.contains(&format!("# HELP {name} ")) && text.contains(&format!("# TYPE {name} gauge")), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap();
    line.parse().unwrap()
}

#[tokio::test]
async fn an_operation_without_a_known_end_is_counted_and_grows_old_until_it_ends() {
    let (shop, platform) = server().await;
    platform.recover_due().await.unwrap();
    assert_eq!(figure(&platform, "bursar_recovery_here").await, 1.0);
    assert_eq!(figure(&platform, "bursar_open_operations").await, 0.0);
    assert_eq!(figure(&platform, "bursar_oldest_open_operation_age_seconds").await, 0.0);
    let form = "amount=700&currency=usd&payment_method=pm_card_simulator_serverErrorBeforeCharge&confirm=true";
    let intent = made(&shop, "/v1/payment_intents", form).await;
    assert_eq!(intent["status"], "processing");
    made(&shop, "/v1/payment_intents", form).await;
    platform.recover_due().await.unwrap();
    assert_eq!(figure(&platform, "bursar_open_operations").await, 2.0);
    let first = figure(&platform, "bursar_oldest_open_operation_age_seconds").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let later = figure(&platform, "bursar_oldest_open_operation_age_seconds").await;
    assert!(later >= first + 0.02, "{first} {later}");
}
