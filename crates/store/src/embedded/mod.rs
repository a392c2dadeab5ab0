//! The default engine: one `SQLite` file, one thread that writes it, and a sync before every answer.
//!
//! - [`options`]: how it is opened, why it may not open. `files`, `schema`: the file and what is in it.
//! - `codec`, `encode`, `scopes`: keys and batches as bytes and rows.
//! - `queue` → `writer` → `apply` (`names`, `links`) → `answers`: how a batch is committed. `fresh`: names on their
//!   way into their index. `checkpoint`: how the log stays short; `anew`: what follows when that failed.
//! - `reader`, `views`: how records and lists are read. `backup`: how the store is copied while it is used.
//!
//! One process writes; others may read beside it. Threads never touch a connection of another one's.

mod anew;
mod answers;
mod apply;
mod backup;
mod checkpoint;
mod codec;
mod encode;
mod files;
mod fresh;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod links;
mod names;
pub mod options;
mod queue;
mod reader;
mod schema;
mod scopes;
mod views;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use domain::id::Ulid;
use domain::scope::Scope;
use rusqlite::Connection;
use tokio::sync::oneshot;

pub use self::backup::BackupError;
pub use self::options::{Fault, Faults, OpenError, Options, Step};

use self::checkpoint::Checkpointer;
use self::codec::ScopeNumber;
use self::encode::Coding;
use self::fresh::Fresh;
use self::queue::{Queue, Task};
use self::reader::Readers;
use self::schema::Use;
use self::scopes::Scopes;
use self::views::Views;
use self::writer::Writer;
use crate::batch::Batch;
use crate::contract::{CommitError, Cursor, Exported, ExportedLink, Item, ReadError, Scan, Store, check_keys, check_limit};
use crate::key::{Key, Kind};

/// The store in one file.
pub struct Embedded {
    path: PathBuf,
    readers: Readers,
    scopes: Arc<Scopes>,
    coding: Arc<Coding>,
    /// `None` when the store was opened for reading only.
    writing: Option<Writing>,
}

/// What only the process that writes has. Dropping it finishes what waits.
struct Writing {
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
    checkpointer: Arc<Checkpointer>,
    helper: Option<JoinHandle<()>>,
    _lock: files::Lock,
}

impl Embedded {
    /// Opens the store for writing, and makes file and directory if there are none.
    ///
    /// # Errors
    /// When another process writes to it, or the file is not a store of this version, or cannot be opened.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        Self::open_tuned(path, options, u64::MAX, Fresh::default())
    }

    /// With fewer bits in the hashes of names, or other sweeps: tests force collisions and crowded sweeps.
    fn open_tuned(path: &Path, options: Options, hash_mask: u64, fresh: Fresh) -> Result<Self, OpenError> {
        let lock = files::claim(path)?;
        let failed = |error: rusqlite::Error| schema::open_error(path, &error);
        let connection = writer::open(path, options.cache_bytes, options.max_bytes).map_err(failed)?;
        schema::prepare(path, &connection)?;
        let mut coding = schema::coding(path, &connection)?;
        coding.hash.mask = hash_mask;
        let coding = Arc::new(coding);
        fresh.recall(&connection).map_err(failed)?;
        let views = Views::default();
        let (queue, scopes, fresh) = (Arc::new(Queue::default()), Arc::new(Scopes::default()), Arc::new(fresh));
        let checkpointer = Arc::new(Checkpointer::new(Arc::clone(&views.slots), Arc::clone(&queue), options.faults.clone()));
        let helper = checkpointer.start(path).map_err(failed)?;
        // From here on dropping it ends the threads.
        let mut writing =
            Writing { queue: Arc::clone(&queue), writer: None, checkpointer: Arc::clone(&checkpointer), helper: Some(helper), _lock: lock };
        let writer = Writer {
            path: path.to_owned(),
            cache_bytes: options.cache_bytes,
            max_bytes: options.max_bytes,
            faults: options.faults,
            queue,
            scopes: Arc::clone(&scopes),
            fresh: Arc::clone(&fresh),
            moment: Arc::clone(&views.moment),
            checkpointer,
        };
        writing.writer = Some(writer.start(connection).map_err(|source| OpenError::Io { path: path.to_owned(), source })?);
        let readers = Readers::beside_writer(path.to_owned(), views, Arc::clone(&scopes), Arc::clone(&coding), fresh);
        Ok(Self { path: path.to_owned(), readers, scopes, coding, writing: Some(writing) })
    }

    /// Opens the store for reading, also while another process writes to it. Each read sees the last commit.
    ///
    /// # Errors
    /// When there is no such file, or it is not a store of this version, or cannot be opened.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let (_, coding) = Self::look(path)?;
        let scopes = Arc::new(Scopes::default());
        let readers = Readers::read_only(path.to_owned(), Arc::clone(&scopes), Arc::clone(&coding));
        Ok(Self { path: path.to_owned(), readers, scopes, coding, writing: None })
    }

    /// Opens the store for reading as of now, also while another process writes to it: all reads see the same
    /// moment. The log of the writing process grows while this is open.
    ///
    /// # Errors
    /// When there is no such file, or it is not a store of this version, or cannot be opened.
    pub fn open_snapshot(path: &Path) -> Result<Self, OpenError> {
        let (connection, coding) = Self::look(path)?;
        let scopes = Arc::new(Scopes::default());
        let readers = Readers::snapshot(path.to_owned(), connection, Arc::clone(&scopes), Arc::clone(&coding))
            .map_err(|error| schema::open_error(path, &error))?;
        Ok(Self { path: path.to_owned(), readers, scopes, coding, writing: None })
    }

    fn look(path: &Path) -> Result<(Connection, Arc<Coding>), OpenError> {
        if !path.try_exists().map_err(|source| OpenError::Io { path: path.to_owned(), source })? {
            return Err(OpenError::NotFound(path.to_owned()));
        }
        let failed = |error: rusqlite::Error| schema::open_error(path, &error);
        let connection = schema::connect(path, Use::ReadOnly).map_err(failed)?;
        schema::check(path, &connection)?;
        let coding = schema::coding(path, &connection)?;
        Ok((connection, Arc::new(coding)))
    }

    /// Copies the store, as of one moment, to a file that must not exist yet. Takes as long as reading and
    /// writing all of it does: call it where blocking is allowed.
    ///
    /// # Errors
    /// When the destination exists or cannot be written, or the store cannot be read. Nothing is left then.
    pub fn backup(&self, destination: &Path) -> Result<(), BackupError> {
        let connection = schema::connect(&self.path, Use::ReadOnly).map_err(|error| BackupError::Engine(error.to_string()))?;
        backup::backup(&connection, destination)
    }

    /// Changes how far the file may grow; commits that would need more answer `Unavailable`.
    ///
    /// # Errors
    /// As a commit.
    pub async fn limit_bytes(&self, bytes: u64) -> Result<(), CommitError> {
        self.ask(|answer| Task::Limit { bytes, answer }).await
    }

    async fn ask<T>(&self, task: impl FnOnce(oneshot::Sender<Result<T, CommitError>>) -> Task) -> Result<T, CommitError> {
        let Some(writing) = &self.writing else {
            return Err(CommitError::Unavailable("the store was opened for reading only".to_owned()));
        };
        let (answer, answered) = oneshot::channel();
        writing.queue.push(task(answer));
        // The writer answers everything it takes; only a panic in it could break this promise.
        answered.await.unwrap_or_else(|_| Err(CommitError::Unknown("the writer has ended".to_owned())))
    }

    async fn numbers(&self, batch: &Batch) -> Result<Vec<(Scope, ScopeNumber)>, CommitError> {
        let mut numbers = Vec::with_capacity(2);
        for scope in encode::scopes_of(batch) {
            let number = match self.scopes.remembered(scope) {
                Some(number) => number,
                None => self.ask(|answer| Task::Assign { scope, answer }).await?,
            };
            numbers.push((scope, number));
        }
        Ok(numbers)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer had panicked");
        }
        self.checkpointer.close();
        if let Some(helper) = self.helper.take()
            && helper.join().is_err()
        {
            tracing::error!("the store's checkpointer had panicked");
        }
        self.checkpointer.finish();
    }
}

#[async_trait]
impl Store for Embedded {
    fn is_shared(&self) -> bool {
        false
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        check_keys(keys)?;
        Ok(self.readers.with(|reading| reading.get(keys))?)
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        check_limit(scan.limit)?;
        Ok(self.readers.with(|reading| reading.scan(&scan))?)
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        check_limit(limit)?;
        Ok(self.readers.with(|reading| reading.export(kind, after.as_ref(), limit))?)
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        check_limit(limit)?;
        Ok(self.readers.with(|reading| reading.export_links(after.as_ref(), limit))?)
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        batch.check()?;
        if batch.is_empty() {
            return Ok(());
        }
        let numbers = self.numbers(&batch).await?;
        let batch = encode::encode(batch, &numbers, &self.coding)?;
        self.ask(|answer| Task::Commit { batch, answer }).await
    }
}
