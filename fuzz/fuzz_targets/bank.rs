//! Any body for any operation of the bank simulator's wire: an outcome or a refusal, never a panic.
//!
//! The first line of the input is the operation, the rest the body.
#![no_main]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bursar_fuzz::Served;
use http::Request;
use providers::simulator::server::router;
use providers::simulator::{Location, Options, Simulator};
use tokio::runtime::Runtime;

thread_local! {
    static BANK: Served = Served::without_waits(bank);
}

fn bank(_: &Runtime) -> Router {
    router(Arc::new(Simulator::open(&Location::Memory, Options::default()).expect("a bank in memory")))
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (operation, body) = input.split_at(end);
    let Ok(operation) = std::str::from_utf8(operation) else { return };
    let method = if operation.starts_with("operations") || operation.starts_with("books") { "GET" } else { "POST" };
    let body = Body::from(body.get(1..).unwrap_or_default().to_vec());
    let request = Request::builder().method(method).uri(format!("/{operation}")).header("content-type", "application/json").body(body);
    let Ok(request) = request else { return };
    let (status, said) = BANK.with(|bank| bank.ask(request));
    // Some cards have it fail on purpose.
    let on_purpose = status == 500 && String::from_utf8_lossy(&said).contains("the bank failed");
    assert!(status < 500 || on_purpose, "{status} {}", String::from_utf8_lossy(&said));
});
