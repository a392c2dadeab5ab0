//! Any request to any operation of the API, with a secret key: never a 5xx, and always JSON.
//!
//! The first line of the input is the method path and perhaps an idempotency key, the second the content type, and the
//! rest the body, or the query of a `GET`.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bursar::{api, compose, serve};
use bursar_fuzz::Served;
use http::Request;
use providers::simulator::{Location, Options, Simulator};
use store::memory::Memory;
use tokio::runtime::Runtime;

const KEY: &str = "sk_test_fuzzing";

thread_local! {
    static API: Served = Served::new(shop);
}

fn shop(runtime: &Runtime) -> Router {
    let options = Options { late: Duration::ZERO, timeout: Duration::ZERO, ..Options::default() };
    let bank = Simulator::open(&Location::Memory, options).expect("a bank in memory");
    let app = compose::join(Arc::new(Memory::new()), Arc::new(bank), &[7; 32], "http://127.0.0.1:1").expect("a server");
    runtime.block_on(serve::first_shop(&app.platform, Some(KEY))).expect("a shop");
    api::router(app)
}

/// The request that an input stands for, if it is one.
fn request(input: &[u8]) -> Option<Request<Body>> {
    let text = std::str::from_utf8(input).ok()?;
    let (line, rest) = text.split_once('\n')?;
    let (content_type, rest) = rest.split_once('\n')?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let target = if method == "GET" { format!("/v1/{path}?{rest}") } else { format!("/v1/{path}") };
    let mut request = Request::builder().method(method).uri(target).header("authorization", format!("Bearer {KEY}"));
    if let Some(key) = words.next() {
        request = request.header("idempotency-key", key);
    }
    request.header("content-type", content_type).body(Body::from(rest.to_owned())).ok()
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(request) = request(input) else { return };
    let (status, body) = API.with(|api| api.ask(request));
    let said = String::from_utf8_lossy(&body);
    assert!(status < 500, "{status} {said}");
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok(), "{status} {said}");
});
