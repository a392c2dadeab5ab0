//! What Bursar is compared with: handlers that answer the same requests with the same bytes.
//!
//! *Echo* stores nothing: what the HTTP stack alone can do. *Ceiling* appends two rows to a SQLite log, each
//! synced before the next step, as the two commits of a payment are, and does nothing else: what a perfect
//! store on this disk could do. Both are handlers only; routing, authentication and the rest of the stack
//! around them are the server's own.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::Error;

/// Commits of one transaction at most: the bound that the embedded store has.
const BATCH_MAX: usize = 512;
/// Rows that may wait for the writer: four full batches, more than any number of connections measured.
const QUEUE: usize = 2048;
/// Pages of the log before a checkpoint: fewer cost more syncs, more cost longer stalls.
const CHECKPOINT_PAGES: u32 = 4000;
/// Bytes of the first row of a payment when nothing else is said: intent, idempotency record, open attempt.
pub const FIRST_ROW: usize = 3_000;
/// Bytes of the second row: the rest of the 10 kB that a payment's records are.
pub const SECOND_ROW: usize = 7_000;

/// Files of sample answers in a directory.
const PAYMENT_FILE: &str = "payment.json";
const LIST_FILE: &str = "list.json";
const REFUND_FILE: &str = "refund.json";

/// The answers given, taken from the real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    /// To the creation and the retrieval of a payment.
    pub payment: Bytes,
    /// To a list of 20 payments.
    pub list: Bytes,
    /// To a refund.
    pub refund: Bytes,
}

impl Samples {
    /// Reads them from a directory.
    ///
    /// # Errors
    /// If one is not there.
    pub fn read(directory: &Path) -> Result<Self, Error> {
        let read = |file| std::fs::read(directory.join(file)).map(Bytes::from);
        Ok(Self { payment: read(PAYMENT_FILE)?, list: read(LIST_FILE)?, refund: read(REFUND_FILE)? })
    }

    /// Writes them to a directory.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        std::fs::write(directory.join(PAYMENT_FILE), &self.payment)?;
        std::fs::write(directory.join(LIST_FILE), &self.list)?;
        Ok(std::fs::write(directory.join(REFUND_FILE), &self.refund)?)
    }
}

/// A SQLite log with one writer thread and group commit without lingering.
#[derive(Clone, Debug)]
pub struct Log {
    queue: mpsc::Sender<Append>,
}

#[derive(Debug)]
struct Append {
    row: Bytes,
    durable: oneshot::Sender<()>,
}

impl Log {
    /// Creates the log in that file and starts its writer.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(file: &Path) -> Result<Self, Error> {
        let database = Connection::open(file)?;
        database.pragma_update(None, "page_size", 8192)?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        database.execute_batch("CREATE TABLE log (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")?;
        let (queue, rows) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name("log".into()).spawn(move || write_all(&database, rows))?;
        Ok(Self { queue })
    }

    /// Appends a row; true once it is synced, false if it could not be written.
    pub async fn append(&self, row: Bytes) -> bool {
        let (durable, done) = oneshot::channel();
        self.queue.send(Append { row, durable }).await.is_ok() && done.await.is_ok()
    }
}

fn write_all(database: &Connection, mut rows: mpsc::Receiver<Append>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while rows.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        // A batch that fails is dropped, and with it the senders: every caller hears that its row is not there.
        if commit(database, &batch).is_ok() {
            for append in batch.drain(..) {
                // A caller that has gone away needs no answer.
                let _gone = append.durable.send(());
            }
        }
        batch.clear();
    }
}

fn commit(database: &Connection, batch: &[Append]) -> rusqlite::Result<()> {
    let transaction = database.unchecked_transaction()?;
    {
        let mut insert = transaction.prepare_cached("INSERT INTO log (body) VALUES (?1)")?;
        for append in batch {
            insert.execute([&append.row[..]])?;
        }
    }
    transaction.commit()
}

#[derive(Debug)]
struct Ceiling {
    samples: Samples,
    log: Log,
    first: Bytes,
    second: Bytes,
}

/// Handlers that answer and store nothing.
pub fn echo(samples: Samples) -> Router {
    Router::new()
        .route(
            "/v1/payment_intents",
            post(async |State(samples): State<Arc<Samples>>, _form: Bytes| json(samples.payment.clone()))
                .get(async |State(samples): State<Arc<Samples>>| json(samples.list.clone())),
        )
        .route("/v1/payment_intents/{id}", get(async |State(samples): State<Arc<Samples>>| json(samples.payment.clone())))
        .route("/v1/refunds", post(async |State(samples): State<Arc<Samples>>, _form: Bytes| json(samples.refund.clone())))
        .with_state(Arc::new(samples))
}

/// A handler that answers a payment once two rows of those lengths are synced, one after the other.
pub fn ceiling(samples: Samples, log: Log, first: usize, second: usize) -> Router {
    let filler = samples.payment.clone();
    let row = |length: usize| filler.iter().copied().cycle().take(length).collect();
    let state = Ceiling { first: row(first), second: row(second), samples, log };
    Router::new().route("/v1/payment_intents", post(pay)).with_state(Arc::new(state))
}

async fn pay(State(ceiling): State<Arc<Ceiling>>, _form: Bytes) -> Response {
    if ceiling.log.append(ceiling.first.clone()).await && ceiling.log.append(ceiling.second.clone()).await {
        json(ceiling.samples.payment.clone())
    } else {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

fn json(bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(file: &Path) -> (i64, i64) {
        let database = Connection::open(file).unwrap();
        database.query_row("SELECT count(*), sum(length(body)) FROM log", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    #[tokio::test]
    async fn a_row_is_in_the_file_before_its_caller_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("log.db");
        let log = Log::create(&file).unwrap();
        assert!(log.append(Bytes::from_static(b"12345")).await);
        assert_eq!(rows(&file), (1, 5));
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..1000 {
            let log = log.clone();
            all.spawn(async move { log.append(Bytes::from_static(b"x")).await });
        }
        assert!(all.join_all().await.into_iter().all(|durable| durable));
        assert_eq!(rows(&file), (1001, 1005));
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_written_is_not_acknowledged() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("log.db");
        let log = Log::create(&file).unwrap();
        Connection::open(&file).unwrap().execute_batch("DROP TABLE log").unwrap();
        assert!(!log.append(Bytes::from_static(b"x")).await);
    }

    #[test]
    fn samples_come_back_as_they_were_written() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Samples::read(directory.path()).is_err());
        let samples = Samples { payment: "p".into(), list: "l".into(), refund: "r".into() };
        samples.write(directory.path()).unwrap();
        assert_eq!(Samples::read(directory.path()).unwrap(), samples);
    }
}
