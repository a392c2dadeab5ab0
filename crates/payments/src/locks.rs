//! Turns, within one process, for those who change the same object.
//!
//! Only a courtesy: without it racing requests would still be correct, by the store's preconditions, but most
//! would lose and try again. A fixed number of locks is shared by all objects.

use domain::id::Ulid;
use tokio::sync::{Mutex, MutexGuard};

/// Enough that unrelated objects rarely share one.
const LOCKS: usize = 1024;

pub(crate) struct Locks(Vec<Mutex<()>>);

impl Default for Locks {
    fn default() -> Self {
        Self((0..LOCKS).map(|_| Mutex::new(())).collect())
    }
}

impl Locks {
    /// Waits for the object's turn; `None` is no lock at all and still correct.
    pub(crate) async fn turn(&self, id: Ulid) -> Option<MutexGuard<'_, ()>> {
        let bits = id.bits();
        let mixed = bits ^ (bits >> 59);
        let slot = usize::try_from(mixed % 1024).unwrap_or(0);
        match self.0.get(slot) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }
}
