//! Going through the journal for an entry whose debits and credits differ, a part at a time, round after round.
//!
//! No entry can be made or read that does not balance; this looks for what somebody or something changed in the store behind that rule's
//! back. An entry that lacks a cent is not made good by one with a cent too many: each counts by itself. Where the look stands is kept in
//! memory, and a process that takes the job over begins anew. Absent on purpose: comparing the books with the objects, which is
//! `bursar verify`'s ([`verify`](crate::verify)); and repairing anything.

use domain::ledger::Claimed;
use domain::time::Timestamp;
use store::{Cursor, Kind};

use crate::error::Error;
use crate::leases::Duty;
use crate::platform::Platform;
use crate::records::decode;

/// Entries read in one look: some milliseconds' work.
const AT_ONCE: usize = 1_000;
/// Between the end of a round and the next one: a small journal need not be read again and again.
const ROUND_PAUSE_MS: i64 = 3_600_000;

/// How far the look is.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    after: Option<Cursor>,
    /// The round that is under way.
    this_round: Imbalance,
    /// The one before it.
    last_round: Imbalance,
    ended_at: Option<Timestamp>,
    entries: u64,
}

/// Of some entries, in minor units of whatever currencies.
type Imbalance = u128;

/// What was seen of the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// By how much debits and credits differ, all entries and currencies together, in minor units: as the last whole round saw it, or
    /// this one already does.
    pub imbalance: u64,
    /// Entries that were read.
    pub entries: u64,
}

impl Platform {
    /// Reads some more entries of the journal.
    ///
    /// # Errors
    /// The store cannot be read, or an entry in it cannot: the next look is at the same ones again.
    pub async fn look_through_books(&self) -> Result<(), Error> {
        if self.lease(Duty::Checkpoints).await?.is_none() {
            *self.books.lock() = None;
            return Ok(());
        }
        let now = self.now();
        let after = {
            let mut books = self.books.lock();
            let watch = books.get_or_insert_default();
            // A clock that was set back is no reason to pause for longer.
            if watch.ended_at.is_some_and(|ended| (0..ROUND_PAUSE_MS).contains(&now.millis_since(ended))) {
                return Ok(());
            }
            watch.after.clone()
        };
        let page = self.store.export(Kind::JournalEntry, after, AT_ONCE).await?;
        let mut imbalance = Imbalance::default();
        for entry in &page {
            let off = decode::<Claimed>(&entry.item.body)?.imbalance();
            if off > 0 {
                tracing::error!(entry = ?entry.key, off, "a journal entry does not balance");
            }
            imbalance = imbalance.saturating_add(off);
        }
        if let Some(watch) = &mut *self.books.lock() {
            watch.entries = watch.entries.saturating_add(u64::try_from(page.len()).unwrap_or(u64::MAX));
            watch.this_round = watch.this_round.saturating_add(imbalance);
            watch.after = page.last().map(|last| last.cursor.clone());
            watch.ended_at = None;
            if page.len() < AT_ONCE {
                watch.after = None;
                watch.last_round = std::mem::take(&mut watch.this_round);
                watch.ended_at = Some(now);
            }
        }
        Ok(())
    }

    /// What was seen of the books; `None` where another process looks.
    #[must_use]
    pub fn books_seen(&self) -> Option<Seen> {
        let books = self.books.lock();
        let watch = books.as_ref()?;
        let imbalance = u64::try_from(watch.this_round.max(watch.last_round)).unwrap_or(u64::MAX);
        Some(Seen { imbalance, entries: watch.entries })
    }
}
