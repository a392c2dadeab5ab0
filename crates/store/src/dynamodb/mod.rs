//! The engine for as many machines as there are: one `DynamoDB` table.
//!
//! - `address`, `table`, `create`: how a table is named, reached and made; `layout`: over how many keys it spreads its items.
//! - `item`: where a record or an entry is in the table.
//! - `encode` → `commit`: a batch is one `TransactWriteItems`. `read`: so, as `TransactGetItems`, is each get.
//! - `query` → `scan`, `export`: lists and kinds, whose shards are read side by side.
//! - `error`, `pace`: what an answer means, and when the same is asked again.
//!
//! Preconditions are judged by DynamoDB, which process asks makes no difference. Nothing of the store is remembered here but
//! its layout, which never changes.
//!
//! Absent on purpose: indexes of DynamoDB's own, which follow their table some time later; its counters and streams; backups
//! (point-in-time recovery does that); and a snapshot, which DynamoDB does not have.

mod address;
mod commit;
mod create;
mod encode;
mod error;
mod export;
mod item;
mod layout;
mod pace;
mod query;
mod read;
mod scan;
mod table;

#[cfg(test)]
#[cfg(feature = "dynamodb-tests")]
mod tests;

use async_trait::async_trait;
use domain::id::Ulid;

pub use self::layout::{MAX_LIST_SHARDS, MAX_RECORD_SHARDS, Plan};

use self::table::Table;
use crate::batch::Batch;
use crate::contract::{CommitError, Cursor, Exported, ExportedLink, Item, ReadError, Scan, Store, check_keys, check_limit};
use crate::key::{Key, Kind};

/// Why a table cannot be the store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address makes no sense.
    #[error("not the address of a table: {0}")]
    Address(String),
    /// It cannot be reached, or refuses.
    #[error("the table cannot be used: {0}")]
    Connection(String),
    /// It is not as it must be.
    #[error("the table cannot be used: {0}")]
    Unsuitable(String),
    /// Another version has been here.
    #[error("the table is of version {found} and this program's are of version {known}: use the newer program")]
    Newer {
        /// The version of what is there.
        found: u64,
        /// The newest version this program knows.
        known: u64,
    },
    /// There is no such table, or nothing in it.
    #[error("there is no store there yet: make it with `bursar store create --store '{0}'`")]
    NotMade(String),
}

/// The store in a table.
pub struct DynamoDb {
    table: Table,
    is_read_only: bool,
}

impl DynamoDb {
    /// Makes the table, or what it lacks; answers how it is laid out. Without a plan, a table that was made before keeps what
    /// it has, and a new one gets the usual.
    ///
    /// # Errors
    /// The address is none, the table cannot be made or reached, or was made otherwise.
    pub async fn create(url: &str, plan: Option<Plan>) -> Result<Plan, OpenError> {
        create::create(url, plan).await
    }

    /// Looks whether the table is as it must be; answers how it is laid out.
    ///
    /// # Errors
    /// It is not, or cannot be reached.
    pub async fn check(url: &str) -> Result<Plan, OpenError> {
        create::check(url).await
    }

    /// Opens the store for reading and writing, also while other processes do.
    ///
    /// # Errors
    /// The address is none, the table cannot be reached, was never made, or is of a newer version.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self { table: Table::open(url).await?, is_read_only: false })
    }

    /// Opens the store for reading.
    ///
    /// # Errors
    /// As [`DynamoDb::open`].
    pub async fn open_read_only(url: &str) -> Result<Self, OpenError> {
        Ok(Self { table: Table::open(url).await?, is_read_only: true })
    }
}

#[async_trait]
impl Store for DynamoDb {
    fn is_shared(&self) -> bool {
        true
    }

    fn forgets(&self) -> bool {
        true
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
        check_keys(keys)?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        read::get(&self.table, keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError> {
        check_limit(scan.limit)?;
        scan::scan(&self.table, &scan).await
    }

    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError> {
        check_limit(limit)?;
        let from = export::after_record(&self.table, after.as_ref())?;
        export::export(&self.table, kind, from, limit).await
    }

    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
        check_limit(limit)?;
        let from = export::after_entry(after.as_ref())?;
        export::export_links(&self.table, from, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        batch.check()?;
        if self.is_read_only {
            return Err(CommitError::Unavailable("the store was opened for reading only".to_owned()));
        }
        commit::commit(&self.table, batch).await
    }
}
