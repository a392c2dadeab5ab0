//! How far telling of some events is, at all endpoints of their shop.
//!
//! What waits is in the endpoints' lists, and how it ended in the deliveries' records. Deleted endpoints count no more; a disabled one
//! is told nothing, so that nothing waits there, and what it never took stays untold.

use std::collections::HashMap;

use domain::id::{EventId, Ulid};
use domain::scope::Scope;
use domain::webhook_delivery::{Status, WebhookDelivery};
use store::contract::MAX_KEYS;
use store::{Key, Scan};

use super::{delivery_key, pending};
use crate::error::Error;
use crate::platform::Platform;
use crate::records::decode;

/// Entries of an endpoint's list read in one go.
const AT_ONCE: usize = 100;

impl Platform {
    /// At how many endpoints each of these events still waits to be taken.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn pending_webhooks(&self, scope: Scope, events: &[EventId]) -> Result<Vec<u32>, Error> {
        let waiting = self.waiting(scope, events).await?;
        Ok(events.iter().map(|event| waiting.get(&event.ulid()).copied().unwrap_or(0)).collect())
    }

    /// Which of these events some endpoint did not take: it is still to be told, or was given up.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn undelivered(&self, scope: Scope, events: &[EventId]) -> Result<Vec<bool>, Error> {
        let waiting = self.waiting(scope, events).await?;
        let mut undelivered: HashMap<EventId, bool> = events.iter().map(|event| (*event, waiting.contains_key(&event.ulid()))).collect();
        for endpoint in self.endpoints(scope).await?.live() {
            let unsure: Vec<EventId> = undelivered.iter().filter(|(_, found)| !**found).map(|(event, _)| *event).collect();
            for part in unsure.chunks(MAX_KEYS) {
                let keys: Vec<Key> = part.iter().map(|event| delivery_key((scope, endpoint.id), *event)).collect();
                for item in self.store.get(&keys).await?.into_iter().flatten() {
                    let delivery: WebhookDelivery = decode(&item.body)?;
                    if delivery.status != Status::Delivered {
                        undelivered.insert(delivery.event, true);
                    }
                }
            }
        }
        Ok(events.iter().map(|event| undelivered.get(event).copied().unwrap_or_default()).collect())
    }

    /// Those of the events that wait, and at how many endpoints.
    async fn waiting(&self, scope: Scope, events: &[EventId]) -> Result<HashMap<Ulid, u32>, Error> {
        let mut wanted: Vec<Ulid> = events.iter().map(|event| event.ulid()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut waiting = HashMap::new();
        for endpoint in self.endpoints(scope).await?.enabled() {
            let list = pending((scope, endpoint.id));
            let mut left = wanted.as_slice();
            // Each part that is read reaches one of them at least, however many others are between them.
            while let (Some(first), Some(last)) = (left.first(), left.last()) {
                let (newer_than, older_than) = (first.bits().checked_sub(1), last.bits().checked_add(1));
                let scan = Scan {
                    newer_than: newer_than.map(Ulid::from_bits),
                    older_than: older_than.map(Ulid::from_bits),
                    ..Scan::oldest(list, AT_ONCE)
                };
                let entries = self.store.scan(scan).await?;
                for entry in entries.iter().filter(|entry| left.binary_search(entry).is_ok()) {
                    let endpoints: &mut u32 = waiting.entry(*entry).or_default();
                    *endpoints = endpoints.saturating_add(1);
                }
                let Some(reached) = entries.last().filter(|_| entries.len() == AT_ONCE) else { break };
                left = left.get(left.partition_point(|id| id <= reached)..).unwrap_or_default();
            }
        }
        Ok(waiting)
    }
}
