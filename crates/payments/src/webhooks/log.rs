//! How telling endpoints went, for whoever looks.

use domain::event::Event;
use domain::id::{EventId, Ulid, WebhookEndpointId};
use domain::webhook_delivery::WebhookDelivery;
use domain::webhook_endpoint::WebhookEndpoint;
use store::{Index, Item, List, Scan};

use super::{Of, delivery_key};
use crate::error::{Error, Place};
use crate::platform::{Platform, Request};
use crate::records::{decode, key_of};

/// Events looked at for one page: those in between are none of the endpoint's.
const MAX_EXAMINED: usize = 1_000;
/// Events looked at in one go: each and its delivery is read.
const AT_ONCE: usize = 50;

/// A page of deliveries to one endpoint.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// The latest events first. One that was not tried yet is pending, without attempts.
    pub deliveries: Vec<WebhookDelivery>,
    /// There may be more, after the last one.
    pub has_more: bool,
    /// The last event that was looked at, if the page ends there without being full.
    pub last: Option<EventId>,
}

impl Platform {
    /// How telling an endpoint went: a page of the latest events, or of those before one.
    ///
    /// # Errors
    /// There is no such endpoint, or the store failed.
    pub async fn deliveries_to(
        &self,
        request: &Request,
        endpoint: WebhookEndpointId,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<Deliveries, Error> {
        let endpoint = self.live_endpoint(request, endpoint, Place::Path).await?.value;
        let of = (request.scope, endpoint.id);
        let mut page = Deliveries::default();
        let (mut older_than, mut examined) = (before.map(EventId::ulid), 0_usize);
        loop {
            let ids = self.store.scan(Scan { older_than, ..Scan::newest(List::all(of.0, Index::Events), AT_ONCE) }).await?;
            for (id, delivery) in ids.iter().zip(self.deliveries_of(of, &endpoint, &ids).await?) {
                if page.deliveries.len() == limit {
                    page.has_more = true;
                    return Ok(page);
                }
                page.last = Some(EventId::new(*id));
                page.deliveries.extend(delivery);
            }
            examined = examined.saturating_add(ids.len());
            older_than = ids.last().copied();
            if ids.len() < AT_ONCE {
                return Ok(page);
            }
            if examined >= MAX_EXAMINED {
                page.has_more = true;
                return Ok(page);
            }
        }
    }

    /// What is known of each event at an endpoint; nothing of those it does not hear.
    async fn deliveries_of(&self, of: Of, endpoint: &WebhookEndpoint, ids: &[Ulid]) -> Result<Vec<Option<WebhookDelivery>>, Error> {
        let mut known = Vec::with_capacity(ids.len());
        for (event, delivery) in self.events_at(of, ids).await? {
            known.push(match delivery {
                Some(delivery) => Some(decode(&delivery.body)?),
                None => {
                    let hears = endpoint.hears(event.kind) && event.created_at >= endpoint.listens_since;
                    hears.then(|| WebhookDelivery::new(of.1, event.id, event.kind))
                }
            });
        }
        Ok(known)
    }

    /// Some events, at most as many as one read takes, and what is kept of telling an endpoint of each.
    pub(super) async fn events_at(&self, of: Of, ids: &[Ulid]) -> Result<Vec<(Event, Option<Item>)>, Error> {
        let keys: Vec<_> = ids.iter().map(|id| key_of::<Event>(of.0, *id)).collect();
        let mut found = Vec::with_capacity(ids.len());
        for item in self.store.get(&keys).await? {
            let item = item.ok_or_else(|| Error::Internal("an event is listed and is missing".to_owned()))?;
            let event: Event = decode(&item.body)?;
            // Each by itself: as of one moment, names that are not there cost the embedded engine a search.
            let delivery = self.store.get_one(&delivery_key(of, event.id)).await?;
            found.push((event, delivery));
        }
        Ok(found)
    }

    /// How telling each endpoint of one event went; nothing of those it was never tried at.
    ///
    /// # Errors
    /// There is no such event, or the store failed.
    pub async fn deliveries_of_event(&self, request: &Request, event: EventId) -> Result<Vec<WebhookDelivery>, Error> {
        let missing = || Error::NotFound { kind: "event", id: event.to_string(), param: "id", place: Place::Path };
        self.find::<Event>(request.scope, event.ulid()).await?.ok_or_else(missing)?;
        let endpoints = self.endpoints(request.scope).await?;
        let keys: Vec<_> = endpoints.live().map(|endpoint| delivery_key((request.scope, endpoint.id), event)).collect();
        let items = self.store.get(&keys).await?;
        items.iter().flatten().map(|item| decode(&item.body)).collect()
    }
}
