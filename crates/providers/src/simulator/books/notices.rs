//! Notices: what the bank has come to say otherwise than it answered, numbered in the order in which it tells.
//!
//! An operation that will change waits in `promises`, by the time at which it does; whoever asks for notices moves what is
//! due to the end of `notices`. Numbers are given then, so that nothing is ever told below a number that was told before,
//! whatever the clock did meanwhile.

use domain::provider_key::ProviderKey;
use domain::time::Timestamp;
use rusqlite::{Connection, params};

use super::operation;
use crate::simulator::verdict::{Kind, Verdict};

/// A notice as the books have it.
pub(in crate::simulator) struct Noticed {
    pub(in crate::simulator) number: u64,
    pub(in crate::simulator) key: ProviderKey,
    pub(in crate::simulator) kind: Kind,
    pub(in crate::simulator) verdict: Verdict,
}

/// Remembers that an operation changes at that time.
pub(super) fn promise(books: &Connection, key: &ProviderKey, at: i64) -> rusqlite::Result<()> {
    books.prepare_cached("INSERT INTO promises (at, key) VALUES (?1, ?2)")?.execute(params![at, key.as_str()])?;
    Ok(())
}

/// Up to `limit` notices after that number, in the order of their numbers.
pub(in crate::simulator) fn notices(books: &Connection, after: u64, limit: u32, now: Timestamp) -> rusqlite::Result<Vec<Noticed>> {
    fall_due(books, limit, now)?;
    let mut statement = books.prepare_cached("SELECT number, key FROM notices WHERE number > ?1 ORDER BY number LIMIT ?2")?;
    let mut rows = statement.query(params![i64::try_from(after).unwrap_or(i64::MAX), limit])?;
    let mut told = Vec::new();
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let key = ProviderKey::from_text(row.get_ref(1)?.as_str()?);
        let Some((kind, verdict)) = operation::query(books, &key, now)? else { continue };
        told.push(Noticed { number: u64::try_from(number).unwrap_or(0), key, kind, verdict });
    }
    Ok(told)
}

fn fall_due(books: &Connection, limit: u32, now: Timestamp) -> rusqlite::Result<()> {
    let due: Vec<(i64, String)> = books
        .prepare_cached("SELECT at, key FROM promises WHERE at <= ?1 ORDER BY at, key LIMIT ?2")?
        .query_map(params![now.millis(), limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (at, key) in due {
        books.prepare_cached("INSERT INTO notices (key) VALUES (?1)")?.execute([&key])?;
        books.prepare_cached("DELETE FROM promises WHERE at = ?1 AND key = ?2")?.execute(params![at, key])?;
    }
    Ok(())
}
