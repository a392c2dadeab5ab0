//! Removing idempotency records whose day is over.

use store::{Batch, Kind, Precondition};

use crate::error::Error;
use crate::idempotency::{IdempotencyRecord, KEPT_MS};
use crate::platform::Platform;
use crate::records::decode;

/// Records looked at in one go; also the largest batch of removals.
const AT_ONCE: usize = 100;

impl Platform {
    /// Removes up to a hundred answered records that are older than a day; says how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn expire_idempotency(&self) -> Result<usize, Error> {
        let oldest = self.store.export(Kind::IdempotencyRecord, None, AT_ONCE).await?;
        let now = self.now();
        let mut batch = Batch::new();
        for exported in oldest {
            let record: IdempotencyRecord = decode(&exported.item.body)?;
            if record.answer.is_some() && now.millis_since(record.created_at) > KEPT_MS {
                batch.delete(exported.key, Precondition::Revision(exported.item.revision));
            }
        }
        let removed = batch.len();
        if removed > 0 {
            self.commit_without_row(batch).await?;
        }
        Ok(removed)
    }
}
