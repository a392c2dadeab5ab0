//! The file and its tables.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};

use crate::simulator::names::SECRET_LENGTH;
use crate::simulator::{Durability, OpenError};

/// How long to wait for another process that writes the same file, a backup for instance.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept; more than there are.
const STATEMENTS_MAX: usize = 32;

/// Rows of one second lie together because keys begin with a ULID, so inserts land at the right edge.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS operations (
  key TEXT PRIMARY KEY, kind INTEGER NOT NULL, \"authorization\" TEXT, currency TEXT, amount INTEGER NOT NULL,
  fingerprint BLOB NOT NULL, verdict TEXT NOT NULL, settles_at INTEGER, settled TEXT,
  moves INTEGER NOT NULL, moves_settled INTEGER NOT NULL, follow_up TEXT, last4 TEXT, card BLOB, at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX IF NOT EXISTS moved ON operations (\"authorization\") WHERE \"authorization\" IS NOT NULL AND moves > 0;
CREATE TABLE IF NOT EXISTS decisions (
  key TEXT PRIMARY KEY, verdict TEXT NOT NULL, moves INTEGER NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS challenges (
  id TEXT PRIMARY KEY, key TEXT NOT NULL, return_to TEXT NOT NULL, merchant TEXT
) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS promises (at INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (at, key)) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS notices (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS lost (key TEXT PRIMARY KEY) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS bank (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;
";

/// Opens the file (or memory, without a path), makes what is missing, and gives the connection that writes.
pub(in crate::simulator) fn open(path: Option<&Path>, durability: Durability) -> Result<Connection, OpenError> {
    let connection = match path {
        Some(path) => {
            create_private(path)?;
            Connection::open(path)?
        }
        None => Connection::open_in_memory()?,
    };
    prepare(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match durability {
        Durability::Synced => "FULL",
        Durability::Written => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // 16 MB of log before it is copied back: rarer and longer sequential writes.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.execute_batch(TABLES)?;
    Ok(connection)
}

/// A connection that only reads the file.
pub(in crate::simulator) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path)?;
    prepare(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Otherwise a cached statement is compiled again whenever its parameters change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // 8 MB: the right edge and the way to it; the rest is read once in a while.
    connection.pragma_update(None, "cache_size", -8_000)
}

/// The file is made for its owner alone; SQLite gives its log the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The bank's secret, made when the books are first opened.
pub(in crate::simulator) fn secret(connection: &Connection) -> Result<Vec<u8>, OpenError> {
    let mut fresh = [0u8; SECRET_LENGTH];
    aws_lc_rs::rand::fill(&mut fresh).map_err(|_| OpenError::NoRandomness)?;
    connection.execute("INSERT OR IGNORE INTO bank (name, value) VALUES ('secret', ?1)", params![fresh.as_slice()])?;
    let kept = connection.query_row("SELECT value FROM bank WHERE name = 'secret'", [], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    kept.ok_or(OpenError::NoRandomness)
}
