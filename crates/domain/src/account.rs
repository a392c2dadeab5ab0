//! Merchants, and the keys with which they speak to the API.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::fee::FeeSchedule;
use crate::id::{AccountId, ApiKeyId};
use crate::permission::Permissions;
use crate::scope::{Mode, Scope};
use crate::statement;
use crate::time::Timestamp;

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name in the API.
    pub id: AccountId,
    /// The shop's name, as people know it.
    pub name: String,
    /// Where to write to the merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The currency reports begin with.
    pub default_currency: Currency,
    /// What buyers read on their statements; made of the name when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_descriptor: Option<String>,
    /// What buyers' statements begin with where a payment says more; cut from the descriptor when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_descriptor_prefix: Option<String>,
    /// What each payment costs the merchant.
    pub fees: FeeSchedule,
    /// Days from a payment to its being available.
    pub settlement_days: u8,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Account {
    /// Whoever runs the platform, as its own requests are made for: it has no buyers, and neither takes nor holds money.
    #[must_use]
    pub fn of_platform() -> Self {
        Self {
            id: Scope::PLATFORM.account,
            name: "Platform".to_owned(),
            email: None,
            country: "US".to_owned(),
            default_currency: Currency::Usd,
            statement_descriptor: None,
            statement_descriptor_prefix: None,
            fees: FeeSchedule::default(),
            settlement_days: 0,
            created_at: Timestamp::EPOCH,
        }
    }

    /// What buyers read on their statements.
    #[must_use]
    pub fn descriptor(&self) -> String {
        self.statement_descriptor.clone().unwrap_or_else(|| statement::of_name(&self.name))
    }

    /// What buyers' statements begin with where a payment says more.
    #[must_use]
    pub fn descriptor_prefix(&self) -> String {
        self.statement_descriptor_prefix.clone().unwrap_or_else(|| statement::prefix_of(&self.descriptor()))
    }

    /// What the statement of one payment says, given the payment's own words.
    #[must_use]
    pub fn statement_line(&self, descriptor: Option<&str>, suffix: Option<&str>) -> String {
        match (suffix, descriptor) {
            (Some(suffix), _) => statement::join(&self.descriptor_prefix(), suffix),
            (None, Some(whole)) => whole.to_owned(),
            (None, None) => self.descriptor(),
        }
    }
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyKind {
    /// Everything of its account and mode; stays on the shop's server (`sk_`).
    Secret,
    /// Tokens, payment methods and client-side confirmation; may be in a browser (`pk_`).
    Publishable,
    /// What its permissions allow; stays on a server (`rk_`).
    Restricted,
    /// Merchants are made and changed by it, and it speaks for each of them; stays with whoever runs the platform.
    Platform,
}

impl ApiKeyKind {
    /// What the key's text begins with.
    #[must_use]
    pub const fn prefix(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (Self::Secret, Mode::Test) => "sk_test_",
            (Self::Secret, Mode::Live) => "sk_live_",
            (Self::Publishable, Mode::Test) => "pk_test_",
            (Self::Publishable, Mode::Live) => "pk_live_",
            (Self::Restricted, Mode::Test) => "rk_test_",
            (Self::Restricted, Mode::Live) => "rk_live_",
            // Whether it is about test or live data, each request says.
            (Self::Platform, Mode::Test | Mode::Live) => "sk_platform_",
        }
    }
}

/// An API key; its text is kept only as a hash (under which the store finds this record).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The key's own name; not the key.
    pub id: ApiKeyId,
    /// Whose data it opens.
    pub scope: Scope,
    /// What it may be used for.
    pub kind: ApiKeyKind,
    /// SHA-256 of the key's text, hexadecimal.
    pub hash: String,
    /// The last four characters, so that people can tell keys apart.
    pub last4: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked; it opens nothing since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// When it opens nothing any more, because another one took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What a restricted key may do.
    #[serde(default, skip_serializing_if = "Permissions::are_empty")]
    pub permissions: Permissions,
    /// The networks that it may be used from; any, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_from: Vec<IpNet>,
}

impl ApiKey {
    /// Whether it opens anything.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }

    /// It opens nothing from now on; one that was revoked before stays as it was.
    #[must_use]
    pub fn revoked(self, now: Timestamp) -> Self {
        Self { revoked_at: self.revoked_at.or(Some(now)), ..self }
    }

    /// Another one takes its place: it opens nothing from then on, or from when it would not have anyway.
    #[must_use]
    pub fn replaced(self, until: Timestamp) -> Self {
        let expires_at = self.expires_at.map_or(until, |at| at.min(until));
        Self { expires_at: Some(expires_at), ..self }
    }

    /// Whether it may be used from there. Where it came from must be known if it may not come from everywhere.
    #[must_use]
    pub fn may_come_from(&self, from: Option<IpAddr>) -> bool {
        let allowed = |from: IpAddr| self.allowed_from.iter().any(|network| network.contains(&from));
        self.allowed_from.is_empty() || from.is_some_and(allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::fixtures::World;
    use crate::id::Ulid;

    fn account() -> Account {
        Account { name: "Corner Shop & Sons".to_owned(), ..World::default().ctx().account.clone() }
    }

    #[test]
    fn a_statement_says_what_the_payment_does_and_else_what_the_shop_does_and_else_its_name() {
        let mut account = account();
        assert_eq!(account.descriptor(), statement::of_name("Corner Shop & Sons"));
        assert!(!account.descriptor().is_empty());
        assert_eq!(account.descriptor_prefix(), statement::prefix_of(&account.descriptor()));
        account.statement_descriptor = Some("CORNER SHOP".to_owned());
        account.statement_descriptor_prefix = Some("CORNER".to_owned());
        assert_eq!((account.descriptor().as_str(), account.descriptor_prefix().as_str()), ("CORNER SHOP", "CORNER"));
        assert_eq!(account.statement_line(None, None), "CORNER SHOP");
        assert_eq!(account.statement_line(Some("WHOLE"), None), "WHOLE");
        assert_eq!(account.statement_line(Some("WHOLE"), Some("ORDER 7")), statement::join("CORNER", "ORDER 7"));
    }

    #[test]
    fn a_key_says_by_its_first_letters_what_it_opens() {
        let prefixes = |mode| [ApiKeyKind::Secret, ApiKeyKind::Publishable, ApiKeyKind::Restricted].map(|kind| kind.prefix(mode));
        assert_eq!(prefixes(Mode::Test), ["sk_test_", "pk_test_", "rk_test_"]);
        assert_eq!(prefixes(Mode::Live), ["sk_live_", "pk_live_", "rk_live_"]);
        assert_eq!(ApiKeyKind::Platform.prefix(Mode::Live), "sk_platform_");
    }

    fn key() -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(Ulid::from_bits(1)),
            scope: Scope { account: AccountId::new(Ulid::from_bits(2)), mode: Mode::Test },
            kind: ApiKeyKind::Restricted,
            hash: String::new(),
            last4: String::new(),
            created_at: Timestamp::from_seconds(1),
            revoked_at: None,
            expires_at: None,
            permissions: Permissions::default(),
            allowed_from: Vec::new(),
        }
    }

    #[test]
    fn a_key_is_good_until_it_is_revoked_or_its_time_is_over() {
        let at = Timestamp::from_seconds;
        assert!(key().is_good(at(1_000)));
        assert!(!ApiKey { revoked_at: Some(at(5)), ..key() }.is_good(at(1)));
        let expiring = ApiKey { expires_at: Some(at(10)), ..key() };
        assert!(expiring.is_good(at(9)) && !expiring.is_good(at(10)));
    }

    #[test]
    fn a_key_is_revoked_once_and_being_replaced_makes_it_no_longer_good_than_it_was() {
        let at = Timestamp::from_seconds;
        assert_eq!(key().revoked(at(5)).revoked(at(9)).revoked_at, Some(at(5)));
        assert_eq!(key().replaced(at(5)).replaced(at(9)).expires_at, Some(at(5)));
        assert_eq!(key().replaced(at(9)).replaced(at(5)).expires_at, Some(at(5)));
    }

    #[test]
    fn a_key_with_networks_may_come_from_there_only() {
        let here = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert!(key().may_come_from(None) && key().may_come_from(here("192.0.2.1")));
        let bound = ApiKey { allowed_from: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()], ..key() };
        assert!(bound.may_come_from(here("192.0.2.77")) && bound.may_come_from(here("2001:db8::1")));
        assert!(!bound.may_come_from(here("192.0.3.1")) && !bound.may_come_from(here("2001:db9::1")) && !bound.may_come_from(None));
    }
}
