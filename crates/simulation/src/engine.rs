//! A real engine as the simulated disk: it works on threads of its own by the real time, and each call stands still until it has
//! answered, so that by the simulation's clock it takes no time, as memory does. What a seed comes to is then the same on
//! every engine that keeps the contract, word for word.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use async_trait::async_trait;
use domain::id::Ulid;
#[cfg(feature = "dynamodb")]
use store::dynamodb::DynamoDb;
use store::embedded::{Embedded, Options};
use store::postgres::Postgres;
use store::{Batch, CommitError, Cursor, Exported, ExportedLink, Item, Key, Kind, ReadError, Scan, Store};
use tokio::runtime::{Builder, Runtime};

/// An engine on threads of its own.
pub struct Engine {
    runtime: Runtime,
    store: Arc<dyn Store>,
}

impl Engine {
    /// Opens the engine of that address, as `bursar serve --store` does. There must be nothing in it.
    ///
    /// # Errors
    /// It cannot be opened, or is not empty.
    pub fn open(address: &str) -> Result<Self, String> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|e| e.to_string())?;
        let store = runtime.block_on(open(address))?;
        let accounts = runtime.block_on(store.export(Kind::Account, None, 1)).map_err(|e| e.to_string())?;
        if accounts.is_empty() { Ok(Self { runtime, store }) } else { Err(format!("{address} is not empty")) }
    }

    /// Waits for what is done on the engine's threads.
    fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (told, heard) = sync_channel(1);
        self.runtime.spawn(async move {
            let _ = told.send(work.await);
        });
        heard.recv().ok()
    }
}

async fn open(address: &str) -> Result<Arc<dyn Store>, String> {
    match address.split_once(':') {
        Some(("sqlite", path)) => Ok(Arc::new(Embedded::open(path.as_ref(), Options::default()).map_err(|e| e.to_string())?)),
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(Postgres::open(address).await.map_err(|e| e.to_string())?)),
        #[cfg(feature = "dynamodb")]
        Some(("dynamodb", _)) => Ok(Arc::new(DynamoDb::open(address).await.map_err(|e| e.to_string())?)),
        _ => Err(format!("this program knows no store at {address}")),
    }
}

/// What a call comes to whose work has panicked.
fn gone() -> String {
    "the engine has gone".to_owned()
}

#[async_trait]
impl Store for Engine {
    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        let (store, keys) = (Arc::clone(&self.store), keys.to_vec());
        self.wait(async move { store.get(&keys).await }).unwrap_or_else(|| Err(ReadError::Unavailable(gone())))
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        let store = Arc::clone(&self.store);
        self.wait(async move { store.scan(scan).await }).unwrap_or_else(|| Err(ReadError::Unavailable(gone())))
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        let store = Arc::clone(&self.store);
        self.wait(async move { store.export(kind, after, limit).await }).unwrap_or_else(|| Err(ReadError::Unavailable(gone())))
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        let store = Arc::clone(&self.store);
        self.wait(async move { store.export_links(after, limit).await }).unwrap_or_else(|| Err(ReadError::Unavailable(gone())))
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let store = Arc::clone(&self.store);
        self.wait(async move { store.commit(batch).await }).unwrap_or_else(|| Err(CommitError::Unavailable(gone())))
    }
}
