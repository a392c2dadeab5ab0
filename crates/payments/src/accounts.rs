//! Merchants and their API keys: made, listed, looked up by a key's hash, revoked.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use domain::account::{Account, ApiKey, ApiKeyKind};
use domain::audit::Action;
use domain::currency::Currency;
use domain::fee::FeeSchedule;
use domain::id::{AccountId, ApiKeyId};
use domain::permission::Permissions;
use domain::scope::{Mode, Scope};
use domain::statement::Part;
use ipnet::IpNet;
use store::{Batch, Index, Key, Kind, List, Precondition, Scan, Write};

use crate::acting::By;
use crate::error::{Error, Place};
use crate::lists;
use crate::platform::{Platform, racing};
use crate::records::{Loaded, Record, decode, encode};
use crate::texts;
use crate::writes::Writes;

/// Merchants or keys listed in one go.
const AT_ONCE: usize = 1_000;
/// Random bytes of a key's text.
const KEY_BYTES: usize = 24;
/// Days from a payment to its being available, unless the merchant's says otherwise.
const SETTLEMENT_DAYS: u8 = 2;

/// What is known of a new merchant.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The shop's name.
    pub name: String,
    /// Where to write to the merchant.
    pub email: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The currency reports begin with.
    pub default_currency: Currency,
    /// What buyers read on their statements; made of the name when `None`.
    pub statement_descriptor: Option<String>,
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it may be used for.
    pub kind: ApiKeyKind,
    /// What a restricted one may do.
    pub permissions: Permissions,
    /// The networks that it may be used from; any, if there are none.
    pub allowed_from: Vec<IpNet>,
}

impl Platform {
    /// Whether this is the process that makes the first merchant: of several that begin on a new store at once, one is told so.
    ///
    /// # Errors
    /// The store failed.
    pub async fn makes_first_account(&self) -> Result<bool, Error> {
        if !self.all_accounts().await?.is_empty() {
            return Ok(false);
        }
        if !self.store.is_shared() {
            return Ok(true);
        }
        let mut batch = Batch::new();
        batch.create(Key::named(Scope::PLATFORM, Kind::Setting, "first-account"), encode(&self.now())?);
        match self.commit_without_row(batch).await {
            Ok(()) => Ok(true),
            Err(Error::LockTimeout) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a merchant.
    ///
    /// # Errors
    /// The descriptor or e-mail address cannot be one, or the store failed.
    pub async fn create_account(&self, by: &By, new: &NewAccount) -> Result<Account, Error> {
        racing(|| async {
            let account = self.new_account(new)?;
            let mut writes = Writes::new();
            lists::add(Scope::PLATFORM, &account, &mut writes)?;
            self.commit(by.did(Action::AccountCreate, Scope::PLATFORM), writes).await?;
            Ok(account)
        })
        .await
    }

    /// # Errors
    /// The descriptor or e-mail address cannot be one.
    pub(crate) fn new_account(&self, new: &NewAccount) -> Result<Account, Error> {
        texts::email("email", new.email.as_ref())?;
        texts::statement(Part::Whole, new.statement_descriptor.as_ref())?;
        Ok(Account {
            id: AccountId::new(self.mint()),
            name: new.name.clone(),
            email: new.email.clone(),
            country: new.country.clone(),
            default_currency: new.default_currency,
            statement_descriptor: new.statement_descriptor.clone(),
            statement_descriptor_prefix: None,
            fees: FeeSchedule::default(),
            settlement_days: SETTLEMENT_DAYS,
            created_at: self.now(),
        })
    }

    /// Every merchant, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn all_accounts(&self) -> Result<Vec<Arc<Account>>, Error> {
        let list = List::all(Scope::PLATFORM, Index::Accounts);
        let (mut accounts, mut newer_than) = (Vec::new(), None);
        loop {
            let ids = self.store.scan(Scan { newer_than, ..Scan::oldest(list, AT_ONCE) }).await?;
            for id in &ids {
                accounts.push(self.account(Scope { account: AccountId::new(*id), mode: Mode::Test }).await?);
            }
            match ids.last() {
                Some(last) if ids.len() == AT_ONCE => newer_than = Some(*last),
                _ => return Ok(accounts),
            }
        }
    }

    /// Makes a key that does all that its kind may, from everywhere. `text` fixes it, for tests and examples.
    ///
    /// # Errors
    /// The store failed, or that text is another key's.
    pub async fn create_key(&self, by: &By, scope: Scope, kind: ApiKeyKind, text: Option<&str>) -> Result<(ApiKey, String), Error> {
        self.create_key_of(by, scope, NewKey { kind, permissions: Permissions::default(), allowed_from: Vec::new() }, text).await
    }

    /// Makes a key; its text is in the answer and nowhere else. `text` fixes it, for tests and examples. That it was made
    /// is told in the trail of those whose data it opens.
    ///
    /// # Errors
    /// The store failed, or that text is another key's.
    pub async fn create_key_of(&self, by: &By, scope: Scope, new: NewKey, text: Option<&str>) -> Result<(ApiKey, String), Error> {
        let mut writes = Writes::new();
        let (key, text) = self.add_key(scope, new, text, &mut writes)?;
        self.commit(by.did(Action::ApiKeyCreate, scope), writes).await?;
        Ok((key, text))
    }

    /// Makes a key that takes the place of another, which opens what it did for so many seconds more.
    ///
    /// # Errors
    /// There is no such key, it opens nothing any more, or the store failed.
    pub async fn roll_key(&self, by: &By, id: ApiKeyId, overlap_seconds: i64) -> Result<(ApiKey, String), Error> {
        racing(|| async {
            let (writes, old, key, text) = self.rolled(&self.any_key(id).await?, overlap_seconds)?;
            self.commit(by.did(Action::ApiKeyRoll, old.scope), writes).await?;
            Ok((key, text))
        })
        .await
    }

    pub(crate) fn rolled(&self, loaded: &Loaded<ApiKey>, overlap_seconds: i64) -> Result<(Writes, ApiKey, ApiKey, String), Error> {
        let now = self.now();
        if !loaded.value.is_good(now) {
            let message = "This key opens nothing any more: make another one.".to_owned();
            return Err(Error::Parameter { param: "id", code: None, message });
        }
        let until = now.plus_millis(overlap_seconds.saturating_mul(1_000));
        let old = loaded.value.clone().replaced(until);
        let new = NewKey { kind: old.kind, permissions: old.permissions.clone(), allowed_from: old.allowed_from.clone() };
        let mut writes = Writes::new();
        lists::change(Scope::PLATFORM, loaded, &old, &mut writes)?;
        let (key, text) = self.add_key(old.scope, new, None, &mut writes)?;
        Ok((writes, old, key, text))
    }

    pub(crate) fn add_key(&self, scope: Scope, new: NewKey, text: Option<&str>, writes: &mut Writes) -> Result<(ApiKey, String), Error> {
        let NewKey { kind, permissions, allowed_from } = new;
        if !permissions.are_for_keys() {
            let message = "No restricted key looks after keys or users.".to_owned();
            return Err(Error::Parameter { param: "permissions", code: None, message });
        }
        let text = match text {
            Some(text) => text.to_owned(),
            None => {
                let mut bytes = [0u8; KEY_BYTES];
                self.entropy.fill(&mut bytes)?;
                format!("{}{}", kind.prefix(scope.mode), hex::encode(bytes))
            }
        };
        let key = ApiKey {
            id: ApiKeyId::new(self.mint()),
            scope,
            kind,
            hash: key_hash(&text),
            last4: text.chars().skip(text.chars().count().saturating_sub(4)).collect(),
            created_at: self.now(),
            revoked_at: None,
            expires_at: None,
            permissions,
            allowed_from,
        };
        lists::add(Scope::PLATFORM, &key, writes)?;
        writes.push(Write::Put { key: by_hash(&key.hash), body: encode(&key.id)?, precondition: Precondition::Absent });
        Ok((key, text))
    }

    async fn any_key(&self, id: ApiKeyId) -> Result<Loaded<ApiKey>, Error> {
        let missing = || Error::NotFound { kind: "key", id: id.to_string(), param: "id", place: Place::Parameter };
        self.find(Scope::PLATFORM, id.ulid()).await?.ok_or_else(missing)
    }

    /// The key with that text, also a revoked one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn find_key(&self, text: &str) -> Result<Option<ApiKey>, Error> {
        let Some(item) = self.store.get_one(&by_hash(&key_hash(text))).await? else { return Ok(None) };
        let id: ApiKeyId = decode(&item.body)?;
        Ok(self.find::<ApiKey>(Scope::PLATFORM, id.ulid()).await?.map(|k| k.value))
    }

    /// The key of that id, also a revoked one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn key_named(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
        Ok(self.find::<ApiKey>(Scope::PLATFORM, id.ulid()).await?.map(|loaded| loaded.value))
    }

    /// A merchant's keys, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn keys_of(&self, account: AccountId) -> Result<Vec<ApiKey>, Error> {
        let list = List::of(Scope::PLATFORM, Index::ApiKeys, account.ulid());
        let ids = self.store.scan(Scan::oldest(list, AT_ONCE)).await?;
        let mut keys = Vec::with_capacity(ids.len());
        for id in ids {
            keys.push(self.must::<ApiKey>(Scope::PLATFORM, id).await?.value);
        }
        Ok(keys)
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// There is no such key, or the store failed.
    pub async fn revoke_key(&self, by: &By, id: ApiKeyId) -> Result<ApiKey, Error> {
        racing(|| async {
            let loaded = self.any_key(id).await?;
            let key = loaded.value.clone().revoked(self.now());
            let mut writes = Writes::new();
            lists::change(Scope::PLATFORM, &loaded, &key, &mut writes)?;
            self.commit(by.did(Action::ApiKeyRevoke, key.scope), writes).await?;
            Ok(key)
        })
        .await
    }
}

fn key_hash(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}

fn by_hash(hash: &str) -> Key {
    Key::named(Scope::PLATFORM, <ApiKey as Record>::KIND, hash.as_bytes())
}
