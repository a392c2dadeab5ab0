//! How long a client may take with its connection.
//!
//! There is no timer for each request: a connection is looked at every few seconds, and closed if what it waits for began too long
//! ago. What a server does for a client has times of its own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// For a request's head, from its first byte on; the first one, from the connection's beginning on.
    pub(crate) head: Duration,
    /// Between an answer and the next request's first byte, and so for taking the answer.
    pub(crate) idle: Duration,
    /// Between two looks.
    pub(crate) look: Duration,
}

impl Times {
    /// A head is a packet or two: who takes so long has no connection worth the name, or means harm. Idle connections are kept longer
    /// than balancers keep theirs (60 s mostly): one that closes first would break off what they send at that moment.
    pub(crate) const USUAL: Self = Self { head: Duration::from_secs(10), idle: Duration::from_secs(75), look: Duration::from_secs(5) };
}

/// What a connection waits for: for us, if requests are being served.
struct Waits {
    /// Requests that are being served; several at once in HTTP/2.
    serving: usize,
    /// For the rest of a head, and otherwise for a request.
    head: bool,
    since: Instant,
}

/// Since when a connection waits, and for what.
pub(super) struct Pace {
    times: Times,
    /// Whether bytes that come begin a head. In HTTP/2 they may be anything.
    heads: bool,
    waits: Mutex<Waits>,
}

/// A request that is being served.
pub(super) struct Serving<'a>(&'a Pace);

impl Pace {
    /// Of a connection that begins.
    pub(super) fn new(times: Times, heads: bool) -> Self {
        Self { times, heads, waits: Mutex::new(Waits { serving: 0, head: true, since: Instant::now() }) }
    }

    /// A head is there.
    pub(super) fn serve(&self) -> Serving<'_> {
        let mut waits = self.waits.lock();
        waits.serving = waits.serving.saturating_add(1);
        waits.head = false;
        Serving(self)
    }

    /// Bytes came.
    fn heard(&self) {
        let mut waits = self.waits.lock();
        if self.heads && waits.serving == 0 && !waits.head {
            (waits.head, waits.since) = (true, Instant::now());
        }
    }

    fn is_overdue(&self) -> bool {
        let waits = self.waits.lock();
        let allowed = if waits.head { self.times.head } else { self.times.idle };
        waits.serving == 0 && waits.since.elapsed() > allowed
    }

    /// Ready when the client has taken too long.
    pub(super) async fn overdue(&self) {
        while !self.is_overdue() {
            tokio::time::sleep(self.times.look).await;
        }
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let mut waits = self.0.waits.lock();
        (waits.serving, waits.since) = (waits.serving.saturating_sub(1), Instant::now());
    }
}

/// A stream that notes when bytes come.
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
}

impl<S> Paced<S> {
    pub(super) const fn new(stream: S, pace: Arc<Pace>) -> Self {
        Self { stream, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
