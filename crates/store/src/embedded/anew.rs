//! Beginning anew with the log: every connection is closed and opened again.
//!
//! How much of the log has been moved into the file is counted in an index that `SQLite` keeps while anybody has the store
//! open. When a sync of the file failed, that count is worth nothing, and there is no other way to take it back: closed
//! by everybody, the index is made again from the log, none of which then counts as moved. All of the log is there, since
//! every commit in it was synced.
//!
//! Nobody may move anything on the way, so connections are closed in a way that leaves the log alone. Another process, or
//! a backup, may keep the index alive: then the log only grows until it is done.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB};

use super::checkpoint::{Checkpointer, connect};

/// A pause before it is tried again when another process has the store open.
const PAUSE: Duration = Duration::from_secs(1);

impl Checkpointer {
    /// Whether the writer has to begin anew.
    pub(super) fn has_to_begin_anew(&self) -> bool {
        self.has_doubt.load(Ordering::Acquire) && self.mover.lock().doubted.is_some_and(|when| when <= Instant::now())
    }

    /// Whether what was moved may not be on the disk.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.has_doubt.load(Ordering::Acquire)
    }

    /// Closes a connection of the writer's. The last one to be closed would move the log.
    pub(super) fn close_connection(&self, connection: Connection) {
        if self.is_in_doubt() {
            leave_log(&connection);
        }
        drop(connection);
    }

    /// Closes all connections but the writer's, which has been closed, lets that one be opened again, and opens the helper's;
    /// those for reading are opened as they are needed.
    pub(super) fn begin_anew(&self, path: &Path, open: impl FnOnce() -> rusqlite::Result<Connection>) -> rusqlite::Result<Connection> {
        let readers = self.readers.close(leave_log);
        let mut mover = self.mover.lock();
        if let Some(connection) = mover.connection.take() {
            leave_log(&connection);
        }
        mover.connection = Some(connect(path)?);
        let writer = open()?;
        let (_, moved) = writer.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::NOOP)?;
        if moved == 0 {
            mover.doubted = None;
            self.has_doubt.store(false, Ordering::Release);
            tracing::info!("the store begins anew with its log");
        } else {
            mover.doubted = Some(Instant::now() + PAUSE);
            tracing::warn!("somebody else has the store open: its log is not moved before they close it");
        }
        drop(readers);
        Ok(writer)
    }

    /// Closes what is still open when the store is closed.
    pub(super) fn finish(&self) {
        if self.is_in_doubt() {
            drop(self.readers.close(leave_log));
            if let Some(connection) = self.mover.lock().connection.take() {
                leave_log(&connection);
            }
        }
    }
}

/// Has the connection leave the log as it is when it is closed.
fn leave_log(connection: &Connection) {
    if let Err(error) = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
        tracing::error!(%error, "a connection may move the log when it is closed");
    }
}
