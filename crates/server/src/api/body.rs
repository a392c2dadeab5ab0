//! A request's body: read up to a limit; what is left of it is let in and thrown away.
//!
//! A server that answers and closes while its client still sends makes the client's system drop the answer: the
//! client sees a broken connection and not the error that tells it what is wrong.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;

use super::Failure;

/// The largest body taken; the largest legal request is far smaller.
const MAX_BODY: usize = 256 * 1024;
/// For how long a body may take: the largest one comes in this time over a modem.
const READING: Duration = Duration::from_secs(60);
/// How much of a refused body is let in, so that its client hears of the refusal.
const MAX_DISCARDED: usize = 256 * 1024 * 1024;
/// For how long that is done.
const DISCARDING: Duration = Duration::from_secs(10);

/// A body on its way in.
pub(crate) struct Incoming(BodyDataStream);

impl Incoming {
    /// Of a request.
    pub(crate) fn new(body: Body) -> Self {
        Self(body.into_data_stream())
    }

    /// All of it, if it comes in time.
    pub(crate) async fn read(&mut self) -> Result<Bytes, Failure> {
        tokio::time::timeout(READING, self.read_all()).await.map_err(|_| Failure::TooSlow)?
    }

    async fn read_all(&mut self) -> Result<Bytes, Failure> {
        let first = match self.0.next().await {
            None => return Ok(Bytes::new()),
            Some(part) => part.map_err(|_| Failure::Incomplete)?,
        };
        let mut all = BytesMut::from(first);
        while all.len() <= MAX_BODY {
            match self.0.next().await {
                None => return Ok(all.freeze()),
                Some(part) => all.extend_from_slice(&part.map_err(|_| Failure::Incomplete)?),
            }
        }
        Err(Failure::TooLarge)
    }

    /// Throws the rest of it away.
    pub(crate) async fn discard(mut self) {
        let rest = async {
            let mut discarded = 0_usize;
            while let Some(Ok(part)) = self.0.next().await {
                discarded = discarded.saturating_add(part.len());
                if discarded > MAX_DISCARDED {
                    break;
                }
            }
        };
        // A client too slow for this finds its connection closed.
        let _ = tokio::time::timeout(DISCARDING, rest).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_to_its_end_in_time_is_given_up() {
        let parts = |pause| {
            futures::stream::unfold(0, move |n| async move {
                tokio::time::sleep(pause).await;
                (n < 10).then(|| (Ok::<_, std::io::Error>("part"), n + 1))
            })
        };
        let read = async |pause| Incoming::new(Body::from_stream(parts(pause))).read().await;
        assert_eq!(read(READING / 12).await.unwrap().len(), 40);
        assert!(matches!(read(READING / 9).await, Err(Failure::TooSlow)));
    }
}
