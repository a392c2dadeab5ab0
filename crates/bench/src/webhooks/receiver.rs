//! A shop's receiver: several endpoints on one port, each of which takes, refuses or hangs as it is told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Error;
use crate::figures::Latencies;

/// Headers of a delivery; there are fewer than twenty.
const HEADERS_MAX: usize = 64;
/// What is read at once: more than an event.
const BUFFER: usize = 16 * 1024;
/// A hanging endpoint hangs for longer than anybody waits.
const HANGS_FOR: Duration = Duration::from_secs(600);
/// The first character of an event's name that tells its time, and how many do.
const TIME_AT: usize = 4;
const TIME_LENGTH: usize = 10;
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What an endpoint does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// It answers 200 at once.
    #[default]
    Takes,
    /// It answers 503 at once.
    Refuses,
    /// It does not answer.
    Hangs,
}

/// What an endpoint took.
#[derive(Debug)]
pub struct Took {
    /// The objects of the events, with their sequences, by the names of the events.
    pub events: HashMap<String, (String, u64)>,
    /// Events that it had taken before.
    pub again: u64,
    /// From when an event was made until it was here.
    pub delays: Latencies,
    /// When it took the first and the last one, in milliseconds since 1970.
    pub between: Option<(u64, u64)>,
}

impl Took {
    fn nothing() -> Result<Self, Error> {
        Ok(Self { events: HashMap::new(), again: 0, delays: Latencies::new()?, between: None })
    }
}

struct Endpoint {
    manner: Mutex<Manner>,
    took: Mutex<Took>,
}

/// A receiver with so many endpoints: `/0`, `/1`…
#[derive(Clone)]
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    endpoints: Arc<Vec<Endpoint>>,
}

/// Now, in milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// When an event was made, by its name.
fn made_at(event: &str) -> Option<u64> {
    let text = event.get(TIME_AT..TIME_AT.checked_add(TIME_LENGTH)?)?;
    text.chars().try_fold(0_u64, |millis, c| millis.checked_mul(32)?.checked_add(u64::try_from(ALPHABET.find(c)?).ok()?))
}

impl Receiver {
    /// Starts one.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(endpoints: usize) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let made = (0..endpoints).map(|_| Ok(Endpoint { manner: Mutex::default(), took: Mutex::new(Took::nothing()?) }));
        let receiver = Self { address, endpoints: Arc::new(made.collect::<Result<_, Error>>()?) };
        let listening = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = listening.clone();
                tokio::spawn(async move { receiver.serve(stream).await });
            }
        });
        Ok(receiver)
    }

    /// From now on an endpoint does so.
    pub fn set(&self, endpoint: usize, manner: Manner) {
        if let Some(endpoint) = self.endpoints.get(endpoint) {
            *endpoint.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
        }
    }

    /// Looks at what an endpoint took.
    pub fn look<T>(&self, endpoint: usize, look: impl FnOnce(&Took) -> T) -> Option<T> {
        let endpoint = self.endpoints.get(endpoint)?;
        Some(look(&endpoint.took.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Forgets the times of an endpoint, so that a measurement begins.
    ///
    /// # Errors
    /// Never with the constants of figures.
    pub fn measure_anew(&self, endpoint: usize) -> Result<(), Error> {
        if let Some(endpoint) = self.endpoints.get(endpoint) {
            let mut took = endpoint.took.lock().unwrap_or_else(PoisonError::into_inner);
            took.delays = Latencies::new()?;
            took.between = None;
        }
        Ok(())
    }

    /// Answers one delivery after the other. What is no delivery ends the connection.
    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut buffer: Vec<u8> = Vec::with_capacity(BUFFER);
        loop {
            let (path, event, body_at, length) = loop {
                if let Some(head) = head(&buffer) {
                    break head;
                }
                if stream.read_buf(&mut buffer).await.ok()? == 0 {
                    return None;
                }
            };
            let end = body_at.checked_add(length)?;
            while buffer.len() < end {
                if stream.read_buf(&mut buffer).await.ok()? == 0 {
                    return None;
                }
            }
            let endpoint = self.endpoints.get(path)?;
            let manner = *endpoint.manner.lock().unwrap_or_else(PoisonError::into_inner);
            let answer: &[u8] = match manner {
                Manner::Takes => {
                    endpoint.take(event, buffer.get(body_at..end)?)?;
                    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
                }
                Manner::Refuses => b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
                Manner::Hangs => {
                    tokio::time::sleep(HANGS_FOR).await;
                    return None;
                }
            };
            stream.write_all(answer).await.ok()?;
            buffer.drain(..end);
        }
    }
}

impl Endpoint {
    fn take(&self, event: String, body: &[u8]) -> Option<()> {
        let at = now();
        let told: serde_json::Value = serde_json::from_slice(body).ok()?;
        let object = told.pointer("/data/object/id")?.as_str()?.to_owned();
        let sequence = told.pointer("/sequence")?.as_u64()?;
        let delay = Duration::from_millis(at.saturating_sub(made_at(&event)?));
        let mut took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        took.delays.record(delay);
        took.between = Some((took.between.map_or(at, |(first, _)| first), at));
        if took.events.insert(event, (object, sequence)).is_some() {
            took.again = took.again.saturating_add(1);
        }
        Some(())
    }
}

/// The endpoint, the event, where the body begins and how long it is, once the head is there.
fn head(buffer: &[u8]) -> Option<(usize, String, usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(body_at) = request.parse(buffer).ok()? else { return None };
    let path = request.path?.trim_start_matches('/').parse().ok()?;
    let value = |name: &str| {
        let header = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    Some((path, value("webhook-id")?.to_owned(), body_at, value("content-length")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_name_tells_when_it_was_made() {
        assert_eq!(made_at("evt_0000000001ABCDEFGHJKMNPQRS"), Some(1));
        assert_eq!(made_at("evt_000000001ZABCDEFGHJKMNPQRS"), Some(63));
        assert_eq!(made_at("evt_short"), None);
    }

    #[test]
    fn a_delivery_is_read_once_its_head_is_whole() {
        let text = b"POST /1 HTTP/1.1\r\nWebhook-Id: evt_1\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(head(text), Some((1, "evt_1".to_owned(), text.len() - 5, 5)));
        assert_eq!(head(&text[..30]), None);
    }
}
