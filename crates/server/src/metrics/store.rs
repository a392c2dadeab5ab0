//! A store whose commits and reads are timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::id::Ulid;
use metrics::{counter, histogram};
use store::{Batch, CommitError, Cursor, Exported, ExportedLink, Item, Key, Kind, ReadError, Scan, Store};

use super::meters::{COMMIT_SECONDS, COMMIT_WRITES, COMMITS, Meters, READ_SECONDS};

/// A store, and what counts its commits.
pub(crate) struct Metered {
    store: Arc<dyn Store>,
    meters: Meters,
}

impl Metered {
    /// The store as it is, if nothing is counted.
    pub(crate) fn over(store: Arc<dyn Store>, meters: &Meters) -> Arc<dyn Store> {
        if meters.are_on() { Arc::new(Self { store, meters: meters.clone() }) } else { store }
    }

    fn read(&self, what: &'static str, took: Duration) {
        self.meters.record(|| histogram!(READ_SECONDS, "read" => what).record(took));
    }
}

/// How a commit ended, in a word.
pub(crate) const fn ending(result: &Result<(), CommitError>) -> &'static str {
    match result {
        Ok(()) => "landed",
        Err(CommitError::PreconditionFailed { .. }) => "overtaken",
        Err(CommitError::Busy) => "busy",
        Err(CommitError::Unavailable(_)) => "unavailable",
        Err(CommitError::Unknown(_)) => "unknown",
        Err(CommitError::Invalid(_)) => "invalid",
    }
}

#[async_trait]
impl Store for Metered {
    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    fn forgets(&self) -> bool {
        self.store.forgets()
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        let began = Instant::now();
        let found = self.store.get(keys).await;
        self.read("records", began.elapsed());
        found
    }

    async fn get_one(&self, key: &Key) -> Result<Option<Item>, ReadError> {
        let began = Instant::now();
        let found = self.store.get_one(key).await;
        self.read("records", began.elapsed());
        found
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        let began = Instant::now();
        let found = self.store.scan(scan).await;
        self.read("list", began.elapsed());
        found
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        self.store.export(kind, after, limit).await
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        self.store.export_links(after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let (began, writes) = (Instant::now(), u32::try_from(batch.writes().len()).unwrap_or(u32::MAX));
        let result = self.store.commit(batch).await;
        let took = began.elapsed();
        self.meters.record(|| {
            counter!(COMMITS, "result" => ending(&result)).increment(1);
            histogram!(COMMIT_SECONDS).record(took);
            histogram!(COMMIT_WRITES).record(f64::from(writes));
        });
        result
    }
}
