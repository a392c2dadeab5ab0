//! Requests that wait for something to happen.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::large_futures, missing_docs)]

mod common;

use std::num::NonZeroUsize;
use std::time::Duration;

use axum::Router;
use bursar::compose::{Composed, compose_limited};
use bursar::limits::Rules;
use bursar::metrics::Meters;
use bursar::serve;
use common::{KEY, get, made};
use futures::FutureExt as _;
use futures::future::join_all;
use http::StatusCode;
use payments::news::MAX_LISTENERS_OF_ONE;
use serde_json::json;
use tokio::time::Instant;

async fn server(in_flight: Option<usize>) -> (Router, Composed) {
    let settings = common::settings();
    let rules = Rules { in_flight: in_flight.and_then(NonZeroUsize::new), ..Rules::default() };
    let composed = compose_limited(&settings, &Meters::off(), &rules).await.unwrap();
    serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap();
    (serve::router(&composed), composed)
}

/// Lets everything run that can, without letting time pass.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

// No bank is asked: while the runtime waited for that, the paused clock would go on.
#[tokio::test(start_paused = true)]
async fn a_request_that_waits_is_answered_as_soon_as_something_happens() {
    let (shop, _composed) = server(None).await;
    let began = Instant::now();
    let waiting = tokio::spawn({
        let shop = shop.clone();
        async move { get(&shop, "/v1/events?wait=20&limit=1").await }
    });
    settle().await;
    assert!(!waiting.is_finished());
    made(&shop, "/v1/customers", "name=Ada").await;
    let page = waiting.await.unwrap();
    assert_eq!(page.json["data"][0]["type"], "customer.created");
    let event = page.json["data"][0]["id"].as_str().unwrap().to_owned();
    // What is there need not be waited for.
    assert_eq!(get(&shop, "/v1/events?wait=20&limit=1").await.json["data"][0]["id"], json!(event));
    // What lands between a look and the next request is heard, too.
    made(&shop, "/v1/customers", "name=Grace").await;
    let page = get(&shop, &format!("/v1/events?wait=20&limit=1&ending_before={event}")).await;
    assert_eq!(page.json["data"][0]["data"]["object"]["name"], "Grace");
    // And what is not of the page that is waited for is an answer, too.
    let waiting = tokio::spawn({
        let shop = shop.clone();
        async move { get(&shop, "/v1/events?wait=20&type=charge.*").await }
    });
    settle().await;
    made(&shop, "/v1/customers", "name=Alan").await;
    assert_eq!(waiting.await.unwrap().json["data"], json!([]));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_asked_nor_longer_than_twenty_seconds() {
    let (shop, _composed) = server(None).await;
    for (asked, seconds) in [(0, 0), (3, 3), (20, 20)] {
        let began = Instant::now();
        let page = get(&shop, &format!("/v1/events?wait={asked}")).await;
        assert_eq!(page.json["data"], json!([]));
        assert_eq!(began.elapsed().as_secs(), seconds);
    }
    for asked in ["21", "-1", "x"] {
        let refused = get(&shop, &format!("/v1/events?wait={asked}")).await;
        assert_eq!((refused.status, &refused.json["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("wait")), "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_takes_no_place_from_those_who_work_and_an_end_wakes_everybody() {
    let (shop, composed) = server(Some(1)).await;
    let began = Instant::now();
    let mut waiting = Box::pin(join_all((0..8).map(|_| get(&shop, "/v1/events?wait=20"))));
    assert!((&mut waiting).now_or_never().is_none());
    settle().await;
    assert_eq!(get(&shop, "/v1/balance").await.status, StatusCode::OK);
    composed.app.platform.stop_listening();
    for page in waiting.await {
        assert_eq!(page.status, StatusCode::OK);
    }
    get(&shop, "/v1/events?wait=20").await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn one_too_many_is_answered_at_once() {
    let (shop, _composed) = server(None).await;
    let mut waiting = Box::pin(join_all((0..MAX_LISTENERS_OF_ONE).map(|_| get(&shop, "/v1/events?wait=20"))));
    assert!((&mut waiting).now_or_never().is_none());
    let began = Instant::now();
    assert_eq!(get(&shop, "/v1/events?wait=20").await.json["data"], json!([]));
    assert_eq!(began.elapsed(), Duration::ZERO);
    waiting.await;
    assert_eq!(began.elapsed().as_secs(), 20);
    get(&shop, "/v1/events?wait=5").await;
    assert_eq!(began.elapsed().as_secs(), 25, "who left made room");
}
