//! Recomputing everything that can be, and naming what does not agree.
//!
//! Each file compares one thing: [`books`] the journal with the objects, [`references`] what records name with what is
//! there, [`lists`] the lists with the objects, [`events`] their sequences, [`audit`] the audit trail with its
//! chain and with the objects, [`bank`] a provider's books with ours. All of
//! them read record after record in pages, and hold sums of whole tables rather than the tables; only what is broken costs
//! memory, to be named. Reads only. Absent on purpose: repairing anything.

pub mod audit;
pub mod bank;
mod books;
mod events;
mod lists;
mod references;

use domain::scope::Scope;
use serde::de::DeserializeOwned;
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use std::hash::Hash;
use store::{Key, Kind, Store};

use crate::error::Error;
use crate::records::{Record, decode};

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
    let mut report = Report::default();
    books::verify(store, &mut report).await?;
    references::verify(store, &mut report).await?;
    lists::verify(store, &mut report).await?;
    events::verify(store, &mut report).await?;
    Ok(report)
}

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
        // Records found by a name belong to those found by an identifier.
        let objects = page.iter().filter(|exported| matches!(exported.key, Key::Object(_)));
        objects.map(|exported| Ok((exported.key.scope(), decode(&exported.item.body)?))).collect::<Result<Vec<_>, Error>>().map(Some)
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
