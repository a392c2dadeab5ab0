//! A store in memory that lets a test act between what a request has read and what it commits.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::id::Ulid;
use parking_lot::Mutex;
use store::contract::{Cursor, Exported, ExportedLink};
use store::memory::Memory;
use store::{Batch, CommitError, Item, Key, Kind, ReadError, Scan, Store};

type Act = Pin<Box<dyn Future<Output = ()> + Send>>;

pub struct Meanwhile {
    store: Arc<Memory>,
    shared: AtomicBool,
    act: Mutex<Option<Act>>,
    /// After how many more reads, and what.
    between_reads: Mutex<Option<(usize, Act)>>,
}

impl Meanwhile {
    pub fn new(store: Arc<Memory>) -> Self {
        Self { store, shared: AtomicBool::new(false), act: Mutex::new(None), between_reads: Mutex::new(None) }
    }

    /// From now on other processes may write at the same time.
    pub fn share(&self) {
        self.shared.store(true, Ordering::SeqCst);
    }

    /// That happens once, after so many more reads.
    pub fn happens_after_reads(&self, reads: usize, act: impl Future<Output = ()> + Send + 'static) {
        *self.between_reads.lock() = Some((reads, Box::pin(act)));
    }

    fn due(&self) -> Option<Act> {
        let mut planned = self.between_reads.lock();
        match planned.take() {
            Some((0, act)) => Some(act),
            Some((reads, act)) => {
                *planned = Some((reads - 1, act));
                None
            }
            None => None,
        }
    }

    /// That happens once, just before the next commit.
    pub fn happens(&self, act: impl Future<Output = ()> + Send + 'static) {
        *self.act.lock() = Some(Box::pin(act));
    }
}

#[async_trait]
impl Store for Meanwhile {
    fn is_shared(&self) -> bool {
        self.shared.load(Ordering::SeqCst)
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        if let Some(act) = self.due() {
            act.await;
        }
        self.store.get(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        self.store.scan(scan).await
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        self.store.export(kind, after, limit).await
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        self.store.export_links(after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let act = self.act.lock().take();
        if let Some(act) = act {
            act.await;
        }
        self.store.commit(batch).await
    }
}
