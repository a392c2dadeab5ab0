//! Reads: each is one statement, and so sees one moment.

use std::collections::BTreeMap;

use deadpool_postgres::ClientWrapper;
use domain::id::Ulid;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::error;
use crate::codec::{entry_bytes, key_bytes, keys_of, list_bytes, parse_entry, parse_key};
use crate::contract::{Cursor, Exported, ExportedLink, InvalidRead, Item, Order, ReadError, Scan};
use crate::key::{Key, Kind};

const GET_ONE: &str = "SELECT key, revision, body, bytes FROM bursar.records WHERE key = $1";
const GET: &str = "SELECT r.key, r.revision, r.body, r.bytes FROM unnest($1::bytea[]) AS u (key) JOIN bursar.records AS r ON r.key = u.key";
const REVISIONS: &str = "SELECT r.key, r.revision FROM unnest($1::bytea[]) AS u (key) JOIN bursar.records AS r ON r.key = u.key";
const NEWEST: &str = "SELECT entry FROM bursar.entries WHERE entry > $1 AND entry < $2 ORDER BY entry DESC LIMIT $3";
const OLDEST: &str = "SELECT entry FROM bursar.entries WHERE entry > $1 AND entry < $2 ORDER BY entry LIMIT $3";
const EXPORT: &str = "SELECT key, revision, body, bytes FROM bursar.records WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3";
const EXPORT_LINKS: &str = "SELECT entry FROM bursar.entries WHERE entry > $1 ORDER BY entry LIMIT $2";

/// Longer than an identifier: with it a list's bytes are above all of its entries.
const ABOVE: [u8; 17] = [u8::MAX; 17];

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn unavailable(error: Error) -> ReadError {
    ReadError::Unavailable(error::text(&error))
}

fn corrupt(what: impl std::fmt::Display) -> ReadError {
    ReadError::Corrupt(what.to_string())
}

async fn query(client: &ClientWrapper, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, ReadError> {
    let statement = client.prepare_cached(statement).await.map_err(unavailable)?;
    client.query(&statement, parameters).await.map_err(unavailable)
}

fn revision(row: &Row) -> Result<u64, ReadError> {
    let revision: i64 = row.try_get(1).map_err(corrupt)?;
    u64::try_from(revision).map_err(corrupt)
}

fn item(row: &Row) -> Result<Item, ReadError> {
    let text: Option<String> = row.try_get(2).map_err(corrupt)?;
    let bytes: Option<Vec<u8>> = row.try_get(3).map_err(corrupt)?;
    let body = text.map(String::into_bytes).or(bytes).ok_or_else(|| corrupt("a record without a body"))?;
    Ok(Item { revision: revision(row)?, body })
}

/// The records of these keys, in their order.
pub(super) async fn get(client: &ClientWrapper, keys: &[Key]) -> Result<Vec<Option<Item>>, ReadError> {
    if let [key] = keys {
        let rows = query(client, GET_ONE, &[&key_bytes(key)]).await?;
        return Ok(vec![rows.first().map(item).transpose()?]);
    }
    let asked: Vec<Vec<u8>> = keys.iter().map(key_bytes).collect();
    let mut found = BTreeMap::new();
    for row in query(client, GET, &[&distinct(asked.iter().map(Vec::as_slice))]).await? {
        found.insert(row.try_get::<_, Vec<u8>>(0).map_err(corrupt)?, item(&row)?);
    }
    Ok(asked.iter().map(|key| found.get(key).cloned()).collect())
}

fn distinct<'a>(keys: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut distinct: Vec<&[u8]> = keys.collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

/// The revisions of the records that are there, by the bytes of their keys.
pub(super) type Revisions = BTreeMap<Vec<u8>, u64>;

/// The revisions of these records.
pub(super) async fn revisions<'a>(client: &ClientWrapper, keys: impl Iterator<Item = &'a [u8]>) -> Result<Revisions, ReadError> {
    let rows = query(client, REVISIONS, &[&distinct(keys)]).await?;
    rows.iter().map(|row| Ok((row.try_get(0).map_err(corrupt)?, revision(row)?))).collect()
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A part of a list.
pub(super) async fn scan(client: &ClientWrapper, scan: &Scan) -> Result<Vec<Ulid>, ReadError> {
    let above = match scan.newer_than {
        Some(id) => entry_bytes(&scan.list, id),
        None => list_bytes(&scan.list),
    };
    let below = match scan.older_than {
        Some(id) => entry_bytes(&scan.list, id),
        None => [&*list_bytes(&scan.list), &ABOVE].concat(),
    };
    let statement = match scan.order {
        Order::NewestFirst => NEWEST,
        Order::OldestFirst => OLDEST,
    };
    let rows = query(client, statement, &[&above, &below, &sql_limit(scan.limit)]).await?;
    let id = |row: &Row| parse_entry(row.try_get(0).map_err(corrupt)?).map(|(_, id)| id).ok_or_else(|| corrupt("an entry of no list"));
    rows.iter().map(id).collect()
}

/// Below the keys that an export is to go on with.
pub(super) fn after_key(kind: Kind, after: Option<&Cursor>) -> Result<Vec<u8>, InvalidRead> {
    match after {
        None => Ok(keys_of(kind).0),
        Some(cursor) => parse_key(kind, cursor.as_bytes()).map(|_| cursor.as_bytes().to_vec()).ok_or(InvalidRead::Cursor),
    }
}

/// Records of a kind, in the order of their keys.
pub(super) async fn export(client: &ClientWrapper, kind: Kind, from: &[u8], limit: usize) -> Result<Vec<Exported>, ReadError> {
    let (_, to) = keys_of(kind);
    let rows = query(client, EXPORT, &[&from, &to, &sql_limit(limit)]).await?;
    let exported = |row: &Row| {
        let bytes: Vec<u8> = row.try_get(0).map_err(corrupt)?;
        let key = parse_key(kind, &bytes).ok_or_else(|| corrupt(format!("a key of {} makes no sense", kind.table())))?;
        Ok(Exported { cursor: Cursor::from_bytes(bytes), key, item: item(row)? })
    };
    rows.iter().map(exported).collect()
}

/// Below the entries that an export is to go on with.
pub(super) fn after_entry(after: Option<&Cursor>) -> Result<Vec<u8>, InvalidRead> {
    match after {
        None => Ok(Vec::new()),
        Some(cursor) => parse_entry(cursor.as_bytes()).map(|_| cursor.as_bytes().to_vec()).ok_or(InvalidRead::Cursor),
    }
}

/// Entries of lists, in the order of their bytes.
pub(super) async fn export_links(client: &ClientWrapper, from: &[u8], limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
    let rows = query(client, EXPORT_LINKS, &[&from, &sql_limit(limit)]).await?;
    let exported = |row: &Row| {
        let bytes: Vec<u8> = row.try_get(0).map_err(corrupt)?;
        let (list, id) = parse_entry(&bytes).ok_or_else(|| corrupt("an entry of no list"))?;
        Ok(ExportedLink { cursor: Cursor::from_bytes(bytes), list, id })
    };
    rows.iter().map(exported).collect()
}
