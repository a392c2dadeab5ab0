//! An outside issuer whose access tokens open something here: an OpenID Connect provider such as Amazon Cognito or Keycloak.
//!
//! What a token opens is decided here and not by its issuer: one account and mode, and of what the token allows no more than
//! these permissions. Absent on purpose: its keys, which it publishes and changes as it likes.

use serde::{Deserialize, Serialize};

use crate::access_token::{Claims, MAX_WORDS};
use crate::id::TokenIssuerId;
use crate::permission::{Permissions, from_scope_word};
use crate::scope::Scope;
use crate::time::Timestamp;

/// Issuers that are trusted at the same time, for all accounts together: each server remembers the keys of all of them.
pub const MAX_ISSUERS: usize = 50;
/// Characters of an issuer's address, audience or prefix.
pub const MAX_TEXT: usize = 255;

/// Whose tokens are trusted, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenIssuer {
    /// Its name here.
    pub id: TokenIssuerId,
    /// When it was trusted first.
    pub created_at: Timestamp,
    /// How its tokens name it: an address, under which its keys are found.
    pub issuer: String,
    /// Whom its tokens must be for.
    pub audience: String,
    /// Whose data they open.
    pub scope: Scope,
    /// What stands before the words that allow something here, as `bursar/` before `refunds:write`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What they may allow at most.
    pub permissions: Permissions,
    /// When it was trusted no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

impl TokenIssuer {
    /// Whether a token is one that it makes for us.
    #[must_use]
    pub fn makes(&self, claims: &Claims) -> bool {
        self.removed_at.is_none() && claims.issuer == self.issuer && claims.is_for(&self.audience)
    }

    /// What a token allows: its words that mean something here, as far as its issuer may allow it.
    #[must_use]
    pub fn grant(&self, claims: &Claims) -> Permissions {
        let words = claims.words.iter().take(MAX_WORDS);
        let mut asked = Permissions::default();
        for (resource, access) in words.filter_map(|word| word.strip_prefix(self.prefix.as_str())).filter_map(from_scope_word) {
            asked = asked.with(resource, access);
        }
        asked.and(&self.permissions)
    }

    /// It is trusted no more; one that was not before stays as it was.
    #[must_use]
    pub fn removed(self, now: Timestamp) -> Self {
        Self { removed_at: self.removed_at.or(Some(now)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, Ulid};
    use crate::permission::{Access, Resource};
    use crate::scope::Mode;

    fn issuer() -> TokenIssuer {
        TokenIssuer {
            id: TokenIssuerId::new(Ulid::from_bits(1)),
            created_at: Timestamp::EPOCH,
            issuer: "https://issuer.example".to_owned(),
            audience: "bursar".to_owned(),
            scope: Scope { account: AccountId::new(Ulid::from_bits(2)), mode: Mode::Test },
            prefix: "pay/".to_owned(),
            permissions: Permissions::of([(Resource::Refunds, Access::Write), (Resource::Charges, Access::Read)]),
            removed_at: None,
        }
    }

    fn claims(words: &[&str]) -> Claims {
        Claims {
            issuer: "https://issuer.example".to_owned(),
            audiences: vec!["bursar".to_owned()],
            client: None,
            subject: "shop".to_owned(),
            expires_at: Timestamp::from_seconds(1_000),
            not_before: None,
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    #[test]
    fn a_token_is_its_issuers_and_for_us() {
        assert!(issuer().makes(&claims(&[])));
        for other in [
            Claims { issuer: "https://issuer.example/".to_owned(), ..claims(&[]) },
            Claims { audiences: vec!["shop".to_owned()], ..claims(&[]) },
            Claims { audiences: Vec::new(), ..claims(&[]) },
        ] {
            assert!(!issuer().makes(&other), "{other:?}");
        }
        let removed = issuer().removed(Timestamp::from_seconds(5));
        assert!(!removed.makes(&claims(&[])));
        assert_eq!(removed.removed(Timestamp::from_seconds(9)).removed_at, Some(Timestamp::from_seconds(5)));
    }

    #[test]
    fn a_token_allows_what_it_says_and_its_issuer_may_allow() {
        let grant = |words: &[&str]| issuer().grant(&claims(words));
        let granted =
            grant(&["openid", "pay/refunds:read", "pay/charges:write", "pay/customers:write", "charges:write", "pay/nothing:read"]);
        assert_eq!(granted, Permissions::of([(Resource::Refunds, Access::Read), (Resource::Charges, Access::Read)]));
        assert_eq!(grant(&["pay/refunds:write", "pay/refunds:read"]), Permissions::of([(Resource::Refunds, Access::Write)]));
        assert!(grant(&[]).are_empty() && grant(&["refunds:write"]).are_empty());
        let plain = TokenIssuer { prefix: String::new(), ..issuer() };
        assert_eq!(plain.grant(&claims(&["refunds:write"])), Permissions::of([(Resource::Refunds, Access::Write)]));
    }
}
