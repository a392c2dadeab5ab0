//! Removing idempotency records whose day is over.

use store::{Batch, Kind, Precondition};

use crate::error::Error;
use crate::idempotency::{Age, KEPT_MS};
use crate::leases::Duty;
use crate::platform::Platform;
use crate::records::decode;

/// Records looked at in one go: with the check of the lease, as many as a batch may remove.
const AT_ONCE: usize = store::batch::MAX_WRITES - 1;

impl Platform {
    /// Removes some answered records that are older than a day; says how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn expire_idempotency(&self) -> Result<usize, Error> {
        let Some(fence) = self.lease(Duty::Expiry).await? else { return Ok(0) };
        let oldest = self.store.export(Kind::IdempotencyRecord, None, AT_ONCE).await?;
        let now = self.now();
        let mut batch = Batch::new();
        for exported in oldest {
            let record: Age = decode(&exported.item.body)?;
            if record.answer.is_some() && now.millis_since(record.created_at) > KEPT_MS {
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
}
