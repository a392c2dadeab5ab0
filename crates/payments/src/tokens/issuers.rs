//! Outside issuers of access tokens: trusted and no more.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::TokenIssuerId;
use domain::permission::Permissions;
use domain::scope::Scope;
use domain::token_issuer::{MAX_ISSUERS, MAX_TEXT, TokenIssuer};
use store::{Index, Key, Kind, List, Precondition, Scan, Write};

use super::{fresh, keep};
use crate::acting::By;
use crate::audit::Learned;
use crate::error::{Error, Place};
use crate::lists;
use crate::platform::{Platform, racing};
use crate::records::encode;
use crate::writes::Writes;

/// What is known of an issuer that is to be trusted.
#[derive(Clone, Debug)]
pub struct NewIssuer {
    /// How its tokens name it: an address.
    pub issuer: String,
    /// Whom its tokens must be for.
    pub audience: String,
    /// Whose data they open.
    pub scope: Scope,
    /// What stands before the words that allow something here.
    pub prefix: String,
    /// What they may allow at most.
    pub permissions: Permissions,
}

impl NewIssuer {
    fn check(&self) -> Result<(), Error> {
        let wrong = |param, message: &str| Err(Error::Parameter { param, code: None, message: message.to_owned() });
        for (param, text) in [("issuer", &self.issuer), ("audience", &self.audience), ("prefix", &self.prefix)] {
            if text.len() > MAX_TEXT || text.chars().any(char::is_whitespace) {
                return wrong(param, "It may have 255 characters at most, and no spaces.");
            }
        }
        if self.issuer.is_empty() {
            return wrong("issuer", "It must be the issuer's address, as its tokens write it.");
        }
        if self.audience.is_empty() {
            return wrong("audience", "It must be whom the issuer's tokens are for.");
        }
        if self.permissions.are_empty() {
            return wrong("allow", "Its tokens must be allowed something.");
        }
        Ok(())
    }
}

/// Where it is kept that an issuer is trusted for an audience: tokens open one account each, so nobody else is for the same.
fn place(issuer: &str, audience: &str) -> Key {
    Key::named(Scope::PLATFORM, Kind::TokenIssuer, format!("{issuer} {audience}"))
}

impl Platform {
    /// Trusts an issuer.
    ///
    /// # Errors
    /// It cannot be one, is trusted already for the same audience, there are too many, or the store failed.
    pub async fn trust_issuer(&self, by: &By, new: &NewIssuer) -> Result<TokenIssuer, Error> {
        new.check()?;
        self.account(new.scope).await?;
        let issuer = racing(|| self.trusting(by, new)).await?;
        self.read_issuers().await?;
        Ok(issuer)
    }

    async fn trusting(&self, by: &By, new: &NewIssuer) -> Result<TokenIssuer, Error> {
        let wrong = |message: &str| Err(Error::Parameter { param: "issuer", code: None, message: message.to_owned() });
        if self.read_issuers().await?.len() >= MAX_ISSUERS {
            return wrong("There are as many issuers as there can be.");
        }
        let place = place(&new.issuer, &new.audience);
        if self.store.get_one(&place).await?.is_some() {
            return wrong("It is trusted already, for the same audience.");
        }
        let NewIssuer { issuer, audience, scope, prefix, permissions } = new.clone();
        let id = TokenIssuerId::new(self.mint());
        let issuer = TokenIssuer { id, created_at: self.now(), issuer, audience, scope, prefix, permissions, removed_at: None };
        let mut writes = Writes::new();
        lists::add(Scope::PLATFORM, &issuer, &mut writes)?;
        writes.push(Write::Put { key: place, body: encode(&id)?, precondition: Precondition::Absent });
        self.commit(by.did(Action::TokenIssuerCreate, scope), writes).await?;
        Ok(issuer)
    }

    /// Trusts an issuer no more.
    ///
    /// # Errors
    /// There is no such issuer, or the store failed.
    pub async fn distrust_issuer(&self, by: &By, id: TokenIssuerId) -> Result<TokenIssuer, Error> {
        let missing = || Error::NotFound { kind: "token_issuer", id: id.to_string(), param: "id", place: Place::Parameter };
        let issuer = racing(|| async {
            let loaded = self.find::<TokenIssuer>(Scope::PLATFORM, id.ulid()).await?.ok_or_else(missing)?;
            // Its place may be another's since.
            if loaded.value.removed_at.is_some() {
                return Ok(loaded.value);
            }
            let issuer = loaded.value.clone().removed(self.now());
            let mut writes = Writes::new();
            lists::change(Scope::PLATFORM, &loaded, &issuer, &mut writes)?;
            // Nobody but who removes it changes its place, and of two who do one loses the race.
            writes.push(Write::Delete { key: place(&issuer.issuer, &issuer.audience), precondition: Precondition::Any });
            self.commit(by.did(Action::TokenIssuerRemove, issuer.scope), writes).await?;
            Ok(issuer)
        })
        .await?;
        self.read_issuers().await?;
        Ok(issuer)
    }

    /// Every issuer that is trusted, the oldest first, as it was a few seconds ago at most.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn trusted_issuers(&self) -> Result<Arc<Vec<TokenIssuer>>, Error> {
        match fresh(&self.tokens.issuers, self.now()) {
            Some(known) => Ok(known),
            None => self.read_issuers().await,
        }
    }

    async fn read_issuers(&self) -> Result<Arc<Vec<TokenIssuer>>, Error> {
        let learned = Learned::at(self.now());
        let list = List::all(Scope::PLATFORM, Index::TokenIssuers);
        let mut all = Vec::new();
        for id in self.store.scan(Scan::oldest(list, 2 * MAX_ISSUERS)).await? {
            all.push(self.must::<TokenIssuer>(Scope::PLATFORM, id).await?.value);
        }
        Ok(keep(&self.tokens.issuers, learned, all))
    }
}
