//! Merchants, and the keys with which they speak to the API.

use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::fee::FeeSchedule;
use crate::id::{AccountId, ApiKeyId};
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::fixtures::World;

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
        let prefixes = |mode| [ApiKeyKind::Secret, ApiKeyKind::Publishable].map(|kind| kind.prefix(mode));
        assert_eq!((prefixes(Mode::Test), prefixes(Mode::Live)), (["sk_test_", "pk_test_"], ["sk_live_", "pk_live_"]));
    }
}
