//! Keeps the log short: a helper thread moves pages from the log into the file while the writer goes on.
//!
//! The log can only start over when all of it has been moved and nobody reads from it. The helper does the
//! bulk beside the writer; then the writer moves the little that came meanwhile, between two groups, and the
//! next commit starts the log over. Alone, the helper would never catch up; alone, the writer would stand
//! still for the whole of it.
//!
//! The helper's connection has a second duty: it stays open for as long as the store does, see [`super::writer`].
//!
//! After a sync of the file that failed, nobody knows what of all that was moved since the last one is on the disk: the
//! system tells it once and may let go of those pages, and `SQLite` counts them as moved. Then nothing is moved any more
//! until [`super::anew`] has made `SQLite` forget what it counted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, MAIN_DB};

use super::options::{Faults, Step};
use super::queue::{Queue, Task};
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

/// What moving needs; locked while something is moved.
#[derive(Default)]
pub(super) struct Mover {
    /// The helper's connection. `None` only after it could not be opened anew.
    pub(super) connection: Option<Connection>,
    /// When to begin anew, if what was moved may not be on the disk.
    pub(super) doubted: Option<Instant>,
}

/// What the writer and the helper share.
pub(super) struct Checkpointer {
    pub(super) readers: Arc<Slots>,
    pub(super) mover: Mutex<Mover>,
    /// Whether there is a doubt, without waiting for the lock.
    pub(super) has_doubt: AtomicBool,
    queue: Arc<Queue>,
    faults: Option<Arc<dyn Faults>>,
    wish: Mutex<Wish>,
    woken: Condvar,
    /// The helper has done its part; the writer's is next.
    handed_over: AtomicBool,
    /// The helper has been woken and has not handed over yet.
    under_way: AtomicBool,
}

impl Checkpointer {
    /// Over a log that those read and that the writer of this queue writes.
    pub(super) fn new(readers: Arc<Slots>, queue: Arc<Queue>, faults: Option<Arc<dyn Faults>>) -> Self {
        let (handed_over, under_way, has_doubt) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
        let (mover, wish, woken) = (Mutex::default(), Mutex::default(), Condvar::new());
        Self { readers, mover, has_doubt, queue, faults, wish, woken, handed_over, under_way }
    }

    /// Starts the helper.
    pub(super) fn start(self: &Arc<Self>, path: &Path) -> rusqlite::Result<JoinHandle<()>> {
        self.mover.lock().connection = Some(connect(path)?);
        let this = Arc::clone(self);
        let spawned = std::thread::Builder::new().name("store-checkpoint".to_owned()).spawn(move || this.run());
        spawned.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    }

    fn run(&self) {
        let mut wish = self.wish.lock();
        while !wish.closed {
            if !wish.wanted {
                self.woken.wait(&mut wish);
                continue;
            }
            wish.wanted = false;
            let moved = MutexGuard::unlocked(&mut wish, || (0..ROUNDS).fold(0, |_, _| self.move_log(None)));
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

    /// Moves what can be moved without waiting for anybody, on the writer's connection or else the helper's; answers how
    /// many pages of the log have been moved.
    fn move_log(&self, writer: Option<&Connection>) -> i32 {
        // A view may need what is to be overwritten.
        self.readers.release();
        let mut mover = self.mover.lock();
        if mover.doubted.is_some() {
            return 0;
        }
        let Some(connection) = writer.or(mover.connection.as_ref()) else { return 0 };
        let moved = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE).and_then(|(_, moved)| {
            let fault = self.faults.as_ref().and_then(|faults| faults.at(Step::Move));
            if fault.is_some() { Err(super::writer::injected()) } else { Ok(moved) }
        });
        moved.unwrap_or_else(|error| {
            // The log only grows meanwhile; a disk that is full will also stop the writer, who tells.
            tracing::warn!(%error, "the log could not be moved into the store's file");
            if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                mover.doubted = Some(Instant::now());
                self.has_doubt.store(true, Ordering::Release);
                // The writer may have nothing else to do.
                self.queue.push(Task::Wake);
            }
            0
        })
    }

    /// Moves the rest, so that the next commit starts the log over.
    fn move_last(&self, writer: &Connection) {
        self.move_log(Some(writer));
        // Views from before hold the log, those from now on only need the file.
        self.readers.release();
    }

    /// Ends the helper.
    pub(super) fn close(&self) {
        self.wish.lock().closed = true;
        self.woken.notify_one();
    }
}

/// The helper's connection. Its first read is what opens the log; from there on it holds it.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = schema::connect(path, Use::Checkpoint)?;
    schema::commit_number(&connection)?;
    Ok(connection)
}

fn log_length(connection: &Connection) -> i32 {
    connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::NOOP).map_or(0, |(length, _)| length)
}
