//! The keys that sign access tokens: made when one is due, taken back by hand.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use domain::audit::{Action, Job};
use domain::id::TokenKeyId;
use domain::scope::Scope;
use domain::token_key::{MAX_KEYS, TokenKey, is_next_due, signer, verifiers};
use store::{Index, Item, Key, Kind, List, Precondition, Scan, Write};
use zeroize::Zeroizing;

use super::{fresh, keep};
use crate::acting::By;
use crate::audit::Learned;
use crate::error::{Error, Place};
use crate::lists;
use crate::platform::{Platform, racing};
use crate::records::encode;
use crate::vault::SecretOf;
use crate::writes::Writes;

/// Bytes of the secret half of a key.
const SEED_BYTES: usize = 32;

/// Who signs the next token.
pub struct Signer {
    /// The key's name.
    pub id: TokenKeyId,
    /// Its secret half.
    pub seed: Zeroizing<[u8; SEED_BYTES]>,
}

/// What the latest key is called; whoever makes the next one must have seen it.
fn latest() -> Key {
    Key::named(Scope::PLATFORM, Kind::Setting, "latest-token-key")
}

impl Platform {
    /// The keys whose signatures are good, the latest first. With the first question and where another one is due, it is made.
    ///
    /// # Errors
    /// The store failed.
    pub async fn token_keys(&self) -> Result<Vec<TokenKey>, Error> {
        let now = self.now();
        Ok(verifiers(&self.all_token_keys().await?, now).into_iter().cloned().collect())
    }

    /// The keys whose signatures are good, as the store has them now: for a token of a key that another server has just made.
    ///
    /// # Errors
    /// The store failed.
    pub async fn token_keys_again(&self) -> Result<Vec<TokenKey>, Error> {
        let all = self.read_token_keys().await?;
        Ok(verifiers(&all, self.now()).into_iter().cloned().collect())
    }

    /// Who signs a token now.
    ///
    /// # Errors
    /// The store failed, or the vault does not open the key.
    pub async fn token_signer(&self) -> Result<Signer, Error> {
        let all = self.all_token_keys().await?;
        let key = signer(&all, self.now()).ok_or_else(|| Error::Internal("there is no key that signs tokens".to_owned()))?;
        let seed = self.vault.open_secret(SecretOf::TokenKey(key.id), &key.secret)?;
        let bytes = Zeroizing::new(hex::decode(seed.as_bytes()).map_err(|_| broken())?);
        Ok(Signer { id: key.id, seed: Zeroizing::new(bytes.as_slice().try_into().map_err(|_| broken())?) })
    }

    /// Makes the next key, due or not. It signs once whoever verifies had the time to learn of it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn make_token_key(&self, by: &By) -> Result<TokenKey, Error> {
        let key = racing(|| async {
            let seen = self.store.get_one(&latest()).await?;
            self.add_token_key(by, seen.as_ref()).await
        })
        .await?;
        self.read_token_keys().await?;
        Ok(key)
    }

    /// Takes a key back: what it signed opens nothing any more, and another one is made if there is no other.
    ///
    /// # Errors
    /// There is no such key, or the store failed.
    pub async fn withdraw_token_key(&self, by: &By, id: TokenKeyId) -> Result<TokenKey, Error> {
        let missing = || Error::NotFound { kind: "token_key", id: id.to_string(), param: "id", place: Place::Parameter };
        let key = racing(|| async {
            let loaded = self.find::<TokenKey>(Scope::PLATFORM, id.ulid()).await?.ok_or_else(missing)?;
            let key = loaded.value.clone().withdrawn(self.now());
            let mut writes = Writes::new();
            lists::change(Scope::PLATFORM, &loaded, &key, &mut writes)?;
            self.commit(by.did(Action::TokenKeyWithdraw, Scope::PLATFORM), writes).await?;
            Ok(key)
        })
        .await?;
        self.read_token_keys().await?;
        Ok(key)
    }

    /// The latest keys, the latest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn latest_token_keys(&self) -> Result<Vec<TokenKey>, Error> {
        let list = List::all(Scope::PLATFORM, Index::TokenKeys);
        let mut all = Vec::with_capacity(MAX_KEYS);
        for id in self.store.scan(Scan::newest(list, MAX_KEYS)).await? {
            all.push(self.must::<TokenKey>(Scope::PLATFORM, id).await?.value);
        }
        Ok(all)
    }

    async fn all_token_keys(&self) -> Result<Arc<Vec<TokenKey>>, Error> {
        let known = match fresh(&self.tokens.keys, self.now()) {
            Some(known) => known,
            None => self.read_token_keys().await?,
        };
        if is_next_due(&known, self.now()) { self.make_next().await } else { Ok(known) }
    }

    async fn read_token_keys(&self) -> Result<Arc<Vec<TokenKey>>, Error> {
        let learned = Learned::at(self.now());
        Ok(keep(&self.tokens.keys, learned, self.latest_token_keys().await?))
    }

    /// Of several servers that find one due, one makes it.
    async fn make_next(&self) -> Result<Arc<Vec<TokenKey>>, Error> {
        let by = By::job(Job::TokenKeys);
        racing(|| async {
            let seen = self.store.get_one(&latest()).await?;
            if !is_next_due(&self.read_token_keys().await?, self.now()) {
                return Ok(());
            }
            self.add_token_key(&by, seen.as_ref()).await.map(|_| ())
        })
        .await?;
        self.read_token_keys().await
    }

    /// Adds one; `seen` is what was the latest when it was decided.
    async fn add_token_key(&self, by: &By, seen: Option<&Item>) -> Result<TokenKey, Error> {
        let mut seed = Zeroizing::new([0u8; SEED_BYTES]);
        self.entropy.fill(seed.as_mut_slice())?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| broken())?;
        let id = TokenKeyId::new(self.mint());
        let secret = self.vault.seal_secret(SecretOf::TokenKey(id), &Zeroizing::new(hex::encode(seed.as_slice())))?;
        let key = TokenKey { id, created_at: self.now(), public: hex::encode(pair.public_key().as_ref()), secret, withdrawn_at: None };
        let mut writes = Writes::new();
        lists::add(Scope::PLATFORM, &key, &mut writes)?;
        let precondition = seen.map_or(Precondition::Absent, |item| Precondition::Revision(item.revision));
        writes.push(Write::Put { key: latest(), body: encode(&id)?, precondition });
        self.commit(by.did(Action::TokenKeyCreate, Scope::PLATFORM), writes).await?;
        Ok(key)
    }
}

fn broken() -> Error {
    Error::Internal("a key that signs tokens is none".to_owned())
}
