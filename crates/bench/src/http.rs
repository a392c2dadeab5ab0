//! A keep-alive HTTP/1.1 client that costs next to nothing, for talking to one server on this machine.
//!
//! It writes bytes that were prepared beforehand and reads one answer before it writes again. Only answers
//! with a `Content-Length` are understood; anything else is an error, never a guess.
//! Absent on purpose: TLS, chunked bodies, redirects, pipelining, retries.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Headers of one answer; Bursar sends fewer than twenty.
const HEADERS_MAX: usize = 64;
/// Bytes of an answer's head: far above what any server here sends.
const HEAD_MAX: usize = 64 * 1024;
/// Bytes of an answer's body: a page of 100 payments is about a quarter of a megabyte.
const BODY_MAX: usize = 16 * 1024 * 1024;
/// What is read at once: one small answer, or a good part of a page.
const BUFFER: usize = 16 * 1024;

/// Why an exchange gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The connection could not be made, or broke.
    #[error("connection: {0}")]
    Io(#[from] std::io::Error),
    /// The server closed the connection in the middle of an answer, or before it.
    #[error("the server closed the connection before the whole answer was there")]
    Closed,
    /// What came back is not an HTTP/1.1 answer of known length.
    #[error("not an answer that can be read: {0}")]
    Malformed(&'static str),
    /// Nothing came back in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body: Range<usize>,
    replayed: bool,
    usable: bool,
}

struct Head {
    status: u16,
    body_at: usize,
    body_length: usize,
    replayed: bool,
    close: bool,
}

impl Connection {
    /// Connects, without Nagle's delay.
    ///
    /// # Errors
    /// If the server does not accept.
    pub async fn open(address: SocketAddr) -> Result<Self, HttpError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(BUFFER), body: 0..0, replayed: false, usable: true })
    }

    /// Sends a whole prepared request and waits for the whole answer; gives its status.
    ///
    /// # Errors
    /// If the connection breaks or the answer cannot be read; the connection is unusable after that.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<u16, HttpError> {
        self.usable = false;
        self.body = 0..0;
        self.buffer.clear();
        self.stream.write_all(request).await?;
        let head = loop {
            self.fill().await?;
            if let Some(head) = parse_head(&self.buffer)? {
                break head;
            }
            if self.buffer.len() > HEAD_MAX {
                return Err(HttpError::Malformed("head too long"));
            }
        };
        let end = head.body_at.saturating_add(head.body_length);
        while self.buffer.len() < end {
            self.fill().await?;
        }
        if self.buffer.len() > end {
            return Err(HttpError::Malformed("more bytes than the answer's length"));
        }
        self.body = head.body_at..end;
        self.replayed = head.replayed;
        self.usable = !head.close;
        Ok(head.status)
    }

    /// The body of the last answer.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.buffer.get(self.body.clone()).unwrap_or_default()
    }

    /// Whether the last answer said `Idempotent-Replayed: true`.
    #[must_use]
    pub const fn replayed(&self) -> bool {
        self.replayed
    }

    /// Whether another request may be sent.
    #[must_use]
    pub const fn usable(&self) -> bool {
        self.usable
    }

    async fn fill(&mut self) -> Result<(), HttpError> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(HttpError::Closed);
        }
        Ok(())
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>, HttpError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let body_at = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(HttpError::Malformed("head")),
    };
    let status = response.code.ok_or(HttpError::Malformed("status"))?;
    let mut head = Head { status, body_at, body_length: 0, replayed: false, close: false };
    let mut length = None;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            length = std::str::from_utf8(header.value).ok().and_then(|text| text.parse().ok());
        } else if header.name.eq_ignore_ascii_case("idempotent-replayed") {
            head.replayed = header.value.eq_ignore_ascii_case(b"true");
        } else if header.name.eq_ignore_ascii_case("connection") {
            head.close = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    head.body_length = length.ok_or(HttpError::Malformed("no Content-Length"))?;
    if head.body_length > BODY_MAX {
        return Err(HttpError::Malformed("body too long"));
    }
    Ok(Some(head))
}

/// A whole answer, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body's very bytes.
    pub body: Vec<u8>,
    /// Whether it said `Idempotent-Replayed: true`.
    pub replayed: bool,
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as JSON, or null if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A client that opens its connection when it needs one and drops it after an error.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    limit: Duration,
    connection: Option<Connection>,
}

impl Client {
    /// A client of that server which waits no longer than `limit` for an answer.
    #[must_use]
    pub const fn new(address: SocketAddr, limit: Duration) -> Self {
        Self { address, limit, connection: None }
    }

    /// Sends a prepared request.
    ///
    /// # Errors
    /// If no whole answer came; whether the server acted on the request is then unknown.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer, HttpError> {
        let limit = self.limit;
        tokio::time::timeout(limit, self.attempt(request)).await.map_err(|_| {
            self.connection = None;
            HttpError::TimedOut(limit)
        })?
    }

    async fn attempt(&mut self, request: &[u8]) -> Result<Answer, HttpError> {
        let mut connection = match self.connection.take() {
            Some(connection) if connection.usable() => connection,
            _ => Connection::open(self.address).await?,
        };
        let status = connection.exchange(request).await?;
        let answer = Answer { status, body: connection.body().to_vec(), replayed: connection.replayed() };
        self.connection = Some(connection);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn answering(pieces: &'static [&'static [u8]]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0u8; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            for piece in pieces {
                stream.write_all(piece).await.unwrap();
                stream.flush().await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        address
    }

    async fn first_answer(pieces: &'static [&'static [u8]]) -> Result<Answer, HttpError> {
        let address = answering(pieces).await;
        Client::new(address, Duration::from_millis(500)).send(b"GET / HTTP/1.1\r\n\r\n").await
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_put_together() {
        let answer =
            first_answer(&[b"HTTP/1.1 402 Payment Re", b"quired\r\nContent-Length: 5\r\nIdempotent-Replayed: true\r\n\r\nhe", b"llo"])
                .await
                .unwrap();
        assert_eq!(answer, Answer { status: 402, body: b"hello".to_vec(), replayed: true });
    }

    #[tokio::test]
    async fn a_connection_closed_in_mid_answer_is_no_answer() {
        let result = first_answer(&[b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"]).await;
        assert!(matches!(result, Err(HttpError::Closed)), "{result:?}");
    }

    #[tokio::test]
    async fn an_answer_without_a_length_is_refused() {
        let result = first_answer(&[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"]).await;
        assert!(matches!(result, Err(HttpError::Malformed(_))), "{result:?}");
    }

    #[tokio::test]
    async fn bytes_beyond_the_length_are_refused() {
        let result = first_answer(&[b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello"]).await;
        assert!(matches!(result, Err(HttpError::Malformed(_))), "{result:?}");
    }

    #[tokio::test]
    async fn a_silent_server_ends_the_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let result = Client::new(address, Duration::from_millis(30)).send(b"GET / HTTP/1.1\r\n\r\n").await;
        assert!(matches!(result, Err(HttpError::TimedOut(_))), "{result:?}");
    }
}
