//! The load generator against a server that behaves as told.

use super::*;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;

async fn server(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

fn job(address: SocketAddr, arrival: Arrival) -> Job {
    Job {
        address,
        pid: Some(std::process::id()),
        caller: Arc::new(Caller { host: address.to_string(), api_key: "sk_test_x".into() }),
        workload: Workload::Payments,
        stock: Arc::default(),
        arrival,
        warm_up: Duration::from_millis(100),
        measured: Duration::from_millis(500),
        run: "t".into(),
    }
}

#[tokio::test]
async fn closed_loop_is_bound_by_the_servers_latency() {
    let slow = post(|| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        "{}"
    });
    let address = server(Router::new().route("/v1/payment_intents", slow)).await;
    let measured = run(&job(address, Arrival::Closed { connections: 2 })).await.unwrap();
    assert!(measured.is_clean());
    assert!((1..=52).contains(&measured.latencies.count()), "{}", measured.latencies.count());
    assert!(measured.latencies.p50().0 >= 20_000);
    assert!(measured.accepted_ever > measured.latencies.count());
    assert!(measured.memory_peak.unwrap() > 0);
}

#[tokio::test]
async fn refusals_are_counted_and_never_timed() {
    let refusing = post(|| async { (StatusCode::PAYMENT_REQUIRED, "{}") });
    let address = server(Router::new().route("/v1/payment_intents", refusing)).await;
    let measured = run(&job(address, Arrival::Closed { connections: 1 })).await.unwrap();
    assert!(measured.refused > 0 && !measured.is_clean());
    assert_eq!(measured.latencies.count(), 0);
}

#[tokio::test]
async fn open_loop_keeps_its_rate() {
    let address = server(Router::new().route("/v1/payment_intents", post(|| async { "{}" }))).await;
    let measured = run(&job(address, Arrival::Open { per_second: 200, connections: 8 })).await.unwrap();
    assert!((50..=130).contains(&measured.latencies.count()), "{}", measured.latencies.count());
}

#[tokio::test]
async fn open_loop_counts_the_time_a_request_waited_for_a_stalled_server() {
    let stalled = Arc::new(AtomicBool::new(false));
    let handler = post(move || {
        let stalled = stalled.clone();
        async move {
            if !stalled.swap(true, Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            "{}"
        }
    });
    let address = server(Router::new().route("/v1/payment_intents", handler)).await;
    let measured = run(&job(address, Arrival::Open { per_second: 200, connections: 1 })).await.unwrap();
    // Requests due during the stall waited up to 300 ms although the server answered each of them at once.
    assert!(measured.latencies.p50().0 > 0);
    assert!(measured.latencies.max().0 > 150_000, "{:?}", measured.latencies.max());
    assert!(measured.latencies.count() > 40);
}
