//! Connections: so many at once, none that its client leaves hanging, and an end that lets each finish what it is at.
//!
//! Beyond the bound, further ones wait in the system's queue until one ends. A connection is closed whose client takes too long to
//! agree on encryption ([`crate::tls`]) or to send a request's head, or lets it lie idle ([`pace`]). Bodies have their own time
//! (`api/body.rs`). Where proxies stand in front, requests are said to come from where those say ([`TrustedProxies`]).
//!
//! Absent on purpose: a bound for each address. Behind a balancer all clients have one, and who floods has many.

mod pace;
mod proxies;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub(crate) use self::pace::Times;
use self::pace::{Pace, Paced};
pub use self::proxies::TrustedProxies;
use crate::tls::{HTTP_2, Tls};

/// The longest head of a request: far more than any client's headers, and what is held of each connection while they come.
const MAX_HEAD: usize = 64 * 1024;
/// The same of HTTP/2, whose heads are counted as they read once they are unpacked.
const MAX_HEADERS: u32 = 64 * 1024;
/// Requests at once of one connection: a shop's server has as many connections in HTTP/1.1, and one connection must not be a crowd.
const MAX_STREAMS: u32 = 100;
/// A browser that was here once asks no more in the clear, for a year.
const ENCRYPTED_FROM_NOW_ON: &str = "max-age=31536000";
/// After the system gave no connection, for want of memory or files: asking again at once would use up a core.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// Between two lines of the log that tell of connections that have to wait.
const TELL_PAUSE: Duration = Duration::from_secs(10);

/// How connections are served.
#[derive(Clone)]
pub(crate) struct Terms {
    /// So many at once; `None` is as many as come.
    pub(crate) most: Option<NonZeroUsize>,
    /// How long clients may take.
    pub(crate) times: Times,
    /// What they are encrypted with; they are not when `None`.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Whose word is taken for where requests come from.
    pub(crate) proxies: Arc<TrustedProxies>,
}

/// Serves connections until `stop` is ready, and then those that are there until each has its answer.
pub(crate) async fn serve(listener: TcpListener, router: Router, terms: Terms, stop: impl Future<Output = ()>) {
    let stopping = CancellationToken::new();
    let connections = TaskTracker::new();
    let mut stop = pin!(stop);
    let mut door = Door::new(listener, terms.most);
    loop {
        let (stream, from, place) = tokio::select! {
            entered = door.next() => entered,
            () = &mut stop => break,
        };
        // Answers are written whole: holding one back for more to come would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let connection = connection(stream, from, router.clone(), terms.clone(), stopping.clone());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(door);
    stopping.cancel();
    connections.close();
    connections.wait().await;
}

/// Where connections come in, while there is a place for one more.
struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    told: Option<Instant>,
}

impl Door {
    fn new(listener: TcpListener, most: Option<NonZeroUsize>) -> Self {
        let most = most.map_or(Semaphore::MAX_PERMITS, |most| most.get().min(Semaphore::MAX_PERMITS));
        Self { listener, places: Arc::new(Semaphore::new(most)), told: None }
    }

    /// The next connection. What it waits for can be given up at any time.
    async fn next(&mut self) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
        self.tell_if_full();
        // It is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((stream, from)) => return (stream, from, place),
                // Its client has gone again.
                Err(error) if is_of_one(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn tell_if_full(&mut self) {
        let due = self.told.is_none_or(|told| told.elapsed() >= TELL_PAUSE);
        if due && self.places.available_permits() == 0 {
            self.told = Some(Instant::now());
            tracing::warn!("as many connections are open as there may be: others wait");
        }
    }
}

fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

/// What a connection needs to know.
#[derive(Clone)]
struct Client {
    from: SocketAddr,
    router: Router,
    pace: Arc<Pace>,
    encrypted: bool,
    proxies: Arc<TrustedProxies>,
}

/// Serves one until it ends, its client takes too long, or what it is at when all are to end is done.
async fn connection(stream: TcpStream, from: SocketAddr, router: Router, terms: Terms, stopping: CancellationToken) {
    let Terms { times, tls, proxies, .. } = terms;
    let Some(tls) = tls else {
        let pace = Arc::new(Pace::new(times, true));
        return http_1(stream, Client { from, router, pace, encrypted: false, proxies }, &stopping).await;
    };
    let shaken = tokio::time::timeout(times.head, tls.acceptor().accept(stream));
    let stream = match stopping.run_until_cancelled(shaken).await {
        Some(Ok(Ok(stream))) => stream,
        Some(Ok(Err(error))) => return tracing::debug!(%error, "a connection was not encrypted"),
        // It took too long, or nothing was asked when all were to end.
        Some(Err(_)) | None => return,
    };
    let is_http_2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
    let client = Client { from, router, pace: Arc::new(Pace::new(times, !is_http_2)), encrypted: true, proxies };
    if is_http_2 { http_2(stream, client, &stopping).await } else { http_1(stream, client, &stopping).await }
}

async fn http_1<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S, client: Client, stopping: &CancellationToken) {
    let pace = Arc::clone(&client.pace);
    let service = service_fn(move |request| answer(request, client.clone()));
    let stream = TokioIo::new(Paced::new(stream, Arc::clone(&pace)));
    to_its_end(http1::Builder::new().max_buf_size(MAX_HEAD).serve_connection(stream, service), &pace, stopping).await;
}

async fn http_2<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S, client: Client, stopping: &CancellationToken) {
    let pace = Arc::clone(&client.pace);
    let service = service_fn(move |request| answer(request, client.clone()));
    let stream = TokioIo::new(Paced::new(stream, Arc::clone(&pace)));
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEADERS);
    to_its_end(http.serve_connection(stream, service), &pace, stopping).await;
}

async fn to_its_end<C: GracefulConnection>(connection: C, pace: &Pace, stopping: &CancellationToken)
where
    C::Error: std::fmt::Display,
{
    let (mut serving, mut overdue, mut stop) = (pin!(connection), pin!(pace.overdue()), pin!(stopping.cancelled()));
    let mut ending = false;
    loop {
        tokio::select! {
            ended = serving.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke off");
                }
                return;
            }
            () = stop.as_mut(), if !ending => {
                ending = true;
                serving.as_mut().graceful_shutdown();
            }
            () = overdue.as_mut() => {
                tracing::debug!("a client took too long");
                return;
            }
        }
    }
}

async fn answer(request: Request<Incoming>, client: Client) -> Result<Response, Infallible> {
    let Client { from, router, pace, encrypted, proxies } = client;
    let _serving = pace.serve();
    let mut request = request.map(Body::new);
    let from = proxies.client(from, request.headers());
    request.extensions_mut().insert(ConnectInfo(from));
    let mut response = router.oneshot(request).await?;
    if encrypted {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ENCRYPTED_FROM_NOW_ON));
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
