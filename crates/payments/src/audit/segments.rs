//! Where the chain is kept: each segment under its number, and beside them where the chain ends.

use domain::audit::AuditEntry;
use domain::audit::Digest;
use domain::audit::chain::{End, Found, FoundRow, Segment};
use domain::id::{AuditEntryId, Ulid};
use domain::scope::Scope;
use serde::Deserialize;
use store::contract::MAX_KEYS;
use store::{Item, Key, Kind, Store};

use crate::error::Error;
use crate::records::{Loaded, decode, key_of};

/// Where the chain's end is written down; no number is called so.
pub(crate) fn end_key(scope: Scope) -> Key {
    Key::named(scope, Kind::AuditSegment, "head")
}

/// Where the segment of that number is.
pub(crate) fn segment_key(scope: Scope, number: u64) -> Key {
    Key::named(scope, Kind::AuditSegment, number.to_string())
}

/// Where the chain ends, and how far it is about to be sealed.
///
/// # Errors
/// The store cannot be read, or what is there is no such record.
pub(crate) async fn end(store: &dyn Store, scope: Scope) -> Result<Option<Loaded<End>>, Error> {
    store.get_one(&end_key(scope)).await?.as_ref().map(Loaded::from_item).transpose()
}

/// A segment's stored bytes.
///
/// # Errors
/// The store cannot be read.
pub(crate) async fn segment(store: &dyn Store, scope: Scope, number: u64) -> Result<Option<Item>, Error> {
    Ok(store.get_one(&segment_key(scope, number)).await?)
}

/// The stored bytes of these rows, in their order.
///
/// # Errors
/// The store cannot be read.
pub(crate) async fn rows(store: &dyn Store, scope: Scope, ids: &[Ulid]) -> Result<Vec<Option<Item>>, Error> {
    let mut items = Vec::with_capacity(ids.len());
    for part in ids.chunks(MAX_KEYS) {
        let keys: Vec<Key> = part.iter().map(|id| key_of::<AuditEntry>(scope, *id)).collect();
        items.extend(store.get(&keys).await?);
    }
    Ok(items)
}

/// As much of a row as names it. Whether all of it can be read, is found where all rows are.
#[derive(Deserialize)]
struct RowName {
    id: AuditEntryId,
}

/// What is found under a row's name.
pub(crate) fn found(id: Ulid, body: Option<&[u8]>) -> Found {
    let row = |body: &[u8]| {
        let says = decode::<RowName>(body).ok().map(|row| row.id.ulid());
        FoundRow { digest: Digest::of(body), says }
    };
    Found { id, row: body.map(row) }
}

/// A segment of some bytes, if they are one.
pub(crate) fn parse(body: &[u8]) -> Option<Segment> {
    decode(body).ok()
}
