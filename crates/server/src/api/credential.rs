//! Who asks, and what that opens, however it was proven. Operations know nothing of keys.

use std::net::IpAddr;

use domain::account::{ApiKey, ApiKeyKind};
use domain::audit::Actor;
use domain::permission::Permissions;
use domain::scope::Scope;
use domain::time::Timestamp;
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
            ApiKeyKind::Publishable => (Actor::PublishableKey { id: key.id }, Grant::Publishable),
        };
        Self { scope: key.scope, actor, grant, key: Some(key) }
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
            Grant::Secret | Grant::Restricted(_) => Audience::Shop,
            Grant::Publishable => Audience::Browser,
        }
    }
}
