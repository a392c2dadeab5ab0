//! The file: its tables, its settings, and how a connection to it is made.
//!
//! - one rowid table a kind, so that inserts land at its right edge and large bodies stay out of inner pages;
//! - `names`: from the keyed hash of a name to the record's row. Several rows may share a hash: the full name
//!   in the record decides. `ref` is unique among all named records, so a hash shared by two kinds does no harm;
//! - `fresh_names`: names on their way there, see [`super::fresh`];
//! - `lists`: one row an entry;
//! - `dictionary`: one row, see `crate::bodies`;
//! - `scopes`: the small number that stands for an account and mode in all keys;
//! - `meta`: the secret of the name hash; the number of the last commit, which tells after a failed sync whether
//!   the group before it landed; the row for the next named record, because a row is never given twice: another
//!   process that reads takes only rows after those it knows for new.
//!
//! Bodies are what the caller gave, mostly compressed, see `crate::bodies`.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::codec::NameHash;
use super::encode::Coding;
use super::fresh::Hint;
use super::options::OpenError;
use crate::bodies::{Bodies, DICTIONARY};
use crate::key::Kind;

/// "BURS", in the file's header: `file` and others can tell whose it is.
const APPLICATION_ID: i64 = 0x4255_5253;
/// The version of the layout. A file with another one is refused, never guessed at.
const LAYOUT: i64 = 4;
/// 4, 8 and 16 kB measured within a tenth of each other; 8 needs fewer system calls than 4 and writes less
/// than 16.
pub(super) const PAGE_BYTES: u32 = 8192;
/// Other processes (an operator's `sqlite3`, a backup tool) may hold a lock for a moment.
const BUSY: std::time::Duration = std::time::Duration::from_secs(1);

/// The first row number of named records: below zero, apart from all objects, and 6 bytes long in a record.
pub(super) const FIRST_NAMED_ROW: i64 = -(1 << 47);

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Writes, with a page cache of so many bytes.
    Write { cache_bytes: u64 },
    /// Moves pages from the log into the file, and keeps the shared index of the log alive.
    Checkpoint,
    /// Reads, in a process that writes too.
    Read,
    /// Reads, in a process that must not write.
    ReadOnly,
}

/// A reader's cache is dropped whenever another connection has committed, so a large one would not pay.
const READ_CACHE_BYTES: u64 = 2 * 1024 * 1024;
const CHECKPOINT_CACHE_BYTES: u64 = 256 * 1024;
const BYTES_PER_KIB: u64 = 1024;
/// All statements of a reader fit.
const STATEMENT_CACHE: usize = 96;

/// Opens a connection to a file that exists.
pub(super) fn connect(path: &Path, purpose: Use) -> rusqlite::Result<Connection> {
    let access = if purpose == Use::ReadOnly { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    // Every connection is used by one thread at a time, under a lock of ours.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    let cache_bytes = match purpose {
        Use::Write { cache_bytes } => cache_bytes,
        Use::Checkpoint => CHECKPOINT_CACHE_BYTES,
        Use::Read | Use::ReadOnly => READ_CACHE_BYTES,
    };
    let kib = i64::try_from(cache_bytes / BYTES_PER_KIB).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", kib.saturating_neg())?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Without this a cached statement is compiled again whenever its parameters change: a fivefold cost.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if matches!(purpose, Use::Read | Use::ReadOnly) {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(connection)
}

/// Makes the tables in an empty file, or checks that the file is a store of this layout.
pub(super) fn prepare(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| open_error(path, &error);
    let empty: bool = connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0)).map_err(failed)?;
    if empty {
        create(connection).map_err(failed)?;
    }
    check(path, connection)?;
    // A file that an earlier version made has no tables for what came since.
    connection.execute_batch(&tables()).map_err(failed)
}

/// Makes the tables of records that are not there yet.
fn tables() -> String {
    let table = |kind: &Kind| {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (id INTEGER PRIMARY KEY, rev INTEGER NOT NULL, key BLOB NOT NULL, body BLOB NOT NULL);",
            kind.table()
        )
    };
    Kind::ALL.iter().map(table).collect()
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let mut sql = String::from("BEGIN IMMEDIATE;");
    sql.push_str(&tables());
    sql.push_str(
        "CREATE TABLE names (h INTEGER NOT NULL, ref INTEGER NOT NULL, PRIMARY KEY (h, ref)) WITHOUT ROWID;
         CREATE TABLE fresh_names (ref INTEGER PRIMARY KEY, h INTEGER NOT NULL);
         CREATE TABLE lists (list BLOB NOT NULL, ulid BLOB NOT NULL, PRIMARY KEY (list, ulid)) WITHOUT ROWID;
         CREATE TABLE scopes (id INTEGER PRIMARY KEY, account BLOB NOT NULL, live INTEGER NOT NULL, UNIQUE (account, live));
         CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
         INSERT INTO meta VALUES ('commit_number', 0), ('name_hash_key', randomblob(16));",
    );
    sql.push_str(&format!("INSERT INTO meta VALUES ('next_named_row', {FIRST_NAMED_ROW});"));
    sql.push_str("CREATE TABLE dictionary (body BLOB NOT NULL);");
    connection.execute_batch(&sql)?;
    connection.execute("INSERT INTO dictionary VALUES (?1)", [DICTIONARY])?;
    connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT}; COMMIT;"))
}

/// Whether the file is a store of this layout.
pub(super) fn check(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let pragma =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(|error| open_error(path, &error));
    let refused = |found: String| Err(OpenError::Format { path: path.to_owned(), found });
    if pragma("application_id")? != APPLICATION_ID {
        return refused("it is a database of another program".to_owned());
    }
    match pragma("user_version")? {
        LAYOUT => Ok(()),
        other => refused(format!("its layout is {other}, not {LAYOUT}")),
    }
}

/// How keys and bodies are written in this file.
pub(super) fn coding(path: &Path, connection: &Connection) -> Result<Coding, OpenError> {
    let failed = |error: rusqlite::Error| open_error(path, &error);
    let key = connection.query_row("SELECT value FROM meta WHERE name = 'name_hash_key'", [], |row| row.get(0)).map_err(failed)?;
    let dictionary: Vec<u8> = connection.query_row("SELECT body FROM dictionary", [], |row| row.get(0)).map_err(failed)?;
    let unusable = || OpenError::Format { path: path.to_owned(), found: "its dictionary cannot be used".to_owned() };
    Ok(Coding { hash: NameHash { key, mask: u64::MAX }, bodies: Bodies::new(&dictionary).ok_or_else(unusable)? })
}

/// The number of the last commit that landed.
pub(super) fn commit_number(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT value FROM meta WHERE name = 'commit_number'")?.query_row([], |row| row.get(0))
}

/// The row number for the next named record.
pub(super) fn next_named_row(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE name = 'next_named_row'", [], |row| row.get(0))
}

/// The names after a row that may not be in the index yet.
pub(super) fn fresh_names(connection: &Connection, after: i64) -> rusqlite::Result<Vec<Hint>> {
    let mut statement = connection.prepare_cached("SELECT h, ref FROM fresh_names WHERE ref > ?1 ORDER BY ref")?;
    statement.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The first row of the table of fresh names, or one before it.
pub(super) fn first_fresh_row(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(min(ref), ?1) FROM fresh_names", [FIRST_NAMED_ROW], |row| row.get(0))
}

/// The rows of fresh names with that hash. There is no index for it: this is for the rare case.
pub(super) fn fresh_rows(connection: &Connection, hash: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached("SELECT ref FROM fresh_names WHERE h = ?1 ORDER BY ref")?;
    statement.query_map([hash], |row| row.get(0))?.collect()
}

/// What `SQLite` said, as a reason not to open.
pub(super) fn open_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Format { path: path.to_owned(), found: "it is not a database".to_owned() },
        _ => OpenError::Engine { path: path.to_owned(), reason: error.to_string() },
    }
}
