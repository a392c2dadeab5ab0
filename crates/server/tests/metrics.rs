//! What operators' figures say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bursar::compose::compose_measured;
use bursar::metrics::{Meters, router};
use bursar::serve;
use common::{KEY, made, send};
use http::Request;
use payments::Platform;
use tower::ServiceExt as _;

struct Server {
    shop: Router,
    platform: Arc<Platform>,
    meters: Meters,
}

async fn server() -> Server {
    let settings = common::settings();
    let meters = Meters::on().unwrap();
    let composed = compose_measured(&settings, &meters).await.unwrap();
    serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap();
    Server { shop: serve::router(&composed), platform: Arc::clone(&composed.app.platform), meters }
}

impl Server {
    async fn figures(&self) -> String {
        let router = router(Arc::clone(&self.platform), self.meters.clone());
        let answer = router.oneshot(Request::get("/metrics").body(Body::empty()).unwrap()).await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
        String::from_utf8(to_bytes(answer.into_body(), 1_000_000).await.unwrap().to_vec()).unwrap()
    }

    /// What is counted under that name with these labels; 0 if nothing is.
    async fn counted(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.figures().await;
        let is = |line: &&str| line.starts_with(&format!("{name}{{")) && labels.iter().all(|label| line.contains(label));
        text.lines().filter(is).map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    }
}

async fn figure(server: &Server, name: &str) -> f64 {
    let text = server.figures().await;
    assert!(text.contains(&format!("# HELP {name} ")) && text.contains(&format!("# TYPE {name} gauge")), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap();
    line.parse().unwrap()
}

#[tokio::test]
async fn an_operation_without_a_known_end_is_counted_and_grows_old_until_it_ends() {
    let server = server().await;
    let (shop, platform) = (&server.shop, &server.platform);
    platform.recover_due().await.unwrap();
    assert_eq!(figure(&server, "bursar_recovery_here").await, 1.0);
    assert_eq!(figure(&server, "bursar_open_operations").await, 0.0);
    assert_eq!(figure(&server, "bursar_oldest_open_operation_age_seconds").await, 0.0);
    let form = "amount=700&currency=usd&payment_method=pm_card_simulator_serverErrorBeforeCharge&confirm=true";
    let intent = made(shop, "/v1/payment_intents", form).await;
    assert_eq!(intent["status"], "processing");
    made(shop, "/v1/payment_intents", form).await;
    platform.recover_due().await.unwrap();
    assert_eq!(figure(&server, "bursar_open_operations").await, 2.0);
    let first = figure(&server, "bursar_oldest_open_operation_age_seconds").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let later = figure(&server, "bursar_oldest_open_operation_age_seconds").await;
    assert!(later >= first + 0.02, "{first} {later}");
}

#[tokio::test]
async fn requests_providers_answers_and_commits_are_counted_as_they_happen() {
    let server = server().await;
    let pay = |card: &str| format!("amount=700&currency=eur&payment_method={card}&confirm=true");
    let paid = made(&server.shop, "/v1/payment_intents", &pay("pm_card_visa")).await;
    send(&server.shop, "POST", "/v1/payment_intents", &[("authorization", &format!("Bearer {KEY}"))], &pay("pm_card_chargeDeclined")).await;
    made(&server.shop, "/v1/refunds", &format!("payment_intent={}", paid["id"].as_str().unwrap())).await;
    send(&server.shop, "GET", "/v1/nothing/4242424242424242", &[("authorization", &format!("Bearer {KEY}"))], "").await;
    send(&server.shop, "GET", "/v1/account", &[], "").await;

    let payments = ["method=\"POST\"", "path=\"/v1/payment_intents\""];
    for (status, count) in [("200", 1.0), ("402", 1.0)] {
        let labels = [payments[0], payments[1], &format!("status=\"{status}\"")];
        assert_eq!(server.counted("bursar_requests_total", &labels).await, count, "{status}");
    }
    assert_eq!(server.counted("bursar_requests_total", &["path=\"\"", "status=\"404\""]).await, 1.0);
    assert_eq!(server.counted("bursar_requests_total", &["status=\"401\""]).await, 1.0);
    assert_eq!(server.counted("bursar_request_duration_seconds_count", &payments).await, 2.0);
    assert_eq!(server.counted("bursar_request_duration_seconds_bucket", &[payments[0], payments[1], "le=\"+Inf\""]).await, 2.0);

    let eur = "currency=\"eur\"";
    assert_eq!(server.counted("bursar_authorizations_total", &[eur, "outcome=\"approved\"", "decline_code=\"\""]).await, 1.0);
    let declined = [eur, "outcome=\"declined\"", "decline_code=\"generic_decline\""];
    assert_eq!(server.counted("bursar_authorizations_total", &declined).await, 1.0);
    assert_eq!(server.counted("bursar_provider_calls_total", &["operation=\"refund\"", "outcome=\"done\""]).await, 1.0);
    assert_eq!(server.counted("bursar_provider_call_duration_seconds_count", &["operation=\"authorize\""]).await, 2.0);

    // Two for each payment and the refund, and some for the shop and its keys.
    assert!(server.counted("bursar_store_commits_total", &["result=\"landed\""]).await >= 6.0);
    let text = server.figures().await;
    assert!(text.contains("bursar_store_commit_writes_bucket{le=\"50\"}"), "{text}");
    assert!(!text.contains("4242"), "a path as it came is in the figures");
}

#[tokio::test]
async fn payments_are_counted_by_the_status_they_reach_the_currency_and_the_provider() {
    let server = server().await;
    let send = async |form: &str| {
        let headers = [("authorization", &*format!("Bearer {KEY}"))];
        send(&server.shop, "POST", "/v1/payment_intents", &headers, form).await
    };
    send("amount=700&currency=eur&payment_method=pm_card_visa&confirm=true").await;
    send("amount=700&currency=usd&payment_method=pm_card_visa&confirm=true").await;
    send("amount=700&currency=eur&payment_method=pm_card_chargeDeclined&confirm=true").await;
    send("amount=700&currency=eur").await;
    let reached = async |status: &str, currency: &str, provider: &str| {
        let [status, currency, provider] =
            [("status", status), ("currency", currency), ("provider", provider)].map(|(n, v)| format!("{n}=\"{v}\""));
        server.counted("bursar_payments_total", &[&status, &currency, &provider]).await
    };
    assert_eq!(reached("succeeded", "eur", "simulator").await, 1.0);
    assert_eq!(reached("succeeded", "usd", "simulator").await, 1.0);
    assert_eq!(reached("processing", "eur", "simulator").await, 2.0);
    assert_eq!(reached("requires_payment_method", "eur", "simulator").await, 1.0, "declined");
    assert_eq!(reached("requires_payment_method", "eur", "").await, 1.0, "without a card");
    assert_eq!(server.counted("bursar_payments_total", &[]).await, 7.0);
}

#[tokio::test]
async fn the_journal_is_looked_through_and_balances() {
    let server = server().await;
    made(&server.shop, "/v1/payment_intents", "amount=700&currency=eur&payment_method=pm_card_visa&confirm=true").await;
    server.platform.look_through_books().await.unwrap();
    assert_eq!(figure(&server, "bursar_ledger_imbalance").await, 0.0);
    assert!(server.figures().await.contains("bursar_ledger_entries_read_total 1\n"));
}

#[tokio::test]
async fn nothing_is_counted_where_nobody_looks() {
    assert!(!Meters::off().are_on());
    Meters::off().answered(None, 200, Duration::from_secs(1));
}
