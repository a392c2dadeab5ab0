//! How an embedded store is opened, why it may not open, and what a test can make go wrong.

use std::path::PathBuf;
use std::sync::Arc;

/// The writer's page cache. Nearly all writes land at the right edges of tables, so the working set is small,
/// and the system caches the rest. A larger one costs more than it gives: `SQLite` walks through all of it at
/// every commit that has split a page (64 MB took 5 % of the processor more than 16 MB).
const DEFAULT_CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// How to open the store for writing.
#[derive(Clone)]
pub struct Options {
    /// The most memory the writer caches pages in.
    pub cache_bytes: u64,
    /// The store refuses to grow the file beyond this; `None` leaves it to the disk.
    pub max_bytes: Option<u64>,
    /// What a test makes go wrong.
    pub faults: Option<Arc<dyn Faults>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: DEFAULT_CACHE_BYTES, max_bytes: None, faults: None }
    }
}

/// Where in writing something may be made to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The file is about to be opened again after a failure.
    Reopen,
    /// A group is about to be written.
    Write,
    /// A group is about to be committed.
    Commit,
    /// Pages have been moved from the log into the file, and whether its sync went well is about to be told: any fault
    /// says that it did not.
    Move,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Opening fails, or writing is refused as on a read-only file system.
    Refused,
    /// The commit fails, and what it wrote is not there afterwards.
    LostCommit,
    /// The commit fails, and what it wrote is there all the same.
    LandedCommit,
}

/// Decides, for tests and simulation, what goes wrong at each step of the writer.
pub trait Faults: Send + Sync + 'static {
    /// The fault to inject at this step, if any.
    fn at(&self, step: Step) -> Option<Fault>;
}

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open for writing.
    #[error("{} is in use by another process; only one may write to it (`bursar verify` and `bursar backup` only read)", .0.display())]
    InUse(PathBuf),
    /// There is no such file.
    #[error("{} does not exist", .0.display())]
    NotFound(PathBuf),
    /// The file is no store of Bursar's, or one of another version.
    #[error("{} is not a store this version of bursar can open: {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// The operating system refused.
    #[error("cannot open {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// `SQLite` refused.
    #[error("cannot open {}: {reason}", path.display())]
    Engine {
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        reason: String,
    },
}
