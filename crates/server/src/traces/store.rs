//! A store whose commits and reads are spans of what asked for them.

use std::sync::Arc;

use async_trait::async_trait;
use domain::id::Ulid;
use store::{Batch, CommitError, Cursor, Exported, ExportedLink, Item, Key, Kind, ReadError, Scan, Store};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, trace_span};

use super::TARGET;
use crate::metrics::ending;

/// A store, looked at.
pub(crate) struct Traced(Arc<dyn Store>);

impl Traced {
    /// The store as it is, if nobody takes spans.
    pub(crate) fn over(store: Arc<dyn Store>) -> Arc<dyn Store> {
        if super::are_on() { Arc::new(Self(store)) } else { store }
    }
}

fn read(what: &'static str, items: usize) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    trace_span!(target: TARGET, "read", otel.kind = "client", bursar.read = what, bursar.items = items)
}

#[async_trait]
impl Store for Traced {
    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    fn forgets(&self) -> bool {
        self.0.forgets()
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        self.0.get(keys).instrument(read("records", keys.len())).await
    }

    async fn get_one(&self, key: &Key) -> Result<Option<Item>, ReadError> {
        self.0.get_one(key).instrument(read("records", 1)).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        let span = read("list", scan.limit);
        self.0.scan(scan).instrument(span).await
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        self.0.export(kind, after, limit).await
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        self.0.export_links(after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        if Span::current().is_none() {
            return self.0.commit(batch).await;
        }
        let writes = batch.writes().len();
        let span = trace_span!(target: TARGET, "commit", otel.kind = "client", bursar.writes = writes, bursar.result = Empty);
        let result = self.0.commit(batch).instrument(span.clone()).await;
        span.record("bursar.result", ending(&result));
        result
    }
}
