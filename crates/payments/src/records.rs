//! Stored records: which kind and key an object has, and its bytes.
//!
//! A record is versioned JSON, `{"v":1,"d":…}`, readable with the store's own tools. The stored shape is the
//! domain type's own serde form; fields are only ever added, with a default, within one version.

use domain::account::{Account, ApiKey};
use domain::audit::{AuditEntry, Digest};
use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
use domain::id::Ulid;
use domain::ledger::JournalEntry;
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::scope::Scope;
use domain::setup_intent::SetupIntent;
use domain::token_issuer::TokenIssuer;
use domain::token_key::TokenKey;
use domain::user::User;
use domain::webhook_endpoint::WebhookEndpoint;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Item, Key, Kind, Precondition, Write};

use crate::error::Error;

/// The version new records are written in.
const VERSION: u8 = 1;

/// An object that is kept under its ULID.
pub trait Record: Serialize + DeserializeOwned {
    /// Where it is kept.
    const KIND: Kind;
    /// Its ULID.
    fn ulid(&self) -> Ulid;
}

macro_rules! records {
    ($($type:ty = $kind:ident;)*) => {$(
        impl Record for $type {
            const KIND: Kind = Kind::$kind;
            fn ulid(&self) -> Ulid {
                self.id.ulid()
            }
        }
    )*};
}

records! {
    Account = Account;
    ApiKey = ApiKey;
    AuditEntry = AuditEntry;
    BalanceTransaction = BalanceTransaction;
    Charge = Charge;
    Customer = Customer;
    Event = Event;
    PaymentAttempt = PaymentAttempt;
    PaymentIntent = PaymentIntent;
    PaymentMethod = PaymentMethod;
    Refund = Refund;
    SetupIntent = SetupIntent;
    Token = Token;
    TokenIssuer = TokenIssuer;
    TokenKey = TokenKey;
    User = User;
    WebhookEndpoint = WebhookEndpoint;
}

impl Record for JournalEntry {
    const KIND: Kind = Kind::JournalEntry;
    fn ulid(&self) -> Ulid {
        self.id().ulid()
    }
}

#[derive(Serialize)]
struct Written<'a, T> {
    v: u8,
    d: &'a T,
}

#[derive(Deserialize)]
struct Read<T> {
    v: u8,
    d: T,
}

/// The bytes of a record.
///
/// # Errors
/// It cannot be written as JSON: a defect.
pub fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(&Written { v: VERSION, d: record }).map_err(|e| Error::Internal(format!("encode: {e}")))
}

/// The record of some bytes.
///
/// # Errors
/// They are not a record of this type and a known version.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    // All of it is looked at once for being text, rather than each string in it.
    let text = std::str::from_utf8(bytes).map_err(|e| Error::Internal(format!("decode: {e}")))?;
    let read: Read<T> = serde_json::from_str(text).map_err(|e| Error::Internal(format!("decode: {e}")))?;
    if read.v == VERSION { Ok(read.d) } else { Err(Error::Internal(format!("a record of version {}", read.v))) }
}

/// Which version of a record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its revision, which its change must name.
    pub revision: u64,
    /// Of its bytes, which the audit trail tells of its change.
    pub digest: Digest,
}

/// A record as it was read.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The record.
    pub value: T,
    /// Which version of it.
    pub version: Version,
}

impl<T: DeserializeOwned> Loaded<T> {
    /// From a store's item.
    ///
    /// # Errors
    /// The bytes are not such a record.
    pub fn from_item(item: &Item) -> Result<Self, Error> {
        Ok(Self { value: decode(&item.body)?, version: Version { revision: item.revision, digest: Digest::of(&item.body) } })
    }
}

/// The key of a record.
#[must_use]
pub const fn key_of<T: Record>(scope: Scope, id: Ulid) -> Key {
    Key::object(scope, T::KIND, id)
}

/// The write that adds a new record.
///
/// # Errors
/// It cannot be encoded.
pub fn insert<T: Record>(scope: Scope, record: &T) -> Result<Write, Error> {
    Ok(Write::Put { key: key_of::<T>(scope, record.ulid()), body: encode(record)?, precondition: Precondition::Absent })
}

/// The write that changes a record that was read at `revision`.
///
/// # Errors
/// It cannot be encoded.
pub fn update<T: Record>(scope: Scope, record: &T, revision: u64) -> Result<Write, Error> {
    Ok(Write::Put { key: key_of::<T>(scope, record.ulid()), body: encode(record)?, precondition: Precondition::Revision(revision) })
}
