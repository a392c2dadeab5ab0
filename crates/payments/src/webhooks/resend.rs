//! Telling an endpoint again: one event, or all of a time.

use domain::event::Event;
use domain::id::{EventId, Ulid, WebhookEndpointId};
use domain::webhook_delivery::WebhookDelivery;
use domain::webhook_endpoint::State;
use store::contract::MAX_KEYS;
use store::{Batch, Index, List, Precondition, Scan};

use super::lanes::{Offered, Origin};
use super::{Of, delivery_key, pending};
use crate::error::{Error, Place};
use crate::platform::{Platform, Request, racing};
use crate::ports::Delivering;
use crate::records::{Loaded, decode, encode};

/// Events entered in one commit: each is a record, an entry, and the event and the record to be read.
const AT_ONCE: usize = MAX_KEYS / 2 - 1;
/// Events looked at by one request: a second or two of work.
const MAX_EXAMINED: usize = 5_000;

/// What a replay came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Events that are told again.
    pub events: usize,
    /// The last one that was looked at: where the next request is to begin.
    pub last: Option<EventId>,
    /// There are more.
    pub has_more: bool,
}

impl Platform {
    /// Tells an endpoint an event again, whatever became of it before; says what is known of the delivery.
    ///
    /// # Errors
    /// There is no such event or endpoint, the endpoint is not enabled, or the store failed.
    pub async fn resend_event(&self, request: &Request, event: EventId, endpoint: WebhookEndpointId) -> Result<WebhookDelivery, Error> {
        let missing = || Error::NotFound { kind: "event", id: event.to_string(), param: "id", place: Place::Path };
        let found: Loaded<Event> = self.find(request.scope, event.ulid()).await?.ok_or_else(missing)?;
        let of = self.enabled_endpoint(request, endpoint, Place::Parameter).await?;
        let delivery = racing(|| async {
            let item = self.store.get_one(&delivery_key(of, event)).await?;
            let mut batch = Batch::new();
            let delivery = again(of, &found.value, item, &mut batch)?;
            self.commit_without_row(batch).await?;
            Ok(delivery)
        })
        .await?;
        self.tell_again(of, &[event]);
        Ok(delivery)
    }

    /// Tells an endpoint again all that it hears of the events between two identifiers, oldest first and as many as one request may;
    /// both bounds are exclusive.
    ///
    /// # Errors
    /// There is no such endpoint, it is not enabled, or the store failed.
    pub async fn replay_events(
        &self,
        request: &Request,
        endpoint: WebhookEndpointId,
        (newer_than, older_than): (Option<Ulid>, Option<Ulid>),
    ) -> Result<Replayed, Error> {
        let of = self.enabled_endpoint(request, endpoint, Place::Path).await?;
        let mut replayed = Replayed { events: 0, last: None, has_more: true };
        let (mut newer_than, mut examined) = (newer_than, 0_usize);
        while examined < MAX_EXAMINED {
            let scan = Scan { newer_than, older_than, ..Scan::oldest(List::all(of.0, Index::Events), AT_ONCE) };
            let ids = self.store.scan(scan).await?;
            replayed.events = replayed.events.saturating_add(racing(|| self.enter_again(of, &ids)).await?);
            examined = examined.saturating_add(ids.len());
            newer_than = ids.last().copied().or(newer_than);
            replayed.last = ids.last().copied().map(EventId::new).or(replayed.last);
            if ids.len() < AT_ONCE {
                replayed.has_more = false;
                break;
            }
        }
        Ok(replayed)
    }

    async fn enter_again(&self, of: Of, ids: &[Ulid]) -> Result<usize, Error> {
        let endpoints = self.endpoints(of.0).await?;
        let Some(endpoint) = endpoints.get(of.1) else { return Ok(0) };
        let (mut batch, mut entered) = (Batch::new(), Vec::new());
        for (event, delivery) in self.events_at(of, ids).await? {
            if endpoint.hears(event.kind) {
                again(of, &event, delivery, &mut batch)?;
                entered.push(event.id);
            }
        }
        if !batch.is_empty() {
            self.commit_without_row(batch).await?;
        }
        self.tell_again(of, &entered);
        Ok(entered.len())
    }

    fn tell_again(&self, of: Of, events: &[EventId]) {
        self.lanes.look_again(of);
        if !matches!(self.delivering, Delivering::AtOnce(_)) {
            return;
        }
        let now = self.now();
        for event in events {
            if self.lanes.offer(of, *event, Origin::Tried, now) == Offered::Begin {
                self.lanes.begin(of);
            }
        }
    }

    async fn enabled_endpoint(&self, request: &Request, id: WebhookEndpointId, place: Place) -> Result<Of, Error> {
        let endpoint = self.live_endpoint(request, id, place).await?;
        if endpoint.value.state == State::Enabled {
            return Ok((request.scope, id));
        }
        let message = "This webhook endpoint is disabled. Enable it before it is told anything.".to_owned();
        Err(Error::Parameter { param: "webhook_endpoint", code: None, message })
    }
}

/// Adds the writes that have an event told again.
fn again(of: Of, event: &Event, item: Option<store::Item>, batch: &mut Batch) -> Result<WebhookDelivery, Error> {
    let (delivery, found) = match item {
        Some(item) => (decode::<WebhookDelivery>(&item.body)?.again(), Precondition::Revision(item.revision)),
        None => (WebhookDelivery::new(of.1, event.id, event.kind), Precondition::Absent),
    };
    batch.put(delivery_key(of, event.id), encode(&delivery)?, found);
    batch.link(pending(of), event.id.ulid());
    Ok(delivery)
}
