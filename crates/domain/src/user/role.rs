//! What a person is to an account, and what that opens.

use serde::{Deserialize, Serialize};

use crate::permission::Access::{Read, Write};
use crate::permission::{Access, Permissions, Resource};
use crate::scope::Mode;

/// What a person is to an account, the most powerful first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything, and make others owners.
    Owner,
    /// May do everything, and look after everybody but owners.
    Admin,
    /// Looks after keys and endpoints; with test data may do all that moves money with live data.
    Developer,
    /// Helps buyers: sees payments, gives money back.
    Support,
    /// Looks at payments and figures.
    Analyst,
}

impl Role {
    /// Every one, the most powerful first.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Developer, Self::Support, Self::Analyst];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Support => "support",
            Self::Analyst => "analyst",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What it may do with data of that mode.
    #[must_use]
    pub fn permissions(self, mode: Mode) -> Permissions {
        Permissions::of(Resource::ALL.iter().filter_map(|resource| Some((*resource, self.access(mode, *resource)?))))
    }

    /// How far it may go with one kind of thing; not at all when `None`.
    #[must_use]
    pub const fn access(self, mode: Mode, resource: Resource) -> Option<Access> {
        match self {
            Self::Owner | Self::Admin => Some(Write),
            Self::Developer => developer(mode, resource),
            Self::Support => support(resource),
            Self::Analyst => analyst(resource),
        }
    }

    /// Whether whoever has it must have shown a second factor for data of that mode: where they can change what is live, a password
    /// that was read over a shoulder must not be enough.
    #[must_use]
    pub fn needs_second_factor(self, mode: Mode) -> bool {
        mode.is_live() && self.permissions(mode).iter().any(|(_, access)| access == Write)
    }

    /// Whether it may give somebody that role, or take it from them: nobody gives what is above them.
    #[must_use]
    pub const fn may_look_after(self, other: Self) -> bool {
        match (self, other) {
            (Self::Owner, _) | (Self::Admin, Self::Admin | Self::Developer | Self::Support | Self::Analyst) => true,
            (Self::Admin, Self::Owner) | (Self::Developer | Self::Support | Self::Analyst, _) => false,
        }
    }
}

const fn developer(mode: Mode, resource: Resource) -> Option<Access> {
    match (resource, mode) {
        (Resource::Users, _) => None,
        (Resource::ApiKeys | Resource::Events | Resource::WebhookEndpoints, _) => Some(Write),
        (_, Mode::Test) => Some(Write),
        (_, Mode::Live) => Some(Read),
    }
}

const fn support(resource: Resource) -> Option<Access> {
    match resource {
        Resource::Customers | Resource::Refunds => Some(Write),
        Resource::Account
        | Resource::Charges
        | Resource::Events
        | Resource::OpenOperations
        | Resource::PaymentIntents
        | Resource::PaymentMethods
        | Resource::SetupIntents => Some(Read),
        Resource::ApiKeys | Resource::AuditLog | Resource::Balance | Resource::Tokens | Resource::Users | Resource::WebhookEndpoints => {
            None
        }
    }
}

const fn analyst(resource: Resource) -> Option<Access> {
    match resource {
        Resource::Account
        | Resource::Balance
        | Resource::Charges
        | Resource::Customers
        | Resource::Events
        | Resource::OpenOperations
        | Resource::PaymentIntents
        | Resource::PaymentMethods
        | Resource::Refunds
        | Resource::SetupIntents => Some(Read),
        Resource::ApiKeys | Resource::AuditLog | Resource::Tokens | Resource::Users | Resource::WebhookEndpoints => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::ApiKeyKind;

    /// What the documentation says: the roles from owner to analyst, `w` to change, `r` to read, `-` for nothing.
    const LIVE: [(Resource, &str); 15] = [
        (Resource::Account, "wwrrr"),
        (Resource::ApiKeys, "www--"),
        (Resource::AuditLog, "wwr--"),
        (Resource::Balance, "wwr-r"),
        (Resource::Charges, "wwrrr"),
        (Resource::Customers, "wwrwr"),
        (Resource::Events, "wwwrr"),
        (Resource::OpenOperations, "wwrrr"),
        (Resource::PaymentIntents, "wwrrr"),
        (Resource::PaymentMethods, "wwrrr"),
        (Resource::Refunds, "wwrwr"),
        (Resource::SetupIntents, "wwrrr"),
        (Resource::Tokens, "wwr--"),
        (Resource::Users, "ww---"),
        (Resource::WebhookEndpoints, "www--"),
    ];

    fn letter(access: Option<Access>) -> char {
        match access {
            Some(Write) => 'w',
            Some(Read) => 'r',
            None => '-',
        }
    }

    #[test]
    fn each_role_may_do_what_the_table_says_and_nothing_else() {
        assert_eq!(LIVE.len(), Resource::ALL.len());
        for (resource, expected) in LIVE {
            let found: String = Role::ALL.into_iter().map(|role| letter(role.access(Mode::Live, resource))).collect();
            assert_eq!(found, expected, "{resource:?}");
            for role in Role::ALL {
                let test = role.access(Mode::Test, resource);
                let expected =
                    if role == Role::Developer && resource != Resource::Users { Some(Write) } else { role.access(Mode::Live, resource) };
                assert_eq!(test, expected, "{role:?} {resource:?}");
                assert_eq!(role.permissions(Mode::Live).allow(resource, Read), role.access(Mode::Live, resource).is_some());
            }
        }
    }

    #[test]
    fn nobody_gives_or_takes_a_role_above_their_own_and_only_owners_and_admins_do_at_all() {
        for by in Role::ALL {
            for other in Role::ALL {
                let expected = match by {
                    Role::Owner => true,
                    Role::Admin => other != Role::Owner,
                    Role::Developer | Role::Support | Role::Analyst => false,
                };
                assert_eq!(by.may_look_after(other), expected, "{by:?} {other:?}");
                // Whoever may give a role could do all that it opens before.
                for mode in [Mode::Test, Mode::Live] {
                    assert!(!expected || by.permissions(mode).cover(&other.permissions(mode)), "{by:?} {other:?} {mode}");
                }
            }
            assert_eq!(by.permissions(Mode::Live).allow(Resource::Users, Write), by.may_look_after(Role::Analyst), "{by:?}");
        }
    }

    #[test]
    fn whoever_can_change_what_is_live_shows_a_second_factor_there_and_nobody_else_must() {
        let needs = |mode| Role::ALL.map(|role| role.needs_second_factor(mode));
        assert_eq!(needs(Mode::Live), [true, true, true, true, false]);
        assert_eq!(needs(Mode::Test), [false; 5]);
    }

    #[test]
    fn only_owners_and_admins_make_secret_keys_of_live_data() {
        let may = Role::ALL.map(|role| role.permissions(Mode::Live).may_make(ApiKeyKind::Secret, &Permissions::default()));
        assert_eq!(may, [true, true, false, false, false]);
    }

    #[test]
    fn names_are_those_that_are_stored() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(Role::from_name(role.as_str()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
    }
}
