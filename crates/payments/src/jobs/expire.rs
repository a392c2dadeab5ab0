//! Removing idempotency records whose day is over.
//!
//! A store gives them in an order of its own. Where they come as they were made, the old ones are always the first; where not,
//! they are anywhere. So each look is at the first ones, and at some further ones where the look before ended. Absent on
//! purpose: any of this on a store that forgets them by itself, which costs nothing there.

use std::collections::BTreeSet;

use store::{Batch, Exported, Kind, Precondition};

use crate::error::Error;
use crate::idempotency::{Age, KEPT_MS};
use crate::leases::Duty;
use crate::platform::Platform;
use crate::records::decode;

/// Records looked at in one place: with those of the other place and the check of the lease, as many as a batch may remove.
const AT_ONCE: usize = (store::batch::MAX_WRITES - 1) / 2;

impl Platform {
    /// Removes some answered records that are older than a day; says how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn expire_idempotency(&self) -> Result<usize, Error> {
        if self.store.forgets() {
            return Ok(0);
        }
        let Some(fence) = self.lease(Duty::Expiry).await? else { return Ok(0) };
        let first = self.store.export(Kind::IdempotencyRecord, None, AT_ONCE).await?;
        let further = self.further_records(&first).await?;
        let now = self.now();
        let (mut batch, mut met) = (Batch::new(), BTreeSet::new());
        for exported in first.into_iter().chain(further) {
            let record: Age = decode(&exported.item.body)?;
            let is_over = record.answer.is_some() && now.millis_since(record.created_at) > KEPT_MS;
            if is_over && met.insert(exported.cursor.as_bytes().to_vec()) {
                batch.delete(exported.key, Precondition::Revision(exported.item.revision));
            }
        }
        let removed = batch.len();
        if removed > 0 {
            fence.guard(&mut batch);
            self.commit_without_row(batch).await?;
        }
        Ok(removed)
    }

    /// Those after where the look before ended; after the last ones come the first again.
    async fn further_records(&self, first: &[Exported]) -> Result<Vec<Exported>, Error> {
        let after = self.expiry.lock().clone().or_else(|| first.last().map(|exported| exported.cursor.clone()));
        let Some(after) = after.filter(|_| first.len() == AT_ONCE) else { return Ok(Vec::new()) };
        let further = self.store.export(Kind::IdempotencyRecord, Some(after), AT_ONCE).await?;
        *self.expiry.lock() = further.last().map(|exported| exported.cursor.clone()).filter(|_| further.len() == AT_ONCE);
        Ok(further)
    }
}

/// Whether so many removed records are so many of those looked at that more are worth looking for at once.
#[must_use]
pub const fn is_worth_going_on(removed: usize) -> bool {
    removed >= AT_ONCE / 8
}
