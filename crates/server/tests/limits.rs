//! Clients that ask too much are told so, and when to come back; others notice nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use bursar::api::StandIn;
use bursar::compose::compose_limited;
use bursar::limits::Rules;
use bursar::metrics::{self, Meters};
use bursar::serve;
use common::{KEY, Reply, get, made, post, send};
use http::{Method, Request, StatusCode};
use payments::Platform;
use payments::ports::Answer;
use providers::simulator::Simulator;
use serde_json::{Value, json};
use tower::ServiceExt as _;

struct Server {
    shop: Router,
    bank: Arc<Simulator>,
    platform: Arc<Platform>,
    meters: Meters,
}

async fn server(rules: Rules) -> Server {
    server_with(rules, None).await
}

/// One whose operations that stands in for, if it is one.
async fn server_with(rules: Rules, stand_in: Option<Arc<dyn StandIn>>) -> Server {
    let settings = common::settings();
    let meters = Meters::on().unwrap();
    let mut composed = compose_limited(&settings, &meters, &rules).await.unwrap();
    serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap();
    Arc::get_mut(&mut composed.app).unwrap().stand_in = stand_in;
    let (shop, bank) = (serve::router(&composed), composed.bank.clone().unwrap());
    Server { shop, bank, platform: Arc::clone(&composed.app.platform), meters }
}

impl Server {
    /// An answer to a key from an address; to none if it is empty.
    async fn from(&self, address: &str, key: &str) -> Reply {
        let address: SocketAddr = format!("{address}:40000").parse().unwrap();
        let mut request = Request::get("/v1/account");
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.extension(ConnectInfo(address)).body(Body::empty()).unwrap();
        let response = self.shop.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status, replayed: false, headers, bytes, json }
    }

    async fn figures(&self) -> String {
        let router = metrics::router(Arc::clone(&self.platform), self.meters.clone());
        let answer = router.oneshot(Request::get("/metrics").body(Body::empty()).unwrap()).await.unwrap();
        String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }
}

/// What a header says, as a number.
fn number(reply: &Reply, header: &str) -> Option<u32> {
    reply.headers.get(header).map(|value| value.to_str().unwrap().parse().unwrap())
}

/// The three headers of where a limit stands.
fn standing(reply: &Reply) -> [Option<u32>; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|header| number(reply, header))
}

fn assert_limited(reply: &Reply) {
    let error = &reply.json["error"];
    assert_eq!(
        (reply.status, &error["type"], &error["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("invalid_request_error"), &json!("rate_limit"))
    );
    assert!(number(reply, "retry-after").unwrap() >= 1);
    assert_eq!(standing(reply)[1], Some(0));
    assert!(reply.headers.contains_key("request-id"));
}

#[tokio::test]
async fn a_key_that_asks_too_much_is_told_when_to_come_back_and_how_much_is_left() {
    // So few a second that none comes back while this runs.
    let server = server(Rules { per_key: NonZeroU32::new(1), ..Rules::default() }).await;
    let first = post(&server.shop, "/v1/customers", "name=Ada").await;
    assert_eq!((first.status, standing(&first), number(&first, "retry-after")), (StatusCode::OK, [Some(2), Some(1), Some(1)], None));
    let second = post(&server.shop, "/v1/nothing", "").await;
    assert_eq!((second.status, standing(&second)[1]), (StatusCode::NOT_FOUND, Some(0)));
    assert_limited(&post(&server.shop, "/v1/customers", "name=Ada").await);
    let figures = server.figures().await;
    assert!(figures.contains("bursar_requests_limited_total{limit=\"key\"} 1"), "{figures}");
    assert!(figures.contains("bursar_requests_total{method=\"\",path=\"\",status=\"429\"} 1"), "{figures}");
}

#[tokio::test]
async fn a_request_that_was_one_too_many_can_be_repeated_under_its_idempotency_key() {
    let server = server(Rules { per_account: NonZeroU32::new(1), ..Rules::default() }).await;
    let pay = "amount=700&currency=eur&payment_method=pm_card_visa&confirm=true";
    let ask = async || common::call(&server.shop, "POST", "/v1/payment_intents", pay, Some("order-1")).await;
    let mut refused = ask().await;
    for _ in 0..50 {
        if refused.status == StatusCode::OK {
            refused = ask().await;
        }
    }
    assert_limited(&refused);
    tokio::time::sleep(Duration::from_secs(number(&refused, "retry-after").unwrap().into())).await;
    let paid = ask().await;
    assert_eq!((&paid.json["status"], paid.replayed), (&json!("succeeded"), true));
}

#[tokio::test]
async fn an_address_that_guesses_keys_is_slowed_down_and_others_are_not() {
    let server = server(Rules { failures: NonZeroU32::new(3), ..Rules::default() }).await;
    for left in [2, 1, 0] {
        let guess = server.from("192.0.2.7", &format!("sk_test_{left}")).await;
        assert_eq!((guess.status, standing(&guess)[1]), (StatusCode::UNAUTHORIZED, Some(left)));
    }
    assert_limited(&server.from("192.0.2.7", "sk_test_another").await);
    // Whether it is good is not looked up.
    assert_limited(&server.from("192.0.2.7", KEY).await);
    assert!(server.figures().await.contains("bursar_requests_limited_total{limit=\"address\"} 2"));
    let elsewhere = server.from("192.0.2.8", KEY).await;
    assert_eq!((elsewhere.status, standing(&elsewhere)), (StatusCode::OK, [None; 3]));
}

#[tokio::test]
async fn a_shop_that_was_there_first_goes_on_beside_a_guesser_at_its_address() {
    let server = server(Rules { failures: NonZeroU32::new(3), ..Rules::default() }).await;
    assert_eq!(server.from("192.0.2.7", KEY).await.status, StatusCode::OK);
    for guess in 0..9 {
        server.from("192.0.2.7", &format!("sk_test_{guess}")).await;
    }
    // Longer than a key is remembered without a look-up.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(server.from("192.0.2.7", KEY).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_without_a_key_is_no_guess() {
    let server = server(Rules { failures: NonZeroU32::new(1), ..Rules::default() }).await;
    for _ in 0..5 {
        assert_eq!(server.from("192.0.2.7", "").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn nothing_is_told_of_limits_that_there_are_not() {
    let server = server(Rules::default()).await;
    let reply = post(&server.shop, "/v1/customers", "name=Ada").await;
    assert_eq!((reply.status, standing(&reply)), (StatusCode::OK, [None; 3]));
    made(&server.shop, "/v1/customers", "name=Ada").await;
    let wrong = send(&server.shop, "GET", "/v1/account", &[("authorization", "Bearer sk_test_wrong")], "").await;
    assert_eq!((wrong.status, standing(&wrong)), (StatusCode::UNAUTHORIZED, [None; 3]));
}

fn one_at_a_time() -> Rules {
    Rules { in_flight: NonZeroUsize::new(1), ..Rules::default() }
}

/// Says when it was asked, and answers when it is let.
#[derive(Default)]
struct Slow {
    asked: tokio::sync::Notify,
    may_answer: tokio::sync::Notify,
}

#[async_trait]
impl StandIn for Slow {
    async fn answer(&self, _: &Method, _: &str) -> Answer {
        self.asked.notify_one();
        self.may_answer.notified().await;
        Answer { status: 200, body: b"{}".to_vec() }
    }
}

#[tokio::test]
async fn a_request_too_many_is_turned_away_unseen_and_health_is_told_all_the_same() {
    let slow = Arc::new(Slow::default());
    let server = server_with(one_at_a_time(), Some(Arc::<Slow>::clone(&slow))).await;
    let shop = server.shop.clone();
    let first = tokio::spawn(async move { get(&shop, "/v1/account").await.status });
    slow.asked.notified().await;
    // Neither key nor body is looked at.
    for (key, form) in [(KEY, "a=1".to_owned()), ("sk_test_wrong", String::new()), (KEY, "a".repeat(1_000_000))] {
        let reply = send(&server.shop, "POST", "/v1/refunds", &[("authorization", &format!("Bearer {key}"))], &form).await;
        let told = (reply.status, &reply.json["error"]["type"], number(&reply, "retry-after"));
        assert_eq!(told, (StatusCode::SERVICE_UNAVAILABLE, &json!("api_error"), Some(1)));
        assert!(reply.headers.contains_key("request-id"));
    }
    let back = send(&server.shop, "GET", "/redirect/acct_1/test/x", &[], "").await;
    assert_eq!(back.status, StatusCode::SERVICE_UNAVAILABLE);
    for path in ["/livez", "/readyz", "/openapi.json", "/docs"] {
        assert_eq!(send(&server.shop, "GET", path, &[], "").await.status, StatusCode::OK, "{path}");
    }
    let figures = server.figures().await;
    assert!(figures.contains("bursar_requests_turned_away_total 4"), "{figures}");
    assert!(!figures.contains("status=\"503\""), "what was not looked at was not answered by an operation");
    slow.may_answer.notify_one();
    assert_eq!(first.await.unwrap(), StatusCode::OK);
    slow.may_answer.notify_one();
    assert_eq!(get(&server.shop, "/v1/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_waits_for_a_provider_keeps_nobody_out() {
    let server = server(one_at_a_time()).await;
    let shop = server.shop.clone();
    let form = "amount=700&currency=eur&payment_method=pm_card_simulator_answersLate&confirm=true";
    let paying = tokio::spawn(async move { post(&shop, "/v1/payment_intents", form).await.status });
    while server.bank.operations(None, 1).await.unwrap().is_empty() {
        assert!(!paying.is_finished(), "the bank was not asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(get(&server.shop, "/v1/account").await.status, StatusCode::OK);
    assert!(!paying.is_finished());
    assert_eq!(paying.await.unwrap(), StatusCode::OK);
}

#[tokio::test]
async fn who_sends_slowly_keeps_nobody_out() {
    let server = server(one_at_a_time()).await;
    for key in [KEY, "sk_test_wrong"] {
        let (sender, parts) = futures::channel::mpsc::unbounded::<Result<&'static str, std::io::Error>>();
        let request = Request::post("/v1/customers").header("authorization", format!("Bearer {key}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(Body::from_stream(parts)).unwrap();
        let sending = tokio::spawn(server.shop.clone().oneshot(request));
        sender.unbounded_send(Ok("name=")).unwrap();
        // Whenever the other one has come as far as to wait for the rest.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(get(&server.shop, "/v1/account").await.status, StatusCode::OK);
        sender.unbounded_send(Ok("Ada")).unwrap();
        drop(sender);
        let expected = if key == KEY { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        assert_eq!(sending.await.unwrap().unwrap().status(), expected);
    }
}
