//! One event to one endpoint: read, signed, posted, and how it went written down.

use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Action, Job};
use domain::event::Event;
use domain::id::EventId;
use domain::time::Timestamp;
use domain::webhook_delivery::{Attempt, Health, Status, WebhookDelivery};
use domain::webhook_endpoint::{DisabledBecause, State, WebhookEndpoint};
use store::{Batch, Precondition};

use super::lanes::Origin;
use super::signature::{Signed, headers};
use super::{Of, delivery_key, health_key, pending};
use crate::acting::By;
use crate::error::Error;
use crate::lists;
use crate::outcome::{Object, Outcome, ShownEvent};
use crate::platform::{Platform, racing};
use crate::ports::{Courier, Parcel, Rendering};
use crate::records::{Loaded, decode, encode, key_of};
use crate::vault::SecretOf;
use crate::writes::Writes;

/// On a store that others share, what a process made known is left to the sweep after so long: before [`LEFT_AFTER`] its last
/// attempt has ended.
const AT_ONCE_WITHIN_MS: i64 = 20_000;
/// The sweep on such a store takes only events that are older, or were tried before.
pub(super) const LEFT_AFTER_MS: i64 = 60_000;
/// After the store failed, so long before the next event.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// An event on its way.
struct OnItsWay {
    of: Of,
    endpoint: Arc<WebhookEndpoint>,
    event: Event,
    delivery: WebhookDelivery,
    /// How the delivery's record was found.
    found: Precondition,
}

impl Platform {
    /// Tells an endpoint one event after the other, until none waits.
    pub(super) async fn work(self: Arc<Self>, courier: Arc<dyn Courier>, of: Of) {
        while let Some((event, origin)) = self.lanes.next(of) {
            let delivered = Box::pin(self.deliver(&*courier, of, event, origin)).await;
            // Only now: before it was noted how it went, the sweep would find its entry and tell it again.
            self.lanes.done(of, event);
            if let Err(error) = delivered
                && !matches!(error, Error::LockTimeout)
            {
                tracing::error!(endpoint = %of.1, %event, %error, detail = ?error, "an event could not be delivered or not noted as such");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }

    async fn deliver(&self, courier: &dyn Courier, of: Of, event: EventId, origin: Origin) -> Result<(), Error> {
        let now = self.now();
        let late = now.millis_since(event.ulid().created_at()) > AT_ONCE_WITHIN_MS;
        if origin == Origin::Commit && self.store.is_shared() && late {
            return Ok(());
        }
        let Some(way) = self.set_out(of, event, origin, now).await? else { return Ok(()) };
        let parcel = self.parcel(&way, now).await?;
        let attempt = {
            let _sending = self.lanes.sending.acquire().await.map_err(|e| Error::Internal(format!("nobody may send: {e}")))?;
            let at = self.now();
            let told = courier.post(parcel).await;
            let took = u32::try_from(self.now().millis_since(at).max(0)).unwrap_or(u32::MAX);
            Attempt { at, took_ms: took, told }
        };
        self.note(way, attempt).await
    }

    /// What is to be told, if it still is.
    async fn set_out(&self, of: Of, event: EventId, origin: Origin, now: Timestamp) -> Result<Option<OnItsWay>, Error> {
        let endpoints = self.endpoints(of.0).await?;
        let Some(endpoint) = endpoints.get(of.1).filter(|endpoint| endpoint.state == State::Enabled) else { return Ok(None) };
        if !self.lanes.has_learned(of) {
            let stored = self.store.get_one(&health_key(of)).await?;
            let stored: Health = stored.map(|item| decode(&item.body)).transpose()?.unwrap_or_default();
            if self.lanes.learn(of, stored, now) {
                return Ok(None);
            }
        }
        let delivery = match origin {
            // That there is none is a precondition of the commit.
            Origin::Commit | Origin::Untried => None,
            Origin::Tried => self.store.get_one(&delivery_key(of, event)).await?,
        };
        let told = self.store.get_one(&key_of::<Event>(of.0, event.ulid())).await?;
        let told = told.ok_or_else(|| Error::Internal(format!("{event} is to be delivered and is missing")))?;
        let event: Event = decode(&told.body)?;
        let (delivery, found) = match delivery {
            Some(item) => (decode(&item.body)?, Precondition::Revision(item.revision)),
            None => (WebhookDelivery::new(of.1, event.id, event.kind), Precondition::Absent),
        };
        if delivery.status != Status::Pending {
            // Somebody else told it, and its entry was made again by one who did not know.
            let mut batch = Batch::new();
            batch.unlink(pending(of), event.id.ulid());
            self.commit_without_row(batch).await?;
            return Ok(None);
        }
        Ok(Some(OnItsWay { of, endpoint: Arc::clone(endpoint), event, delivery, found }))
    }

    async fn parcel<'a>(&self, way: &'a OnItsWay, now: Timestamp) -> Result<Parcel<'a>, Error> {
        let (scope, endpoint) = (way.of.0, &way.endpoint);
        // Counted as when it happened: what others took meanwhile would cost a look at each.
        let hear = self.endpoints(scope).await?.enabled().filter(|endpoint| endpoint.hears(way.event.kind)).count();
        let shown = ShownEvent { event: way.event.clone(), pending_webhooks: u32::try_from(hear).unwrap_or(u32::MAX) };
        let outcome = Outcome::of(Object::Event(Box::new(shown)));
        let body = self.presenter.present(scope, &outcome, &Rendering::default()).await?.body;
        let of = SecretOf::WebhookEndpoint(scope, endpoint.id);
        let mut secrets = vec![self.vault.open_secret(of, &endpoint.secret)?];
        if let Some(older) = endpoint.still_signs(now) {
            secrets.push(self.vault.open_secret(of, older)?);
        }
        let secrets: Vec<&str> = secrets.iter().map(|secret| secret.as_str()).collect();
        let id = way.event.id.to_string();
        let headers = headers(&secrets, Signed { id: &id, at: now.seconds(), body: &body });
        Ok(Parcel { url: &endpoint.url, mode: scope.mode, headers, body })
    }

    /// Writes down how it went; the entry goes if it need not be tried again.
    async fn note(&self, way: OnItsWay, attempt: Attempt) -> Result<(), Error> {
        let (of, event) = (way.of, way.event.id);
        let (now, jitter) = (self.now(), self.jitter());
        let (taken, gone) = (attempt.told.is_taken(), attempt.told.is_gone());
        let delivery = way.delivery.after(attempt, jitter);
        let mut batch = Batch::new();
        batch.put(delivery_key(of, event), encode(&delivery)?, way.found);
        if delivery.status != Status::Pending {
            batch.unlink(pending(of), event.ulid());
        }
        let health = if taken {
            if self.lanes.took(of, now) {
                batch.delete(health_key(of), Precondition::Any);
            }
            Health::default()
        } else {
            let health = self.lanes.failed(of, now, jitter);
            batch.put(health_key(of), encode(&health)?, Precondition::Any);
            health
        };
        self.commit_without_row(batch).await?;
        match (gone, health.is_hopeless(now)) {
            (true, _) => self.silence(of, DisabledBecause::Gone).await,
            (false, true) => self.silence(of, DisabledBecause::Failing).await,
            (false, false) => Ok(()),
        }
    }

    /// Disables an endpoint that is gone, or took nothing for days.
    async fn silence(&self, of: Of, because: DisabledBecause) -> Result<(), Error> {
        let (scope, id) = of;
        let disabled = racing(|| async {
            let loaded: Loaded<WebhookEndpoint> = self.must(scope, id.ulid()).await?;
            if loaded.value.state != State::Enabled {
                return Ok(false);
            }
            let after = loaded.value.clone().disabled(because).changed(&loaded.value, self.now());
            let mut writes = Writes::new();
            lists::change(scope, &loaded, &after, &mut writes)?;
            self.commit(By::job(Job::Deliveries).did(Action::WebhookEndpointDisable, scope), writes).await?;
            Ok(true)
        })
        .await?;
        if disabled {
            tracing::warn!(account = %scope.account, endpoint = %id, because = because.as_str(), "a webhook endpoint was disabled");
            self.lanes.silenced.lock().count(because);
        }
        self.learn_endpoints(scope).await?;
        self.lanes.forget(of);
        Ok(())
    }

    fn jitter(&self) -> u16 {
        let mut bytes = [0u8; 2];
        // Without randomness pauses are what they are.
        let _ = self.entropy.fill(&mut bytes);
        u16::from_le_bytes(bytes)
    }
}
