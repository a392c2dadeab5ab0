//! A server in process, and requests to it.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, unreachable_pub)]

pub mod people;

use axum::Router;
use axum::body::{Body, to_bytes};
use bursar::compose::{Settings, Webhooks, compose};
use bursar::serve;
use bursar::webhooks::Reach;
use domain::account::ApiKeyKind;
use domain::scope::Scope;
use http::{HeaderMap, Request, StatusCode};
use payments::By;
use serde_json::Value;
use tower::ServiceExt as _;

/// The shop's secret key.
pub const KEY: &str = "sk_test_integration";

/// A key of whoever runs the platform.
pub const PLATFORM_KEY: &str = "sk_platform_integration";

/// The key that opens a path.
pub fn key_of(path: &str) -> &'static str {
    if path.starts_with("/v1/accounts") { PLATFORM_KEY } else { KEY }
}

/// Where browsers would reach the servers of tests; nobody listens there.
pub const URL: &str = "http://127.0.0.1:1";

/// A server that keeps everything in memory, and tells endpoints on this machine.
pub fn settings() -> Settings {
    Settings {
        store: "memory:".to_owned(),
        bank: None,
        vault_key: None,
        audit_signing_key: None,
        public_url: URL.to_owned(),
        webhooks: Webhooks::AtOnce(Reach::Private),
    }
}

/// A server with a test shop, in memory.
pub async fn shop() -> Router {
    shop_on("memory:").await
}

/// One on that store.
pub async fn shop_on(store: &str) -> Router {
    let settings = Settings { store: store.to_owned(), ..settings() };
    let composed = compose(&settings).await.unwrap();
    if serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap().is_some() {
        let by = By::operator("test");
        composed.app.platform.create_key(&by, Scope::PLATFORM, ApiKeyKind::Platform, Some(PLATFORM_KEY)).await.unwrap();
    }
    serve::router(&composed)
}

/// An answer.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub replayed: bool,
    pub bytes: Vec<u8>,
    pub json: Value,
}

/// Sends a form with these headers and no others.
pub async fn send(shop: &Router, method: &str, path: &str, headers: &[(&str, &str)], form: &str) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !form.is_empty() && headers.iter().all(|(name, _)| *name != "content-type") {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    let response = shop.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
    let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Reply { status, replayed: headers.contains_key("idempotent-replayed"), headers, bytes, json }
}

/// Sends a form with the secret key, or where it opens nothing with the platform's.
pub async fn call(shop: &Router, method: &str, path: &str, form: &str, idempotency: Option<&str>) -> Reply {
    let bearer = format!("Bearer {}", key_of(path));
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(idempotency.map(|key| ("idempotency-key", key)));
    send(shop, method, path, &headers, form).await
}

pub async fn post(shop: &Router, path: &str, form: &str) -> Reply {
    call(shop, "POST", path, form, None).await
}

pub async fn get(shop: &Router, path: &str) -> Reply {
    call(shop, "GET", path, "", None).await
}

/// What was made.
pub async fn made(shop: &Router, path: &str, form: &str) -> Value {
    let reply = post(shop, path, form).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.json);
    reply.json
}

/// A payment that succeeded.
pub async fn pay(shop: &Router, amount: i64, currency: &str) -> Value {
    made(shop, "/v1/payment_intents", &format!("amount={amount}&currency={currency}&payment_method=pm_card_visa&confirm=true")).await
}

/// One field of each object of a page.
pub async fn listed(shop: &Router, path: &str, field: &str) -> Vec<Value> {
    let reply = get(shop, path).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.json);
    reply.json["data"].as_array().unwrap().iter().map(|object| object[field].clone()).collect()
}
