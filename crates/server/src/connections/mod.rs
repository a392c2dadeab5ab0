//! Connections: so many at once, none that its client leaves hanging, and an end that lets each finish what it is at.
//!
//! Beyond the bound, further ones wait in the system's queue until one ends. A connection is closed whose client takes too long to
//! send a request's head, or lets it lie idle ([`pace`]). Bodies have their own time (`api/body.rs`).
//!
//! Absent on purpose: a bound for each address. Behind a balancer all clients have one, and who floods has many.

mod pace;

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
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub(crate) use self::pace::Times;
use self::pace::{Pace, Paced};

/// The longest head of a request: far more than any client's headers, and what is held of each connection while they come.
const MAX_HEAD: usize = 64 * 1024;
/// After the system gave no connection, for want of memory or files: asking again at once would use up a core.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// Between two lines of the log that tell of connections that have to wait.
const TELL_PAUSE: Duration = Duration::from_secs(10);

/// How connections are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// So many at once; `None` is as many as come.
    pub(crate) most: Option<NonZeroUsize>,
    /// How long clients may take.
    pub(crate) times: Times,
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
        let connection = connection(stream, from, router.clone(), terms.times, stopping.clone());
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

/// Serves one until it ends, its client takes too long, or what it is at when all are to end is done.
async fn connection(stream: TcpStream, from: SocketAddr, router: Router, times: Times, stopping: CancellationToken) {
    let pace = Arc::new(Pace::new(times));
    let service = service_fn(|request| answer(request, from, router.clone(), Arc::clone(&pace)));
    let stream = TokioIo::new(Paced::new(stream, Arc::clone(&pace)));
    let mut serving = pin!(http1::Builder::new().max_buf_size(MAX_HEAD).serve_connection(stream, service));
    let mut overdue = pin!(pace.overdue());
    let mut stop = pin!(stopping.cancelled());
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

async fn answer(request: Request<Incoming>, from: SocketAddr, router: Router, pace: Arc<Pace>) -> Result<Response, Infallible> {
    let _serving = pace.serve();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(from));
    router.oneshot(request).await
}

#[cfg(test)]
mod tests;
