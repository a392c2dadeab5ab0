//! What Bursar is compared with: itself, but for what answers.
//!
//! *Echo* stores nothing: what the HTTP stack alone can do. *Ceiling* appends two rows to a SQLite log, each
//! synced before the next step, as the two commits of a payment are, and does nothing else: what a perfect
//! store on this disk could do. Both stand in for the operations in Bursar's own server: connections, parsing,
//! routing, authentication, logging and the rest are the same code.

use std::io::{Write as _, stdout};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bursar::api::StandIn;
use bursar::compose::{Settings, compose};
use bytes::Bytes;
use http::Method;
use payments::ports::Answer;
use rusqlite::Connection;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::Error;
use crate::target::API_KEY;

/// Commits of one transaction at most: the bound that the embedded store has.
const BATCH_MAX: usize = 512;
/// Rows that may wait for the writer: four full batches, more than any number of connections measured.
const QUEUE: usize = 2048;
/// Pages of the log before a checkpoint: fewer cost more syncs, more cost longer stalls.
const CHECKPOINT_PAGES: u32 = 4000;
/// Bytes of the records in the first commit of a payment: intent, event, attempt, method, sealed card, idempotency record.
pub const FIRST_ROW: usize = 2_100;
/// Bytes of those in the second: intent, attempt, charge, statement line, journal entry, two events, the kept answer.
pub const SECOND_ROW: usize = 5_400;

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

/// Answers and stores nothing.
#[derive(Debug)]
pub struct Echo(pub Samples);

#[async_trait]
impl StandIn for Echo {
    async fn answer(&self, method: &Method, path: &str) -> Answer {
        ok(match (method.as_str(), path) {
            ("POST", "/v1/refunds") => &self.0.refund,
            ("GET", "/v1/payment_intents") => &self.0.list,
            _ => &self.0.payment,
        })
    }
}

/// Answers a payment once two rows are synced, one after the other.
#[derive(Debug)]
pub struct Ceiling {
    samples: Samples,
    log: Log,
    first: Bytes,
    second: Bytes,
}

impl Ceiling {
    /// With rows of those lengths.
    #[must_use]
    pub fn new(samples: Samples, log: Log, first: usize, second: usize) -> Self {
        let filler = samples.payment.clone();
        let row = |length: usize| filler.iter().copied().cycle().take(length).collect();
        Self { first: row(first), second: row(second), samples, log }
    }
}

#[async_trait]
impl StandIn for Ceiling {
    async fn answer(&self, _: &Method, _: &str) -> Answer {
        if self.log.append(self.first.clone()).await && self.log.append(self.second.clone()).await {
            ok(&self.samples.payment)
        } else {
            Answer { status: 503, body: Vec::new() }
        }
    }
}

fn ok(body: &Bytes) -> Answer {
    Answer { status: 200, body: body.to_vec() }
}

/// Serves Bursar with a stand-in for its operations, until told to stop; nothing is kept.
///
/// # Errors
/// If the server cannot be put together or cannot listen.
pub async fn serve(listen: SocketAddr, stand_in: Arc<dyn StandIn>) -> Result<(), Error> {
    let settings = Settings {
        store: "memory:".to_owned(),
        bank: None,
        vault_key: None,
        audit_signing_key: None,
        public_url: String::new(),
        webhooks: bursar::compose::Webhooks::AtOnce(bursar::webhooks::Reach::Private),
    };
    let mut composed = compose(&settings).await.map_err(|why| Error::StandIn(why.to_string()))?;
    bursar::serve::first_shop(&composed.app.platform, Some(API_KEY)).await.map_err(|why| Error::StandIn(why.to_string()))?;
    let app = Arc::get_mut(&mut composed.app).ok_or_else(|| Error::StandIn("the server is shared".to_owned()))?;
    app.stand_in = Some(stand_in);
    let listener = TcpListener::bind(listen).await?;
    writeln!(stdout(), "listening on http://{}", listener.local_addr()?)?;
    let mut asked = signal(SignalKind::terminate())?;
    let stop = async move {
        asked.recv().await;
    };
    bursar::serve::run(listener, &composed, stop).await;
    Ok(())
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
