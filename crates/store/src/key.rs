//! What a record or a list is called.
//!
//! Every name carries its [`Scope`], so one merchant's data can never be reached under another's name.
//! Kinds and indexes are closed sets: an engine knows all of them before it opens.

use std::time::Duration;

use domain::id::Ulid;
use domain::scope::Scope;

/// The longest name of a [`NamedKey`]: well above Stripe's 255 characters of an idempotency key, and below
/// what a distributed engine takes as part of a key.
pub const MAX_NAME: usize = 1024;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $table:literal,)*) => {
        /// What a record is. Each kind has a table of its own where an engine has tables.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name of the table, for engines that have tables and for people who look into them.
            #[must_use]
            pub const fn table(self) -> &'static str {
                match self {
                    $(Self::$name => $table,)*
                }
            }
        }
    };
}

kinds! {
    /// A merchant.
    Account = "accounts",
    /// An API key, found by its hash or by its id.
    ApiKey = "api_keys",
    /// What an idempotency key stands for.
    IdempotencyRecord = "idempotency_records",
    /// A purpose to collect an amount.
    PaymentIntent = "payment_intents",
    /// One try through one provider.
    PaymentAttempt = "payment_attempts",
    /// The visible result of an authorised attempt.
    Charge = "charges",
    /// Money given back.
    Refund = "refunds",
    /// A line of the merchant's statement.
    BalanceTransaction = "balance_transactions",
    /// An entry of the internal books.
    JournalEntry = "journal_entries",
    /// A balance summed up to some entry.
    BalanceCheckpoint = "balance_checkpoints",
    /// Something that happened.
    Event = "events",
    /// A buyer.
    Customer = "customers",
    /// A card to pay with, without its number.
    PaymentMethod = "payment_methods",
    /// A card number under encryption.
    SealedCard = "sealed_cards",
    /// A purpose to save a card.
    SetupIntent = "setup_intents",
    /// One try to save a card.
    SetupAttempt = "setup_attempts",
    /// A card handed over once.
    Token = "tokens",
    /// Something the platform remembers about itself.
    Setting = "settings",
    /// A row of the audit trail.
    AuditEntry = "audit_entries",
    /// A segment of the audit trail's chain, by its number; and where the chain ends.
    AuditSegment = "audit_segments",
    /// Where a shop wants to hear of what happens.
    WebhookEndpoint = "webhook_endpoints",
    /// How telling an endpoint of an event went; and whether an endpoint takes what it is told.
    WebhookDelivery = "webhook_deliveries",
    /// A key that signs access tokens.
    TokenKey = "token_keys",
    /// An outside issuer of access tokens.
    TokenIssuer = "token_issuers",
    /// A person who looks after shops, found by the hash of their address or by their id; and who owns an account.
    User = "users",
    /// Where a person is logged in, by the hash of what their browser shows.
    Session = "sessions",
}

/// A week more than the day that the API promises to remember an idempotency key, so that a clock or a removal that is
/// late takes nothing that is still wanted.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(8 * 24 * 3_600);
/// Ten times as long as a delivery is tried.
const DELIVERIES_FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Twice as long as anybody stays logged in.
const SESSIONS_FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3_600);

impl Kind {
    /// For how long after it was put last a record is certainly kept; for ever where this says nothing. An engine whose store
    /// removes what is out of date by itself may let it, none has to: what should go sooner, a job removes.
    #[must_use]
    pub const fn kept_for(self) -> Option<Duration> {
        match self {
            Self::IdempotencyRecord => Some(FORGOTTEN_AFTER),
            Self::WebhookDelivery => Some(DELIVERIES_FORGOTTEN_AFTER),
            Self::Session => Some(SESSIONS_FORGOTTEN_AFTER),
            Self::Account
            | Self::ApiKey
            | Self::PaymentIntent
            | Self::PaymentAttempt
            | Self::Charge
            | Self::Refund
            | Self::BalanceTransaction
            | Self::JournalEntry
            | Self::BalanceCheckpoint
            | Self::Event
            | Self::Customer
            | Self::PaymentMethod
            | Self::SealedCard
            | Self::SetupIntent
            | Self::SetupAttempt
            | Self::Token
            | Self::Setting
            | Self::AuditEntry
            | Self::AuditSegment
            | Self::WebhookEndpoint
            | Self::TokenKey
            | Self::TokenIssuer
            | Self::User => None,
        }
    }
}

macro_rules! indexes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What a list is a list of. The code is what engines store: it never changes and is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Index {
            $($(#[$doc])* $name,)*
        }

        impl Index {
            /// Every index there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number an engine stores for it.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// The index with that number.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

indexes! {
    /// All payment intents.
    PaymentIntents = 1,
    /// All setup intents.
    SetupIntents = 2,
    /// All charges.
    Charges = 3,
    /// All refunds.
    Refunds = 4,
    /// All balance transactions.
    BalanceTransactions = 5,
    /// All events.
    Events = 6,
    /// All customers.
    Customers = 7,
    /// All payment methods.
    PaymentMethods = 8,
    /// All accounts.
    Accounts = 9,
    /// All API keys.
    ApiKeys = 10,
    /// What was begun and has not ended: the recovery job's list.
    OpenOperations = 11,
    /// Payment intents of one customer.
    PaymentIntentsByCustomer = 12,
    /// Charges of one customer.
    ChargesByCustomer = 13,
    /// Charges of one payment intent.
    ChargesByPaymentIntent = 14,
    /// Refunds of one charge.
    RefundsByCharge = 15,
    /// Refunds of one payment intent.
    RefundsByPaymentIntent = 16,
    /// Payment methods of one customer.
    PaymentMethodsByCustomer = 17,
    /// Setup intents of one customer.
    SetupIntentsByCustomer = 18,
    /// Attempts of one setup intent.
    SetupAttemptsBySetupIntent = 19,
    /// Balance transactions of one charge or refund.
    BalanceTransactionsBySource = 20,
    // 21 was a list that nothing was ever read from.
    /// Events of one kind.
    EventsByKind = 22,
    /// Balance transactions of one kind in one currency.
    BalanceTransactionsByKind = 23,
    /// Balance transactions that no balance checkpoint includes yet.
    UnsummedBalanceTransactions = 24,
    /// Customers with one email address.
    CustomersByEmail = 25,
    /// What waits for a buyer to act: a list of its own, so that buyers who never come cost what is open nothing.
    AwaitingBuyer = 26,
    /// All rows of the audit trail.
    AuditEntries = 27,
    /// All webhook endpoints that were not deleted.
    WebhookEndpoints = 28,
    /// Those that were.
    DeletedWebhookEndpoints = 29,
    /// Events that one webhook endpoint is still to be told.
    PendingDeliveries = 30,
    /// All keys that sign access tokens.
    TokenKeys = 31,
    /// All outside issuers that are trusted.
    TokenIssuers = 32,
    /// People who look after one account, or are invited to.
    UsersByAccount = 33,
}

/// An object, found by its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Whose it is.
    pub scope: Scope,
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub id: Ulid,
}

/// A record found by a name: an idempotency key, the hash of an API key, a well-known test payment method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedKey {
    /// Whose it is.
    pub scope: Scope,
    /// What it is.
    pub kind: Kind,
    /// Its name: 1 to [`MAX_NAME`] bytes.
    pub name: Vec<u8>,
}

/// What a record is found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// By identifier.
    Object(ObjectKey),
    /// By name.
    Named(NamedKey),
}

impl Key {
    /// The object with that identifier.
    #[must_use]
    pub const fn object(scope: Scope, kind: Kind, id: Ulid) -> Self {
        Self::Object(ObjectKey { scope, kind, id })
    }

    /// The record with that name.
    #[must_use]
    pub fn named(scope: Scope, kind: Kind, name: impl Into<Vec<u8>>) -> Self {
        Self::Named(NamedKey { scope, kind, name: name.into() })
    }

    /// What the record is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Object(key) => key.kind,
            Self::Named(key) => key.kind,
        }
    }

    /// Whose the record is.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Object(key) => key.scope,
            Self::Named(key) => key.scope,
        }
    }

    pub(crate) fn name_fits(&self) -> bool {
        match self {
            Self::Object(_) => true,
            Self::Named(key) => (1..=MAX_NAME).contains(&key.name.len()),
        }
    }
}

impl From<ObjectKey> for Key {
    fn from(key: ObjectKey) -> Self {
        Self::Object(key)
    }
}

impl From<NamedKey> for Key {
    fn from(key: NamedKey) -> Self {
        Self::Named(key)
    }
}

/// One list; its entries are identifiers in their own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List {
    /// Whose it is.
    pub scope: Scope,
    /// What it is a list of.
    pub index: Index,
    /// Of which object, for the indexes that say "by".
    pub parent: Option<Ulid>,
}

impl List {
    /// All of a scope's objects under that index.
    #[must_use]
    pub const fn all(scope: Scope, index: Index) -> Self {
        Self { scope, index, parent: None }
    }

    /// Those that belong to one object.
    #[must_use]
    pub const fn of(scope: Scope, index: Index, parent: Ulid) -> Self {
        Self { scope, index, parent: Some(parent) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_and_index_codes_are_unique() {
        let tables: std::collections::BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.table()).collect();
        assert_eq!(tables.len(), Kind::ALL.len());
        for index in Index::ALL {
            assert_eq!(Index::from_code(index.code()), Some(*index));
        }
        assert_eq!(Index::from_code(0), None);
    }
}
