//! Views of the file that outlive one read.
//!
//! To begin and end a read, `SQLite` takes and gives back locks on the log's index, with system calls that cost more
//! than the look itself. While nothing is committed, one view of the file serves any number of reads: this process
//! is the only one that writes, so it knows when a view has become old.
//!
//! - While a commit is under way no view is kept and none is used: whether a read shows it is the file's to say, for
//!   all readers alike.
//! - Views hold parts of the log, so all of them are ended before it is moved into the file, and again after it, or it
//!   could not start over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::fresh::Fresh;
use super::schema;

/// How many reads run at the same time; more than this wait for a moment, which is no loss while there are
/// more connections than cores.
const CONNECTIONS: usize = 8;

/// Between which commits we are: odd while one is under way or in doubt.
#[derive(Default)]
pub(super) struct Moment(AtomicU64);

impl Moment {
    /// A commit begins.
    pub(super) fn committing(&self) {
        self.0.fetch_or(1, Ordering::AcqRel);
    }

    /// It has landed. To be called before anybody is told so.
    pub(super) fn landed(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn settled(&self) -> Option<u64> {
        let number = self.0.load(Ordering::Acquire);
        number.is_multiple_of(2).then_some(number)
    }
}

struct View {
    moment: u64,
    withdrawals: u64,
}

/// A connection for reading, and the view it holds open.
pub(super) struct Slot {
    connection: Connection,
    view: Option<View>,
}

impl Slot {
    /// A connection without a view.
    pub(super) const fn new(connection: Connection) -> Self {
        Self { connection, view: None }
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The count of withdrawn hints from before the view was fixed, if one is open.
    pub(super) fn withdrawals(&self) -> Option<u64> {
        self.view.as_ref().map(|view| view.withdrawals)
    }

    /// Sees to it that the next reads show the last commit that was acknowledged.
    pub(super) fn renew(&mut self, moment: &Moment, fresh: &Fresh) -> rusqlite::Result<()> {
        let now = moment.settled();
        if self.view.as_ref().is_some_and(|view| Some(view.moment) == now && view.withdrawals == fresh.withdrawals()) {
            return Ok(());
        }
        self.release()?;
        let Some(moment) = now else { return Ok(()) };
        // Counted before the view is fixed, which the first read does: see [`super::fresh`].
        let withdrawals = fresh.withdrawals();
        self.connection.prepare_cached("BEGIN")?.raw_execute()?;
        self.view = Some(View { moment, withdrawals });
        schema::commit_number(&self.connection).map(drop)
    }

    fn release(&mut self) -> rusqlite::Result<()> {
        if self.view.take().is_some() {
            self.connection.prepare_cached("COMMIT")?.raw_execute()?;
        }
        Ok(())
    }
}

/// The connections for reading, opened as they are needed.
pub(super) struct Slots {
    slots: Vec<Mutex<Option<Slot>>>,
    next: AtomicU64,
}

impl Default for Slots {
    fn default() -> Self {
        Self { slots: (0..CONNECTIONS).map(|_| Mutex::new(None)).collect(), next: AtomicU64::new(0) }
    }
}

impl Slots {
    /// One connection and no other.
    pub(super) fn only(connection: Connection) -> Self {
        Self { slots: vec![Mutex::new(Some(Slot::new(connection)))], next: AtomicU64::new(0) }
    }

    /// A free place. The first ones are preferred, so that a quiet store keeps few caches.
    pub(super) fn take(&self) -> Option<MutexGuard<'_, Option<Slot>>> {
        if let Some(free) = self.slots.iter().find_map(Mutex::try_lock) {
            return Some(free);
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let count = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let turn = usize::try_from(turn.checked_rem(count).unwrap_or_default()).unwrap_or_default();
        self.slots.get(turn).map(Mutex::lock)
    }

    /// Ends all views; waits for reads that are under way.
    pub(super) fn release(&self) {
        for slot in &self.slots {
            let mut slot = slot.lock();
            if let Some(Err(error)) = slot.as_mut().map(Slot::release) {
                tracing::debug!(%error, "a reader's connection is closed");
                *slot = None;
            }
        }
    }

    /// Closes all connections, after that has been done with each, and lets none be opened before the answer is dropped.
    pub(super) fn close(&self, before: impl Fn(&Connection)) -> Vec<MutexGuard<'_, Option<Slot>>> {
        let closed = |slot| {
            let mut place: MutexGuard<'_, Option<Slot>> = Mutex::lock(slot);
            if let Some(slot) = place.take() {
                before(&slot.connection);
            }
            place
        };
        self.slots.iter().map(closed).collect()
    }
}

/// What readers share with the writer and the checkpointer.
#[derive(Default, Clone)]
pub(super) struct Views {
    pub(super) moment: Arc<Moment>,
    pub(super) slots: Arc<Slots>,
}
