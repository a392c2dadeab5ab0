//! Traces, as a real collector gets them from the real program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const KEY: &str = "sk_test_traced_0123456789";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
/// What no span may hold.
const SECRETS: [&str; 6] = ["4242424242424242", "4242", "737", "Ada Lovelace", "ada@shop.example", KEY];

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Collected {
    spans: Vec<Span>,
    resource: String,
    bytes: Vec<u8>,
}

/// A collector that keeps what it is sent.
async fn collector() -> (String, UnboundedReceiver<Bytes>) {
    async fn take(State(sender): State<UnboundedSender<Bytes>>, headers: HeaderMap, body: Bytes) {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let _ = sender.send(body);
    }
    let (sender, received) = unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/traces", post(take)).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), received)
}

fn serve(environment: &[(&str, &str)]) -> (Program, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.env_clear().envs(environment.iter().copied());
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--test-key", KEY, "--webhooks-allow-private"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).unwrap();
    (Program(child), url)
}

/// Ends the program as a service manager does, and reads what it had sent by then.
async fn ended(mut program: Program, mut received: UnboundedReceiver<Bytes>) -> Collected {
    let ended = Command::new("kill").arg(program.0.id().to_string()).status().unwrap();
    assert!(ended.success());
    let ended = tokio::task::spawn_blocking(move || program.0.wait().unwrap()).await.unwrap();
    assert!(ended.success());
    let mut all = Collected { spans: Vec::new(), resource: String::new(), bytes: Vec::new() };
    while let Ok(body) = received.try_recv() {
        all.bytes.extend(&body);
        for of_resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
            all.resource = format!("{:?}", of_resource.resource);
            all.spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    all
}

fn text(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

impl Collected {
    fn named(&self, name: &str) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.name == name).collect()
    }

    /// Those below a span, whoever made them.
    fn below(&self, top: &Span) -> Vec<&Span> {
        let parents: HashMap<&[u8], &[u8]> = self.spans.iter().map(|span| (&*span.span_id, &*span.parent_span_id)).collect();
        let leads = |span: &&Span| {
            let mut at = &*span.parent_span_id;
            while at != top.span_id && !at.is_empty() {
                at = parents.get(at).copied().unwrap_or_default();
            }
            at == top.span_id
        };
        self.spans.iter().filter(leads).collect()
    }
}

const CARD: [(&str, &str); 9] = [
    ("amount", "2000"),
    ("currency", "usd"),
    ("confirm", "true"),
    ("payment_method_data[type]", "card"),
    ("payment_method_data[card][number]", "4242424242424242"),
    ("payment_method_data[card][exp_month]", "12"),
    ("payment_method_data[card][exp_year]", "2040"),
    ("payment_method_data[card][cvc]", "737"),
    ("payment_method_data[billing_details][name]", "Ada Lovelace"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_of_its_callers_trace_with_all_it_did_below_and_nothing_secret() {
    let (collector, received) = collector().await;
    let (program, url) = serve(&[("BURSAR_OTLP_ENDPOINT", &collector)]);
    let client = reqwest::Client::new();
    let hook = [("url", "http://127.0.0.1:1/"), ("enabled_events[]", "charge.succeeded")];
    let made = client.post(format!("{url}/v1/webhook_endpoints")).bearer_auth(KEY).form(&hook).send().await.unwrap();
    assert_eq!(made.status(), 200);
    let paid = client
        .post(format!("{url}/v1/payment_intents"))
        .bearer_auth(KEY)
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .form(&CARD)
        .send()
        .await
        .unwrap();
    assert_eq!(paid.status(), 200);
    let request = paid.headers()["request-id"].to_str().unwrap().to_owned();
    let customer = [("email", "ada@shop.example"), ("name", "Ada Lovelace")];
    client.post(format!("{url}/v1/customers")).bearer_auth(KEY).form(&customer).send().await.unwrap();
    client.get(format!("{url}/v1/charges/4242424242424242")).bearer_auth(KEY).send().await.unwrap();
    client.get(format!("{url}/v1/4242424242424242")).bearer_auth(KEY).header("traceparent", "nonsense").send().await.unwrap();
    // How the delivery went is known once its attempt has ended.
    loop {
        let events = client.get(format!("{url}/v1/events?type=charge.succeeded")).bearer_auth(KEY).send().await.unwrap();
        let events: serde_json::Value = serde_json::from_slice(&events.bytes().await.unwrap()).unwrap();
        let path = format!("{url}/v1/events/{}/deliveries", events["data"][0]["id"].as_str().unwrap());
        let tried = client.get(path).bearer_auth(KEY).send().await.unwrap().bytes().await.unwrap();
        let tried: serde_json::Value = serde_json::from_slice(&tried).unwrap();
        if tried["data"][0]["attempts"] == 1 {
            break;
        }
    }
    let all = ended(program, received).await;

    let paid = all.named("POST /v1/payment_intents");
    assert_eq!(paid.len(), 1);
    let paid = paid[0];
    assert_eq!((hex::encode(&paid.trace_id), hex::encode(&paid.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!(text(paid, "bursar.request"), request);
    assert!(text(paid, "bursar.account").starts_with("acct_"));
    assert_eq!(text(paid, "http.route"), "/v1/payment_intents");
    assert_eq!((text(paid, "http.request.method"), text(paid, "http.response.status_code")), ("POST".to_owned(), "200".to_owned()));
    let below = all.below(paid);
    let count = |name: &str| below.iter().filter(|span| span.name == name).count();
    assert_eq!((count("commit"), count("authorize")), (2, 1), "{:?}", below.iter().map(|span| &span.name).collect::<Vec<_>>());
    assert!(below.iter().all(|span| span.trace_id == paid.trace_id));
    let call = below.iter().find(|span| span.name == "authorize").unwrap();
    assert_eq!((text(call, "bursar.provider"), text(call, "bursar.outcome")), ("simulator".to_owned(), "approved".to_owned()));
    let commit = below.iter().find(|span| span.name == "commit").unwrap();
    assert_eq!(text(commit, "bursar.result"), "landed");

    let missing = all.named("GET /v1/charges/{charge}");
    assert_eq!(text(missing[0], "http.response.status_code"), "404");
    assert!(all.below(missing[0]).is_empty() || all.below(missing[0]).iter().all(|span| span.name == "read"));
    let nowhere = all.named("GET").into_iter().find(|span| text(span, "http.response.status_code") == "404").unwrap();
    assert!(nowhere.parent_span_id.is_empty() && text(nowhere, "http.route").is_empty());
    let attempt = all.named("webhook attempt");
    assert_eq!((attempt.len(), text(attempt[0], "bursar.outcome")), (1, "connection_failed".to_owned()));

    assert!(all.resource.contains("bursar"), "{}", all.resource);
    for secret in SECRETS {
        assert!(!all.bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} is in a span");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variable_that_opentelemetry_names_is_heard_and_a_collector_that_is_down_delays_nothing() {
    let (collector, received) = collector().await;
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector), ("OTEL_SERVICE_NAME", "shop-payments")];
    let (program, url) = serve(&variables);
    let client = reqwest::Client::new();
    client.get(format!("{url}/v1/balance")).bearer_auth(KEY).send().await.unwrap();
    let all = ended(program, received).await;
    assert_eq!(all.named("GET /v1/balance").len(), 1);
    assert!(all.resource.contains("shop-payments"), "{}", all.resource);

    let (program, url) = serve(&[("BURSAR_OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    let answer = client.get(format!("{url}/v1/balance")).bearer_auth(KEY).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let (_, nothing) = unbounded_channel();
    assert!(ended(program, nothing).await.spans.is_empty());
}
