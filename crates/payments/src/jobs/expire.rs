//! Removing records whose time is over: idempotency records after their day, deliveries after 30 days, sessions once they are over.
//!
//! A store gives them in an order of its own. Where they come as they were made, the old ones are always the first; where not,
//! they are anywhere. So each look is at the first ones, and at some further ones where the look before ended. Absent on
//! purpose: any of this on a store that forgets them by itself, which costs nothing there.

use std::collections::{BTreeMap, BTreeSet};

use domain::time::Timestamp;
use domain::user::session::Session;
use domain::webhook_delivery::{Attempt, Status};
use serde::Deserialize;
use store::{Batch, Cursor, Exported, Kind, Precondition};

use crate::error::Error;
use crate::idempotency::{Age, KEPT_MS};
use crate::leases::Duty;
use crate::platform::Platform;
use crate::records::decode;

/// Records looked at in one place: with those of the other place and the check of the lease, as many as a batch may remove.
const AT_ONCE: usize = (store::batch::MAX_WRITES - 1) / 2;
/// How long after the last attempt a delivery can be looked at.
const DELIVERIES_KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// Where the last look at records of each kind ended.
pub(crate) type Ends = BTreeMap<Kind, Cursor>;

/// As much of a delivery as says how old it is; of what is known of an endpoint, nothing.
#[derive(Deserialize)]
struct DeliveryAge {
    status: Option<Status>,
    #[serde(default)]
    log: Vec<Attempt>,
}

impl Platform {
    /// Removes some answered records that are older than a day; says how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn expire_idempotency(&self) -> Result<usize, Error> {
        self.expire(Kind::IdempotencyRecord, |body, now| {
            let record: Age = decode(body)?;
            Ok(record.answer.is_some() && now.millis_since(record.created_at) > KEPT_MS)
        })
        .await
    }

    /// Removes some deliveries that ended 30 days ago; says how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn expire_deliveries(&self) -> Result<usize, Error> {
        self.expire(Kind::WebhookDelivery, |body, now| {
            let record: DeliveryAge = decode(body)?;
            let last = record.log.last().map(|attempt| attempt.at);
            let ended = record.status.is_some_and(|status| status != Status::Pending);
            Ok(ended && last.is_some_and(|last| now.millis_since(last) > DELIVERIES_KEPT_MS))
        })
        .await
    }

    /// Removes some sessions that are over; says how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn expire_sessions(&self) -> Result<usize, Error> {
        self.expire(Kind::Session, |body, now| Ok(decode::<Session>(body)?.is_over(now))).await
    }

    async fn expire(&self, kind: Kind, is_over: impl Fn(&[u8], Timestamp) -> Result<bool, Error>) -> Result<usize, Error> {
        if self.store.forgets() {
            return Ok(0);
        }
        let Some(fence) = self.lease(Duty::Expiry).await? else { return Ok(0) };
        let first = self.store.export(kind, None, AT_ONCE).await?;
        let further = self.further_records(kind, &first).await?;
        let now = self.now();
        let (mut batch, mut met) = (Batch::new(), BTreeSet::new());
        for exported in first.into_iter().chain(further) {
            if is_over(&exported.item.body, now)? && met.insert(exported.cursor.as_bytes().to_vec()) {
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
    async fn further_records(&self, kind: Kind, first: &[Exported]) -> Result<Vec<Exported>, Error> {
        let after = self.expiry.lock().get(&kind).cloned().or_else(|| first.last().map(|exported| exported.cursor.clone()));
        let Some(after) = after.filter(|_| first.len() == AT_ONCE) else { return Ok(Vec::new()) };
        let further = self.store.export(kind, Some(after), AT_ONCE).await?;
        let mut ends = self.expiry.lock();
        match further.last().filter(|_| further.len() == AT_ONCE) {
            Some(last) => ends.insert(kind, last.cursor.clone()),
            None => ends.remove(&kind),
        };
        drop(ends);
        Ok(further)
    }
}

/// Whether so many removed records are so many of those looked at that more are worth looking for at once.
#[must_use]
pub const fn is_worth_going_on(removed: usize) -> bool {
    removed >= AT_ONCE / 8
}
