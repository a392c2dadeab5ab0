//! The store that survives crashes, and each process's faulty way to it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use domain::id::Ulid;
use futures::FutureExt as _;
use parking_lot::Mutex;
use store::{Batch, CommitError, Cursor, Exported, ExportedLink, Item, Key, Kind, ReadError, Scan, Store, Write};

use crate::audit::Audit;
use crate::node::Life;
use crate::world::{Fault, World};

/// What survives: an engine, every commit of which is audited.
pub struct Disk {
    world: Arc<World>,
    kept: Arc<dyn Store>,
    shared: bool,
    audit: Mutex<Audit>,
}

/// Engines never wait here: memory need not, and all others stand still.
fn at_once<T>(what: impl Future<Output = T>) -> Option<T> {
    what.now_or_never()
}

impl Disk {
    /// An empty engine, of one process or of several.
    #[must_use]
    pub fn new(world: &Arc<World>, kept: Arc<dyn Store>, shared: bool) -> Self {
        Self { world: Arc::clone(world), kept, shared, audit: Mutex::default() }
    }

    /// What is kept, without faults.
    #[must_use]
    pub fn kept(&self) -> &dyn Store {
        &*self.kept
    }

    /// What the audit saw.
    pub fn audit<T>(&self, look: impl FnOnce(&Audit) -> T) -> T {
        look(&self.audit.lock())
    }

    fn audited(&self, batch: &Batch) -> Result<(), CommitError> {
        let before = self.before(batch);
        let result = at_once(self.kept.commit(batch.clone())).unwrap_or(Err(CommitError::Busy));
        self.world.note(format_args!("commit of {}: {}", Summary(batch), if result.is_ok() { "landed" } else { "did not land" }));
        if result.is_ok() {
            self.audit.lock().landed(&self.world, batch, &before, self.shared);
        }
        result
    }

    /// What a batch is about to put or delete, in the order of its writes; it has no more of them than may be read at once.
    fn before(&self, batch: &Batch) -> Vec<Option<Item>> {
        let keys: Vec<Key> = batch.writes().iter().filter_map(changed).cloned().collect();
        let mut found = at_once(self.kept.get(&keys)).and_then(Result::ok).unwrap_or_default().into_iter();
        batch.writes().iter().map(|write| changed(write).and_then(|_| found.next().flatten())).collect()
    }
}

/// The record that a write puts or deletes.
fn changed(write: &Write) -> Option<&Key> {
    match write {
        Write::Put { key, .. } | Write::Delete { key, .. } => Some(key),
        Write::Check { .. } | Write::Link { .. } | Write::Unlink { .. } => None,
    }
}

/// The kinds of records that a batch puts.
struct Summary<'a>(&'a Batch);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for write in self.0.writes() {
            if let Write::Put { key, .. } = write {
                f.write_str(between)?;
                f.write_str(key.kind().table())?;
                between = " ";
            }
        }
        Ok(())
    }
}

/// One process's way to the disk.
pub struct Line {
    disk: Arc<Disk>,
    world: Arc<World>,
    life: Arc<Life>,
}

impl Line {
    /// Of a process with that life.
    #[must_use]
    pub fn new(disk: &Arc<Disk>, world: &Arc<World>, life: &Arc<Life>) -> Self {
        Self { disk: Arc::clone(disk), world: Arc::clone(world), life: Arc::clone(life) }
    }

    async fn before_read(&self) -> Result<(), ReadError> {
        self.life.go_on().await;
        self.world.pause().await;
        self.life.go_on().await;
        if self.world.happens(Fault::CrashAtRead) {
            self.life.end();
            self.life.go_on().await;
        }
        if self.world.happens(Fault::StoreUnreadable) {
            return Err(ReadError::Unavailable("simulated".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Line {
    fn is_shared(&self) -> bool {
        self.disk.shared
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        self.before_read().await?;
        self.disk.kept.get(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        self.before_read().await?;
        self.disk.kept.scan(scan).await
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        self.before_read().await?;
        self.disk.kept.export(kind, after, limit).await
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        self.before_read().await?;
        self.disk.kept.export_links(after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        self.life.go_on().await;
        self.world.pause().await;
        self.life.go_on().await;
        if self.world.happens(Fault::CrashBeforeCommit) {
            self.life.end();
            self.life.go_on().await;
        }
        if self.world.happens(Fault::StoreBusy) {
            return Err(CommitError::Busy);
        }
        if self.world.happens(Fault::StoreRefuses) {
            return Err(CommitError::Unavailable("simulated".to_owned()));
        }
        if self.world.happens(Fault::CommitLost) {
            return Err(CommitError::Unknown("simulated".to_owned()));
        }
        let result = self.disk.audited(&batch);
        if self.world.happens(Fault::CrashAfterCommit) {
            self.life.end();
        }
        self.life.go_on().await;
        self.world.pause().await;
        self.life.go_on().await;
        if result.is_ok() && self.world.happens(Fault::CommitAnswerLost) {
            return Err(CommitError::Unknown("simulated".to_owned()));
        }
        result
    }
}
