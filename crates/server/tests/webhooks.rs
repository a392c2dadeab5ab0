//! Webhooks over HTTP: endpoints as the API has them, and deliveries to a receiver that really listens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::large_futures)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use bursar::compose::{Composed, Settings, Webhooks, compose};
use bursar::serve;
use bursar::webhooks::{HttpCourier, Reach};
use common::{KEY, call, get, listed, made, pay, post};
use domain::scope::Mode;
use domain::webhook_delivery::{Failure, Told};
use http::{HeaderMap, StatusCode};
use payments::ports::{Courier as _, Parcel};
use payments::webhooks::signature::{Signed, headers};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

type Received = (HeaderMap, Bytes);

/// A shop's receiver, which says 200 to `/`, and to other paths what they are named after.
async fn receiver() -> (SocketAddr, UnboundedReceiver<Received>) {
    async fn take(State(sender): State<UnboundedSender<Received>>, path: http::Uri, headers: HeaderMap, body: Bytes) -> Response {
        let _ = sender.send((headers, body));
        match path.path() {
            "/moved" => Redirect::permanent("/").into_response(),
            "/gone" => StatusCode::GONE.into_response(),
            "/long" => "x".repeat(100_000).into_response(),
            _ => "thanks".into_response(),
        }
    }
    let (sender, received) = unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take).with_state(sender)).await });
    (address, received)
}

struct Shop {
    api: Router,
    _composed: Composed,
    _deliveries: DropGuard,
}

/// A server that delivers.
async fn shop(reach: Reach) -> Shop {
    let settings = Settings { webhooks: Webhooks::AtOnce(reach), ..common::settings() };
    let composed = compose(&settings).await.unwrap();
    serve::first_shop(&composed.app.platform, Some(KEY)).await.unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(Arc::clone(&composed.app.platform).deliver_until(stop.clone()));
    Shop { api: serve::router(&composed), _composed: composed, _deliveries: stop.drop_guard() }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers[name].to_str().unwrap()
}

#[tokio::test]
async fn an_endpoint_has_stripes_shape_and_its_secret_is_shown_once() {
    let shop = shop(Reach::Public).await;
    let form =
        "url=https://shop.example/hooks&enabled_events[]=charge.succeeded&enabled_events[]=refund.created&description=Orders&metadata[a]=b";
    let endpoint = made(&shop.api, "/v1/webhook_endpoints", form).await;
    let secret = endpoint["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 46, "{}", secret.len());
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    let read = get(&shop.api, &path).await.json;
    let mut expected = endpoint.clone();
    expected.as_object_mut().unwrap().remove("secret");
    assert_eq!(read, expected);
    assert_eq!(read["object"], "webhook_endpoint");
    assert_eq!((&read["status"], &read["enabled_events"]), (&json!("enabled"), &json!(["charge.succeeded", "refund.created"])));
    let disabled = made(&shop.api, &path, "disabled=true&enabled_events[]=*&description=").await;
    assert_eq!((&disabled["status"], &disabled["disabled_reason"]), (&json!("disabled"), &json!("asked")));
    assert_eq!((&disabled["enabled_events"], &disabled["description"]), (&json!(["*"]), &Value::Null));
    assert_eq!(listed(&shop.api, "/v1/webhook_endpoints", "id").await, [endpoint["id"].clone()]);
    let rolled = made(&shop.api, &format!("{path}/roll_secret"), "").await;
    assert_ne!(rolled["secret"], endpoint["secret"]);
    let deleted = call(&shop.api, "DELETE", &path, "", None).await.json;
    assert_eq!(deleted, json!({"id": endpoint["id"], "object": "webhook_endpoint", "deleted": true}));
    assert_eq!(get(&shop.api, &path).await.status, StatusCode::NOT_FOUND);
    assert!(listed(&shop.api, "/v1/webhook_endpoints", "id").await.is_empty());
}

#[tokio::test]
async fn what_an_endpoint_cannot_be_is_refused_by_the_name_of_the_parameter() {
    let shop = shop(Reach::Public).await;
    for (form, param) in [
        ("enabled_events[]=*", "url"),
        ("url=https://shop.example", "enabled_events"),
        ("url=https://shop.example&enabled_events[]=nothing.happened", "enabled_events[0]"),
        ("url=https://shop.example&enabled_events[]=charge.failed&enabled_events[]=*", "enabled_events[1]"),
        ("url=ftp://shop.example&enabled_events[]=*", "url"),
        ("url=http://127.0.0.1:9/&enabled_events[]=*", "url"),
        ("url=http://[::ffff:10.0.0.1]/&enabled_events[]=*", "url"),
    ] {
        let error = post(&shop.api, "/v1/webhook_endpoints", form).await;
        assert_eq!((error.status, &error.json["error"]["param"]), (StatusCode::BAD_REQUEST, &json!(param)), "{form}: {}", error.json);
    }
}

#[tokio::test]
async fn a_payments_events_arrive_signed_and_as_the_api_shows_them() {
    let shop = shop(Reach::Private).await;
    let (address, mut received) = receiver().await;
    let endpoint = made(&shop.api, "/v1/webhook_endpoints", &format!("url=http://{address}/&enabled_events[]=*")).await;
    let secret = endpoint["secret"].as_str().unwrap();
    pay(&shop.api, 2000, "usd").await;
    let events = listed(&shop.api, "/v1/events", "id").await;
    assert!(events.len() >= 3);
    for _ in 0..events.len() {
        let (head, body) = received.recv().await.unwrap();
        let event: Value = serde_json::from_slice(&body).unwrap();
        let id = event["id"].as_str().unwrap();
        assert!(events.contains(&event["id"]));
        assert_eq!(event["pending_webhooks"], 1);
        let mut shown = get(&shop.api, &format!("/v1/events/{id}")).await.json;
        shown["pending_webhooks"] = json!(1);
        assert_eq!(event, shown);
        let at: i64 = text(&head, "webhook-timestamp").parse().unwrap();
        for (name, value) in headers(&[secret], Signed { id, at, body: &body }) {
            assert_eq!(text(&head, name), value);
        }
        assert_eq!(text(&head, "content-type"), "application/json; charset=utf-8");
    }
    assert!(received.try_recv().is_err(), "each once");
}

#[tokio::test]
async fn how_it_went_can_be_read_and_an_event_asked_for_again() {
    let shop = shop(Reach::Private).await;
    let (address, mut received) = receiver().await;
    let form = format!("url=http://{address}/&enabled_events[]=charge.succeeded");
    let endpoint = made(&shop.api, "/v1/webhook_endpoints", &form).await;
    let endpoint = endpoint["id"].as_str().unwrap();
    pay(&shop.api, 2000, "usd").await;
    received.recv().await.unwrap();
    let path = format!("/v1/webhook_endpoints/{endpoint}/deliveries");
    let delivered = loop {
        let page = get(&shop.api, &path).await.json;
        if page["data"][0]["status"] == "delivered" {
            break page["data"][0].clone();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&delivered["log"][0]["http_status"], &delivered["log"][0]["answer"]), (&json!(200), &json!("thanks")));
    let event = delivered["event"].as_str().unwrap();
    assert_eq!(get(&shop.api, &format!("/v1/events/{event}/deliveries")).await.json["data"][0], delivered);
    let again = made(&shop.api, &format!("/v1/events/{event}/retry"), &format!("webhook_endpoint={endpoint}")).await;
    assert_eq!((&again["status"], &again["event"]), (&json!("pending"), &json!(event)));
    let (head, _) = received.recv().await.unwrap();
    assert_eq!(text(&head, "webhook-id"), event);
    let replay = made(&shop.api, &format!("/v1/webhook_endpoints/{endpoint}/replay"), "created[gte]=0").await;
    assert_eq!((&replay["events"], &replay["has_more"]), (&json!(1), &json!(false)));
    received.recv().await.unwrap();
}

async fn told(reach: Reach, url: &str) -> Told {
    let parcel = Parcel { url, mode: Mode::Test, headers: Vec::new(), body: b"{}".to_vec() };
    HttpCourier::new(reach).unwrap().post(parcel).await
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (address, mut received) = receiver().await;
    let answer = told(Reach::Private, &format!("http://{address}/moved")).await;
    assert!(matches!(answer, Told::Answered { status: 308, .. }), "{answer:?}");
    assert!(received.recv().await.is_some() && received.try_recv().is_err(), "nobody went on");
}

#[tokio::test]
async fn of_a_long_answer_only_the_beginning_is_read() {
    let (address, _received) = receiver().await;
    let answer = told(Reach::Private, &format!("http://{address}/long")).await;
    assert_eq!(answer, Told::Answered { status: 200, head: "x".repeat(256) });
}

#[tokio::test]
async fn a_private_address_is_not_reached_even_if_the_endpoint_was_made() {
    let (address, mut received) = receiver().await;
    for url in [format!("http://{address}/"), format!("http://[::ffff:127.0.0.1]:{}/", address.port())] {
        assert_eq!(told(Reach::Public, &url).await, Told::Failed(Failure::AddressNotAllowed));
    }
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn where_nobody_listens_and_what_has_no_address_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(told(Reach::Private, &format!("http://{free}/")).await, Told::Failed(Failure::ConnectionFailed));
    assert_eq!(told(Reach::Private, "http://nobody.invalid/").await, Told::Failed(Failure::NameNotFound));
    let (address, _received) = receiver().await;
    let answer = told(Reach::Private, &format!("https://{address}/")).await;
    assert_eq!(answer, Told::Failed(Failure::TlsFailed));
}

#[tokio::test]
async fn events_are_listed_by_whether_every_endpoint_took_them_and_say_how_many_are_to() {
    let shop = shop(Reach::Private).await;
    let (address, mut received) = receiver().await;
    let at = |path: &str, events: &str| format!("url=http://{address}{path}&enabled_events[]={events}");
    pay(&shop.api, 2000, "usd").await;
    let quiet = listed(&shop.api, "/v1/events?limit=100", "id").await;
    made(&shop.api, "/v1/webhook_endpoints", &at("/", "*")).await;
    // Not even tried: a port that nobody listens at.
    made(&shop.api, "/v1/webhook_endpoints", "url=http://127.0.0.1:1/&enabled_events[]=charge.succeeded").await;
    made(&shop.api, "/v1/webhook_endpoints", &at("/gone", "payment_intent.created")).await;
    pay(&shop.api, 2000, "usd").await;
    let all = listed(&shop.api, "/v1/events?limit=100", "id").await;
    let made_since = all.len() - quiet.len();
    for _ in 0..=made_since {
        received.recv().await.unwrap();
    }
    let types = async |success: bool| {
        let mut types = listed(&shop.api, &format!("/v1/events?limit=100&delivery_success={success}"), "type").await;
        types.sort_by_key(ToString::to_string);
        types
    };
    // The last of them is noted as taken a moment after it was.
    while types(true).await.len() + 2 < all.len() {
        tokio::task::yield_now().await;
    }
    assert_eq!(types(false).await, ["charge.succeeded", "payment_intent.created"]);
    assert_eq!(listed(&shop.api, "/v1/events?delivery_success=false&type=charge.*", "pending_webhooks").await, [1]);
    assert_eq!(listed(&shop.api, "/v1/events?delivery_success=false&type=payment_intent.*", "pending_webhooks").await, [0], "given up");
    assert!(listed(&shop.api, "/v1/events?limit=100&delivery_success=true", "pending_webhooks").await.iter().all(|number| number == 0));
    let page = get(&shop.api, "/v1/events?delivery_success=false&limit=1").await.json;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (1, &json!(true)));
}
