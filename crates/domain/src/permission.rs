//! What a restricted key may do: for each kind of thing nothing, look, or change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

macro_rules! resources {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)*) => {
        /// What keys may be allowed to look at and to change.
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
    /// Where events are sent.
    WebhookEndpoints = "webhook_endpoints";
}

/// How far a key may go. The greater one includes the smaller.
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

/// What a restricted key may do; nothing that is not named.
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

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = (Resource, Access)> + '_ {
        self.0.iter().map(|(resource, access)| (*resource, *access))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
