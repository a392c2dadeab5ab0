//! The contract every engine keeps.
//!
//! - A commit that answered `Ok` survives anything the disk survives. One that answered anything but `Ok` or
//!   [`CommitError::Unknown`] has left no trace and never will.
//! - Reads see every commit that was acknowledged before the read began, and a get sees whole commits. A scan may meet some of
//!   the entries that a commit under way adds or removes; a get that begins after it then sees that commit.
//! - Everything asked for is bounded by a named constant.
//!
//! Dropping a commit's future does not take the batch back: it may still land.

use async_trait::async_trait;
use domain::id::Ulid;

use crate::batch::{Batch, InvalidBatch};
use crate::key::{Key, Kind, List};

/// The most keys of one [`Store::get`].
pub const MAX_KEYS: usize = 100;
/// The most entries or records that one scan or export answers.
pub const MAX_LIMIT: usize = 1_000;

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// 1 when the record was first put, one more at each put after that.
    pub revision: u64,
    /// What was put.
    pub body: Vec<u8>,
}

/// In which direction a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the largest identifier down, as the API lists.
    NewestFirst,
    /// From the smallest identifier up.
    OldestFirst,
}

/// Which part of a list to read. The bounds are exclusive, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Which list.
    pub list: List,
    /// Only entries above this one.
    pub newer_than: Option<Ulid>,
    /// Only entries below this one.
    pub older_than: Option<Ulid>,
    /// From which end.
    pub order: Order,
    /// How many at most: 1 to [`MAX_LIMIT`].
    pub limit: usize,
}

impl Scan {
    /// The newest entries of a list.
    #[must_use]
    pub const fn newest(list: List, limit: usize) -> Self {
        Self { list, newer_than: None, older_than: None, order: Order::NewestFirst, limit }
    }

    /// The oldest entries of a list.
    #[must_use]
    pub const fn oldest(list: List, limit: usize) -> Self {
        Self { list, newer_than: None, older_than: None, order: Order::OldestFirst, limit }
    }
}

/// Where an export stands: opaque, and valid only for the engine that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// From what [`Cursor::as_bytes`] gave.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The cursor as bytes, to be kept or sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A record met by [`Store::export`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Where to go on after this record.
    pub cursor: Cursor,
    /// What it is found by.
    pub key: Key,
    /// What is kept.
    pub item: Item,
}

/// A list entry met by [`Store::export_links`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedLink {
    /// Where to go on after this entry.
    pub cursor: Cursor,
    /// Which list it is in.
    pub list: List,
    /// The entry.
    pub id: Ulid,
}

/// Why no engine would answer a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRead {
    /// More than [`MAX_KEYS`] keys.
    #[error("{0} keys; at most {MAX_KEYS} are allowed")]
    TooManyKeys(usize),
    /// An empty name, or one longer than [`crate::key::MAX_NAME`].
    #[error("a name is empty or too long")]
    NameLength,
    /// A limit of 0 or above [`MAX_LIMIT`].
    #[error("a limit of {0}; 1 to {MAX_LIMIT} are allowed")]
    Limit(usize),
    /// A cursor this engine did not give.
    #[error("not a cursor of this engine")]
    Cursor,
}

/// Why a read has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The engine cannot read now; later it may.
    #[error("the store cannot be read: {0}")]
    Unavailable(String),
    /// What is kept makes no sense.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The question breaks the contract.
    #[error(transparent)]
    Invalid(#[from] InvalidRead),
}

/// Why a commit did not answer `Ok`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Not committed: the precondition of this write does not hold (the first one that does not).
    #[error("the precondition of write {write} does not hold")]
    PreconditionFailed {
        /// The write's position in the batch.
        write: usize,
    },
    /// Not begun: too much is waiting already.
    #[error("the store is busy")]
    Busy,
    /// Certainly not committed.
    #[error("the store cannot be written: {0}")]
    Unavailable(String),
    /// It may have been committed, or not, and only reading will tell.
    #[error("whether the store was written is unknown: {0}")]
    Unknown(String),
    /// The batch breaks the contract.
    #[error(transparent)]
    Invalid(#[from] InvalidBatch),
}

/// What is kept, under keys, atomically.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Whether other processes may write at the same time.
    fn is_shared(&self) -> bool;

    /// Whether it removes records by itself once the time is over for which their [kind is kept](Kind::kept_for).
    fn forgets(&self) -> bool {
        false
    }

    /// The records of these keys, in the order of the keys, as of one moment.
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError>;

    /// A part of a list.
    async fn scan(&self, scan: Scan) -> Result<Vec<Ulid>, ReadError>;

    /// Every record of a kind, whosesoever, in an order of the engine's own. Each record that exists throughout is met
    /// exactly once.
    async fn export(&self, kind: Kind, after: Option<Cursor>, limit: usize) -> Result<Vec<Exported>, ReadError>;

    /// Every entry of every list, in an order of the engine's own. Each entry that exists throughout is met
    /// exactly once.
    async fn export_links(&self, after: Option<Cursor>, limit: usize) -> Result<Vec<ExportedLink>, ReadError>;

    /// All writes of the batch, or none of them; durable when `Ok`.
    async fn commit(&self, batch: Batch) -> Result<(), CommitError>;

    /// The record of one key.
    async fn get_one(&self, key: &Key) -> Result<Option<Item>, ReadError> {
        let items = self.get(std::slice::from_ref(key)).await?;
        Ok(items.into_iter().next().flatten())
    }
}

pub(crate) fn check_keys(keys: &[Key]) -> Result<(), InvalidRead> {
    if keys.len() > MAX_KEYS {
        return Err(InvalidRead::TooManyKeys(keys.len()));
    }
    if keys.iter().all(Key::name_fits) { Ok(()) } else { Err(InvalidRead::NameLength) }
}

pub(crate) fn check_limit(limit: usize) -> Result<(), InvalidRead> {
    if (1..=MAX_LIMIT).contains(&limit) { Ok(()) } else { Err(InvalidRead::Limit(limit)) }
}
