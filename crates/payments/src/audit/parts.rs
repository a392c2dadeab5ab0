//! The trail as it leaves the store: segment by segment, each with its rows, as they are stored.

use std::collections::BTreeSet;

use domain::account::Account;
use domain::audit::chain::{End, Head, MAX_ROWS, Segment};
use domain::id::Ulid;
use domain::scope::{Mode, Scope};
use store::{Index, List, Scan, Store};

use super::segments;
use crate::error::Error;
use crate::records::{Loaded, Record, decode};

/// Merchants read in one go.
const AT_ONCE: usize = 1_000;

/// A segment and its rows.
#[derive(Debug)]
pub struct Part {
    /// The segment.
    pub segment: Segment,
    /// Its stored bytes.
    pub body: Vec<u8>,
    /// The stored bytes of its rows, in order, without those that are gone.
    pub rows: Vec<Vec<u8>>,
}

/// Whose trails there are.
///
/// # Errors
/// The store cannot be read.
pub async fn scopes(store: &dyn Store) -> Result<BTreeSet<Scope>, Error> {
    let mut scopes = BTreeSet::from([Scope::PLATFORM]);
    let mut after = None;
    loop {
        let page = store.export(<Account as Record>::KIND, after, AT_ONCE).await?;
        for exported in &page {
            let account: Account = decode(&exported.item.body)?;
            scopes.extend([Mode::Test, Mode::Live].map(|mode| Scope { account: account.id, mode }));
        }
        match page.last() {
            Some(last) if page.len() == AT_ONCE => after = Some(last.cursor.clone()),
            _ => return Ok(scopes),
        }
    }
}

/// Where a scope's chain ends.
///
/// # Errors
/// The store cannot be read, or the end cannot.
pub async fn head(store: &dyn Store, scope: Scope) -> Result<Head, Error> {
    Ok(segments::end(store, scope).await?.map_or(Head::NONE, |loaded: Loaded<End>| loaded.value.head))
}

/// A segment of a scope's chain, if it is there.
///
/// # Errors
/// The store cannot be read, or the segment cannot.
pub async fn part(store: &dyn Store, scope: Scope, number: u64) -> Result<Option<Part>, Error> {
    let Some(item) = segments::segment(store, scope, number).await? else { return Ok(None) };
    let segment: Segment = decode(&item.body)?;
    let ids: Vec<Ulid> = segment.rows.as_slice().iter().map(domain::audit::chain::Mark::id).collect();
    let rows = bodies(store, scope, &ids).await?;
    Ok(Some(Part { segment, body: item.body, rows }))
}

/// Rows between two names, with the name of the last of them; none when there are no more. At most a segment's.
///
/// # Errors
/// The store cannot be read.
pub async fn between(store: &dyn Store, scope: Scope, newer_than: Ulid, older_than: Ulid) -> Result<Option<(Ulid, Vec<Vec<u8>>)>, Error> {
    let list = List::all(scope, Index::AuditEntries);
    let ids = store.scan(Scan { newer_than: Some(newer_than), older_than: Some(older_than), ..Scan::oldest(list, MAX_ROWS) }).await?;
    let Some(last) = ids.last().copied() else { return Ok(None) };
    Ok(Some((last, bodies(store, scope, &ids).await?)))
}

async fn bodies(store: &dyn Store, scope: Scope, ids: &[Ulid]) -> Result<Vec<Vec<u8>>, Error> {
    Ok(segments::rows(store, scope, ids).await?.into_iter().flatten().map(|item| item.body).collect())
}
