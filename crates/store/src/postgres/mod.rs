//! The engine for several machines: a `PostgreSQL` database that any number of servers share.
//!
//! - [`open`]: addresses, why a database may not be usable. `tls`, `session`, `migrate`: how a connection is made and
//!   what it relies on; `migrations/`: the tables, the function that commits, and the views for people.
//! - `encode`: batches as arrays; keys are the bytes of `crate::codec`.
//! - `queue` → `commit`: batches that wait together are one statement, which is one transaction. `read`: so is each read.
//!
//! Preconditions are judged by the database, under locks that last until the commit is durable: which process asks
//! makes no difference. Nothing of the store is remembered here between two statements.
//!
//! Absent on purpose: backups (`pg_dump` and the archive of the log do that), and the choice of roles and replicas.

mod commit;
mod encode;
mod error;
mod migrate;
pub mod open;
mod queue;
mod read;
mod session;
mod tls;

#[cfg(test)]
#[cfg(feature = "postgres-tests")]
mod tests;

use std::ops::Deref;

use async_trait::async_trait;
use deadpool_postgres::{ClientWrapper, Object, Pool};
use domain::id::Ulid;

pub use self::open::OpenError;

use self::encode::Encoded;
use self::migrate::Schema;
use self::queue::Queue;
use crate::batch::Batch;
use crate::contract::{CommitError, Cursor, Exported, ExportedLink, Item, ReadError, Scan, Store, check_keys, check_limit};
use crate::key::{Key, Kind};

/// The store in a database.
pub struct Postgres(Access);

enum Access {
    Shared {
        pool: Pool,
        queue: Queue,
    },
    /// One connection, inside a transaction that sees one moment.
    Snapshot(Box<Object>),
}

/// A connection for one statement.
#[allow(clippy::large_enum_variant)] // it lives on the stack, as long as the statement
enum Connection<'a> {
    Taken(Object),
    Kept(&'a Object),
}

impl Deref for Connection<'_> {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        match self {
            Self::Taken(object) => object,
            Self::Kept(object) => object,
        }
    }
}

impl Postgres {
    /// Opens the store for reading and writing, also while other processes do; makes what is not there yet.
    ///
    /// # Errors
    /// When the address is none, the database cannot be reached or used, or a newer version has been there.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let pool = open::pool(url)?;
        migrate::prepare(&pool, Schema::Made).await?;
        Ok(Self::sharing(pool))
    }

    /// Opens the store without making anything.
    ///
    /// # Errors
    /// As [`Postgres::open`], and when no server of this version has made the tables yet.
    pub async fn open_existing(url: &str) -> Result<Self, OpenError> {
        let pool = open::pool(url)?;
        migrate::prepare(&pool, Schema::Found).await?;
        Ok(Self::sharing(pool))
    }

    /// Opens the store for reading as of now: all reads see the same moment, also while others write.
    ///
    /// # Errors
    /// As [`Postgres::open_existing`].
    pub async fn open_snapshot(url: &str) -> Result<Self, OpenError> {
        let pool = open::pool(url)?;
        migrate::prepare(&pool, Schema::Found).await?;
        let connection = pool.get().await.map_err(|error| OpenError::Connection(error::pool(&error)))?;
        connection.batch_execute(session::SNAPSHOT).await.map_err(|error| OpenError::Connection(error::text(&error)))?;
        Ok(Self(Access::Snapshot(Box::new(connection))))
    }

    fn sharing(pool: Pool) -> Self {
        Self(Access::Shared { queue: Queue::new(pool.clone()), pool })
    }

    async fn connection(&self) -> Result<Connection<'_>, ReadError> {
        match &self.0 {
            Access::Shared { pool, .. } => {
                pool.get().await.map(Connection::Taken).map_err(|error| ReadError::Unavailable(error::pool(&error)))
            }
            Access::Snapshot(object) => Ok(Connection::Kept(object)),
        }
    }
}

#[async_trait]
impl Store for Postgres {
    fn is_shared(&self) -> bool {
        true
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        check_keys(keys)?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        read::get(&*self.connection().await?, keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        check_limit(scan.limit)?;
        read::scan(&*self.connection().await?, &scan).await
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        check_limit(limit)?;
        let from = read::after_key(kind, after.as_ref())?;
        read::export(&*self.connection().await?, kind, &from, limit).await
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        check_limit(limit)?;
        let from = read::after_entry(after.as_ref())?;
        read::export_links(&*self.connection().await?, &from, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        batch.check()?;
        if batch.is_empty() {
            return Ok(());
        }
        match &self.0 {
            Access::Shared { queue, .. } => queue.commit(Encoded::new(batch)).await,
            Access::Snapshot(_) => Err(CommitError::Unavailable("the store was opened for reading only".to_owned())),
        }
    }
}
