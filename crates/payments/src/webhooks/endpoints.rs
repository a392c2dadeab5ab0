//! Endpoints: made, changed, deleted, given another secret.

use domain::audit::Action;
use domain::id::WebhookEndpointId;
use domain::metadata::Metadata;
use domain::webhook_endpoint::{EnabledEvents, MAX_ENDPOINTS, State, WebhookEndpoint};
use store::{Precondition, Write};
use zeroize::Zeroizing;

use super::health_key;
use super::signature::new_secret;
use crate::change::Change;
use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::lists;
use crate::metadata::Changes;
use crate::outcome::{Object, Outcome, Secret, ShownEndpoint};
use crate::platform::{Platform, Request, racing};
use crate::records::Loaded;
use crate::vault::SecretOf;
use crate::writes::Writes;

/// A new endpoint.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // as in the API
pub struct NewWebhookEndpoint {
    pub url: String,
    pub enabled_events: EnabledEvents,
    pub description: Option<String>,
    pub metadata: Changes,
}

/// What a request says of an endpoint.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // as in the API
pub struct WebhookEndpointChange {
    pub url: Option<String>,
    pub enabled_events: Option<EnabledEvents>,
    pub description: Change<String>,
    pub metadata: Changes,
    pub disabled: Option<bool>,
}

impl WebhookEndpointChange {
    fn apply(&self, mut endpoint: WebhookEndpoint) -> Result<WebhookEndpoint, Error> {
        if let Some(url) = &self.url {
            endpoint.url.clone_from(url);
        }
        if let Some(events) = &self.enabled_events {
            endpoint.enabled_events = events.clone();
        }
        self.description.apply(&mut endpoint.description);
        endpoint.metadata = self.metadata.apply(&endpoint.metadata)?;
        Ok(match self.disabled {
            Some(disabled) => endpoint.turned(disabled),
            None => endpoint,
        })
    }
}

fn shown(endpoint: WebhookEndpoint, secret: Option<Zeroizing<String>>) -> Outcome {
    Outcome::of(Object::WebhookEndpoint(Box::new(ShownEndpoint { endpoint, secret: secret.map(Secret) })))
}

impl Platform {
    /// Makes an endpoint. Its secret is in this answer and in no other, not in that to a repeated request either.
    ///
    /// # Errors
    /// The address cannot be an endpoint's, there are as many as there can be, or the store failed.
    pub async fn create_webhook_endpoint(&self, request: &Request, new: &NewWebhookEndpoint) -> Result<Answered, Error> {
        self.check_address(request, &new.url)?;
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            if self.endpoints(request.scope).await?.live().count() >= MAX_ENDPOINTS {
                let message = format!("There can be at most {MAX_ENDPOINTS} webhook endpoints.");
                return Err(Error::Parameter { param: "url", code: None, message });
            }
            let ulid = self.mint();
            let secret = new_secret(&*self.entropy)?;
            let endpoint = WebhookEndpoint {
                id: WebhookEndpointId::new(ulid),
                created_at: ulid.created_at(),
                url: new.url.clone(),
                enabled_events: new.enabled_events.clone(),
                description: new.description.clone(),
                metadata: new.metadata.apply(&Metadata::default())?,
                state: State::Enabled,
                listens_since: ulid.created_at(),
                secret: self.vault.seal_secret(SecretOf::WebhookEndpoint(request.scope, WebhookEndpointId::new(ulid)), &secret)?,
                retiring: None,
            };
            let mut writes = Writes::new();
            lists::add(request.scope, &endpoint, &mut writes)?;
            self.conclude(request, Action::WebhookEndpointCreate, writes, &shown(endpoint.clone(), None)).await?;
            self.learn_endpoints(request.scope).await?;
            self.tell_secret(request, endpoint, secret).await
        })
        .await
    }

    /// Changes an endpoint. One that is enabled again is told of what happens from then on.
    ///
    /// # Errors
    /// There is no such endpoint, or the change cannot be made.
    pub async fn update_webhook_endpoint(
        &self,
        request: &Request,
        id: WebhookEndpointId,
        change: &WebhookEndpointChange,
    ) -> Result<Answered, Error> {
        if let Some(url) = &change.url {
            self.check_address(request, url)?;
        }
        self.change_endpoint(request, id, Action::WebhookEndpointUpdate, |endpoint| change.apply(endpoint)).await
    }

    /// Deletes an endpoint.
    ///
    /// # Errors
    /// There is no such endpoint, or the store failed.
    pub async fn delete_webhook_endpoint(&self, request: &Request, id: WebhookEndpointId) -> Result<Answered, Error> {
        self.change_endpoint(request, id, Action::WebhookEndpointDelete, |endpoint| Ok(endpoint.deleted())).await
    }

    /// Gives an endpoint another secret; the one before signs beside it for so many seconds. The new one is in this answer and in
    /// no other.
    ///
    /// # Errors
    /// There is no such endpoint, or the store failed.
    pub async fn roll_webhook_secret(&self, request: &Request, id: WebhookEndpointId, overlap_seconds: i64) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.live_endpoint(request, id, Place::Path).await?;
            let secret = new_secret(&*self.entropy)?;
            let sealed = self.vault.seal_secret(SecretOf::WebhookEndpoint(request.scope, id), &secret)?;
            let until = self.now().plus_millis(overlap_seconds.saturating_mul(1_000));
            let endpoint = loaded.value.clone().with_secret(sealed, until);
            let mut writes = Writes::new();
            lists::change(request.scope, &loaded, &endpoint, &mut writes)?;
            self.conclude(request, Action::WebhookEndpointRollSecret, writes, &shown(endpoint.clone(), None)).await?;
            self.learn_endpoints(request.scope).await?;
            self.tell_secret(request, endpoint, secret).await
        })
        .await
    }

    /// An endpoint.
    ///
    /// # Errors
    /// There is no such endpoint, or the store failed.
    pub async fn webhook_endpoint(&self, request: &Request, id: WebhookEndpointId) -> Result<WebhookEndpoint, Error> {
        Ok(self.live_endpoint(request, id, Place::Path).await?.value)
    }

    async fn tell_secret(&self, request: &Request, endpoint: WebhookEndpoint, secret: Zeroizing<String>) -> Result<Answered, Error> {
        let answer = self.presenter.present(request.scope, &shown(endpoint, Some(secret)), &request.rendering).await?;
        Ok(Answered { answer, replayed: false })
    }

    async fn change_endpoint(
        &self,
        request: &Request,
        id: WebhookEndpointId,
        action: Action,
        change: impl Fn(WebhookEndpoint) -> Result<WebhookEndpoint, Error>,
    ) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.live_endpoint(request, id, Place::Path).await?;
            let endpoint = change(loaded.value.clone())?.changed(&loaded.value, self.now());
            let mut writes = Writes::new();
            lists::change(request.scope, &loaded, &endpoint, &mut writes)?;
            let afresh = endpoint.state != loaded.value.state || endpoint.url != loaded.value.url;
            if afresh {
                // How it failed before says nothing of it now.
                writes.push(Write::Delete { key: health_key((request.scope, id)), precondition: Precondition::Any });
            }
            let answered = self.conclude(request, action, writes, &shown(endpoint, None)).await?;
            self.learn_endpoints(request.scope).await?;
            if afresh {
                self.lanes.forget((request.scope, id));
            }
            Ok(answered)
        })
        .await
    }

    /// An endpoint that was not deleted, named there.
    pub(super) async fn live_endpoint(
        &self,
        request: &Request,
        id: WebhookEndpointId,
        place: Place,
    ) -> Result<Loaded<WebhookEndpoint>, Error> {
        let loaded = self.find::<WebhookEndpoint>(request.scope, id.ulid()).await?;
        let live = loaded.filter(|loaded| loaded.value.state != State::Deleted);
        live.ok_or_else(|| Error::NotFound { kind: "webhook_endpoint", id: id.to_string(), param: "webhook_endpoint", place })
    }

    fn check_address(&self, request: &Request, url: &str) -> Result<(), Error> {
        let checked = self.delivering.courier().map_or(Ok(()), |courier| courier.check(url, request.scope.mode));
        checked.map_err(|message| Error::Parameter { param: "url", code: Some("url_invalid"), message })
    }
}
