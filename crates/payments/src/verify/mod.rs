//! Recomputing everything that can be, and naming what does not agree.
//!
//! Each file compares one thing: [`books`] the journal with the objects, [`references`] what records name with what is
//! there, [`cards`] the numbers that are kept with those that are needed, [`lists`] the lists with the objects, [`events`] their sequences, [`audit`] the audit trail with its
//! chain and with the objects, [`bank`] a provider's books with ours. All of
//! them hold sums of whole tables rather than the tables; only what is broken costs memory, to be named. Records are read in
//! pages, and each page once, to be compared in all these ways; the audit trail and a provider's books are gone through apart.
//! Reads only. Absent on purpose: repairing anything.

pub mod audit;
pub mod bank;
mod books;
mod cards;
mod events;
mod lists;
mod references;

use domain::account::{Account, ApiKey};
use domain::audit::AuditEntry;
use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
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
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use std::hash::Hash;
use store::contract::MAX_KEYS;
use store::{Key, Kind, Store};

use crate::error::Error;
use crate::records::{Record, decode};

/// Reads the records of a type page by page, and does something with each page.
macro_rules! each_page {
    ($store:ident, $record:ty, $page:ident => $look:expr) => {
        let mut pages = Pages::<$record>::new();
        while let Some($page) = pages.next($store).await? {
            $look;
        }
    };
}

/// Records read in one go.
const AT_ONCE: usize = 1_000;
/// Differences that are named; the rest is counted, so that a store that is broken throughout can be reported.
const MAX_NAMED: usize = 10_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Journal entries replayed.
    pub entries: u64,
    /// Charges compared.
    pub charges: u64,
    /// Refunds compared.
    pub refunds: u64,
    /// Differences, named.
    pub differences: Vec<String>,
    /// Differences beyond those that are named.
    pub more: u64,
}

impl Report {
    /// Names a difference.
    pub fn differ(&mut self, difference: String) {
        if self.differences.len() < MAX_NAMED {
            self.differences.push(difference);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Names it unless it holds.
    fn expect(&mut self, holds: bool, difference: impl FnOnce() -> String) {
        if !holds {
            self.differ(difference());
        }
    }
}

/// Verifies everything in a store.
///
/// # Errors
/// The store cannot be read, or a record in it cannot.
pub async fn verify(store: &dyn Store) -> Result<Report, Error> {
    let (mut report, mut listed, mut counted) = (Report::default(), lists::Sums::default(), events::Sums::default());
    let mut cards = cards::Needed::default();
    movements(store, &mut report, &mut listed, &mut counted, &mut cards).await?;
    each_page!(store, PaymentIntent, page => {
        listed.add(&page);
        counted.count(&page);
        references::names(store, &page, &mut report).await?;
        references::received(store, &page, &mut report).await?;
    });
    each_page!(store, SetupIntent, page => {
        listed.add(&page);
        counted.count(&page);
        references::names(store, &page, &mut report).await?;
    });
    each_page!(store, Customer, page => {
        listed.add(&page);
        counted.count(&page);
        references::names(store, &page, &mut report).await?;
    });
    each_page!(store, PaymentMethod, page => {
        listed.add(&page);
        counted.count(&page);
        references::names(store, &page, &mut report).await?;
        cards.methods(store, &page, &mut report).await?;
    });
    each_page!(store, Event, page => {
        listed.add(&page);
        counted.tell(&page, &mut report);
    });
    each_page!(store, ApiKey, page => {
        listed.add(&page);
        references::names(store, &page, &mut report).await?;
    });
    each_page!(store, User, page => {
        listed.add(&page);
        references::names(store, &page, &mut report).await?;
    });
    each_page!(store, Token, page => {
        references::names(store, &page, &mut report).await?;
        cards::tokens(store, &page, &mut report).await?;
    });
    each_page!(store, Account, page => listed.add(&page));
    each_page!(store, AuditEntry, page => listed.add(&page));
    each_page!(store, WebhookEndpoint, page => listed.add(&page));
    each_page!(store, TokenKey, page => listed.add(&page));
    each_page!(store, TokenIssuer, page => listed.add(&page));
    listed.verify(store, &mut report).await?;
    counted.verify(store, &mut report).await?;
    Ok(report)
}

/// The records that the books are compared with.
async fn movements(
    store: &dyn Store,
    report: &mut Report,
    listed: &mut lists::Sums,
    counted: &mut events::Sums,
    cards: &mut cards::Needed,
) -> Result<(), Error> {
    let mut books = books::Sums::default();
    each_page!(store, JournalEntry, page => {
        references::names(store, &page, report).await?;
        books.entries(store, &page, report).await?;
    });
    each_page!(store, BalanceTransaction, page => {
        listed.add(&page);
        references::names(store, &page, report).await?;
        books.lines(store, &page, report).await?;
    });
    each_page!(store, Charge, page => {
        listed.add(&page);
        counted.count(&page);
        references::names(store, &page, report).await?;
        references::attempts(store, &page, report).await?;
        books.charges(store, &page, report).await?;
    });
    each_page!(store, Refund, page => {
        listed.add(&page);
        counted.count(&page);
        references::names(store, &page, report).await?;
        books.refunds(store, &page, report).await?;
    });
    each_page!(store, PaymentAttempt, page => {
        listed.add(&page);
        references::names(store, &page, report).await?;
        books.attempts(&page);
        cards.attempts(&page);
    });
    books.verify(store, report).await
}

/// Some records of one type, and whose they are.
type Page<T> = [(Scope, T)];

/// A page of all records of one type, whosesoever, in the store's order.
struct Pages<T> {
    after: Option<store::Cursor>,
    ended: bool,
    records: std::marker::PhantomData<T>,
}

impl<T: Record> Pages<T> {
    const fn new() -> Self {
        Self { after: None, ended: false, records: std::marker::PhantomData }
    }

    /// The next page; `None` after the last one.
    async fn next(&mut self, store: &dyn Store) -> Result<Option<Vec<(Scope, T)>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let page = store.export(T::KIND, self.after.take(), AT_ONCE).await?;
        self.ended = page.len() < AT_ONCE;
        self.after = page.last().map(|last| last.cursor.clone());
        let mut records = Vec::with_capacity(page.len());
        // Records found by a name belong to those found by an identifier.
        for exported in page.iter().filter(|exported| matches!(exported.key, Key::Object(_))) {
            records.push((exported.key.scope(), decode(&exported.item.body)?));
        }
        Ok(Some(records))
    }
}

/// Calls `visit` with every record of one type.
async fn each<T: Record>(store: &dyn Store, mut visit: impl FnMut(Scope, T)) -> Result<(), Error> {
    let mut pages = Pages::<T>::new();
    while let Some(page) = pages.next(store).await? {
        for (scope, record) in page {
            visit(scope, record);
        }
    }
    Ok(())
}

async fn read<T: DeserializeOwned>(store: &dyn Store, key: &Key) -> Result<Option<T>, Error> {
    store.get_one(key).await?.map(|item| decode(&item.body)).transpose()
}

/// The records of these keys, in the order of the keys.
async fn read_all<T: DeserializeOwned>(store: &dyn Store, keys: &[Key]) -> Result<Vec<Option<T>>, Error> {
    let mut records = Vec::with_capacity(keys.len());
    for part in keys.chunks(MAX_KEYS) {
        for item in store.get(part).await? {
            records.push(item.map(|item| decode(&item.body)).transpose()?);
        }
    }
    Ok(records)
}

/// The sum of hashes of many things: equal for the same things in any order, and (but for one chance in 2^128)
/// different for others. Two sets of any size are compared in constant memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fingerprint(u128);

impl Fingerprint {
    fn add(&mut self, thing: &impl Hash) {
        let mut hasher = SipHasher24::new();
        thing.hash(&mut hasher);
        self.0 = self.0.wrapping_add(hasher.finish128().as_u128());
    }
}

/// A record's name in a report.
fn named(kind: Kind, id: domain::id::Ulid) -> String {
    format!("{} {id}", kind.table())
}
