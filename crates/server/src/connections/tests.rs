//! Real connections, with short times.

use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

mod encrypted;

const HEAD: Duration = Duration::from_millis(200);
const IDLE: Duration = Duration::from_secs(2);
/// Longer than a busy machine takes for anything here.
const PATIENCE: Duration = Duration::from_secs(20);
const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n";

struct Server {
    address: SocketAddr,
    stop: Arc<Notify>,
    slow: Arc<Notify>,
    asked: Arc<Notify>,
    ended: JoinHandle<()>,
}

/// Answers with the client's address at `/`, and at `/slow` when it is let.
async fn server(most: Option<usize>) -> Server {
    server_with(most, None, TrustedProxies::default()).await
}

async fn server_with(most: Option<usize>, tls: Option<Arc<Tls>>, proxies: TrustedProxies) -> Server {
    let [stop, slow, asked] = std::array::from_fn(|_| Arc::new(Notify::new()));
    let (let_go, was_asked) = (Arc::clone(&slow), Arc::clone(&asked));
    let wait = move || {
        let (let_go, was_asked) = (Arc::clone(&let_go), Arc::clone(&was_asked));
        async move {
            was_asked.notify_one();
            let_go.notified().await;
            "slow"
        }
    };
    let router = Router::new()
        .route("/", get(async |from: ConnectInfo<SocketAddr>| from.0.to_string()))
        .route("/large", get(async || "x".repeat(64 * 1024 * 1024)))
        .route("/slow", get(wait));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let times = Times { head: HEAD, idle: IDLE, look: Duration::from_millis(10) };
    let terms = Terms { most: most.and_then(NonZeroUsize::new), times, tls, proxies: Arc::new(proxies) };
    let stopped = Arc::clone(&stop);
    let ended = tokio::spawn(async move { serve(listener, router, terms, async move { stopped.notified().await }).await });
    Server { address, stop, slow, asked, ended }
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// An answer's bytes, as they come at first.
async fn hear(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4_096];
    let length = tokio::time::timeout(PATIENCE, stream.read(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(ASK).await.unwrap();
    hear(stream).await
}

/// After how long the other end closes.
async fn closed_after(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    // Closed in order or not.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    began.elapsed()
}

#[tokio::test]
async fn a_client_is_known_by_its_address_request_after_request() {
    let server = server(None).await;
    let mut client = connect(&server).await;
    let own = client.local_addr().unwrap().to_string();
    for _ in 0..3 {
        let answer = ask(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&own), "{answer}");
    }
}

#[tokio::test]
async fn who_sends_no_head_or_half_of_one_is_cut_off_soon_also_when_it_comes_in_drops() {
    let server = server(None).await;
    let mut silent = connect(&server).await;
    assert!(closed_after(&mut silent).await < IDLE);

    let mut half = connect(&server).await;
    half.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    assert!(closed_after(&mut half).await < IDLE);

    let mut dripping = connect(&server).await;
    assert!(ask(&mut dripping).await.starts_with("HTTP/1.1 200 "));
    let began = Instant::now();
    dripping.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
    while dripping.write_all(b"a").await.is_ok() {
        tokio::time::sleep(HEAD / 20).await;
        assert!(began.elapsed() < PATIENCE);
    }
    assert!(began.elapsed() > HEAD);
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_longer_and_not_for_ever() {
    let server = server(None).await;
    let mut client = connect(&server).await;
    ask(&mut client).await;
    tokio::time::sleep(HEAD + HEAD / 2).await;
    assert!(ask(&mut client).await.starts_with("HTTP/1.1 200 "));
    let idle = closed_after(&mut client).await;
    assert!(idle >= IDLE - Duration::from_millis(50), "{idle:?}");
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut_off() {
    let server = server(Some(1)).await;
    let mut client = connect(&server).await;
    client.write_all(b"GET /large HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    // Its place is another one's then.
    assert!(ask(&mut connect(&server).await).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn what_takes_us_long_is_waited_for() {
    let server = server(None).await;
    let mut client = connect(&server).await;
    client.write_all(b"GET /slow HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    tokio::time::sleep(IDLE * 2).await;
    server.slow.notify_one();
    assert!(hear(&mut client).await.ends_with("slow"));
}

#[tokio::test]
async fn one_connection_too_many_waits_until_another_ends() {
    let server = server(Some(2)).await;
    let mut clients = [connect(&server).await, connect(&server).await];
    for client in &mut clients {
        ask(client).await;
    }
    let mut third = connect(&server).await;
    third.write_all(ASK).await.unwrap();
    let unheard = tokio::time::timeout(IDLE / 3, third.read_u8()).await;
    assert!(unheard.is_err(), "{unheard:?}");
    drop(clients);
    assert!(hear(&mut third).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = server(None).await;
    let mut client = connect(&server).await;
    let head = format!("GET / HTTP/1.1\r\nhost: shop\r\nx: {}\r\n\r\n", "a".repeat(2 * MAX_HEAD));
    let _ = client.write_all(head.as_bytes()).await;
    assert!(hear(&mut client).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn the_end_closes_what_is_idle_waits_for_answers_and_takes_nothing_new() {
    let server = server(None).await;
    let mut idle = connect(&server).await;
    ask(&mut idle).await;
    let mut waiting = connect(&server).await;
    waiting.write_all(b"GET /slow HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    server.asked.notified().await;
    server.stop.notify_one();
    assert!(closed_after(&mut idle).await < IDLE / 2, "at once");
    assert!(TcpStream::connect(server.address).await.is_err());
    assert!(!server.ended.is_finished());
    server.slow.notify_one();
    let answer = hear(&mut waiting).await;
    assert!(answer.contains("connection: close") && answer.ends_with("slow"), "{answer}");
    tokio::time::timeout(PATIENCE, server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_trusted_proxy_says_where_a_request_comes_from_and_nobody_else() {
    const FORWARDED: &[u8] = b"GET / HTTP/1.1\r\nhost: shop\r\nx-forwarded-for: 203.0.113.9, 198.51.100.7\r\n\r\n";
    let here: ipnet::IpNet = "127.0.0.0/8".parse().unwrap();
    for (proxies, says) in [(TrustedProxies::new(vec![here]), "198.51.100.7:0"), (TrustedProxies::default(), "127.0.0.1:")] {
        let server = server_with(None, None, proxies).await;
        let mut stream = connect(&server).await;
        stream.write_all(FORWARDED).await.unwrap();
        let heard = hear(&mut stream).await;
        assert!(heard.contains(says), "{heard}");
        server.stop.notify_one();
        server.ended.await.unwrap();
    }
}
