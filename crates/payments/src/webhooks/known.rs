//! The endpoints that this process knows, so that a payment reads none.
//!
//! Whoever changes one reads them again. A process may all the same know them as they were a few seconds ago: another server changed one,
//! or the client of a change went away, or nobody can tell whether it landed. What an endpoint that was new then should have heard is
//! entered later ([`sweep`](super::sweep)).

use std::sync::Arc;

use domain::id::WebhookEndpointId;
use domain::scope::Scope;
use domain::webhook_endpoint::{MAX_ENDPOINTS, State, WebhookEndpoint};
use store::{Index, List, Scan};
use tokio::sync::Mutex;

use crate::audit::Learned;
use crate::error::Error;
use crate::platform::Platform;
use crate::remembered::Remembered;

/// Deleted endpoints whose lists are still looked at: what several servers might still enter there.
const MAX_DELETED: usize = 2 * MAX_ENDPOINTS;

/// The endpoints of one shop and mode.
pub(crate) struct Endpoints {
    learned: Learned,
    all: Vec<Arc<WebhookEndpoint>>,
}

impl Endpoints {
    /// Those that are told something.
    pub(crate) fn enabled(&self) -> impl Iterator<Item = &Arc<WebhookEndpoint>> {
        self.all.iter().filter(|endpoint| endpoint.state == State::Enabled)
    }

    /// Those that are not, some of the deleted ones among them.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &Arc<WebhookEndpoint>> {
        self.all.iter().filter(|endpoint| endpoint.state != State::Enabled)
    }

    /// Those that were not deleted.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Arc<WebhookEndpoint>> {
        self.all.iter().filter(|endpoint| endpoint.state != State::Deleted)
    }

    /// One of them.
    pub(crate) fn get(&self, id: WebhookEndpointId) -> Option<&Arc<WebhookEndpoint>> {
        self.all.iter().find(|endpoint| endpoint.id == id)
    }
}

/// The endpoints that a process knows.
pub(crate) struct Known {
    of: Remembered<Scope, Arc<Endpoints>>,
    /// Held while they are read: of two that read, the later one must not be overwritten by the earlier.
    reading: Mutex<()>,
}

impl Known {
    /// None yet, and never those of more scopes than that.
    pub(crate) fn new(most: usize) -> Self {
        Self { of: Remembered::new(most), reading: Mutex::default() }
    }
}

impl Platform {
    /// The endpoints of a scope.
    pub(crate) async fn endpoints(&self, scope: Scope) -> Result<Arc<Endpoints>, Error> {
        match self.fresh_endpoints(scope) {
            Some(known) => Ok(known),
            // Rare, and its future is large: it lives on the heap.
            None => Box::pin(self.find_endpoints(scope)).await,
        }
    }

    async fn find_endpoints(&self, scope: Scope) -> Result<Arc<Endpoints>, Error> {
        let _reading = self.endpoints.reading.lock().await;
        // Somebody else may have read them meanwhile.
        match self.fresh_endpoints(scope) {
            Some(known) => Ok(known),
            None => self.read_endpoints(scope).await,
        }
    }

    fn fresh_endpoints(&self, scope: Scope) -> Option<Arc<Endpoints>> {
        let known = self.endpoints.of.get(&scope)?;
        known.learned.is_fresh(Learned::at(self.now())).then_some(known)
    }

    /// Reads them again, after one was changed.
    pub(crate) async fn learn_endpoints(&self, scope: Scope) -> Result<Arc<Endpoints>, Error> {
        let _reading = self.endpoints.reading.lock().await;
        self.read_endpoints(scope).await
    }

    async fn read_endpoints(&self, scope: Scope) -> Result<Arc<Endpoints>, Error> {
        let learned = Learned::at(self.now());
        let live = Scan::oldest(List::all(scope, Index::WebhookEndpoints), 2 * MAX_ENDPOINTS);
        let deleted = Scan::newest(List::all(scope, Index::DeletedWebhookEndpoints), MAX_DELETED);
        let mut ids = self.store.scan(live).await?;
        ids.extend(self.store.scan(deleted).await?);
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            all.push(Arc::new(self.must::<WebhookEndpoint>(scope, id).await?.value));
        }
        let endpoints = Arc::new(Endpoints { learned, all });
        self.endpoints.of.insert(scope, Arc::clone(&endpoints));
        Ok(endpoints)
    }
}
