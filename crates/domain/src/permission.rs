//! What a restricted key or a person may do: for each kind of thing nothing, look, or change.
//!
//! Keys and people are looked after by secret keys and people only: no restricted key does, whatever it is said to be allowed
//! ([`Resource::is_for_keys`]), and nobody makes a key that does more than they may ([`Permissions::may_make`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::ApiKeyKind;

macro_rules! resources {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)*) => {
        /// What keys and people may be allowed to look at and to change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Resource { $($(#[$doc])* #[serde(rename = $text)] $variant,)* }

        impl Resource {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|resource| resource.as_str() == name)
            }
        }
    };
}

resources! {
    /// The merchant's own particulars.
    Account = "account";
    /// Keys.
    ApiKeys = "api_keys";
    /// Who did what.
    AuditLog = "audit_log";
    /// What the merchant has, and the lines of the statement.
    Balance = "balance";
    /// Charges.
    Charges = "charges";
    /// Buyers, and lists of their cards.
    Customers = "customers";
    /// What happened, and how telling endpoints of it went.
    Events = "events";
    /// What has no known end.
    OpenOperations = "open_operations";
    /// Payments.
    PaymentIntents = "payment_intents";
    /// Cards.
    PaymentMethods = "payment_methods";
    /// Refunds.
    Refunds = "refunds";
    /// Set-ups of cards.
    SetupIntents = "setup_intents";
    /// Cards handed over once.
    Tokens = "tokens";
    /// People who look after the account.
    Users = "users";
    /// Where events are sent.
    WebhookEndpoints = "webhook_endpoints";
}

impl Resource {
    /// Whether a restricted key may be allowed it.
    #[must_use]
    pub const fn is_for_keys(self) -> bool {
        match self {
            Self::ApiKeys | Self::Users => false,
            Self::Account
            | Self::AuditLog
            | Self::Balance
            | Self::Charges
            | Self::Customers
            | Self::Events
            | Self::OpenOperations
            | Self::PaymentIntents
            | Self::PaymentMethods
            | Self::Refunds
            | Self::SetupIntents
            | Self::Tokens
            | Self::WebhookEndpoints => true,
        }
    }
}

/// How far a key or a person may go. The greater one includes the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Retrieve and list.
    Read,
    /// Also make, change and delete.
    Write,
}

impl Access {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Read, Self::Write].into_iter().find(|access| access.as_str() == name)
    }
}

/// What a restricted key or a person may do; nothing that is not named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(BTreeMap<Resource, Access>);

impl Permissions {
    /// These. Of two for one resource the later counts.
    #[must_use]
    pub fn of(all: impl IntoIterator<Item = (Resource, Access)>) -> Self {
        Self(all.into_iter().collect())
    }

    /// Whether they allow it.
    #[must_use]
    pub fn allow(&self, resource: Resource, access: Access) -> bool {
        self.0.get(&resource).is_some_and(|allowed| *allowed >= access)
    }

    /// Whether they allow nothing.
    #[must_use]
    pub fn are_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These and that; what they allow already stays allowed.
    #[must_use]
    pub fn with(mut self, resource: Resource, access: Access) -> Self {
        let allowed = self.0.entry(resource).or_insert(access);
        *allowed = access.max(*allowed);
        self
    }

    /// What both allow.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let both = |(resource, access): (Resource, Access)| other.0.get(&resource).map(|theirs| (resource, access.min(*theirs)));
        Self(self.iter().filter_map(both).collect())
    }

    /// Everything there is to allow a restricted key.
    #[must_use]
    pub fn all() -> Self {
        Self::of(Resource::ALL.iter().filter(|resource| resource.is_for_keys()).map(|resource| (*resource, Access::Write)))
    }

    /// Whether a restricted key can have them.
    #[must_use]
    pub fn are_for_keys(&self) -> bool {
        self.0.keys().all(|resource| resource.is_for_keys())
    }

    /// Whether they allow all that others do.
    #[must_use]
    pub fn cover(&self, others: &Self) -> bool {
        others.iter().all(|(resource, access)| self.allow(resource, access))
    }

    /// Whether whoever may do that in an account may make such a key, or one that takes its place: it does no more than they may. A
    /// publishable one is for everybody's eyes.
    #[must_use]
    pub fn may_make(&self, kind: ApiKeyKind, permissions: &Self) -> bool {
        match kind {
            ApiKeyKind::Secret => Resource::ALL.iter().all(|resource| self.allow(*resource, Access::Write)),
            ApiKeyKind::Restricted => self.cover(permissions),
            ApiKeyKind::Publishable => true,
            ApiKeyKind::Platform => false,
        }
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = (Resource, Access)> + '_ {
        self.0.iter().map(|(resource, access)| (*resource, *access))
    }
}

/// A permission as one word, as OAuth 2.0 has them (RFC 6749 §3.3): `refunds:write`.
#[must_use]
pub fn scope_word(resource: Resource, access: Access) -> String {
    format!("{}:{}", resource.as_str(), access.as_str())
}

/// The permission of such a word, if it is one that a restricted key can have.
#[must_use]
pub fn from_scope_word(word: &str) -> Option<(Resource, Access)> {
    let (resource, access) = word.split_once(':')?;
    Some((Resource::from_name(resource).filter(|resource| resource.is_for_keys())?, Access::from_name(access)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_allow_is_what_each_of_them_does() {
        let one =
            Permissions::of([(Resource::Refunds, Access::Write), (Resource::Charges, Access::Read), (Resource::Events, Access::Read)]);
        let other =
            Permissions::of([(Resource::Refunds, Access::Read), (Resource::Charges, Access::Write), (Resource::Tokens, Access::Read)]);
        let both = one.and(&other);
        assert_eq!(both, other.and(&one));
        for resource in Resource::ALL {
            for access in [Access::Read, Access::Write] {
                assert_eq!(both.allow(*resource, access), one.allow(*resource, access) && other.allow(*resource, access), "{resource:?}");
            }
        }
        assert_eq!(one.and(&Permissions::all()), one);
    }

    #[test]
    fn a_permission_is_one_word_of_a_token() {
        for (resource, access) in Permissions::all().iter().chain([(Resource::Refunds, Access::Read)]) {
            assert_eq!(from_scope_word(&scope_word(resource, access)), Some((resource, access)));
        }
        for wrong in ["", "refunds", "refunds:", ":read", "refunds:all", "Refunds:read", "refunds:read:write", "api_keys:write", "*"] {
            assert_eq!(from_scope_word(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn writing_includes_reading_and_nothing_includes_what_is_not_named() {
        let permissions = Permissions::of([(Resource::Refunds, Access::Write), (Resource::Charges, Access::Read)]);
        assert!(permissions.allow(Resource::Refunds, Access::Write) && permissions.allow(Resource::Refunds, Access::Read));
        assert!(permissions.allow(Resource::Charges, Access::Read) && !permissions.allow(Resource::Charges, Access::Write));
        for resource in Resource::ALL {
            assert!(!Permissions::default().allow(*resource, Access::Read));
        }
        assert!(Permissions::default().are_empty() && !permissions.are_empty());
    }

    #[test]
    fn no_restricted_key_looks_after_keys_or_people() {
        for resource in Resource::ALL {
            let is_for_keys = !matches!(resource, Resource::ApiKeys | Resource::Users);
            assert_eq!(resource.is_for_keys(), is_for_keys, "{resource:?}");
            assert_eq!(Permissions::of([(*resource, Access::Read)]).are_for_keys(), is_for_keys);
        }
    }

    #[test]
    fn nobody_makes_a_key_that_does_more_than_they_may() {
        let everything = Permissions::of(Resource::ALL.iter().map(|resource| (*resource, Access::Write)));
        let read = |resource| Permissions::of([(resource, Access::Read)]);
        let write = |resource| Permissions::of([(resource, Access::Write)]);
        assert!(everything.may_make(ApiKeyKind::Secret, &Permissions::default()));
        for resource in Resource::ALL {
            let all_but_one =
                Permissions::of(everything.iter().map(|(each, access)| (each, if each == *resource { Access::Read } else { access })));
            assert!(!all_but_one.may_make(ApiKeyKind::Secret, &Permissions::default()), "{resource:?}");
            assert!(!all_but_one.may_make(ApiKeyKind::Restricted, &write(*resource)), "{resource:?}");
            assert!(all_but_one.may_make(ApiKeyKind::Restricted, &read(*resource)));
            assert!(all_but_one.may_make(ApiKeyKind::Publishable, &Permissions::default()));
        }
        assert!(!everything.may_make(ApiKeyKind::Platform, &Permissions::default()));
    }

    #[test]
    fn names_are_those_that_are_stored() {
        for resource in Resource::ALL {
            assert_eq!(serde_json::to_value(resource).unwrap(), resource.as_str());
            assert_eq!(Resource::from_name(resource.as_str()), Some(*resource));
        }
        for access in [Access::Read, Access::Write] {
            assert_eq!(serde_json::to_value(access).unwrap(), access.as_str());
            assert_eq!(Access::from_name(access.as_str()), Some(access));
        }
        assert_eq!((Resource::from_name("*"), Access::from_name("")), (None, None));
        let permissions = Permissions::of([(Resource::Refunds, Access::Write)]);
        assert_eq!(serde_json::to_string(&permissions).unwrap(), r#"{"refunds":"write"}"#);
        assert_eq!(permissions.iter().collect::<Vec<_>>(), [(Resource::Refunds, Access::Write)]);
    }
}
