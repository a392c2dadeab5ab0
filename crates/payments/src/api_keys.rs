//! A merchant's keys, as the merchant looks after them: those of one account and mode. [`accounts`](crate::accounts) has what the
//! command line does.

use domain::account::ApiKey;
use domain::audit::Action;
use domain::id::ApiKeyId;
use domain::scope::Scope;
use zeroize::Zeroizing;

use crate::accounts::NewKey;
use crate::error::{Error, Place};
use crate::idempotency::Answered;
use crate::lists;
use crate::outcome::{Object, Outcome, Secret, ShownKey};
use crate::platform::{Platform, Request, racing};
use crate::records::Loaded;
use crate::writes::Writes;

fn shown(key: ApiKey) -> Outcome {
    Outcome::of(Object::ApiKey(Box::new(ShownKey { key, last_used: None, secret: None })))
}

impl Platform {
    /// Makes a key. Its text is in this answer and in no other, not in that to a repeated request either.
    ///
    /// # Errors
    /// The store failed.
    pub async fn create_api_key(&self, request: &Request, new: &NewKey) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let mut writes = Writes::new();
            let (key, text) = self.add_key(request.scope, new.clone(), None, &mut writes)?;
            self.conclude(request, Action::ApiKeyCreate, writes, &shown(key.clone())).await?;
            self.tell_key(request, key, text).await
        })
        .await
    }

    /// Makes a key that takes the place of another, which opens what it did for so many seconds more.
    ///
    /// # Errors
    /// There is no such key, it opens nothing any more, or the store failed.
    pub async fn roll_api_key(&self, request: &Request, id: ApiKeyId, overlap_seconds: i64) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let (writes, _, key, text) = self.rolled(&self.own_key(request, id).await?, overlap_seconds)?;
            self.conclude(request, Action::ApiKeyRoll, writes, &shown(key.clone())).await?;
            self.tell_key(request, key, text).await
        })
        .await
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// There is no such key, or the store failed.
    pub async fn revoke_api_key(&self, request: &Request, id: ApiKeyId) -> Result<Answered, Error> {
        racing(|| async {
            if let Some(answered) = self.replay(request).await? {
                return Ok(answered);
            }
            let loaded = self.own_key(request, id).await?;
            let key = loaded.value.clone().revoked(self.now());
            let mut writes = Writes::new();
            lists::change(Scope::PLATFORM, &loaded, &key, &mut writes)?;
            self.conclude(request, Action::ApiKeyRevoke, writes, &shown(key)).await
        })
        .await
    }

    /// A key, and when it was used last.
    ///
    /// # Errors
    /// There is no such key, or the store cannot be read.
    pub async fn api_key(&self, request: &Request, id: ApiKeyId) -> Result<Object, Error> {
        let key = self.own_key(request, id).await?.value;
        let last_used = self.key_last_used(key.id).await?;
        Ok(Object::ApiKey(Box::new(ShownKey { key, last_used, secret: None })))
    }

    /// Those of one account and mode, the latest first; only those that were made before one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn api_keys(&self, request: &Request, before: Option<ApiKeyId>) -> Result<Vec<Object>, Error> {
        let mut found = Vec::new();
        let keys = self.keys_of(request.scope.account).await?.into_iter().rev();
        for key in keys.filter(|key| key.scope == request.scope && before.is_none_or(|before| key.id < before)) {
            let last_used = self.key_last_used(key.id).await?;
            found.push(Object::ApiKey(Box::new(ShownKey { key, last_used, secret: None })));
        }
        Ok(found)
    }

    /// A key of the account and mode that asks: nobody else's is there.
    async fn own_key(&self, request: &Request, id: ApiKeyId) -> Result<Loaded<ApiKey>, Error> {
        let loaded = self.find::<ApiKey>(Scope::PLATFORM, id.ulid()).await?;
        let missing = || Error::NotFound { kind: "api_key", id: id.to_string(), param: "api_key", place: Place::Path };
        loaded.filter(|loaded| loaded.value.scope == request.scope).ok_or_else(missing)
    }

    async fn tell_key(&self, request: &Request, key: ApiKey, text: String) -> Result<Answered, Error> {
        let secret = Some(Secret(Zeroizing::new(text)));
        let outcome = Outcome::of(Object::ApiKey(Box::new(ShownKey { key, last_used: None, secret })));
        let answer = self.presenter.present(request.scope, &outcome, &request.rendering).await?;
        Ok(Answered { answer, replayed: false })
    }
}
