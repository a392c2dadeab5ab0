//! The one thread that writes: it takes what waits, writes it as one transaction, syncs once, and answers.
//!
//! - Nothing is answered `Ok` before the sync has returned.
//! - A failure before the commit rolls the group back: certainly not committed.
//! - A commit that fails is in doubt. The connection is closed and another one opened, the commit number is
//!   read, and then one more commit must succeed before anybody is answered. That commit overwrites in the log
//!   whatever the failed one may have left, so a group found absent can never come back after a crash. The
//!   checkpointer's connection, which is always open, keeps `SQLite` from rebuilding its view of the log from
//!   bytes that may never have reached the disk.
//! - While the file cannot be written, everybody is told so at once, and opening is tried again with growing
//!   pauses: when space or the disk comes back, so does the store, by itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, MAIN_DB};

use super::answers::Answered;
use super::apply::{Session, Verdict};
use super::checkpoint::Checkpointer;
use super::fresh::Fresh;
use super::options::{Fault, Faults, Step};
use super::queue::{Drained, Queue, Task};
use super::schema::{self, PAGE_BYTES, Use};
use super::scopes::Scopes;
use super::views::Moment;
use crate::contract::CommitError;

/// After so long without work the writer gives its memory back and empties the log.
const IDLE_AFTER: Duration = Duration::from_secs(5);
/// The first pause before the file is opened again; it doubles up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// Recovery after a long outage is noticed within so much.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// For so long a group in doubt waits for the file to become readable; then its callers are told that it is
/// unknown.
const DOUBT_PATIENCE: Duration = Duration::from_secs(3);

/// What the writer needs to open the file, again and again.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) cache_bytes: u64,
    pub(super) max_bytes: Option<u64>,
    pub(super) faults: Option<Arc<dyn Faults>>,
    pub(super) queue: Arc<Queue>,
    pub(super) scopes: Arc<Scopes>,
    pub(super) fresh: Arc<Fresh>,
    pub(super) moment: Arc<Moment>,
    pub(super) checkpointer: Arc<Checkpointer>,
}

/// Why a connection is given up.
enum End {
    /// The store is closed.
    Closed,
    /// Writing failed in a way that another connection may not.
    Broken(String),
    /// A commit failed and nobody knows what became of it.
    Doubt { group: Vec<Answered>, number: i64, reason: String },
    /// What was moved out of the log may not be on the disk.
    Unsynced,
}

impl Writer {
    /// Starts the thread, on a connection that is known to work.
    pub(super) fn start(self, connection: Connection) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || self.run(connection))
    }

    fn run(mut self, first: Connection) {
        let mut connection = Some(first);
        let mut pause = SHORTEST_PAUSE;
        let mut group = Vec::new();
        loop {
            let end = match connection.take() {
                Some(connection) => {
                    let end = self.serve(&connection, &mut group);
                    self.checkpointer.close_connection(connection);
                    end
                }
                None => End::Broken(String::new()),
            };
            let reason = match end {
                End::Closed => return,
                End::Broken(reason) => reason,
                End::Doubt { group, number, reason } => {
                    tracing::error!(%reason, "a commit failed; reading whether it landed");
                    connection = self.resolve(group, number, &reason);
                    if connection.is_some() {
                        continue;
                    }
                    reason
                }
                End::Unsynced => match self.checkpointer.begin_anew(&self.path, || self.reopen(&mut None)) {
                    Ok(reopened) => {
                        connection = Some(reopened);
                        continue;
                    }
                    Err(error) => error.to_string(),
                },
            };
            for task in group.drain(..) {
                task.refuse(CommitError::Unavailable(reason.clone()));
            }
            if !reason.is_empty() {
                tracing::error!(%reason, "the store cannot be written; it will be opened again");
                pause = SHORTEST_PAUSE;
            }
            if self.refuse_for(pause, &reason) == Drained::Closed {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.reopen(&mut None) {
                Ok(reopened) => {
                    tracing::info!("the store can be written again");
                    connection = Some(reopened);
                }
                Err(error) => tracing::debug!(%error, "the store still cannot be written"),
            }
        }
    }

    /// Answers everybody that the store cannot be written, for so long.
    fn refuse_for(&self, pause: Duration, reason: &str) -> Drained {
        let reason = if reason.is_empty() { "it is being opened again" } else { reason };
        let until = Instant::now() + pause;
        let mut group = Vec::new();
        loop {
            let drained = self.queue.drain(&mut group, until.saturating_duration_since(Instant::now()));
            for task in group.drain(..) {
                task.refuse(CommitError::Unavailable(reason.to_owned()));
            }
            if drained != Drained::Work || Instant::now() >= until {
                return drained;
            }
        }
    }

    /// Opens the file again and proves that it can be written, with a commit of nothing but its number.
    /// The number of the last commit that had landed before goes to `landed`, unless it is known already: an
    /// earlier proof that failed may have landed, too.
    fn reopen(&self, landed: &mut Option<i64>) -> rusqlite::Result<Connection> {
        if self.fault(Step::Reopen).is_some() {
            return Err(injected());
        }
        let connection = open(&self.path, self.cache_bytes, self.max_bytes)?;
        if landed.is_none() {
            *landed = Some(schema::commit_number(&connection)?);
        }
        // A group that failed may have left hints, or have landed and withdrawn none.
        self.fresh.recall(&connection)?;
        let mut session = Session::new(&connection, Arc::clone(&self.fresh), Arc::clone(&self.moment))?;
        session.begin()?;
        let number = session.finish()?;
        session.commit(number)?;
        drop(session);
        Ok(connection)
    }

    /// Finds out what became of a group in doubt and answers its callers. `None` if the file stays closed.
    fn resolve(&self, group: Vec<Answered>, number: i64, reason: &str) -> Option<Connection> {
        let until = Instant::now() + DOUBT_PATIENCE;
        let mut pause = SHORTEST_PAUSE;
        let mut landed = None;
        loop {
            match self.reopen(&mut landed) {
                Ok(connection) => {
                    let there = landed.is_some_and(|landed| landed >= number);
                    tracing::info!(landed = there, "the store can be written again");
                    for answered in group {
                        if there {
                            answered.landed(&self.scopes);
                        } else {
                            answered.failed(CommitError::Unavailable(reason.to_owned()));
                        }
                    }
                    return Some(connection);
                }
                Err(_) if Instant::now() < until => std::thread::sleep(pause),
                Err(error) => {
                    tracing::error!(%error, "whether the last commit landed stays unknown");
                    for answered in group {
                        answered.failed(CommitError::Unknown(reason.to_owned()));
                    }
                    return None;
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Serves the queue on one connection until it breaks or the store is closed. What is in `group` was taken from the queue
    /// before, and so is what is left in it.
    fn serve(&mut self, connection: &Connection, group: &mut Vec<Task>) -> End {
        let mut session = match Session::new(connection, Arc::clone(&self.fresh), Arc::clone(&self.moment)) {
            Ok(session) => session,
            Err(error) => return End::Broken(error.to_string()),
        };
        let mut idle = false;
        loop {
            if self.checkpointer.has_to_begin_anew() {
                return End::Unsynced;
            }
            if group.is_empty() {
                // Once idle there is nothing more to give back, so the wait need not end.
                let may_rest = idle && !self.checkpointer.is_in_doubt();
                let patience = if may_rest { Duration::from_secs(u64::from(u32::MAX)) } else { IDLE_AFTER };
                match self.queue.drain(group, patience) {
                    Drained::Closed => return End::Closed,
                    Drained::Idle => {
                        idle = true;
                        self.checkpointer.when_idle(connection);
                        if let Err(error) = connection.release_memory() {
                            tracing::debug!(%error, "memory was not given back");
                        }
                    }
                    Drained::Work => idle = false,
                }
                // It may have become necessary meanwhile.
                continue;
            }
            if let Err(end) = self.write(connection, &mut session, group) {
                return end;
            }
            self.checkpointer.after_commit(connection);
        }
    }

    fn write(&mut self, connection: &Connection, session: &mut Session<'_>, group: &mut Vec<Task>) -> Result<(), End> {
        let mut answers = Vec::with_capacity(group.len());
        let refused = self.fault(Step::Write) == Some(Fault::Refused);
        if let Err(error) = self.apply(connection, session, group, &mut answers, refused) {
            let text = error.to_string();
            let undone = session.rollback();
            for answered in answers {
                answered.failed(CommitError::Unavailable(text.clone()));
            }
            for task in group.drain(..) {
                task.refuse(CommitError::Unavailable(text.clone()));
            }
            return if undone.is_ok() && passes(&error) { Ok(()) } else { Err(End::Broken(text)) };
        }
        if !answers.iter().any(|answered| matches!(answered, Answered::Batch(_, Verdict::Applied) | Answered::Scope(..))) {
            // Nothing was applied, so there is nothing to sync and the verdicts hold as they are.
            let undone = session.rollback();
            answers.into_iter().for_each(|answered| answered.landed(&self.scopes));
            return undone.map_err(|error| End::Broken(error.to_string()));
        }
        match self.commit(session) {
            Ok(()) => {
                answers.into_iter().for_each(|answered| answered.landed(&self.scopes));
                Ok(())
            }
            Err((number, error)) => {
                let reason = error.to_string();
                // A full disk stops before the log's commit record is written: not in doubt.
                let certain = number.is_none() || error.sqlite_error_code() == Some(ErrorCode::DiskFull);
                if certain && session.rollback().is_ok() {
                    for answered in answers {
                        answered.failed(CommitError::Unavailable(reason.clone()));
                    }
                    return if passes(&error) { Ok(()) } else { Err(End::Broken(reason)) };
                }
                Err(End::Doubt { group: answers, number: number.unwrap_or(i64::MAX), reason })
            }
        }
    }

    /// Applies the tasks one after the other. After an error, those not begun are still in `group`.
    fn apply(
        &mut self,
        connection: &Connection,
        session: &mut Session<'_>,
        group: &mut Vec<Task>,
        answers: &mut Vec<Answered>,
        refused: bool,
    ) -> rusqlite::Result<()> {
        if refused {
            connection.pragma_update(None, "query_only", true)?;
        }
        let result = session.begin().and_then(|()| self.apply_all(connection, session, group, answers));
        if refused {
            connection.pragma_update(None, "query_only", false)?;
        }
        result
    }

    fn apply_all(
        &mut self,
        connection: &Connection,
        session: &mut Session<'_>,
        group: &mut Vec<Task>,
        answers: &mut Vec<Answered>,
    ) -> rusqlite::Result<()> {
        let mut tasks = std::mem::take(group).into_iter();
        for task in tasks.by_ref() {
            let result = match task {
                Task::Commit { mut batch, answer } => match session.apply(&mut batch) {
                    Ok(verdict) => {
                        answers.push(Answered::Batch(answer, verdict));
                        Ok(())
                    }
                    Err(error) => {
                        answers.push(Answered::Batch(answer, Verdict::Applied));
                        Err(error)
                    }
                },
                Task::Assign { scope, answer } => session.assign(scope).map(|number| answers.push(Answered::Scope(answer, scope, number))),
                Task::Limit { bytes, answer } => {
                    self.max_bytes = Some(bytes);
                    let result = limit(connection, bytes);
                    answers.push(Answered::Batch(answer, Verdict::Applied));
                    result
                }
                Task::Wake => Ok(()),
            };
            if let Err(error) = result {
                group.extend(tasks);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The error comes with the commit's number if the commit itself was tried.
    fn commit(&self, session: &mut Session<'_>) -> Result<(), (Option<i64>, rusqlite::Error)> {
        let number = session.finish().map_err(|error| (None, error))?;
        let fault = self.fault(Step::Commit);
        if fault == Some(Fault::LostCommit) {
            return Err((Some(number), injected()));
        }
        session.commit(number).map_err(|error| (Some(number), error))?;
        if fault == Some(Fault::LandedCommit) { Err((Some(number), injected())) } else { Ok(()) }
    }

    fn fault(&self, step: Step) -> Option<Fault> {
        self.faults.as_ref().and_then(|faults| faults.at(step))
    }
}

/// Opens the writer's connection.
pub(super) fn open(path: &std::path::Path, cache_bytes: u64, max_bytes: Option<u64>) -> rusqlite::Result<Connection> {
    let connection = schema::connect(path, Use::Write { cache_bytes })?;
    // `SQLite` falls back to reading when the file may not be written.
    if connection.is_readonly(MAIN_DB)? {
        return Err(failure(rusqlite::ffi::SQLITE_READONLY, "the file may only be read"));
    }
    if let Some(bytes) = max_bytes {
        limit(&connection, bytes)?;
    }
    Ok(connection)
}

fn limit(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let pages = i64::try_from(bytes / u64::from(PAGE_BYTES)).unwrap_or(i64::MAX).clamp(1, i64::from(u32::MAX - 1));
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

/// Whether the same connection may be used again after this error.
fn passes(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::TooBig | ErrorCode::ReadOnly)
    )
}

/// The error of a fault that a test made.
pub(super) fn injected() -> rusqlite::Error {
    failure(rusqlite::ffi::SQLITE_IOERR_FSYNC, "injected by a test")
}

fn failure(code: i32, reason: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(reason.to_owned()))
}
