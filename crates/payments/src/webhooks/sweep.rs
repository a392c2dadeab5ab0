//! Going through the lists of what endpoints are still to be told: what is due again, what found no room in a lane, what another
//! process left, and what nobody needs to be told any more.
//!
//! One process on a store does it at a time. Two that both believe to, tell an event twice at most, which is allowed.

use std::sync::Arc;

use domain::id::{EventId, Ulid};
use domain::scope::{Mode, Scope};
use domain::time::Timestamp;
use domain::webhook_delivery::{Status, WebhookDelivery};
use domain::webhook_endpoint::{State, WebhookEndpoint};
use std::time::Duration;
use store::contract::MAX_KEYS;
use store::{Batch, Index, List, Precondition, Scan};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::deliver::LEFT_AFTER_MS;
use super::lanes::{Glance, Offered, Origin, Round};
use super::{Of, delivery_key, pending};
use crate::error::Error;
use crate::leases::Duty;
use crate::platform::Platform;
use crate::ports::Delivering;
use crate::records::{decode, key_of};

/// Between two sweeps of a process that has its store to itself; more often when there is more to do.
const PAUSE: Duration = Duration::from_secs(1);
/// The same where a sweep is paid for by the request, as all endpoints' lists are read.
const PAUSE_SHARED: Duration = Duration::from_secs(5);
/// A list that holds only what is not due yet is gone through again after so long: the shortest pause of a delivery.
const ROUND_PAUSE_MS: i64 = 5_000;
/// Entries looked at in one go.
const AT_ONCE: usize = 500;
/// Entries removed in one commit.
const REMOVED_AT_ONCE: usize = store::batch::MAX_WRITES - 1;
/// Between two looks at the lists of endpoints that are told nothing.
const SILENT_PAUSE_MS: i64 = 60_000;
/// After so long every server knows of an endpoint. Longer than what they know of one is relied on, and a commit takes.
const KNOWN_EVERYWHERE_AFTER_MS: i64 = 40_000;
/// Long before how deliveries went is forgotten: from then on, what was told long ago would look as if it never was.
const CAUGHT_UP_WITHIN_MS: i64 = 24 * 3_600_000;
/// What is on its way when a process ends may take so long; what is not done then is told again.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// What was seen by the last sweep, for those who watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Entries that wait, of each endpoint counted up to five hundred.
    pub pending: usize,
    /// The age of the oldest.
    pub oldest_ms: i64,
}

impl Platform {
    /// Delivers until it is to stop, if this process delivers: what it makes known at once, and all that is due.
    pub async fn deliver_until(self: Arc<Self>, stop: CancellationToken) {
        let (Delivering::AtOnce(courier), Ok(mut begun)) = (&self.delivering, self.lanes.begun.try_lock()) else { return };
        let courier = Arc::clone(courier);
        let working = TaskTracker::new();
        let pause = if self.store.is_shared() { PAUSE_SHARED } else { PAUSE };
        let sweeps = async {
            while !stop.is_cancelled() {
                if let Err(error) = self.sweep_deliveries().await {
                    tracing::error!(%error, detail = ?error, "deliveries could not be looked after");
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.lanes.low.notified() => {}
                    () = stop.cancelled() => {}
                }
            }
        };
        let begins = async {
            while let Some(Some(of)) = stop.run_until_cancelled(begun.recv()).await {
                working.spawn(stop.clone().run_until_cancelled_owned(Box::pin(Arc::clone(&self).work(Arc::clone(&courier), of))));
            }
        };
        futures::join!(sweeps, begins);
        working.close();
        // Those that are cut off are told again after the next start.
        let _ = tokio::time::timeout(LAST_WITHIN, working.wait()).await;
    }

    /// Delivers what is due now, and ends when nothing is; answers how many deliveries were begun.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn deliver_due(self: &Arc<Self>) -> Result<usize, Error> {
        let (Some(courier), Ok(mut begun)) = (self.delivering.courier(), self.lanes.begun.try_lock()) else { return Ok(0) };
        let mut delivered = 0_usize;
        // A run whose time is over ends with those who work for it.
        let stop = CancellationToken::new();
        let _stopping = stop.clone().drop_guard();
        while begun.try_recv().is_ok() {}
        self.lanes.empty();
        loop {
            let offered = self.sweep_deliveries().await?;
            delivered = delivered.saturating_add(offered);
            let working = TaskTracker::new();
            while let Ok(of) = begun.try_recv() {
                working.spawn(stop.clone().run_until_cancelled_owned(Box::pin(Arc::clone(self).work(Arc::clone(courier), of))));
            }
            working.close();
            working.wait().await;
            if offered == 0 {
                return Ok(delivered);
            }
        }
    }

    /// Looks through the lists once; answers how many events were put into lanes.
    async fn sweep_deliveries(&self) -> Result<usize, Error> {
        if self.lease(Duty::Deliveries).await?.is_none() {
            *self.lanes.backlog.lock() = None;
            return Ok(0);
        }
        let (mut offered, mut backlog) = (0_usize, Backlog::default());
        let now = self.now();
        let silent = self.lanes.looks_at_silent(now, SILENT_PAUSE_MS);
        for account in self.all_accounts().await? {
            for mode in [Mode::Test, Mode::Live] {
                let scope = Scope { account: account.id, mode };
                let endpoints = self.endpoints(scope).await?;
                for endpoint in endpoints.enabled() {
                    offered = offered.saturating_add(self.sweep_endpoint((scope, endpoint.id), endpoint, now, &mut backlog).await?);
                }
                for endpoint in endpoints.silent().filter(|_| silent) {
                    self.clear((scope, endpoint.id)).await?;
                }
            }
        }
        *self.lanes.backlog.lock() = Some(backlog);
        Ok(offered)
    }

    async fn sweep_endpoint(&self, of: Of, endpoint: &WebhookEndpoint, now: Timestamp, backlog: &mut Backlog) -> Result<usize, Error> {
        let lane = self.lanes.glance(of, endpoint.listens_since);
        if !lane.caught_up {
            self.catch_up(of, endpoint, now).await?;
        }
        match lane.health.next_probe_at() {
            Some(at) => {
                self.measure(of, now, backlog).await?;
                if at > now || lane.workers > 0 { Ok(0) } else { self.probe(of, lane).await }
            }
            None => self.fill(of, lane, now, backlog).await,
        }
    }

    /// Tries an endpoint that is down with the next event after the one it was tried with last: one that it stumbles over must not
    /// stand for all.
    async fn probe(&self, of: Of, lane: Glance) -> Result<usize, Error> {
        let mut next = self.store.scan(Scan { newer_than: lane.probed, ..Scan::oldest(pending(of), 1) }).await?;
        if next.is_empty() && lane.probed.is_some() {
            next = self.store.scan(Scan::oldest(pending(of), 1)).await?;
        }
        let Some(event) = next.first() else { return Ok(0) };
        if self.lanes.probe(of, EventId::new(*event)) != Offered::Begin {
            return Ok(0);
        }
        self.lanes.begin(of);
        Ok(1)
    }

    /// Puts what is due into an endpoint's lane, as far as there is room.
    async fn fill(&self, of: Of, lane: Glance, now: Timestamp, backlog: &mut Backlog) -> Result<usize, Error> {
        // A clock that was set back is no reason to pause for longer.
        let pauses = lane.round.not_before.is_some_and(|at| (1..=ROUND_PAUSE_MS).contains(&at.millis_since(now)));
        let limit = AT_ONCE.min(lane.room);
        if pauses || limit == 0 {
            return Ok(0);
        }
        let entries = self.store.scan(Scan { newer_than: lane.round.after, ..Scan::oldest(pending(of), limit) }).await?;
        if lane.round.after.is_none() {
            backlog.see(&entries, now);
        }
        let (mut offered, mut waits) = (0_usize, false);
        for id in &entries {
            // Each by itself: as of one moment, names that are not there cost the embedded engine a search.
            let item = self.store.get_one(&delivery_key(of, EventId::new(*id))).await?;
            let delivery = item.map(|item| decode::<WebhookDelivery>(&item.body)).transpose()?;
            if !self.is_to_be_told(*id, delivery.as_ref(), now, lane.back) {
                waits = true;
                continue;
            }
            let origin = if delivery.is_some() { Origin::Tried } else { Origin::Untried };
            match self.lanes.offer(of, EventId::new(*id), origin, now) {
                Offered::Begin => {
                    offered = offered.saturating_add(1);
                    self.lanes.begin(of);
                }
                Offered::Waits => offered = offered.saturating_add(1),
                Offered::Refused => {}
            }
        }
        let has_more = entries.len() == limit;
        let round = match entries.last() {
            Some(last) if has_more => Round { after: Some(*last), not_before: None },
            Some(_) if waits => Round { after: None, not_before: Some(now.plus_millis(ROUND_PAUSE_MS)) },
            Some(_) | None => Round::default(),
        };
        self.lanes.went(of, round, has_more);
        if has_more && offered > 0 {
            self.lanes.low.notify_one();
        }
        Ok(offered)
    }

    /// Whether an entry is to be told now, and nobody else is at it.
    fn is_to_be_told(&self, event: Ulid, delivery: Option<&WebhookDelivery>, now: Timestamp, back: Option<Timestamp>) -> bool {
        let left = !self.store.is_shared() || now.millis_since(event.created_at()) >= LEFT_AFTER_MS;
        // What was told has an entry only because one who did not know made it: telling it takes the entry away.
        delivery.map_or(left, |delivery| delivery.is_due(now, back) || delivery.status != Status::Pending)
    }

    /// Enters what those left out that did not know of an endpoint yet.
    async fn catch_up(&self, of: Of, endpoint: &WebhookEndpoint, now: Timestamp) -> Result<(), Error> {
        let listens_for = now.millis_since(endpoint.listens_since);
        if listens_for < KNOWN_EVERYWHERE_AFTER_MS {
            return Ok(());
        }
        if listens_for < CAUGHT_UP_WITHIN_MS {
            let first = Ulid::first_at(endpoint.listens_since);
            let last = Ulid::first_at(endpoint.listens_since.plus_millis(KNOWN_EVERYWHERE_AFTER_MS));
            self.enter(of, endpoint, (first, last)).await?;
        }
        self.lanes.caught_up(of);
        Ok(())
    }

    /// Enters the events between two identifiers that an endpoint hears and was not told.
    async fn enter(&self, of: Of, endpoint: &WebhookEndpoint, (after, before): (Ulid, Ulid)) -> Result<(), Error> {
        let mut newer_than = Some(after);
        loop {
            let scan = Scan { newer_than, older_than: Some(before), ..Scan::oldest(List::all(of.0, Index::Events), MAX_KEYS / 2) };
            let ids = self.store.scan(scan).await?;
            let mut batch = Batch::new();
            for (event, delivery) in self.events_at(of, &ids).await? {
                if delivery.is_none() && endpoint.hears(event.kind) {
                    batch.link(pending(of), event.id.ulid());
                }
            }
            if !batch.is_empty() {
                self.commit_without_row(batch).await?;
            }
            match ids.last() {
                Some(last) if ids.len() == MAX_KEYS / 2 => newer_than = Some(*last),
                _ => return Ok(()),
            }
        }
    }

    /// Removes the entries of an endpoint that is told nothing.
    async fn clear(&self, of: Of) -> Result<(), Error> {
        loop {
            let ids = self.store.scan(Scan::oldest(pending(of), REMOVED_AT_ONCE)).await?;
            if ids.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for id in &ids {
                batch.unlink(pending(of), *id);
            }
            // Whoever enabled it again meanwhile wants to keep them.
            let Some(endpoint) = self.find::<WebhookEndpoint>(of.0, of.1.ulid()).await? else { return Ok(()) };
            if endpoint.value.state == State::Enabled {
                return Ok(());
            }
            batch.assert(key_of::<WebhookEndpoint>(of.0, of.1.ulid()), Precondition::Revision(endpoint.version.revision));
            self.commit_without_row(batch).await?;
        }
    }

    async fn measure(&self, of: Of, now: Timestamp, backlog: &mut Backlog) -> Result<(), Error> {
        backlog.see(&self.store.scan(Scan::oldest(pending(of), AT_ONCE)).await?, now);
        Ok(())
    }

    /// What waits to be delivered, as the last sweep saw it; `None` where another process sweeps.
    #[must_use]
    pub fn delivery_backlog(&self) -> Option<Backlog> {
        *self.lanes.backlog.lock()
    }
}

impl Backlog {
    fn see(&mut self, entries: &[Ulid], now: Timestamp) {
        self.pending = self.pending.saturating_add(entries.len());
        let oldest = entries.first().map_or(0, |id| now.millis_since(id.created_at()));
        self.oldest_ms = self.oldest_ms.max(oldest);
    }
}
