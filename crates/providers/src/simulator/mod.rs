//! The bank simulator: a small acquirer with durable books of its own, idempotent by provider key.
//!
//! It runs in process ([`Simulator`] is a [`Connector`](crate::Connector)), or as a server of its own ([`server`])
//! that [`client::RemoteSimulator`] talks to. What a card does is a property of its number ([`test_cards`]); the same
//! faults have the same outcomes either way. A person answers 3-D Secure challenges on its pages ([`challenge`]).
//!
//! The fingerprint that tells a repeated request from another one under the same key covers kind, amount, currency,
//! card number, expiry, capture and initiator (authorisations) or authorisation, amount and currency (the rest). It
//! leaves out what a platform may no longer have when it repeats a request after a crash: the security code.
//!
//! A request under a key that stands for another operation is refused and booked nowhere. It is reported as
//! `Unknown(ProviderError)`, because "declined" would be a lie about the operation that the key stands for; a query
//! tells the truth about that one.
//!
//! Absent on purpose: disputes, payouts, settlement files, fees.

pub mod behaviour;
pub mod books;
pub mod challenge;
pub mod client;
mod connector;
mod decide;
mod names;
mod requests;
pub mod server;
pub mod test_cards;
mod verdict;
mod wire;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::provider_key::ProviderKey;
use domain::time::Timestamp;
use parking_lot::RwLock;
use rusqlite::TransactionBehavior;

pub use self::books::{Books, OperationRecord, Totals};
use self::names::Secret;
pub use self::verdict::Kind;
pub use self::worker::BooksUnavailable;
use self::worker::Worker;

/// Operations in one page of the list at most, which bounds an answer's size.
pub const OPERATIONS_MAX: u32 = 1_000;
const LATE: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(5);
const SETTLES_AFTER: Duration = Duration::from_secs(10);

/// Where the books are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In this file, made if absent.
    File(PathBuf),
    /// In memory: gone with the process, and without a bound. For tests.
    Memory,
}

/// Tells the bank the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What an answer promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The books are on the disk: they survive a power cut.
    Synced,
    /// The books are with the operating system: they survive the end of the process however it comes, but a power
    /// cut can lose the newest entries (not damage the older ones). The platform syncs its own books, so in process
    /// this halves what a payment costs the disk.
    Written,
}

/// How the simulator behaves where the cards leave it open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What an answer promises.
    pub durability: Durability,
    /// How late a late answer is.
    pub late: Duration,
    /// In process: how long a caller waits for an answer that does not come. (A remote caller has its own limit.)
    pub timeout: Duration,
    /// How long what is pending or unknown stays so.
    pub settles_after: Duration,
    /// What the challenge pages' addresses begin with: scheme, host and port.
    pub public_base: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Written,
            late: LATE,
            timeout: TIMEOUT,
            settles_after: SETTLES_AFTER,
            public_base: "http://127.0.0.1:8420".to_owned(),
        }
    }
}

/// Why the bank cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database refused.
    #[error("the bank's books cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file or the thread could not be made.
    #[error("the bank's books cannot be opened: {0}")]
    System(#[from] std::io::Error),
    /// The operating system gave no random numbers.
    #[error("the bank's secret cannot be made")]
    NoRandomness,
}

/// The bank. Dropping it waits until everything that was sent to it is booked.
pub struct Simulator {
    writer: Worker,
    /// Reads that take long do not hold up the writer; without a file there is only one connection.
    reader: Option<Worker>,
    secret: Secret,
    clock: Clock,
    options: Options,
    public_base: RwLock<Arc<str>>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Simulator {
    /// Opens the bank's books, making them if there are none.
    ///
    /// # Errors
    /// The file cannot be opened or made.
    pub fn open(location: &Location, options: Options) -> Result<Self, OpenError> {
        let path = match location {
            Location::File(path) => Some(path.as_path()),
            Location::Memory => None,
        };
        let connection = books::open(path, options.durability)?;
        let secret = Secret::new(&books::secret(&connection)?);
        let reader = path.map(books::open_reader).transpose()?;
        let reader = reader.map(|reader| Worker::start("bank-reader", reader, TransactionBehavior::Deferred)).transpose()?;
        Ok(Self {
            writer: Worker::start("bank-writer", connection, TransactionBehavior::Immediate)?,
            reader,
            secret,
            clock: Arc::new(system_time),
            public_base: RwLock::new(Arc::from(options.public_base.trim_end_matches('/'))),
            options,
        })
    }

    /// A bank in memory that does the same each time it is asked the same: on its callers' threads, by the caller's
    /// clock, with names that follow from `secret`. For simulations.
    ///
    /// # Errors
    /// The database refused.
    pub fn deterministic(secret: &[u8; 32], clock: Clock, options: Options) -> Result<Self, OpenError> {
        let connection = books::open(None, options.durability)?;
        Ok(Self {
            writer: Worker::on_callers_thread(connection),
            reader: None,
            secret: Secret::new(secret),
            clock,
            public_base: RwLock::new(Arc::from(options.public_base.trim_end_matches('/'))),
            options,
        })
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Answers a challenge in the buyer's place; says whether there was such a challenge.
    ///
    /// # Errors
    /// The books cannot be written.
    pub async fn answer_challenge(&self, key: &ProviderKey, approves: bool) -> Result<bool, BooksUnavailable> {
        let (id, now) = (self.secret.challenge(key), self.now());
        Ok(self.writer.run(move |books| books::decide(books, &id, approves, now)).await?.is_some())
    }

    /// Changes what the challenge pages' addresses begin with, once a server knows its port.
    pub fn set_public_base(&self, base: &str) {
        *self.public_base.write() = Arc::from(base.trim_end_matches('/'));
    }

    /// Totals by currency, as they stand now.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn books(&self) -> Result<Books, BooksUnavailable> {
        let now = self.now();
        self.reading().run(move |books| books::totals(books, now)).await
    }

    /// Up to `limit` (at most [`OPERATIONS_MAX`]) operations in the order of their keys, after one of them.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn operations(&self, after: Option<&ProviderKey>, limit: u32) -> Result<Vec<OperationRecord>, BooksUnavailable> {
        let (after, now) = (after.map(|key| key.as_str().to_owned()).unwrap_or_default(), self.now());
        let limit = limit.min(OPERATIONS_MAX);
        self.reading().run(move |books| books::list(books, &after, limit, now)).await
    }

    fn reading(&self) -> &Worker {
        self.reader.as_ref().unwrap_or(&self.writer)
    }

    fn challenge_url(&self, key: &ProviderKey) -> String {
        format!("{}{}{}", self.public_base.read(), challenge::PATH, self.secret.challenge(key))
    }

    fn settles_at(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(i64::try_from(self.options.settles_after.as_millis()).unwrap_or(i64::MAX))
    }
}

fn system_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
