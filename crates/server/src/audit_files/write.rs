//! Writing the trail to files.

use domain::audit::chain::Segment;
use domain::id::Ulid;
use domain::scope::Scope;
use domain::time::Timestamp;
use object_store::ObjectStoreExt as _;
use payments::audit::parts;
use store::Store;

use super::{ENDING, Place, UNSEALED, segment_name};
use crate::compose::SetupError;

/// Which time is to be written: segments with a row in it, whole, and rows that no segment has, a thousand at a time.
#[derive(Clone, Copy, Debug)]
pub struct Between {
    /// From when on.
    pub since: Timestamp,
    /// Up to when.
    pub until: Timestamp,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Rows.
    pub rows: usize,
    /// Segments.
    pub segments: usize,
}

/// Writes what the trail of a store tells of a time.
///
/// # Errors
/// The store cannot be read, or a file cannot be written.
pub async fn write(store: &dyn Store, to: &Place, between: Between) -> Result<Written, SetupError> {
    let unread = |e: payments::Error| SetupError(format!("the store: {e} {e:?}"));
    let mut written = Written::default();
    for scope in parts::scopes(store).await.map_err(unread)? {
        let head = parts::head(store, scope).await.map_err(unread)?;
        for number in 1..=head.number {
            let part = parts::part(store, scope, number).await.map_err(unread)?;
            // One that is missing here will be missing there, and is named as such.
            let Some(part) = part.filter(|part| touches(&part.segment, between)) else { continue };
            put(to, scope, &segment_name(number), std::iter::once(&part.body).chain(&part.rows)).await?;
            written.segments = written.segments.saturating_add(1);
            written.rows = written.rows.saturating_add(part.rows.len());
        }
        let mut last = head.last.max(before(between.since));
        let end = Ulid::first_at(between.until.plus_millis(1));
        while let Some((upto, rows)) = parts::between(store, scope, last, end).await.map_err(unread)? {
            put(to, scope, &format!("{UNSEALED}aud_{upto}{ENDING}"), rows.iter()).await?;
            written.rows = written.rows.saturating_add(rows.len());
            last = upto;
        }
    }
    Ok(written)
}

/// The largest name before that time.
fn before(at: Timestamp) -> Ulid {
    Ulid::from_bits(Ulid::first_at(at).bits().saturating_sub(1))
}

fn touches(segment: &Segment, between: Between) -> bool {
    let (first, last) = (segment.rows.as_slice().first(), segment.rows.as_slice().last());
    let is = |mark: Option<&domain::audit::chain::Mark>| mark.map(|mark| mark.id().created_at());
    is(last).is_some_and(|last| last >= between.since) && is(first).is_some_and(|first| first <= between.until)
}

async fn put<'a>(to: &Place, scope: Scope, name: &str, lines: impl Iterator<Item = &'a Vec<u8>>) -> Result<(), SetupError> {
    let mut text = Vec::new();
    for line in lines {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    let path = to.file(scope, name);
    let put = to.store.put(&path, text.into()).await;
    put.map(|_| ()).map_err(|e| SetupError(format!("{path}: {e}")))
}
