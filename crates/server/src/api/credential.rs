//! Who asks, and what that opens, however it was proven. Operations know nothing of keys.

use std::net::IpAddr;

use domain::access_token::Claims;
use domain::account::{ApiKey, ApiKeyKind};
use domain::audit::Actor;
use domain::permission::{Permissions, from_scope_word};
use domain::scope::Scope;
use domain::time::Timestamp;
use domain::token_issuer::TokenIssuer;
use payments::ports::Audience;

use super::Failure;

/// What may be done with a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Everything of its account and mode.
    Secret,
    /// What a browser may do.
    Publishable,
    /// What these allow.
    Restricted(Permissions),
    /// Merchants, and speaking for one of them.
    Platform,
    /// What these allow a person, who may look after keys and people as well.
    Person(Permissions),
}

/// Who asks, and what that opens.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    /// Whose data.
    pub(crate) scope: Scope,
    /// Who the audit trail names, and whose requests are counted together.
    pub(crate) actor: Actor,
    /// What may be done.
    pub(crate) grant: Grant,
    /// The key that it is. Its time and its networks are those of what stems from it.
    pub(crate) key: Option<ApiKey>,
}

impl Credential {
    /// A key that was sent as it is.
    pub(crate) fn of_key(key: ApiKey) -> Self {
        let (actor, grant) = match key.kind {
            ApiKeyKind::Secret => (Actor::ApiKey { id: key.id }, Grant::Secret),
            ApiKeyKind::Restricted => (Actor::ApiKey { id: key.id }, Grant::Restricted(key.permissions.clone())),
            ApiKeyKind::Platform => (Actor::ApiKey { id: key.id }, Grant::Platform),
            ApiKeyKind::Publishable => (Actor::PublishableKey { id: key.id }, Grant::Publishable),
        };
        Self { scope: key.scope, actor, grant, key: Some(key) }
    }

    /// A token of ours: its key's, or less where the token says so. What the key may no longer do, the token may not either.
    pub(crate) fn of_token(key: ApiKey, claims: &Claims) -> Self {
        let of_key = Self::of_key(key);
        if claims.words.is_empty() {
            return of_key;
        }
        let asked = claims.words.iter().filter_map(|word| from_scope_word(word));
        let asked = asked.fold(Permissions::default(), |asked, (resource, access)| asked.with(resource, access));
        let grant = match &of_key.grant {
            Grant::Secret => Grant::Restricted(asked),
            Grant::Restricted(permissions) => Grant::Restricted(asked.and(permissions)),
            // None of them gets a token with a scope.
            Grant::Publishable | Grant::Platform | Grant::Person(_) => Grant::Restricted(Permissions::default()),
        };
        Self { grant, ..of_key }
    }

    /// A token of an outside issuer.
    pub(crate) fn of_client(issuer: &TokenIssuer, claims: &Claims) -> Self {
        Self {
            scope: issuer.scope,
            actor: Actor::Client { issuer: issuer.id, subject: claims.subject.clone() },
            grant: Grant::Restricted(issuer.grant(claims)),
            key: None,
        }
    }

    /// Whoever runs the platform, speaking for a merchant.
    pub(crate) fn for_merchant(&self, scope: Scope) -> Self {
        Self { scope, grant: Grant::Secret, ..self.clone() }
    }

    /// Whether it opens anything now and from there; looked at with every request, also of a credential that is remembered.
    pub(crate) fn check(&self, now: Timestamp, from: Option<IpAddr>) -> Result<(), Failure> {
        let Some(key) = &self.key else { return Ok(()) };
        if !key.is_good(now) {
            return Err(Failure::ExpiredKey);
        }
        if !key.may_come_from(from) {
            return Err(Failure::WrongAddress);
        }
        Ok(())
    }

    /// Whoever reads what it asks for.
    pub(crate) const fn audience(&self) -> Audience {
        match self.grant {
            Grant::Secret | Grant::Restricted(_) | Grant::Platform | Grant::Person(_) => Audience::Shop,
            Grant::Publishable => Audience::Browser,
        }
    }

    /// Whether it may make such a key, or one in the place of it.
    pub(crate) fn may_make(&self, kind: ApiKeyKind, permissions: &Permissions) -> bool {
        match &self.grant {
            Grant::Secret => true,
            Grant::Person(own) => own.may_make(kind, permissions),
            Grant::Restricted(_) | Grant::Publishable | Grant::Platform => false,
        }
    }
}
