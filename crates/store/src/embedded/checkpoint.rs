//! Keeps the log short: a helper thread moves pages from the log into the file while the writer goes on.
//!
//! The log can only start over when all of it has been moved and nobody reads from it. The helper does the
//! bulk beside the writer; then the writer moves the little that came meanwhile, between two groups, and the
//! next commit starts the log over. Alone, the helper would never catch up; alone, the writer would stand
//! still for the whole of it.
//!
//! The helper's connection has a second duty: it stays open for as long as the store does, see [`super::writer`].

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB};

use super::schema::{self, Use};
use super::views::Slots;

/// How long the log may become before it is moved: 16 MB. Shorter means more syncs of the file, longer means
/// longer stalls and a slower start after a crash.
const LOG_BOUND: i32 = 2_000;
/// After a round in which the log could not start over (a backup or a long read holds it), a pause.
const PAUSE: Duration = Duration::from_millis(50);
/// The helper goes over the log so often: the second round takes what came during the first.
const ROUNDS: u32 = 2;

#[derive(Default)]
struct Wish {
    wanted: bool,
    closed: bool,
}

/// What the writer and the helper share.
pub(super) struct Checkpointer {
    readers: Arc<Slots>,
    wish: Mutex<Wish>,
    woken: Condvar,
    /// The helper has done its part; the writer's is next.
    handed_over: AtomicBool,
    /// The helper has been woken and has not handed over yet.
    under_way: AtomicBool,
}

impl Checkpointer {
    /// Over a log that those read.
    pub(super) fn new(readers: Arc<Slots>) -> Self {
        let (handed_over, under_way) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { readers, wish: Mutex::default(), woken: Condvar::new(), handed_over, under_way }
    }

    /// Starts the helper.
    pub(super) fn start(self: &Arc<Self>, path: &Path) -> rusqlite::Result<JoinHandle<()>> {
        let connection = schema::connect(path, Use::Checkpoint)?;
        // The first read is what opens the log; from here on this connection holds it.
        schema::commit_number(&connection)?;
        let this = Arc::clone(self);
        let spawned = std::thread::Builder::new().name("store-checkpoint".to_owned()).spawn(move || this.run(&connection));
        spawned.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    }

    fn run(&self, connection: &Connection) {
        let mut wish = self.wish.lock();
        while !wish.closed {
            if !wish.wanted {
                self.woken.wait(&mut wish);
                continue;
            }
            wish.wanted = false;
            let moved = MutexGuard::unlocked(&mut wish, || (0..ROUNDS).fold(0, |_, _| self.move_log(connection)));
            if moved < LOG_BOUND / 2 {
                // Somebody reads an old state, or the disk is full: going on at once would gain nothing.
                self.woken.wait_for(&mut wish, PAUSE);
            }
            self.handed_over.store(true, Ordering::Release);
        }
    }

    /// The writer calls this between two groups.
    pub(super) fn after_commit(&self, connection: &Connection) {
        if self.handed_over.swap(false, Ordering::AcqRel) {
            self.move_last(connection);
            self.under_way.store(false, Ordering::Release);
        } else if !self.under_way.load(Ordering::Acquire) && log_length(connection) >= LOG_BOUND {
            self.under_way.store(true, Ordering::Release);
            self.wish.lock().wanted = true;
            self.woken.notify_one();
        }
    }

    /// The writer calls this when it has nothing else to do.
    pub(super) fn when_idle(&self, connection: &Connection) {
        self.handed_over.store(false, Ordering::Release);
        self.under_way.store(false, Ordering::Release);
        self.move_last(connection);
    }

    fn move_log(&self, connection: &Connection) -> i32 {
        // A view may need what is to be overwritten.
        self.readers.release();
        move_log(connection)
    }

    /// Moves the rest, so that the next commit starts the log over.
    fn move_last(&self, connection: &Connection) {
        self.move_log(connection);
        // Views from before hold the log, those from now on only need the file.
        self.readers.release();
    }

    /// Ends the helper.
    pub(super) fn close(&self) {
        self.wish.lock().closed = true;
        self.woken.notify_one();
    }
}

/// Moves what can be moved without waiting for anybody; answers how many pages of the log have been moved.
fn move_log(connection: &Connection) -> i32 {
    match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
        Ok((_, moved)) => moved,
        Err(error) => {
            // The log only grows meanwhile; a disk that is full will also stop the writer, who tells.
            tracing::warn!(%error, "the log could not be moved into the store's file");
            0
        }
    }
}

fn log_length(connection: &Connection) -> i32 {
    connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::NOOP).map_or(0, |(length, _)| length)
}
